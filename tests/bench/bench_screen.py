"""Judge the screening on parts of records that it was not tuned on (recipes/screening.toml).

The packaged river with faults put in is always there; the recorded sensors and rivers need
``AMONT_DATA``. The anchor is what the plain spike and flat-line rules find together, their
thresholds set to the same budget on the tuning part. ``low95`` and ``high95`` are the bounds of
the interval; ``arrival`` is what was doubted before any second look.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from tests.bench import intervals

from amont_models import screen_report

RECORDS = ("synthetic", "logan", "trout", "trout_clear", "floodnet")
GOALS = {"isolated": 0.95, "good": 0.005, "long": 0.26}  # plain rules find 1 to 26 % of long runs
UNITS = {"isolated": "of isolated bad", "good": "of good", "long": "of long bad runs"}
RISES = "screen.rises_doubted_"
NAMES = (
    *(
        f"screen.{record}_{what}{suffix}"
        for record in RECORDS
        for what in GOALS
        for suffix in ("", *intervals.BOUNDS, "_arrival")
    ),
    *(f"{RISES}{name}" for name in screen_report.RIVERS),
)
QUICK_DRAWS = 200
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the figures; the quick variant looks at the rises of one river record only."""
    recipe = {**screen_report.recipe(), "seed": screen_report.recipe()["seed"] + seed - 1}
    draws = recipe["bootstrap"] if full else QUICK_DRAWS
    recorded = "AMONT_DATA" in os.environ
    for record in RECORDS if recorded else RECORDS[:1]:
        yield from _record(record, screen_report.judge(record, recipe, draws))
    if recorded:
        for name in screen_report.RIVERS if full else list(screen_report.RIVERS)[:1]:
            counts = screen_report.rises(name)
            share = counts["doubted"] / counts["readings"]
            yield {
                "name": f"{RISES}{name}", "value": share, "unit": "of rising readings",
                "goal": 0.005, "met": share <= 0.005,
            }  # fmt: skip


def _record(record: str, result: dict[str, Any]) -> Iterator[Figure]:
    for what, goal in GOALS.items():
        ours, name = result["ours"][what], f"screen.{record}_{what}"
        if not ours["of"]:
            continue
        met = ours["value"] <= goal if what == "good" else ours["value"] >= goal
        plain, unit = result["both"][what]["value"], UNITS[what]
        figure = {
            "name": name, "value": ours["value"], "unit": unit, "anchor": plain, "goal": goal,
            "met": met,
        }  # fmt: skip
        yield from intervals.with_bounds(figure, ours["low"], ours["high"])
        early = result["arrival"][what]["value"]
        yield {"name": f"{name}_arrival", "value": early, "unit": unit}
