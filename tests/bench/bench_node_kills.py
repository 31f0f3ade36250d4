"""Kill -9 real nodes (MicroPython, littlefs) at work on both carriers: is any reading gone?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.node_kill_rig import NodeKillRig, Outcome

NAMES = (
    "loss.node_kills",
    "loss.node_measured",
    "loss.node_lost",
    "loss.node_twice",
    "loss.node_stuck",
    "loss.node_counter_reuse",
)
QUICK = {"bridge": 12, "mqtt": 12}
FULL = {"bridge": 150, "mqtt": 150}


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield how many nodes were killed and what the journal lacks of all that they measured."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = NodeKillRig(Path(folder), seed).run(FULL if full else QUICK)
    verdict = outcome.verdict
    kills = sum(outcome.kills.values())
    yield {"name": "loss.node_kills", "value": kills, "unit": "kills -9", "trials": kills,
           "failures": int(bool(verdict.lost or verdict.wrong or verdict.reused))}  # fmt: skip
    yield {"name": "loss.node_measured", "value": verdict.sampled, "unit": "readings"}
    yield from _zeros(outcome)


def _zeros(outcome: Outcome) -> Iterator[dict[str, Any]]:
    verdict = outcome.verdict
    for name, count, unit, met in (
        # A row that is not what the probe showed is a reading lost, too.
        ("lost", verdict.lost + verdict.wrong, "readings", verdict.sampled > 0),
        ("twice", verdict.twice, "readings", True),
        ("stuck", outcome.stuck, "readings", True),
        ("counter_reuse", verdict.reused, "frames", True),
    ):
        yield {
            "name": f"loss.node_{name}",
            "value": count,
            "unit": unit,
            "goal": "0",
            "met": count == 0 and met,
        }
