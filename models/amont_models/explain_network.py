"""Explain a past moment of a network: what its test had, what it said, and what had changed.

The test is the gateway's own, run again over what the journal held at that moment; what was read
is set beside the same hours of the days before, as the page does.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np

from amont_gateway.records import RecordReader
from amont_gateway.scoring.network_hours import means, reach_ms
from amont_gateway.scoring.network_live import NetworkVerdicts
from amont_gateway.scoring.timeline import GOOD, HOUR_MS, Floats
from amont_gateway.windows import Windows
from amont_models.explain_readings import Found, doubts, newest
from amont_models.records import DataError
from amont_models.site_past import WHOLE, SitePast
from amont_site.water import Network

DAYS = 7  # that are told, each beside as many before it
DAY_H = 24


def explain_network(past: SitePast, network: Network, at_ms: int, records: Path) -> Found:
    """Return what a network's test had and said at a moment, as plain data."""
    windows = past.windows(at_ms, reach_ms(at_ms), WHOLE)
    verdicts = NetworkVerdicts(msgspec.structs.replace(past.site, networks=[network]))
    verdicts.update(windows, at_ms)
    while verdicts.behind:
        verdicts.update(windows, at_ms)
    said = verdicts.network(network.id) or {}
    sensors = [*network.inflow, *network.inner, *network.levels, *network.pressures]
    rule = verdicts.rules[said["model"]]
    return {
        "kind": "network",
        "place": network.id,
        "at_ms": at_ms,
        **{key: said[key] for key in (
            "model", "verdict", "rung", "left_out", "learning", "heard", "meters_heard",
        )},
        "status": said["model_status"],
        "rule": {key: value for key, value in rule.items() if not isinstance(value, dict)},
        "pressures": len(network.pressures),
        "meters": len(sensors) - len(network.pressures),
        "leaks": [msgspec.to_builtins(leak) for leak in said["leaks"]],
        "days": _days(windows, network.inflow, at_ms),
        "sensors": {sensor: newest(windows, sensor, at_ms) for sensor in sensors},
        "doubted": [one for sensor in sensors for one in doubts(windows, sensor, at_ms)],
        "recorded": _recorded(records, network.id, at_ms),
    }  # fmt: skip


def _days(windows: Windows, inlets: list[str], at_ms: int) -> list[Found]:
    """Return the mean inflow of each of the last days, and of the days before it."""
    hourly = sum(_hourly(windows, one, at_ms) for one in inlets)
    by_day = np.asarray(hourly).reshape(2 * DAYS, DAY_H)
    last_ms = at_ms // HOUR_MS * HOUR_MS
    return [
        {
            "end_ms": last_ms - back * DAY_H * HOUR_MS,
            "inflow_l_h": _mean(by_day[-1 - back]),
            "before_l_h": _mean(by_day[-1 - back - DAYS : len(by_day) - 1 - back]),
        }
        for back in reversed(range(DAYS))
    ]


def _hourly(windows: Windows, sensor: str, at_ms: int) -> Floats:
    last_ms = at_ms // HOUR_MS * HOUR_MS
    first_ms = last_ms - (2 * DAYS * DAY_H - 1) * HOUR_MS
    t_ms, value, quality = windows.series(sensor)
    good = np.asarray(quality) == GOOD
    return means(t_ms[good], np.asarray(value, float)[good], first_ms, last_ms)


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _recorded(path: Path, network: str, at_ms: int) -> Found:
    """Return what the gateway's own records last said of the network until then."""
    if not path.exists():
        return {"known": False}
    try:
        with closing(RecordReader(path)) as reader:
            told = reader.last_before("seen network", at_ms)
    except sqlite3.Error as error:
        raise DataError(f"{path}: {error}") from error
    last = next((one for one in told if one.get("network") == network), None)
    return {"known": True, "network": last}
