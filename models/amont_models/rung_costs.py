"""Carry what each lower rung of the ladder costs from the river's metrics to the gateway.

A rung is told by the set with the most stations to which it makes a difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from amont_gateway.scoring.rung_costs import FILE, RungCosts

# The ladder's table in the metrics, by the names that the gateway gives to its rungs.
RUNGS = {"no rain": "no rain", "no upstream": "no upstream", "local only": "stage alone"}
ERROR_AT = "3h"
Rungs = Mapping[str, Mapping[str, Any]]


def costs(metrics: Mapping[str, Any]) -> RungCosts:
    """Return the costs that the river's metrics hold; a rung that no set shows is left out."""
    found = {}
    for rung, measured in RUNGS.items():
        sets = [one for one in metrics["ladder"].values() if _shows(one, measured)]
        if sets:
            widest = max(sets, key=lambda one: int(one["full"]["stations"]))
            found[rung] = _cost(widest[measured], widest["full"])
    return msgspec.convert({"model_sha256": metrics["model_sha256"], "rungs": found}, RungCosts)


def write(metrics: Mapping[str, Any], path: Path = FILE) -> None:
    """Write the file that the gateway reads."""
    content = msgspec.to_builtins(costs(metrics))
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _shows(ladder: Rungs, measured: str) -> bool:
    """Tell whether a set's stations had any part that a rung takes away, and announced floods."""
    both = (ladder.get(measured), ladder["full"])
    told = all(one is not None and one["warning"]["lead_h"][0] is not None for one in both)
    return told and both[0] != both[1]


def _cost(lower: Mapping[str, Any], full: Mapping[str, Any]) -> dict[str, Any]:
    def of(name: str, unit: float) -> tuple[int, int]:
        with_it, without = (one["warning"][name][0] * unit for one in (full, lower))
        return round(without), round(with_it)

    # PI is one less the squared error over that of persistence, which is the same on both rungs.
    squared = [1.0 - one["pi"][ERROR_AT][0] for one in (lower, full)]
    return {
        "stations": int(full["stations"]),
        "notice_min": of("lead_h", 60.0),
        "told_percent": of("pod", 100.0),
        "false_percent": of("far", 100.0),
        "error_more_percent": round(100.0 * ((squared[0] / squared[1]) ** 0.5 - 1.0)),
    }
