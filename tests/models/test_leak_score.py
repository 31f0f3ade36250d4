"""Scoring leak alarms: the definitions one by one, and that no decision looks ahead."""

from dataclasses import replace

import numpy as np
import pytest
from tests.models import scene

from amont_models import leak_events, leak_floors, leak_text, score, score_zone, zone_chain
from amont_models.data import Zone
from amont_models.leak_events import DAY_MS, HOUR_MS, Alarm, Label
from amont_models.recipe import ARTIFACTS_DIR
from amont_models.records.table import DataError, Record, Site, Source, channel
from amont_models.records.table import Label as TableLabel

START = 100 * DAY_MS
ABRUPT = Label(START, START, START + 30 * DAY_MS, True, 500.0, ("n1",), 0.2)
SLOW = Label(START, START + 20 * DAY_MS, START + 60 * DAY_MS, False, 800.0, ("n2",), 0.1)
SOURCE = Source("made", "here", "Apache-2.0", "none")


def counted(label, *alarms, mean=10_000.0):
    return leak_events.tally(alarms, [label], mean, 0.5)


@pytest.mark.parametrize(
    ("hours", "found", "strict", "false"),
    [(-1, 0, 0, 1), (1, 1, 1, 0), (24, 1, 1, 0), (25, 1, 0, 0), (336, 1, 0, 0), (337, 0, 0, 1)],
)
def test_an_abrupt_leak_counts_for_14_days_and_strictly_for_one(hours, found, strict, false):
    total = counted(ABRUPT, Alarm(START + hours * HOUR_MS))
    assert (total.found, total.strict, total.false) == (found, strict, false)


def test_an_incipient_leak_counts_strictly_for_7_days_after_2_percent_of_the_inflow():
    # 200 of 800 l/h are reached after half of the time to the peak.
    assert leak_events.strict_call_ms(SLOW, 10_000.0) == START + 17 * DAY_MS
    assert leak_events.last_call_ms(SLOW) == START + 30 * DAY_MS
    assert leak_events.flow_share(SLOW, START + 10 * DAY_MS) == pytest.approx(0.25)


def test_an_alarm_finds_one_leak_then_repeats_then_is_false():
    at = [START + day * DAY_MS for day in (1, 3, 40)]
    total = counted(ABRUPT, *(Alarm(one, size_l_h=450.0) for one in at))
    assert (total.found, total.repeats, total.false) == (1, 1, 1)
    summary = total.summary()
    assert summary["size_error_m3h"] == pytest.approx(0.05)
    assert summary["false_per_year"] == 2.0
    assert summary["strict_f1"] == 0.5  # a repeat is no strict find


def test_an_alarm_with_a_place_finds_the_leak_at_that_place():
    later = Label(START + DAY_MS, START + DAY_MS, START + 9 * DAY_MS, True, 9.0, ("n3",))
    alarm = Alarm(START + 2 * DAY_MS, places=("n1", "n9"))
    assert leak_events.match([alarm, alarm], [ABRUPT, later]) == [0, 1]
    assert leak_events.match([Alarm(START + 2 * DAY_MS)], [ABRUPT, later]) == [1]


def test_blocks_add_up_to_the_whole():
    later = Label(START + 40 * DAY_MS, START + 40 * DAY_MS, START + 60 * DAY_MS, True, 9.0)
    days = (1, 3, 20, 41, 70)
    alarms = [Alarm(START + day * DAY_MS, size_l_h=9.0) for day in days]
    span_ms = (START, START + 80 * DAY_MS)
    blocks = leak_events.by_block(alarms, [ABRUPT, later], 10_000.0, span_ms, 4)
    assert [block.leaks for block in blocks] == [1, 0, 1, 0]
    assert [block.alarms for block in blocks] == [2, 1, 1, 1]
    whole = leak_events.tally(alarms, [ABRUPT, later], 10_000.0, 1.0)
    total = leak_events.Tally(years=1.0)
    for block in blocks:
        total += block
    assert total == whole


def test_goals_come_with_intervals_that_hold_their_value():
    zones = [replace(made_zone(), name=f"zone {k}") for k in range(6)]
    start = int(zones[0].t_ms[28 * 24])
    leak = Label(start, start, int(zones[0].t_ms[-1]), True, 1800.0, (), 0.5)
    labels = {zone.name: [leak] for zone in zones[:5]}
    rule = leak_floors.night_step(0.15)
    said = [rule(zone_chain.by_day(zone, "Europe/Paris")) for zone in zones]
    scored = [score_zone.Scored(zone, 0) for zone in zones]
    result = score_zone.table(scored, labels, {score_zone.SHIPPED: said})
    assert result["drawn"] == "places"
    row = result["table"][score_zone.SHIPPED]
    assert row["found_15"] == 5
    assert row["found_15_95"] == [1.0, 1.0]
    low, high = row["false_per_year_95"]
    assert low <= row["false_per_year"] <= high
    assert low < high
    text = leak_text.render(result)
    assert "6 places" in text
    assert "places drawn again" in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_row_that_a_missing_package_costs_is_named(monkeypatch):
    monkeypatch.setattr(score, "find_spec", lambda name: None)
    assert any("LightGBM" in line and "lightgbm" in line for line in score.missing())
    monkeypatch.setattr(score, "find_spec", lambda name: name)
    assert score.missing() == []


def test_readings_below_zero_are_taken_and_told():
    made = record(made_zone())
    inlet = made.channels[0]
    value = np.where(np.arange(len(inlet.value)) < 3, -5.0, inlet.value)
    less = channel("bourg", "inflow", inlet.t_ms, value)
    result, text = score.score_record(replace(made, channels=(less,)), ARTIFACTS_DIR)
    assert result["notes"] == ["bourg, inflow: 3 readings below 0, taken as they are"]
    assert result["notes"][0] in text
    assert score.notes(made) == []


def made_zone(leak_l_h=1800.0, days=45):
    t_ms, l_h = scene.zone_hours(days, leak_l_h, after_days=days - 17)
    return Zone("bourg", t_ms, l_h)


def record(zone, labels=()):
    return Record(
        "made", "zone", SOURCE, (channel(zone.name, "inflow", zone.t_ms, zone.inflow_l_h),),
        (Site(zone.name),), labels, time_zone="Europe/Rome",
    )  # fmt: skip


def test_what_ships_is_scored_beside_every_simple_rule():
    zone = made_zone()
    opened = int(zone.t_ms[0] + 28.5 * DAY_MS)
    label = TableLabel(zone.name, "abrupt", opened, opened + 14 * DAY_MS, size=1800.0)
    result = score_zone.score(record(zone, (label,)), ARTIFACTS_DIR)
    ours = result["table"][score_zone.SHIPPED]
    assert (ours["found_15"], ours["leaks_15"], ours["false"]) == (1, 1, 0)
    assert ours["size_error_m3h"] < 0.4
    assert {"night flow 15 %", "night CUSUM", "step test", "random"} < set(result["table"])
    assert "1/1" in leak_text.render(result)


def test_without_labels_the_alarms_are_listed():
    result = score_zone.score(record(made_zone()), ARTIFACTS_DIR)
    (alarm,) = result["alarms"]["bourg"]
    assert alarm["size_m3h"] == pytest.approx(1.8, rel=0.2)
    text = leak_text.render(result)
    assert "bourg: 1 alarms" in text
    assert " m3/h since 2022-12-0" in text


def test_each_leak_is_told_and_each_false_alarm():
    zone = made_zone()
    opened = int(zone.t_ms[0] + 28.5 * DAY_MS)
    found = TableLabel(zone.name, "abrupt", opened, opened + 14 * DAY_MS, size=1800.0)
    missed = TableLabel(zone.name, "abrupt", opened - 9 * DAY_MS, opened - 8 * DAY_MS)
    later = TableLabel(zone.name, "abrupt", opened + 99 * DAY_MS, opened + 100 * DAY_MS)
    result = score_zone.score(record(zone, (found, missed, later)), ARTIFACTS_DIR)
    one, other = result["leaks"]["bourg"]
    assert (one["found"], one["kind"], one["size_m3h"]) == (True, "abrupt", 1.8)
    assert one["delay_h"] == pytest.approx((one["at_ms"] - opened) / HOUR_MS, abs=0.01)
    assert one["strict"] == (one["delay_h"] <= 24.0)
    assert (other["found"], other["at_ms"], other["strict"]) == (False, None, False)
    assert result["outside"]["bourg"] == [{"start_ms": later.start_ms, "end_ms": later.end_ms}]
    assert result["table"][score_zone.SHIPPED]["leaks"] == 2
    assert result["false_alarms"] == {"bourg": []}
    text = leak_text.render(result)
    assert f"abrupt, 1.8 m3/h: found after {one['delay_h']:.0f} h" in text
    assert "abrupt, unknown size: missed" in text
    assert "did not begin in the judged part" in text


def test_a_place_known_to_have_had_no_leak_is_judged():
    clean = replace(record(made_zone()), nothing_happened=True)
    result = score_zone.score(clean, ARTIFACTS_DIR)
    ours = result["table"][score_zone.SHIPPED]
    assert (ours["leaks"], ours["false"]) == (0, 1)
    assert ours["false_per_year"] == pytest.approx(1 / ours["years"], rel=0.01)
    (false,) = result["false_alarms"]["bourg"]
    assert false == result["alarms"]["bourg"][0]
    text = leak_text.render(result)
    assert "labelled, no leak began in it" in text
    assert "  false: 2022-12-0" in text


def test_without_labels_nothing_is_judged():
    row = score_zone.score(record(made_zone()), ARTIFACTS_DIR)["table"][score_zone.SHIPPED]
    assert (row["alarms"], row["false"], row["strict"], row["false_per_year"]) == (1,) + (
        None,
    ) * 3


def test_an_alarm_of_a_leak_that_began_before_counts_as_nothing():
    before = replace(ABRUPT, end_ms=START + 20 * DAY_MS)
    alarms = [Alarm(START + day * DAY_MS) for day in (3, 16)]
    inside, said = leak_events.counted([before], alarms, START + DAY_MS, START + 30 * DAY_MS)
    assert (inside, said) == ([], alarms[1:])
    both = [before, replace(ABRUPT, start_ms=START + 2 * DAY_MS)]
    inside, said = leak_events.counted(both, alarms, START + DAY_MS, START + 30 * DAY_MS)
    assert (inside, said) == (both[1:], alarms)


@pytest.mark.parametrize(
    ("where", "places"),
    [
        ("n1 n2", ("n1", "n2")),
        ("n1; rue basse", ("n1", "rue basse")),
        ("rue basse",) * 2,
        ("", ()),
    ],
)
def test_places_of_a_leak(where, places):
    label = TableLabel("a", "abrupt", 0, DAY_MS, where=where)
    wanted = places if isinstance(places, tuple) else (places,)
    assert leak_events.leak_label(label, sensors=("n1", "rue basse")).places == wanted


def test_a_leak_that_grows_until_nobody_knows_when_grows_until_its_end():
    slow = leak_events.leak_label(TableLabel("a", "incipient", 0, 9 * DAY_MS))
    assert (slow.abrupt, slow.peak_ms) == (False, 9 * DAY_MS)
    burst = leak_events.leak_label(TableLabel("a", "burst", 0, 9 * DAY_MS))
    assert (burst.abrupt, burst.peak_ms) == (True, 0)


def test_only_the_zones_named_are_judged_and_what_cannot_be_is_said():
    zone = made_zone()
    two = channel("loin", "inflow", zone.t_ms, zone.inflow_l_h)
    made = record(zone)
    sites = (Site("bourg"), Site("haut"))
    both = replace(made, channels=(*made.channels, two), sites=sites)
    result = score_zone.score(both, ARTIFACTS_DIR)
    assert result["places"] == ["bourg"]
    assert result["left_out"] == {"haut": "haut: no inflow"}
    assert "left out: haut: no inflow" in leak_text.render(result)
    late = replace(made, sites=(Site("bourg", train_until_ms=int(zone.t_ms[-1]) + 1),))
    with pytest.raises(DataError, match="no zone can be judged: bourg: no reading after its"):
        score_zone.score(late, ARTIFACTS_DIR)
    with pytest.raises(DataError, match="no zone can be judged: haut: no inflow"):
        score_zone.score(replace(made, sites=sites[1:]), ARTIFACTS_DIR)


def test_a_dead_meter_is_judged_as_any_other():
    zone = made_zone(days=190)
    dead = replace(zone, inflow_l_h=np.zeros(len(zone.t_ms)))
    result = score_zone.score(record(dead), ARTIFACTS_DIR)
    assert set(leak_floors.zone_rules()) < set(result["table"])


def test_a_zone_without_readings_says_nothing():
    empty = Zone("bourg", np.array([3_600_000], np.int64), np.array([np.nan]))
    result = score_zone.score(record(empty), ARTIFACTS_DIR)
    assert result["alarms"] == {"bourg": []}


@pytest.mark.parametrize("name", [score_zone.SHIPPED, *leak_floors.zone_rules()])
def test_changing_the_future_changes_no_past_decision(name):
    leak = zone_chain.shipped(ARTIFACTS_DIR)
    zone = made_zone(days=190 if "LightGBM" in name else 45)
    cut = int(zone.t_ms[-1]) - 10 * DAY_MS
    other = replace(zone, inflow_l_h=np.where(zone.t_ms > cut, 9e5, zone.inflow_l_h))
    scored = [score_zone.Scored(each, 0) for each in (zone, other)]
    one, two = score_zone.said(scored, leak, "Europe/Rome", frozenset())[name]
    early = [alarm for alarm in one if alarm.at_ms <= cut]
    assert early
    assert early == [alarm for alarm in two if alarm.at_ms <= cut]
