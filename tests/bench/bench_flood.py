"""Score what ships on rivers that it was not trained on, as ``amont-models score`` does.

``flood.packaged_*`` come from the rivers that arrive by pip, in years that training never saw. The
others need the records beside the checkout (``AMONT_DATA``): ``flood.long_*`` from the second
parts of those of a year and more, ``flood.french_*`` from raw French telemetry in flood months, of
stations that never taught, faulty sensors left in. The anchor is the simple rule's figure: the
fixed lower mark for warnings, the better of persistence and the straight line for forecasts.
``low95`` and ``high95`` draw the stations again, for coverage the events.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench import intervals

from amont_gateway.scoring.river_features import HORIZONS_H
from amont_models import recipe, river_lessons, score_river, score_tables
from amont_models.records import catalogue
from amont_models.river_chain import shipped
from amont_models.river_report import SETS
from amont_models.score_river import Collected

LARGE = "river_usgs_15min_discharge"  # 700,000 readings: only in full
HOURS = (1, 2, 3)
PI_GOALS = {
    "packaged": (0.60, 0.55, 0.50),
    "long": (0.60, 0.55, 0.50),
    "french": (0.50, 0.45, 0.40),
}
_DRAWN = (  # with the bounds of their intervals
    *(f"{level}_{what}" for level in ("warning", "watch") for what in ("pod", "far", "lead_h")),
    *(f"pi_{hours}h" for hours in HOURS),
    "pinball_skill_3h",
    "ridge_pi_3h",
    *(f"coverage_{hours}h" for hours in HORIZONS_H),
)
_WHAT = (
    *intervals.names(_DRAWN),
    "warning_false_per_station_month",
    "faults_warnings_per_station_year",
    "faults_events_missed",
)
NAMES = tuple(f"flood.{name}_{what}" for name in SETS for what in _WHAT)
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the figures of each set that is here; draws have their own fixed seeds."""
    chain, river = shipped(recipe.ARTIFACTS_DIR), recipe.load("river")
    for name, records in SETS.items():
        if name != "packaged" and "AMONT_DATA" not in os.environ:
            continue
        wanted = (*records, LARGE) if name == "long" and full else records
        unseen = [river_lessons.held_back(river, catalogue.load(one)) for one in wanted]
        yield from _set(name, [score_river.collect(one, chain, ("all",)) for one in unseen])


def _set(name: str, found: Sequence[Collected]) -> Iterator[Figure]:
    clean = score_tables.tables([tally for one in found for tally in one.clean])
    faulted = score_tables.tables([tally for one in found for tally in one.faulted["all"]])
    yield from told(name, clean, faulted)


def told(name: str, clean: dict[str, Any], faulted: dict[str, Any]) -> Iterator[Figure]:
    """Yield the figures of a set from its two tables."""
    for what, (_, low, high), figure in (
        *_warnings(clean),
        *_skill(clean, PI_GOALS[name]),
        *_cover(clean),
    ):
        yield from intervals.with_bounds({"name": f"flood.{name}_{what}", **figure}, low, high)
    ours, mark = (clean["warnings"][rule] for rule in ("warning", "p98 mark"))
    monthly, floor = (row["false_per_station_month"] for row in (ours, mark))
    figure = {"value": monthly, "unit": "a station-month", "anchor": floor}
    yield {"name": f"flood.{name}_warning_false_per_station_month", **figure}
    for what, figure in _faults(clean["warnings"], faulted["warnings"]):
        yield {"name": f"flood.{name}_{what}", **figure}


Drawn = tuple[str, Sequence[float], Figure]  # what it is, value with its bounds, the figure


def _warnings(table: dict[str, Any]) -> Iterator[Drawn]:
    rows = table["warnings"]
    mark = rows["p98 mark"]
    for level in ("warning", "watch"):
        ours = rows[level]
        for what, unit, goal in (("pod", "POD", 0.95), ("far", "FAR", 0.30)):
            value, floor = ours[what][0], mark[what][0]
            met = value >= goal if what == "pod" else value <= goal
            figure = {"value": value, "unit": unit, "anchor": floor, "goal": goal, "met": met}
            yield f"{level}_{what}", ours[what], figure
        lead, floor = ours["lead_h"][0], mark["lead_h"][0]
        figure = {"value": lead, "unit": "h, median", "anchor": floor, "goal": floor}
        yield f"{level}_lead_h", ours["lead_h"], {**figure, "met": lead >= floor}


def _skill(table: dict[str, Any], goals: Sequence[float]) -> Iterator[Drawn]:
    rows = table["skill"]
    for hours, goal in zip(HOURS, goals, strict=True):
        ours, line = rows[f"model_{hours}h"]["pi"], rows[f"linear_{hours}h"]["pi"][0]
        figure = {"value": ours[0], "unit": "PI, rising", "anchor": max(0.0, line), "goal": goal}
        yield f"pi_{hours}h", ours, {**figure, "met": ours[0] >= goal}
    ours = rows["model_3h"]["pinball_skill"]
    floor = max(0.0, rows["linear_3h"]["pinball_skill"][0])
    figure = {"value": ours[0], "unit": "of pinball loss", "anchor": floor}
    yield "pinball_skill_3h", ours, {**figure, "met": ours[0] > floor}
    ridge, value = rows["ridge_3h"]["pi"], rows["model_3h"]["pi"][0]
    figure = {"value": ridge[0], "unit": "PI of ridge", "anchor": value}
    yield "ridge_pi_3h", ridge, {**figure, "met": value >= ridge[0]}


def _cover(table: dict[str, Any]) -> Iterator[Drawn]:
    for horizon, row in table["coverage"].items():
        (share, low, high), goal = row["share"], row["nominal"]
        if not row["steps"]:  # hourly stations tell no half hour
            continue
        figure = {"value": share, "unit": "of event hours", "goal": goal}
        yield f"coverage_{horizon}", row["share"], {**figure, "met": low <= goal <= high}


def _faults(clean: dict[str, Any], faulted: dict[str, Any]) -> Iterator[tuple[str, Figure]]:
    ours, before, mark = faulted["warning"], clean["warning"], faulted["p98 mark"]
    years = ours["months"] / 12.0
    value = max(0.0, ours["false"] - before["false"]) / years
    floor = max(0.0, mark["false"] - clean["p98 mark"]["false"]) / years
    figure = {"value": value, "unit": "a station-year more", "anchor": floor, "goal": 1.0}
    yield "faults_warnings_per_station_year", {**figure, "met": value <= 1.0}
    missed = max(0.0, before["warned"] - ours["warned"])
    figure = {"value": missed, "unit": f"of {before['warned']:.0f} warned before", "goal": 0}
    yield "faults_events_missed", {**figure, "met": missed == 0}
