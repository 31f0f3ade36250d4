"""From the true crossing of a node's mark to its urgent frame, profile by profile.

The node's pure duty in virtual time, 5 % of the frames lost each way, at any number and so any
slot, at any phase. Rivers rise from their calm level at 10 to 400 mm a minute, pipes lose their
pressure within a second to a minute; the float switch closes where the mark is. The anchor is
the same node without marks: it samples as often and tells it with four samples in a frame.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.bench.node_life import NodeLife, Value

from amont_node import duty as act
from amont_node.delivery import URGENT

HIGH_MM, CALM_MM, RISE_MM_MIN = 1200, 400, 6
LOW_PA10, USUAL_PA10 = 30_000, 42_000
LOSS = 0.05
SLOT_S = 5  # an urgent frame waits this long at most
LATE_S = 7200
_CALM_S = 7200


@dataclass(frozen=True)
class Case:
    """A profile as a node is configured for it, and what its urgent frame may take."""

    name: str
    settings: dict[str, Any]
    goal_s: int
    pipe: bool = False
    is_float: bool = False
    marks: dict[str, Any] = field(default_factory=dict)


_RIVER = {"high_mark": HIGH_MM, "rise_mark": RISE_MM_MIN}
_PIPE = {"high_mark": None, "rise_mark": None, "low_mark": LOW_PA10}
_FLASH = {"profile": "flash-flood"}
CASES = (
    Case("slow_river", {"profile": "slow-river"}, 900 + SLOT_S, marks=_RIVER),
    Case("pipe", {"profile": "pipe"}, 900 + SLOT_S, pipe=True, marks=_PIPE),
    Case("pipe_look_60", {"profile": "pipe", "look_s": 60}, 60 + SLOT_S, pipe=True, marks=_PIPE),
    Case("flash_flood", _FLASH, 60 + SLOT_S, marks=_RIVER),
    Case("flash_flood_120", {**_FLASH, "look_s": 120}, 120 + SLOT_S, marks=_RIVER),
    Case("flash_flood_float", {**_FLASH, "look_s": None}, 10, is_float=True, marks=_RIVER),
)
NAMES = tuple(f"node.crossing_{case.name}" for case in CASES)


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the worst of all crossings by profile; ``full`` takes 2,000 of each."""
    count = 2000 if full else 100
    for case in CASES:
        taken = sorted(crossing(case, seed * 100_000 + i) for i in range(count))
        plain = max(crossing(case, seed * 100_000 + i, marks=False) for i in range(count // 5))
        p99 = statistics.quantiles(taken, n=100, method="inclusive")[98]
        yield {
            "name": f"node.crossing_{case.name}", "value": taken[-1],
            "unit": f"s, worst of {count} (p50 {statistics.median(taken):.0f}, p99 {p99:.0f})",
            "anchor": plain, "goal": case.goal_s, "met": taken[-1] <= case.goal_s,
            "trials": count, "failures": sum(s > case.goal_s for s in taken),
        }  # fmt: skip


def crossing(case: Case, seed: int, marks: bool = True) -> int:
    """Return the seconds from the crossing to the first frame that tells of it at once."""
    chance = random.Random(seed)
    value, crossed_s = (_burst if case.pipe else _flood)(chance)
    settings = {
        "schema": 1, "id": chance.randrange(1, 64), "generation": 1, "interval_s": 900,
        "fast_interval_s": 60, "carrier": {"kind": "radio", "lora": {}}, "frame_samples": 4,
        "channels": [{"index": 0, "quantity": 1, "probe": {"kind": "constant"}}],
        **case.settings, **(case.marks if marks else {}),
    }  # fmt: skip
    if not marks:
        settings |= {"profile": None, "look_s": None}
    life = NodeLife(settings, value, seed, LOSS)
    if case.is_float and marks:
        life.run(crossed_s)
        life.run(crossed_s + LATE_S, (act.FLOAT, crossed_s))
    else:
        life.run(crossed_s + LATE_S)
    return _told_s(life, crossed_s, marks) - crossed_s


def _told_s(life: NodeLife, crossed_s: int, marks: bool) -> int:
    """Return when the first frame left that holds a sample from beyond the mark."""
    for told in life.told:
        newest_s = life.samples[told.last][0] if told.last >= 0 else 0
        beyond = told.tick_s >= crossed_s and newest_s >= crossed_s
        if beyond and (told.kind == URGENT or not marks):
            return told.tick_s
    return crossed_s + LATE_S


def _flood(chance: random.Random) -> tuple[Value, int]:
    begins_s = _CALM_S + chance.randrange(3600)
    mm_min = math.exp(chance.uniform(math.log(10), math.log(400)))

    def value(tick_s: int) -> int:
        risen = max(0.0, tick_s - begins_s) * mm_min / 60
        return CALM_MM + min(math.floor(risen), 2600)

    return value, begins_s + math.ceil((HIGH_MM - CALM_MM) * 60 / mm_min)


def _burst(chance: random.Random) -> tuple[Value, int]:
    begins_s, falls_s = _CALM_S + chance.randrange(3600), chance.randint(1, 60)

    def value(tick_s: int) -> int:
        share = min(1.0, max(0.0, (tick_s - begins_s) / falls_s))
        return USUAL_PA10 - math.floor(22_000 * share)

    return value, begins_s + math.ceil(falls_s * (USUAL_PA10 - LOW_PA10) / 22_000)
