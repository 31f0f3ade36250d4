"""int8 beside float on decisions: by the signed rule, found and false counted alike, and told."""

from dataclasses import replace

import numpy as np
import pytest
from tests.models import made_river, scene

from amont_gateway.scoring.river_decision import Rule, rule_of
from amont_gateway.scoring.timeline import DAY_MS
from amont_gateway.scoring.zone_test import LeakRule
from amont_models import card, int8_check, int8_text, leak, leak_simple, metrics
from amont_models.data import Zone
from amont_models.inject import Leak
from amont_models.leak_events import Alarm
from amont_models.leak_floors import night_step
from amont_models.pipeline import plain, read_metrics
from amont_models.recipe import ARTIFACTS_DIR
from amont_models.river_chain import Chain, shipped
from amont_models.river_station import prepare

RULE = LeakRule(network=0.0, step=0.0)  # by night alone: an hour asks no network


@pytest.fixture(scope="module")
def stations():
    record = made_river.record(stations=2, days=60)
    return [prepare(record, site) for site in record.sites]


def higher(network, by):
    return lambda rows: network(rows) + by


def test_f1_counts_what_was_found_missed_and_false():
    assert metrics.f1(6, 2, 2) == pytest.approx(0.75)
    assert metrics.f1(6, 2, 4) < metrics.f1(6, 2, 2) > metrics.f1(5, 3, 2)
    assert np.isnan(metrics.f1(0, 0, 0))


def test_a_network_beside_itself_differs_in_nothing(stations):
    chain = shipped(ARTIFACTS_DIR)
    near = int8_check.rivers(stations, (chain.model, chain.model), chain.rule)
    assert (near["differ"], near["df1"], near["dpi"]) == (0, 0.0, 0.0)
    assert near["stations"] == 2
    assert near["levels"]["warning"]["int8"]["of"] > 3  # events there are
    open_steps = sum(
        int((one.water.eligible(t_ms) & (t_ms >= one.constants.train_until_ms)).sum())
        for one in stations
        for t_ms in [one.clean.t_ms]
    )
    assert near["steps"] == open_steps


def test_decisions_are_those_of_the_signed_rule(stations):
    """The outer quantile alone says nothing: widths and quantiles of the rule count."""
    chain = shipped(ARTIFACTS_DIR)
    other = higher(chain.model, 0.2)
    near = int8_check.rivers(stations, (chain.model, other), chain.rule)
    assert near["differ"] > 0
    assert near["df1"] == max(one["df1"] for one in near["levels"].values()) > 0.0
    assert near["dpi"] > 0.0
    deaf = Rule(watch=(0.0,) * 4, warning=(0.0,) * 4)  # no horizon has a say
    silent = int8_check.rivers(stations, (chain.model, other), deaf)
    assert silent["differ"] == 0
    assert silent["dpi"] == near["dpi"]  # widths leave the median where it is


def test_the_judged_part_alone_gives_the_decisions_of_the_whole(stations):
    chain = shipped(ARTIFACTS_DIR)
    first = Chain(chain.model, rule=chain.rule)
    for station in stations:
        since = station.constants.train_until_ms
        part = int8_check._judged(station, chain.rule)
        whole = first.decide(station.clean, station.constants)
        made = first.decide(part, station.constants)
        for level in int8_check.LEVELS:
            want = whole[level].warn[station.clean.t_ms >= since]
            assert np.array_equal(made[level].warn[part.t_ms >= since], want)


def leaky(size=1500.0):
    """Return a clean zone, and one with a leak open from day 70 on."""
    t_ms, calm = scene.zone_hours(120)
    start = int(t_ms[0]) + 70 * DAY_MS
    opened = Leak(start, start, int(t_ms[-1]), True, size, 0.3)
    return Zone("1", t_ms, calm), (Zone("1", t_ms, calm + size * (t_ms > start)), [opened])


def test_a_test_that_asks_no_network_differs_by_nothing_in_what_ships():
    clean, opened = leaky()
    networks = (leak.nothing, lambda rows: np.ones(len(rows)))  # expects twice as much
    near, rows = int8_check.leaks(([clean], [opened]), networks, RULE, "Europe/Rome")
    assert near["int8"]["found"] == rows["int8"]["found"] == 1
    assert near["float"]["found"] == 0
    assert near["df1"] == 1.0
    assert near["df1_shipped"] == 0.0
    assert near["differ"] > 0
    asked, _ = int8_check.leaks(
        ([clean], [opened]), networks, replace(RULE, network=1.0), "Europe/Rome"
    )
    assert asked["df1_shipped"] == asked["df1"] == 1.0


def test_floors_see_the_record_before_the_judged_part(monkeypatch):
    clean, (zone, leaks) = leaky()
    whole = Zone("1", zone.t_ms, clean.inflow_l_h)
    monkeypatch.setattr(leak_simple.data, "zone", lambda area: whole)
    monkeypatch.setattr(leak, "WARM_UP_DAYS", 7)
    part = zone.between(int(zone.t_ms[0]) + 60 * DAY_MS, 1 << 60)
    rule = night_step(0.15)
    early = leak_simple.over_all(rule, "Europe/Rome")(part)
    assert early == rule(leak.days_of(zone, "Europe/Rome")) != []
    rows = leak_simple.rows([part], [(part, leaks)], "Europe/Rome", lambda zone: early[:1])
    assert {"night CUSUM", "step test", "random"} <= set(rows)
    assert rows["step test"]["found"] == 1
    assert 0.0 < rows["random"]["found"] <= 1.0  # a share of the draws
    assert not [name for name in rows if name.startswith("night flow")]


def test_random_alarms_are_as_many_as_those_that_count():
    clean, opened = leaky()
    first = int(clean.t_ms[0])

    def ships(zone):
        return [Alarm(first + day * DAY_MS) for day in (1, 60, 61)]  # one in the warm-up

    row = leak_simple._random([clean], [opened], ships)
    assert row["false_per_zone_year"] == pytest.approx(2 / leak._years(clean))


# --- the cards ---


def near_river(f1=0.8, other=0.801, differ=3):
    one = {"int8": {"of": 40.0, "f1": f1}, "float": {"of": 40.0, "f1": other}}
    index = {"0.5h": {"int8": None, "float": None}, "1h": {"int8": 0.5, "float": 0.52}}
    return {
        "stations": 9, "steps": 10_000, "differ": differ, "pi": index,
        "levels": {"warning": one, "watch": one},
    }  # fmt: skip


def test_a_goal_that_is_missed_is_told_with_its_figure():
    text = int8_text.river(near_river(), "en")
    assert "| F1 of the warning, 40 events | 0.8000 | 0.8010 | 0.0010 | ≤ 0.005, met |" in text
    assert (
        "| PI on the rising limb, +1 h | 0.5000 | 0.5200 | 0.0200 | ≤ 0.01, **missed** |" in text
    )
    assert "+30 min" not in text
    assert "3 of 10000 differ |  |  | 99.970 % | ≥ 99.9 %, met |" in text
    worse = int8_text.river(near_river(f1=0.79, differ=11), "fr")
    assert "0.0110 | ≤ 0.005, **manqué**" in worse
    assert "99.890 % | ≥ 99.9 %, **manqué**" in worse


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_leak_card_says_whether_what_ships_asks_the_network(language):
    near = {
        "int8": {"of": 126, "f1": 0.55}, "float": {"of": 126, "f1": 0.56},
        "asked": False, "nights": 5000, "differ": 20,
    }  # fmt: skip
    texts = [int8_text.leak({**near, "asked": asked}, language) for asked in (False, True)]
    assert texts[0] != texts[1]
    for text in texts:
        assert "| 0.5500 | 0.5600 | 0.0100 | ≤ 0.005, **m" in text
        assert "{" not in text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_cards_tell_what_their_metrics_hold_and_nothing_more(language):
    made = read_metrics(ARTIFACTS_DIR)
    for name in card.NAMES:
        bare = {**made[name]}
        for key in ("int8", "floors"):
            bare.pop(key, None)
        if name == "leak":
            bare.pop("rule_chosen", None)
        before = card.render({**made, name: bare}, name, language)
        assert int8_text.WORDS[language]["head"].partition("|")[0] not in before
        assert "{" not in before
    gave = {"leaks_15": 40, "found_15": 30, "false_per_zone_year": 0.98}
    floors = {name: made["leak"]["shipped"] for name in ("night CUSUM", "random")}
    chosen = {
        "budget_false_per_zone_year": 1.0, "delay_h_most": 24.0,
        "without_network": gave, "with_network": {**gave, "found_15": 29},
    }  # fmt: skip
    full = plain({**made["leak"], "floors": floors, "rule_chosen": chosen})
    text = card.render({**made, "leak": full}, "leak", language)
    words = card.RULES[language]
    for name in floors:
        assert f"| {words[name]} |" in text
    assert "rule_chosen" in text
    assert rule_of(shipped(ARTIFACTS_DIR).model) == shipped(ARTIFACTS_DIR).rule
