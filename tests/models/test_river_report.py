"""The river card's part on other rivers: measured as a score is, told in both languages."""

import json

import pytest
from tests.models import made_river

from amont_models import river_report, river_trees, score_tables
from amont_models.pipeline import plain, read_metrics
from amont_models.recipe import ARTIFACTS_DIR
from amont_models.records.table import DataError
from amont_models.river_chain import shipped


@pytest.fixture(scope="module")
def metrics():
    held = pytest.MonkeyPatch()
    held.setattr(river_trees, "is_here", lambda: False)
    chain, records = shipped(ARTIFACTS_DIR), [made_river.record(stations=3, days=40)]
    found = plain(
        {
            "model_sha256": chain.sha256,
            "sets": {"long": river_report._set(records, chain)},
            "ladder": {"long": river_report._ladder(records, chain)},
        }
    )
    held.undo()
    return found


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_rule_and_rung_is_told(metrics, language):
    text = river_report.render(metrics, language)
    words = river_report._words(language)
    assert set(river_report.RULES) == set(score_tables.ORDER)  # no floor of the scorer is left out
    for name in score_tables.ORDER:
        shown = f"\n| {words.get(name, name)} |" in text
        assert shown == (name != river_trees.NAME)  # not here in this test
    assert "+30 min" not in text  # an hourly station does not tell it
    for step in metrics["ladder"]["long"]:
        assert f"| {words[step]} |" in text
    assert set(metrics["ladder"]["long"]) >= {"full", "no rain"}
    assert "{" not in text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_curve_stands_beside_what_ships(metrics, language):
    found = metrics["sets"]["long"]
    text = river_report.render(metrics, language)
    row = found["curve"]["q90"]
    assert f"| 90 % | {row['pod']:.2f}, " in text
    ours = found["warnings"]["warning"]
    assert f"| **{'warning' if language == 'en' else 'alerte'}** | {ours['pod'][0]:.2f}, " in text


def test_the_parts_that_were_kept_are_told(metrics):
    found = metrics["sets"]["long"] | {
        "adapted": 2,
        "parts": dict(line=2, widths=1, margins=0, shift=1),
    }
    for language, told in (
        ("en", "medians\nwas kept at 2 stations"),
        ("fr", "gardée à 2 stations"),
    ):
        text = river_report.render(metrics | {"sets": {"long": found}}, language)
        assert told in text
    assert set(metrics["sets"]["long"]["parts"]) == set(found["parts"])


def test_metrics_of_fewer_rules_give_fewer_rows(metrics):
    found = metrics["sets"]["long"]
    rows = {name: row for name, row in found["warnings"].items() if name != "random"}
    text = river_report.render(metrics | {"sets": {"long": found | {"warnings": rows}}}, "en")
    words = river_report._words("en")
    assert words["random"] not in text
    assert words["threshold"] in text


def test_each_figure_has_its_interval(metrics):
    row = metrics["sets"]["long"]["warnings"]["warning"]
    value, low, high = row["pod"]
    assert low <= value <= high
    assert river_report.ends([0.5, 0.25, 1.0]) == "0.50 (0.25 … 1.00)"
    assert river_report.ends([None, None, None]) == "–"


def test_the_rule_is_told_with_its_budget():
    made = read_metrics(ARTIFACTS_DIR)["river"]
    for language in ("en", "fr"):
        text = river_report.rule(made, language)
        assert str(made["rule_chosen"]["budget_false_per_station_month"]["warning"]) in text
        assert "{" not in text
    assert river_report.rule({}, "en") == ""


def test_it_wants_the_records_and_says_what_is_not_there(monkeypatch, tmp_path):
    monkeypatch.delenv("AMONT_DATA", raising=False)
    with pytest.raises(DataError, match="AMONT_DATA"):
        river_report.measure(ARTIFACTS_DIR, print)
    with pytest.raises(DataError, match="amont-models rivers"):
        river_report.read(tmp_path / "river.metrics.json")
    path = tmp_path / "made.json"
    river_report.write({"sets": {}}, path)
    assert json.loads(path.read_text()) == river_report.read(path)
