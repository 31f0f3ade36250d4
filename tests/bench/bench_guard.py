"""Deciding frame at the bridge's port to relay, on real guards under siege; see ``siege``.

Beside it, under the same hung disk, a naive guard that makes its audit durable before it switches
the relay: it never does, and the harness must see that.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.siege import STATIONS, TROUBLES, WAIT_S, besiege, naive_alarms

NAMES = (
    "guard.latency_p50", "guard.latency_p99", "guard.latency_p999", "guard.latency_max",
    "guard.latency_naive_late", "guard.latency_kills", "guard.latency_jumps",
)  # fmt: skip
ALARMS = 10_000
P999_GOAL_MS, MAX_GOAL_MS = 1_000.0, 5_000.0


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of about 100 alarms; ``full`` of 10,000, in about nine minutes."""
    a_round = STATIONS * len(TROUBLES)
    rounds = -(-ALARMS // a_round) if full else 2
    with contextlib.suppress(PermissionError):  # or the bench measures when it gets to write
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    try:
        with tempfile.TemporaryDirectory() as folder:
            by_trouble, kills, jumps = besiege(Path(folder), rounds, seed)
        with tempfile.TemporaryDirectory() as folder:
            naive = naive_alarms(Path(folder), seed)
    finally:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, 0)
    yield from _times(by_trouble)
    late = sum(taken > MAX_GOAL_MS for taken in naive)
    yield {"name": "guard.latency_naive_late", "value": late, "goal": "> 0", "met": late > 0,
           "unit": f"of {len(naive)} alarms not within {WAIT_S:.0f} s, audit first"}  # fmt: skip
    yield {"name": "guard.latency_kills", "value": kills, "unit": "gateways killed or hung up"}
    yield {"name": "guard.latency_jumps", "value": jumps, "unit": "wall clock jumps"}


def _times(by_trouble: dict[str, list[float]]) -> Iterator[dict[str, Any]]:
    taken = sorted(ms for times in by_trouble.values() for ms in times)
    worst = ", ".join(f"{name} {max(times):.0f}" for name, times in by_trouble.items())
    cuts = statistics.quantiles(taken, n=1000, method="inclusive")
    for name, value, goal, unit in (
        ("p50", cuts[499], None, "ms"), ("p99", cuts[989], None, "ms"),
        ("p999", cuts[998], P999_GOAL_MS, "ms"), ("max", taken[-1], MAX_GOAL_MS, f"ms ({worst})"),
    ):  # fmt: skip
        figure = {"name": f"guard.latency_{name}", "value": round(value, 2), "unit": unit,
                  "goal": goal, "met": None if goal is None else value <= goal}  # fmt: skip
        if name == "max":
            figure |= {"trials": len(taken), "failures": sum(ms > MAX_GOAL_MS for ms in taken)}
        yield figure
