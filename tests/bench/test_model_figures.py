"""The benches of the models: what ships with its interval, int8 with its goals, known names."""

import math

import pytest
from tests.bench import bench_flood, bench_int8, bench_leaks, figures, intervals
from tests.models import made_river

from amont_models import score_river, score_tables
from amont_models.recipe import ARTIFACTS_DIR
from amont_models.river_chain import shipped


def by_name(given, module):
    """Return figures by name, each as the bench prints it: finite, and known to its module."""
    made = [figures.complete(one, tuple(module.NAMES), 0.0, 1) for one in given]
    assert len({one["name"] for one in made}) == len(made)
    return {one["name"]: one for one in made}


def test_bounds_follow_their_figure_where_they_are_known():
    figure = {"name": "model.x", "value": 0.5, "unit": "h", "goal": 1.0, "met": False}
    given = list(intervals.with_bounds(figure, 0.25, 0.75))
    assert [one["name"] for one in given] == list(intervals.names(["model.x"]))
    assert [one["value"] for one in given] == [0.5, 0.25, 0.75]
    assert "met" not in given[1]
    for unknown in (None, math.nan):
        assert list(intervals.with_bounds(figure, unknown, unknown)) == [figure]


@pytest.fixture(scope="module")
def river_tables():
    chain, record = shipped(ARTIFACTS_DIR), made_river.record(stations=3, days=60)
    found = score_river.collect(record, chain, ("all",))
    return score_tables.tables(found.clean), score_tables.tables(found.faulted["all"])


def test_flood_figures_are_of_the_rule_that_ships(river_tables):
    clean, faulted = river_tables
    given = by_name(bench_flood.told("packaged", clean, faulted), bench_flood)
    for level in ("warning", "watch"):
        for what in ("pod", "far", "lead_h"):
            name = f"flood.packaged_{level}_{what}"
            shown = [given[one]["value"] for one in intervals.names([name])]
            assert shown == clean["warnings"][level][what]
    assert given["flood.packaged_pi_1h_low95"]["value"] == clean["skill"]["model_1h"]["pi"][1]
    assert "flood.packaged_coverage_6h_high95" in given
    assert "flood.packaged_coverage_0.5h" not in given  # hourly stations tell no half hour
    assert given["flood.packaged_pi_1h"]["goal"] == bench_flood.PI_GOALS["packaged"][0]


def test_leak_figures_have_the_bounds_of_the_table():
    row = {
        "found_15": 4, "leaks_15": 5, "strict_f1": 0.8, "false_per_year": 0.5, "abrupt_h": 20.0,
        "found_15_95": [0.6, 1.0], "strict_f1_95": [0.7, 0.9], "false_per_year_95": [0.0, 1.0],
        "abrupt_95": [math.nan, math.nan],
    }  # fmt: skip
    table = {"what ships": row, "step test": {**row, "strict_f1": 0.9, "found_15": 1}}
    given = by_name(bench_leaks._set("year", table), bench_leaks)
    assert given["leak.year_strict_f1"]["anchor"] == 0.9
    assert given["leak.year_strict_f1_low95"]["value"] == 0.7
    assert "leak.year_abrupt_h_low95" not in given
    area = by_name(bench_leaks._set("area", table), bench_leaks)
    assert [area[f"leak.area_found_15{end}"]["value"] for end in ("", "_high95")] == [0.8, 1.0]


def near(df1, differ):
    """Return what training measures, as far as the bench reads it."""
    file = {"of": 40, "found": 30, "false": 5, "f1": 0.8}
    river = {"dpi": 0.02, "df1": df1, "differ": differ, "steps": 10_000}
    river["levels"] = {"warning": {"int8": file, "float": file}}
    leak = {"df1": df1, "df1_shipped": 0.0, "differ": 0, "nights": 500, "int8": file}
    return {"river": {"int8": river}, "leak": {"int8": leak}}


def test_int8_figures_stand_beside_their_goals():
    given = by_name(bench_int8.told(near(0.005, 10)), bench_int8)
    assert set(given) == set(bench_int8.NAMES)
    met = {name: one["met"] for name, one in given.items()}
    assert met.pop("int8.dpi") is False
    assert all(met.values())
    given = by_name(bench_int8.told(near(0.0051, 11)), bench_int8)
    assert [given[f"int8.{name}"]["met"] for name in ("df1_river", "same_decision")] == [False] * 2
    assert given["int8.df1_leak"]["met"]  # what ships asks no network
    assert not given["int8.df1_leak_asked"]["met"]


def test_metrics_from_before_give_no_int8_figure():
    assert list(bench_int8.told({"river": {}, "leak": {}})) == []
