"""The network test on a made network: what it must find, tell apart and not learn."""

import json
from dataclasses import replace

import numpy as np
import pytest

from amont_gateway.scoring.network_slopes import Drivers
from amont_gateway.scoring.network_test import Hour, NetworkRule, NetworkTest
from amont_models import leak_events, leak_text, score, score_network, tidy, tidy_write
from amont_models.pipeline import plain
from amont_models.records.table import DataError, Label, Record, Site, Source, channel

HOUR_MS = 3_600_000
DAY_H = 24
SENSORS = 6
# How far each sensor falls for a leak of 10 m3/h beside sensors 1 and 4.
NEAR = {1: np.array([0.02, 0.30, 0.08, 0.02, 0.03, 0.02]), 4: np.full(SENSORS, 0.04)}
NEAR[4][4] = 0.4


def made(days, leaks=(), seed=3):
    """Return pressures, inflow (m3/h) by hour; a leak is (near, m3/h, first, last day, slow)."""
    rng = np.random.default_rng(seed)
    day = np.arange(days * DAY_H) / DAY_H
    flow = 100.0 + 40.0 * np.sin(2 * np.pi * day) + 10.0 * np.sin(4 * np.pi * day)
    flow *= np.repeat(1.0 + 0.02 * rng.standard_normal(days), DAY_H)
    loss = np.linspace(0.5, 2.0, SENSORS)
    drop = np.zeros((len(day), SENSORS))
    for near, size, first, last, slow in leaks:
        shape = np.clip((day - first) / 30.0, 0.0, 1.0) ** 2 if slow else 1.0
        out = np.where((day >= first) & (day < last), size * shape, 0.0)
        flow = flow + out
        drop += out[:, None] / 10.0 * NEAR[near]
    pressure = 45.0 - (flow[:, None] / 100.0) ** 1.852 * loss - drop
    return pressure + 0.01 * rng.standard_normal(pressure.shape), flow


def findings(pressure, flow, rule=None):
    test = NetworkTest(rule or NetworkRule(), SENSORS, Drivers(1, 0, 0))
    none = np.empty(0)
    said = []
    for index, (row, inflow) in enumerate(zip(pressure, flow, strict=True)):
        hour = Hour((index + 1) * HOUR_MS, row, np.array([1000.0 * inflow]), none, none)
        found = test.step(hour)
        if found is not None:
            said.append(found)
    return said, test


def days_of(found):
    return found.at_ms / HOUR_MS / DAY_H


def test_a_calm_network_stays_calm():
    said, test = findings(*made(90))
    assert (said, test.open_leaks) == ([], 0)


@pytest.mark.parametrize(("near", "size"), [(1, 5.0), (4, 12.0)])
def test_an_abrupt_leak_is_found_within_a_day_with_size_start_and_place(near, size):
    (found,), test = findings(*made(45, [(near, size, 30.3, 99, False)]))
    assert 30.3 < days_of(found) < 31.3
    assert found.sensors[0] == near
    assert abs(found.since_ms / HOUR_MS - 30.3 * DAY_H) < 6
    (now,) = test.findings()
    assert (now.number, now.sensors) == (found.number, found.sensors)
    assert now.size_l_h == pytest.approx(1000 * size, abs=2500)  # two weeks later
    assert test.open_leaks == 1


def test_a_leak_that_grows_slowly_is_found_once_and_not_learnt_as_normal():
    said, test = findings(*made(75, [(4, 12.0, 30.0, 99, True)]))
    assert [found.sensors[0] for found in said] == [4]
    assert days_of(said[0]) < 45
    assert test.open_leaks == 1


def test_a_repair_is_no_leak_and_the_next_leak_is_found():
    leaks = [(1, 8.0, 30.3, 45.5, False), (4, 8.0, 60.2, 99, False)]
    said, test = findings(*made(75, leaks))
    assert [found.sensors[0] for found in said] == [1, 4]
    assert test.open_leaks == 1


def test_two_leaks_at_a_time_are_told_apart():
    leaks = [(1, 8.0, 30.3, 99, False), (4, 8.0, 36.7, 99, False)]
    said, test = findings(*made(60, leaks))
    assert [found.sensors[0] for found in said] == [1, 4]
    assert test.open_leaks == 2


def test_gaps_and_a_dead_sensor_say_nothing():
    pressure, flow = made(60, [(1, 8.0, 50.3, 99, False)])
    pressure[:, 5] = np.nan
    pressure[35 * DAY_H : 37 * DAY_H] = np.nan
    flow[40 * DAY_H : 41 * DAY_H] = np.nan
    said, _ = findings(pressure, flow)
    assert [found.sensors[0] for found in said] == [1]


def test_without_any_reading_there_is_no_answer():
    pressure, flow = made(20)
    assert findings(pressure * np.nan, flow)[0] == []
    assert findings(pressure, flow * np.nan)[0] == []


# --- scoring ---


def record(days=45, leaks=(), labels=(), change=None):
    pressure, flow = made(days, leaks)
    t_ms = HOUR_MS * np.arange(1, len(flow) + 1)
    flow = flow if change is None else np.where(t_ms > change, 900.0, flow)
    pressure = pressure if change is None else np.where(t_ms[:, None] > change, 1.0, pressure)
    channels = [
        channel(f"n{k}", "pressure", t_ms, score_network.KPA_PER_M * pressure[:, k])
        for k in range(SENSORS)
    ]
    channels.append(channel("inlet", "inflow", t_ms, 1000.0 * flow))
    return Record(
        "made", "network", Source("made", "", "", ""), tuple(channels), (Site("made"),), labels
    )


LEAKS = [(1, 8.0, 30.3, 99, False)]
START_MS = round(30.3 * DAY_H * HOUR_MS)


def test_what_ships_is_scored_beside_every_simple_rule(tmp_path):
    label = Label("made", "abrupt", START_MS, START_MS + 14 * DAY_H * HOUR_MS, None, 8000.0, "n1")
    result = score_network.score(record(leaks=LEAKS, labels=(label,)), tmp_path)
    ours = result["table"][score_network.SHIPPED]
    assert (ours["strict"], ours["placed"], ours["false"], ours["repeats"]) == (1, 1, 0, 0)
    assert ours["strict_f1"] == 1.0
    assert {"night CUSUM", "PCA residual", "PCA Hotelling", "random"} < set(result["table"])
    assert "1/1" in leak_text.render(result)


def test_a_network_goes_through_the_tidy_form_whatever_its_labels_call_it(tmp_path):
    end_ms = START_MS + 14 * DAY_H * HOUR_MS
    label = Label("the town", "abrupt", START_MS, end_ms, None, 8000.0, "n1")
    folder = tmp_path / "net"
    tidy_write.write(record(leaks=LEAKS, labels=(label,)), folder)
    result = score_network.score(tidy.read(folder), tmp_path)
    assert result["table"][score_network.SHIPPED]["strict"] == 1


def test_a_network_is_judged_from_its_split_on(tmp_path):
    label = Label("made", "abrupt", START_MS, START_MS + 14 * DAY_H * HOUR_MS, None, 8000.0, "n1")
    whole = record(leaks=LEAKS, labels=(label,))
    late = replace(whole, sites=(Site("made", train_until_ms=START_MS + 6 * DAY_H * HOUR_MS),))
    result = score_network.score(late, tmp_path)
    assert result["alarms"] == {"made": []}
    assert [one["start_ms"] for one in result["outside"]["made"]] == [START_MS]
    never = replace(whole, sites=(Site("made", train_until_ms=100 * DAY_H * HOUR_MS),))
    with pytest.raises(DataError, match="no reading after its training part"):
        score_network.score(never, tmp_path)


def test_a_network_in_which_nothing_moves_has_no_alarm_of_any_rule(tmp_path):
    whole = record()
    still = tuple(
        channel(x.name, x.quantity, x.t_ms, np.full(len(x.t_ms), 400.0)) for x in whole.channels
    )
    table = score_network.score(replace(whole, channels=still), tmp_path)["table"]
    assert {row["alarms"] for row in table.values()} == {0}


def test_without_labels_the_alarms_are_listed(tmp_path):
    result = score_network.score(record(leaks=LEAKS), tmp_path)
    assert "made: 1 alarms" in leak_text.render(result)
    assert "near n1" in leak_text.render(result)


def without_pressures(whole, kept=()):
    channels = tuple(x for x in whole.channels if x.quantity != "pressure" or x.name in kept)
    return replace(whole, channels=channels)


@pytest.mark.parametrize("kept", [(), ("n3",)], ids=["no pressure", "one pressure"])
def test_a_network_without_pressures_is_scored_by_its_flows(tmp_path, kept):
    label = Label("made", "abrupt", START_MS, START_MS + 14 * DAY_H * HOUR_MS, None, 8000.0, "n1")
    only = without_pressures(record(leaks=LEAKS, labels=(label,)), kept)
    tidy_write.write(only, tmp_path / "net")
    result, text = score.score(tmp_path / "net", tmp_path)
    ours = result["table"][score_network.SHIPPED]
    assert (result["flows_only"], ours["found"], ours["false"]) == (True, 1, 0)
    floors = {"night flow 15 %", "night CUSUM", "step test", "random"}
    assert floors < set(result["table"])
    assert not {"PCA residual", "PCA Hotelling"} & set(result["table"])
    assert {row["placed"] for row in result["table"].values()} == {None}
    assert [alarm["places"] for alarm in result["alarms"]["net"]] == [[]]
    assert "by the flows alone, so no place is named; 1 leaks known" in text
    json.dumps(plain(result), allow_nan=False)


def test_a_folder_of_an_inflow_and_a_tank_is_a_network(tmp_path):
    t_ms = HOUR_MS * np.arange(1, 30)
    both = [channel("in", "inflow", t_ms, t_ms / 1e3), channel("tank", "level", t_ms, t_ms / 1e5)]
    tidy_write.write(replace(record(), channels=tuple(both)), tmp_path)
    (tmp_path / "record.json").unlink()
    assert tidy.read(tmp_path).kind == "network"


def test_days_before_all_inlets_speak_change_nothing():
    rng = np.random.default_rng(1)
    day = np.arange(40 * DAY_H) / DAY_H
    use = (100.0 - 45.0 * np.cos(2 * np.pi * day)) * np.repeat(1 + 0.03 * rng.normal(size=40), 24)
    half, other = (500.0 * use * (1.0 + 0.02 * rng.normal(size=len(use))) for _ in range(2))
    t_ms = HOUR_MS * np.arange(5, len(day) + 5)  # nor need the first day be whole
    late = slice(20 * DAY_H, None)
    inlets = (channel("a", "inflow", t_ms, half), channel("b", "inflow", t_ms[late], other[late]))
    both = (channel("a", "inflow", t_ms[late], half[late]), inlets[1])
    early, young = (
        score_network.network(replace(record(), channels=each)) for each in (inlets, both)
    )
    assert len(early.end_ms) == len(young.end_ms) + 20 * DAY_H
    told = ([one.at_ms for one in score_network.shipped()(each)] for each in (early, young))
    assert next(told) == next(told)


def test_a_record_without_inflow_is_refused(tmp_path):
    whole = record()
    only = replace(whole, channels=whole.of("pressure"))
    with pytest.raises(DataError, match="inflows"):
        score_network.score(only, tmp_path)


def test_a_record_within_one_hour_is_refused(tmp_path):
    whole = record()
    short = tuple(one.between(int(one.t_ms[0]), int(one.t_ms[0]) + 1) for one in whole.channels)
    with pytest.raises(DataError, match="whole hour"):
        score_network.score(replace(whole, channels=short), tmp_path)


@pytest.mark.parametrize(
    ("name", "made_of"),
    [
        (score_network.SHIPPED, record),
        (score_network.SHIPPED, lambda **given: without_pressures(record(**given))),
        ("night CUSUM", record),
        ("PCA residual", record),
    ],
    ids=["what ships", "what ships, flows only", "night CUSUM", "PCA residual"],
)
def test_changing_the_future_changes_no_past_decision(name, made_of):
    rule = score_network.rules("UTC")[name]
    cut = 38 * DAY_H * HOUR_MS
    leaks = [(4, 30.0, 30.3, 99, False)]
    one = rule(score_network.network(made_of(days=40, leaks=leaks)))
    two = rule(score_network.network(made_of(days=40, leaks=leaks, change=cut)))
    early = [alarm for alarm in one if alarm.at_ms <= cut]
    assert early == [alarm for alarm in two if alarm.at_ms <= cut]
    assert early


def test_the_strict_f1_counts_repeats_as_false():
    label = leak_events.Label(0, 0, 40 * DAY_H * HOUR_MS, True, 1.0)
    alarms = [leak_events.Alarm(hours * HOUR_MS) for hours in (5, 30, 60)]
    summary = leak_events.tally(alarms, [label], 1.0, 1.0).summary()
    assert (summary["strict"], summary["repeats"], summary["false"]) == (1, 2, 0)
    assert summary["strict_f1"] == 0.5


@pytest.mark.parametrize("seed", [3, 5, 14])  # chance makes others move a little with the last two
def test_a_sensor_that_drifts_alone_is_no_leak(seed):
    pressure, flow = made(60, seed=seed)
    pressure[:, 3] -= np.clip(np.arange(len(flow)) / DAY_H - 25.0, 0.0, 30.0) * 0.02
    assert findings(pressure, flow)[0] == []


def test_a_leak_keeps_its_number_until_its_repair():
    said, test = findings(*made(40, [(1, 8.0, 30.3, 99, False)]))
    (now,) = test.findings()
    assert (now.number, now.since_ms) == (said[0].number, said[0].since_ms)
    assert 0.5 < now.probability <= 1.0
    assert test.ready
    _, after = findings(*made(50, [(1, 8.0, 30.3, 45.5, False)]))
    assert after.findings() == ()
