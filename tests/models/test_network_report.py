"""The network's card: every figure from its metrics, in both languages."""

import pytest

from amont_gateway.scoring.network_inflow import InflowRule
from amont_gateway.scoring.network_test import NetworkRule
from amont_models import (
    card,
    leak_table,
    network_flows,
    network_judging,
    network_report,
    network_tables,
    score_network,
)
from amont_models.leak_events import DAY_MS, Tally
from amont_models.pipeline import plain
from amont_models.recipe import MODELS_DIR
from amont_models.records.ltown import PUMP
from amont_models.records.table import Record, Source, channel

SOURCE = Source("made", "here", "Apache-2.0", "none")


def row(found):
    tally = Tally(leaks=19, found=found, strict=found, alarms=found, years=1.0, placed=found)
    tally.abrupt_h = [9.0] * found
    return plain({**tally.summary(), **leak_table.intervals([tally] * 4)})


@pytest.fixture
def metrics():
    rows = {name: row(k + 3) for k, name in enumerate(score_network.rules("UTC"))}
    return {
        "years": {"settings": [1, 2], "judged": [3, 4, 5]},
        "judged": rows,
        "town": rows,
        "settings": {score_network.SHIPPED: row(18)},
        "told": [[{"told": 0.9, "alarms": 4, "found": 3}], []],
        "curve": [
            {"alarm": 7.0, "ships": True, "strict_f1": 0.8, "false_per_year": 0.0, "repeats": 3}
        ],
        "less": {name: row(2) for name in network_judging.LESS},
    }


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_rule_and_each_lack_stands_in_the_card(metrics, language):
    text = network_report.render(metrics, language)
    words = network_tables.WORDS[language]
    for name in (*metrics["judged"], *metrics["less"]):
        assert f"| {words.get(name, name)} |" in text
    assert card.localised("9", language) in text
    assert "{" not in text


def test_french_numbers_have_a_comma(metrics):
    assert "0,97" in network_report.render(metrics, "fr")  # 18 of 19 without a false one
    assert "0.97" in network_report.render(metrics, "en")


def test_less_is_known_as_it_says():
    t_ms = DAY_MS * (1 + channel("x", "flow", [0], [0.0]).t_ms)
    names = (("in", "inflow"), (PUMP, "flow"), ("tank", "level"), ("n1", "pressure"))
    channels = tuple(channel(name, quantity, t_ms, [1.0]) for name, quantity in names)
    record = Record("made", "network", SOURCE, channels)
    made = {name: change(record) for name, change in network_judging.LESS.items()}
    assert {one.name for one in made["pump as inlet"].of("inflow")} == {"in", PUMP}
    assert not made["no pump"].of("flow")
    assert {one.quantity for one in made["neither pump nor tank"].channels} == {
        "inflow", "pressure",
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_committed_card_agrees_with_the_committed_metrics(language):
    path = MODELS_DIR.parent / "docs" / "models" / f"network.{language}.md"
    told = network_report.render(network_report.read(), language)
    assert path.read_text(encoding="utf-8") == told


@pytest.fixture
def flows(metrics):
    rows = {name: row(k + 2) for k, name in enumerate(score_network.rules("UTC", False))}
    curve = [{"alarm": 9.0, "ships": True, "strict_f1": 0.7, "false_per_year": 0.5, "repeats": 8}]
    told = {"told": [[], []], "curve": curve, "less": {"no pump": row(1)}}
    return told | {"judged": rows, "town": rows, "settings": {score_network.SHIPPED: row(5)}}


@pytest.mark.parametrize(("language", "head"), [("en", "Flows only"), ("fr", "Débits seuls")])
def test_flows_only_has_its_section_beside_its_goal(metrics, flows, language, head):
    assert f"## {head}" not in network_report.render(metrics, language)
    text = network_report.render(metrics | {"flows": flows}, language)
    words = network_tables.WORDS[language]
    section = text.partition(f"## {head}")[2]
    for name in flows["judged"]:
        assert f"| {words.get(name, name)} |" in section
    assert card.localised("0.85", language) in section
    assert words["told_none"] in section
    assert "{" not in section


def test_flows_are_judged_on_the_same_leaks_without_pressures(monkeypatch):
    seen = []

    def events(records, only=None):
        seen.append([{one.quantity for one in record.channels} for record in records])
        return {"table": {score_network.SHIPPED: row(2)}, "told": []}

    monkeypatch.setattr(network_judging, "events", events)
    monkeypatch.setattr(network_judging, "known", lambda records: (records, []))
    monkeypatch.setattr(network_flows.network_curve, "curve", lambda *_: [])
    t_ms = DAY_MS * (1 + channel("x", "flow", [0], [0.0]).t_ms)
    names = (("in", "inflow"), (PUMP, "flow"), ("tank", "level"), ("n1", "pressure"))
    channels = tuple(channel(name, quantity, t_ms, [1.0]) for name, quantity in names)
    year = Record("made", "network", SOURCE, channels)
    out = network_flows.measure([year], [year, year], year, lambda _line: None)
    assert set(out) == {"judged", "less", "settings", "told", "curve", "town"}
    assert all("pressure" not in one for each in seen for one in each)
    assert seen[0] == [{"inflow", "flow", "level"}] * 2
    assert [len(each) for each in seen[:3]] == [2, 1, 1]


def test_the_curve_of_flows_has_what_ships():
    made = network_flows.settings()
    ships = network_flows.InflowRule()
    assert made[ships.alarm].flows == ships
    assert len(made) == 3


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_budget_stands_beside_what_the_settings_gave_within_it(metrics, language):
    ours = metrics["settings"][score_network.SHIPPED]
    ours["false_per_year"] = 0.37
    text = network_report.render(metrics, language)
    assert card.localised("0.37", language) in text
    budget = network_report.recipe()["budget"]["false_per_year"]
    assert f" {budget:.0f} fa" in text  # false alarm, fausse alerte
    assert "recipes/network.metrics.json" in text


def test_what_ships_lies_within_its_budget():
    """As it was measured on the years of the settings."""
    found = network_report.read()["settings"][score_network.SHIPPED]["false_per_year"]
    assert found <= network_report.recipe()["budget"]["false_per_year"]


def test_budget_and_settings_are_kept_with_the_figures(monkeypatch):
    for module, name in ((network_report.ltown_years, "year"), (network_report.catalogue, "load")):
        monkeypatch.setattr(module, name, lambda *asked: None)
    monkeypatch.setattr(network_report, "_with_pressures", lambda *asked: {})
    monkeypatch.setattr(network_report.network_flows, "measure", lambda *asked: {})
    made = network_report.measure(print)
    assert made["budget"] == network_report.recipe()["budget"]
    assert made["rules"]["pressures"]["alarm"] == NetworkRule().alarm
    assert made["rules"]["flows"]["alarm"] == InflowRule().alarm


def test_what_is_not_judged_again_keeps_its_figures_and_its_settings(metrics, monkeypatch):
    before = metrics | {"rules": {"pressures": {"alarm": 1.0}}}
    monkeypatch.setattr(network_report, "read", lambda: dict(before))
    monkeypatch.setattr(network_report.ltown_years, "year", lambda *_: None)
    monkeypatch.setattr(network_report.catalogue, "load", lambda *_: None)
    monkeypatch.setattr(network_report.network_flows, "measure", lambda *_: {"town": {}})
    out = network_report.measure(lambda _line: None, "flows")
    assert out["flows"] == {"town": {}}
    assert out["judged"] == plain(before["judged"])
    assert out["rules"]["pressures"] == {"alarm": 1.0}
    assert out["rules"]["flows"]["keep_days"] == network_flows.InflowRule().keep_days
