"""Score the leak tests as ``amont-models score`` does: unseen networks, areas with opened leaks.

``leak.area_*`` need the areas beside the checkout (``AMONT_DATA``), whose first 15 months taught
the rule; ``leak.town_*`` the simulated town of 2018, which taught nothing; ``leak.year_*``
simulated years of other leaks, which taught nothing either (training's ``wntr`` and ``epyt``; all
three in full, else the first), and ``leak.flows_*`` the same years without a pressure. The anchor
is the best figure among the simple rules; ``low95`` and ``high95`` are drawn as the scorer says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from tests.bench import intervals

from amont_models import ltown_years, network_judging, network_report, recipe, score_zone
from amont_models.records import catalogue

GOALS = {
    "area": {"found_15": 1.0, "false_per_year": 1.0, "abrupt_h": 24.0},
    "town": {"strict_f1": 0.95, "false_per_year": 1.0, "abrupt_h": 24.0},
    "year": {"strict_f1": 0.95, "false_per_year": 1.0, "abrupt_h": 24.0},
    "flows": {"strict_f1": 0.85, "false_per_year": 1.0, "abrupt_h": 24.0},
}
UNITS = {
    "found_15": "share of leaks",
    "strict_f1": "F1, strict",
    "false_per_year": "a year and place",
    "abrupt_h": "h, median",
}
HIGHER = ("found_15", "strict_f1")
NAMES = tuple(
    intervals.names(f"leak.{name}_{what}" for name, goals in GOALS.items() for what in goals)
)
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the figures of what is here; the quick variant judges one simulated year."""
    del seed
    if "AMONT_DATA" in os.environ:
        areas = catalogue.load("pipe_dma_inflow_hourly")
        yield from _set("area", score_zone.score(areas, recipe.ARTIFACTS_DIR)["table"])
        town = catalogue.load(network_report.TOWN)
        yield from _set("town", network_judging.judge([town]))
    if all(find_spec(name) for name in ("wntr", "epyt")):
        seeds = network_report.recipe()["years"]["judged"]
        judged = seeds if full else seeds[:1]
        years = [ltown_years.year(one, network_report.YEARS) for one in judged]
        yield from _set("year", network_judging.judge(years))
        flows = [network_judging.without_pressures(one) for one in years]
        yield from _set("flows", network_judging.judge(flows))


def _set(name: str, table: Mapping[str, Mapping[str, Any]]) -> Iterator[Figure]:
    ours, floors = (
        table["what ships"],
        [row for rule, row in table.items() if rule != "what ships"],
    )
    for what, goal in GOALS[name].items():
        value = _value(ours, what)
        others = [found for row in floors if (found := _value(row, what)) is not None]
        if value is None:
            continue
        figure: Figure = {"name": f"leak.{name}_{what}", "value": value, "unit": UNITS[what]}
        figure["goal"] = goal
        if what in HIGHER:
            figure["anchor"] = max(others)
        figure["met"] = value >= goal if what in HIGHER else value <= goal
        low, high = ours.get(f"{what.removesuffix('_h')}_95", (None, None))
        yield from intervals.with_bounds(figure, low, high)


def _value(row: Mapping[str, Any], what: str) -> float | None:
    if what == "found_15":
        return float(row["found_15"]) / float(row["leaks_15"]) if row["leaks_15"] else None
    return None if row[what] is None else float(row[what])
