"""What Grafana's own code makes of planted mistakes is seen; units and names are those it has."""

import copy

import pytest
from tests.dashboards import showing
from tests.dashboards.every_kind import ALL, EVERY

from amont_dashboards.check import TRANSFORMATIONS
from amont_dashboards.render import dashboard
from amont_dashboards.units import KNOWN

TIMES = [1_795_000_000_000, 1_795_000_060_000]
ZONES = ("bourg", "hameau")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return showing.known(tmp_path_factory.mktemp("known"))


def panel(kind):
    made = dashboard(EVERY, "en", ALL)
    return copy.deepcopy(next(p for p in made["panels"] if p["type"] == kind))


def answered(found):
    """A panel with two rows for each of two zones."""
    frames = []
    for target in found["targets"]:
        name = target["query"].split(' AS "')[1].split('"')[0]
        series = [
            {"name": "m", "tags": {"zone": zone}, "columns": ["time", name],
             "values": [[at, number + n] for n, at in enumerate(TIMES)]}
            for number, zone in enumerate(ZONES)
        ]  # fmt: skip
        frames += showing.frames_of(target, series)
    return {"panel": found, "frames": frames}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """A good panel of lines, a good table, and lines with a mistake each, seen at once."""
    lost, odd = panel("timeseries"), panel("timeseries")
    lost["fieldConfig"]["overrides"][0]["matcher"] = {"id": "byName", "options": "Nobody"}
    odd["fieldConfig"]["defaults"]["unit"] = "m3h"
    asked = [answered(one) for one in (panel("timeseries"), panel("table"), lost, odd)]
    return showing.shown(asked, tmp_path_factory.mktemp("seen"))


def values(found):
    return [field for frame in found["frames"] for field in frame if field["name"] == "Value"]


def test_units_are_grafanas_own(known):
    named = {unit for unit in KNOWN if not unit.startswith("suffix:")}
    assert named <= {*known["units"], "string"}
    assert "m3h" not in known["units"]


def test_transformations_are_grafanas_own(known):
    assert set(known["transformations"]) >= TRANSFORMATIONS


def test_names_words_and_units_are_seen(seen):
    lines = values(seen[0])
    assert [line["title"] for line in lines[:2]] == ["bourg", "hameau"]
    assert lines[0]["text"] == "1.0 m³/h"
    assert seen[0]["unmatched"] == []


def test_rows_of_several_queries_stand_side_by_side_in_the_order_asked_for(seen):
    (frame,) = seen[1]["frames"]
    assert [field["title"] for field in frame] == ["Zone", "Night flow", "Verdict"]


def test_an_override_of_nothing_is_seen(seen):
    assert seen[2]["unmatched"] == ["Nobody"]


def test_a_unit_that_is_none_is_written_out(seen):
    assert values(seen[3])[0]["text"].endswith(" m3h")


def test_a_transformation_that_is_none_stops_it(tmp_path):
    wrong = panel("table")
    wrong["transformations"][0]["id"] = "joinByColumn"
    with pytest.raises(AssertionError, match="joinByColumn"):
        showing.shown([answered(wrong)], tmp_path)
