"""Scoring rivers: definitions by hand, and that no decision ever sees what comes after it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from tests.models import made_river

from amont_gateway.places import Places, Sensor
from amont_gateway.readings import QUANTITIES, pack_channels
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.river_features import MEDIAN
from amont_gateway.screens import Screens
from amont_gateway.windows import Windows
from amont_models import (
    adapt,
    cli,
    faults,
    river_floors,
    river_station,
    river_text,
    river_trees,
    score,
    score_river,
    score_tables,
    tidy_write,
)
from amont_models.recipe import ARTIFACTS_DIR
from amont_models.records.table import MISSING, SUSPECT, DataError, Record, Site, channel
from amont_models.river_chain import shipped, sight
from amont_models.river_station import stage_channel
from amont_models.river_truth import (
    Constants,
    Water,
    cleaned,
    constants,
    first_warnings,
    stage_of,
    warned,
)

HOUR_MS = made_river.HOUR_MS
LIMITS = Constants(0, 0.0, 50.0, 100, 150)


def hourly(values, name="a", start_ms=0):
    t_ms = start_ms + HOUR_MS * np.arange(len(values), dtype=np.int64)
    return channel(name, "stage", t_ms, np.array(values, dtype=float))


@pytest.fixture(scope="module")
def chain():
    return shipped(ARTIFACTS_DIR)


@pytest.fixture(scope="module")
def ready():
    record = made_river.record()
    return record, river_station.prepare(record, record.sites[0])


@pytest.fixture(scope="module")
def spiky():
    """Return a river whose sensor errs now and then, so that the screening has something to do."""
    made = made_river.record(days=25)
    stage = faults.faulty(made.channels[0], "spikes", 0, 7)
    record = Record("made", "river", made.source, (stage, made.channels[1]), made.sites)
    return record, river_station.prepare(record, record.sites[0])


# --- definitions ---


def test_an_event_is_a_rise_over_the_mark_after_twelve_hours_below():
    stage = hourly([0] * 13 + [100, 0, 100] + [0] * 12 + [120] + [0] * 20 + [np.nan] * 20 + [130])
    water = Water(stage, 100)
    # The second crossing comes too soon; before the last one nobody knew the water for a day.
    assert (water.events_ms // HOUR_MS).tolist() == [13, 28]


def test_warnings_count_from_twelve_hours_after_the_water_went_down():
    water = Water(hourly([0] * 13 + [100] + [0] * 20), 100)
    hours = np.arange(34) * HOUR_MS
    assert np.flatnonzero(~water.eligible(hours)).tolist() == list(range(13, 26))
    assert Water(hourly([0, 1]), 100).eligible(hours).all()


def test_leads_and_false_alarms_by_hand():
    water = Water(hourly([0] * 40 + [100] + [0] * 60), 100)
    steps = np.arange(101) * HOUR_MS
    warn = np.zeros(101, dtype=bool)
    warn[[20, 22, 35, 37, 45, 70, 71]] = True  # 45 is too soon after the water was above
    events, first_ms = first_warnings(water, 0, steps, warn)
    assert (events // HOUR_MS).tolist() == [40]
    assert (first_ms // HOUR_MS).tolist() == [35]
    one = warned(water, 0, steps, warn)
    assert (one.events, one.warned, one.leads_h) == (1, 1, (5.0,))
    assert (one.groups, one.false) == (3, 2)
    assert one.months == pytest.approx(100 / 24 / 30.44)
    late = warned(water, 41 * HOUR_MS, steps, warn)
    assert (late.events, late.groups, late.false) == (0, 1, 1)


def test_the_highest_stage_ahead_needs_its_readings():
    water = Water(hourly([0, 1, 5, 2, np.nan, np.nan, np.nan, 3]), 100)
    hours = np.arange(8) * HOUR_MS
    assert water.highest(hours, HOUR_MS).tolist()[:3] == [1, 5, 2]
    assert np.isnan(water.highest(hours, HOUR_MS)[3:6]).all()
    assert water.highest(hours[:1], 3 * HOUR_MS).tolist() == [5]
    assert np.isnan(water.highest(hours[-1:], HOUR_MS)).all()
    assert len(water.highest(hours[:0], HOUR_MS)) == 0


def test_raw_telemetry_loses_isolated_faults_and_keeps_floods():
    step_ms = 600_000
    value = np.full(60, 400.0)
    value[10:12] = 3000.0
    value[30:40] = 900.0
    t_ms = step_ms * np.arange(60, dtype=np.int64)
    clean = cleaned(channel("a", "stage", t_ms, value))
    assert clean.value[10:12].tolist() == [400.0, 400.0]
    assert clean.value[30:40].tolist() == [900.0] * 10
    slow = hourly([1, 9, 1, 1, 1, 1])
    assert cleaned(slow).value.tolist() == slow.value.tolist()


def test_constants_come_from_the_training_part_alone():
    stage = made_river.stage()
    site = Site("bridge", train_until_ms=int(stage.t_ms[700]))
    known = constants(site, stage)
    wild = channel(
        "bridge", "stage", stage.t_ms, np.where(np.arange(1440) < 700, stage.value, 9e3)
    )
    assert constants(site, wild) == known
    assert known.spread_mm == pytest.approx(known.mark_mm - known.median_mm, abs=2)
    half = constants(Site("bridge"), stage)
    assert half.train_until_ms == (int(stage.t_ms[0]) + int(stage.t_ms[-1])) // 2
    above = constants(
        Site("bridge", train_until_ms=half.train_until_ms, mark_above_median_mm=1e3), stage
    )
    assert above.mark_mm == round(half.median_mm + 1000)
    with pytest.raises(DataError, match="readings to learn from"):
        constants(Site("bridge", train_until_ms=int(stage.t_ms[10])), stage)
    with pytest.raises(DataError, match="no reading at all"):
        constants(site, hourly([np.nan]))


def test_a_month_learns_from_its_first_week_and_is_marked_a_metre_above_it():
    month = made_river.stage(days=30)
    known = constants(Site("bridge"), month)
    assert known.train_until_ms == month.t_ms[0] + 7 * 24 * HOUR_MS
    week = month.known().value[month.known().t_ms < known.train_until_ms]
    assert known.mark_mm == round(float(np.median(week)) + 1000.0)
    lower = constants(Site("bridge", mark_above_median_mm=500.0), month)
    assert lower.mark_mm == known.mark_mm - 500
    until = int(month.t_ms[400])
    told = constants(Site("bridge", train_until_ms=until), month)
    assert told.mark_mm == round(float(np.percentile(month.between(0, until).known().value, 99.5)))


def test_a_discharge_becomes_the_stage_of_training_and_never_less_than_none():
    flow = channel("a", "discharge", np.arange(3) * HOUR_MS, np.array([1.0, 32.0, -0.1]))
    stage = stage_of(flow)
    assert stage.value[:2].tolist() == [450.0, 1800.0]
    assert stage.quality.tolist() == [0, 0, MISSING]


# --- what ships, step by step and at once ---


def live(record, station):
    """Return the gateway's own windows, its models, and the sensors' places."""
    limits = station.constants
    place = SimpleNamespace(
        id="bridge", sensors=["stage"], watch_mm=limits.mark_mm, warning_mm=limits.mark_mm,
        alarm_mm=limits.alarm_mm, alarm_plus_mm=limits.alarm_mm + 1000, upstream=[], rain=None,
    )  # fmt: skip
    site = SimpleNamespace(
        stations=[place],
        rain_gauges=[SimpleNamespace(id="rain", sensor="rain")],
        zones=[],
        time_zone="UTC",
    )
    name = {"en": "made", "fr": "made"}
    sensors = (
        Sensor("stage", name, 1, 0, "stage_mm", "bridge", 2700),
        Sensor("rain", name, 1, 1, "rain_um", "bridge", 2700),
    )
    places = Places("made", name, sensors=sensors)
    windows = Windows(places.window_keys())
    return windows, Scoring(ARTIFACTS_DIR, site), Screens(places, windows)


def put(windows, name, series, since, until):
    code = next(code for code, known in QUANTITIES.items() if known == name)
    index = 0 if name == "stage_mm" else 1
    for k in range(since, until):
        packed = pack_channels([(index, code, 0, int(series.value[k]))])
        windows.add([(1, 0, k, int(series.t_ms[k]), 0, 0, 0, packed)])


def test_many_steps_at_once_are_what_the_gateway_says_one_by_one(chain, spiky):
    """Every reading comes as the gateway would get it; screening, features, network, rule."""
    record, station = spiky
    seen = station.clean
    rises = chain.decide(seen, station.constants)
    windows, scoring, screens = live(record, station)
    levels = {"none": (False, False), "watch": (True, False), "warning": (True, True)}
    steps = {int(t_ms): k for k, t_ms in enumerate(seen.t_ms)}
    compared, said, wet, before = 0, set(), 0, "none"
    for reading, t_ms in enumerate(seen.told.t_ms.tolist()):
        rained = int(np.searchsorted(seen.rain.t_ms, t_ms, side="right"))
        put(windows, "rain_um", seen.rain, wet, rained)
        put(windows, "stage_mm", seen.told, reading, reading + 1)
        wet = rained
        screens.update()
        advice = scoring.update(windows, t_ms)
        before = level = next((a.level for a in advice), before if t_ms not in steps else "none")
        if t_ms not in steps or reading < 80:
            continue
        step = steps[t_ms]
        forecast = scoring.forecast("bridge")
        assert forecast.issued_ms == t_ms
        band = np.round(rises["watch"].rises_mm[step] + seen.stage.value[step]).astype(int)
        told = band[-len(forecast.steps) :, [0, MEDIAN, -1]].tolist()
        assert told == [[s.p05_mm, s.p50_mm, s.p95_mm] for s in forecast.steps]
        assert (rises["watch"].warn[step], rises["warning"].warn[step]) == levels[level]
        compared, said = compared + 1, said | {level}
    assert compared > 400
    assert said == set(levels)
    assert len(seen.t_ms) < len(seen.told.t_ms)  # some were doubted


def test_only_good_readings_are_seen(ready):
    record, station = ready
    stage = station.stage
    doubt = channel("bridge", "stage", stage.t_ms, stage.value, np.full(len(stage.t_ms), SUSPECT))
    assert not len(sight(record, station.site, doubt, station.split).t_ms)


# --- no peeking ---


def every_rule(chain, record, site):
    """Return what each rule said at each step of a record, with its own constants."""
    station = river_station.prepare(record, site)
    adapted = score_river.adapt_to(station, chain).adapted
    assert adapted is not None, "the training part teaches nothing"
    said = dict(chain.decide(station.clean, station.constants, adapted))
    learnt = river_floors.learn(station.constants, station.clean, station.water)
    said |= dict(river_floors.decisions(station.clean, station.constants, learnt))
    return station.clean.t_ms, said


def cut(record, until_ms, change=None):
    """Return the record with what comes at or after a time left out, or changed."""
    channels = []
    for one in record.channels:
        if change is None:
            channels.append(one.between(0, until_ms))
            continue
        value = np.where(one.t_ms >= until_ms, change(one), one.value)
        channels.append(channel(one.name, one.quantity, one.t_ms, value))
    return Record(record.name, record.kind, record.source, tuple(channels), record.sites)


@pytest.mark.parametrize("kind", ["cut off", "another flood", "gone", "wild"])
def test_changing_the_future_changes_no_past_decision(chain, kind, monkeypatch):
    monkeypatch.setattr(score_river, "LEAST_DAYS", 15.0)
    monkeypatch.setattr(adapt, "LEAST_DAYS", 15.0)
    monkeypatch.setattr(adapt, "MIN_RISING", 2)
    monkeypatch.setattr(adapt, "HELD_LEAST_DAYS", 6.0)
    monkeypatch.setattr(adapt, "is_worse", lambda *_: False)
    made = made_river.record(days=62)
    until = int(made.channels[0].t_ms[480])  # a split of its own: the half would move with the cut
    # The mill tells no split: half of its span is a month, and moves with the cut.
    mill = made_river.stage(days=62, seed=2, name="mill")
    site = Site("bridge", rain=("bridge",), upstream=("mill",), train_until_ms=until)
    record = Record("made", "river", made.source, (*made.channels, mill), (site, Site("mill")))
    whole_ms, whole = every_rule(chain, record, site)
    rng = np.random.default_rng(5)
    changes = {
        "cut off": None,
        "another flood": lambda one: np.nan_to_num(one.value) + 1500.0,
        "gone": lambda one: np.full(len(one.t_ms), np.nan),
        "wild": lambda one: np.round(rng.uniform(0, 5000, len(one.t_ms))),
    }
    for hour in np.sort(rng.integers(500, 1450, 6)):
        now_ms = int(made.channels[0].t_ms[hour])
        part_ms, part = every_rule(chain, cut(record, now_ms, changes[kind]), site)
        count = int(np.searchsorted(whole_ms, now_ms))
        assert np.array_equal(whole_ms[:count], part_ms[:count])
        for name, made_all in whole.items():
            assert np.array_equal(made_all.warn[:count], part[name].warn[:count]), name
            ours, theirs = made_all.rises_mm[:count], part[name].rises_mm[:count]
            # Sums and products of many rows at once: their last bits depend on how many they are.
            near_mm = 1e-6 if name.startswith("ridge") else 1e-9
            assert np.allclose(ours, theirs, rtol=0.0, atol=near_mm, equal_nan=True), name


# --- faults ---


@pytest.mark.parametrize("kind", ["all", *faults.KINDS])
def test_faults_come_from_their_seed_and_leave_the_past_alone(kind):
    stage = made_river.stage(step_min=15)
    since = int(stage.t_ms[2000])
    one, again, other = (faults.faulty(stage, kind, since, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.t_ms, again.t_ms)
    assert np.array_equal(one.value, again.value, equal_nan=True)
    differs = len(one.t_ms) != len(other.t_ms) or not np.array_equal(
        one.value, other.value, equal_nan=True
    )
    assert differs
    assert np.array_equal(one.value[:2000], stage.value[:2000], equal_nan=True)
    assert set(one.t_ms.tolist()) <= set(stage.t_ms.tolist())


def test_each_fault_is_what_it_says():
    stage = channel(
        "a", "stage", 900_000 * np.arange(20_000, dtype=np.int64), np.full(20_000, 5e2)
    )
    moving = channel("a", "stage", stage.t_ms, np.arange(20_000.0))
    made = {kind: faults.faulty(stage, kind, 0, 1) for kind in faults.KINDS}
    assert 25 <= (np.abs(made["spikes"].value - 500) >= 300).sum() <= 100
    assert (np.diff(faults.faulty(moving, "stuck", 0, 1).value) == 0).sum() > 30
    assert 10 < np.abs(made["drift"].value - 500).max() <= 500
    assert np.diff(made["gaps"].t_ms).max() >= 3 * HOUR_MS
    assert 0.17 < 1 - len(made["packet loss"].t_ms) / 20_000 < 0.23
    empty = stage.between(0, 0)
    assert faults.faulty(empty, "all", 0, 1) is empty


# --- the tables ---


@pytest.fixture(scope="module")
def result():
    record = made_river.record(stations=3, days=50)
    spare = channel("dry", "rain", record.channels[0].t_ms, record.channels[0].value)
    sites = (*record.sites, Site("dry"))
    whole = Record("made", "river", record.source, (*record.channels, spare), sites)
    return score.score_record(whole, ARTIFACTS_DIR)


def test_every_floor_stands_in_the_same_table(result):
    found, text = result
    here = river_trees.is_here()  # only training's environment has its package
    rules = tuple(name for name in score_tables.ORDER if here or name != river_trees.NAME)
    for table in (found["clean"], found["faults"]["all"]):
        assert tuple(table["warnings"]) == rules
        events = {row["events"] for row in table["warnings"].values()}
        assert len(events) == 1
        assert events.pop() == sum(station["events"] for station in found["stations"]) > 5
    still = found["clean"]["warnings"]
    assert still["persistence"]["pod"][0] == still["threshold"]["pod"][0] == 0.0
    assert still["linear"]["pod"][0] > 0.5
    assert 0.0 <= still["random"]["pod"][0] < 0.6
    assert found["left_out"] == {"dry": "dry: neither stage nor discharge"}
    for name in rules:
        assert f"\n  {name}" in text
    assert bool(found["missing"]) == (not here)
    assert "packet loss" in text
    assert "\n  bridge: stage measured, every 3600 s, rain of bridge; learnt until 20" in text


def test_each_event_is_told_with_its_first_warning(result):
    found, text = result
    row, events = found["clean"]["warnings"]["warning"], []
    for station in found["stations"]:
        assert len(station["event_list"]) == station["events"]
        events += station["event_list"]
    hit = [event for event in events if event["warned"]]
    assert (len(events), len(hit)) == (row["events"], row["warned"])
    assert np.median([event["lead_h"] for event in hit]) == pytest.approx(
        row["lead_h"][0], abs=1e-3
    )
    for event in hit:
        assert 0.0 < event["lead_h"] <= 6.0
        assert event["crossing_ms"] - event["warned_ms"] == round(event["lead_h"] * HOUR_MS)
    assert {(e["warned_ms"], e["lead_h"]) for e in events if not e["warned"]} <= {(None, None)}
    assert text.count(" h before") == len(hit)
    assert text.count(": missed") == len(events) - len(hit)


def test_where_events_are_many_the_text_counts_them(result):
    found, _ = result
    one = found["stations"][0]
    many = {**one, "event_list": one["event_list"] * 40}
    text = river_text.render({**found, "stations": [many]})
    assert f"{len(many['event_list'])} events (--json lists them)" in text


def test_the_curve_reaches_from_below_what_ships_to_above_it(result):
    found, text = result
    for table in (found["clean"], found["faults"]["all"]):
        curve, rows = table["curve"], table["warnings"]
        for rule in ("warning", "watch"):
            assert curve["q25"]["pod"] <= rows[rule]["pod"][0] <= curve["q90"]["pod"]
        pods = [row["pod"] for row in curve.values()]
        assert pods == sorted(pods)
    assert "\n  q25" in text


def test_intervals_hold_their_value(result):
    found, _ = result
    for row in found["clean"]["warnings"].values():
        value, low, high = row["pod"]
        assert low <= value <= high
    for name, row in found["clean"]["coverage"].items():
        if name == "0.5h":
            assert row["events"] == 0  # an hourly station does not tell it
            continue
        share, low, high = row["share"]
        assert 0.0 <= low <= share <= high <= 1.0
        assert row["events"] > 5


def test_the_command_prints_the_same_each_time_and_one_line_on_a_mistake(tmp_path, capsys):
    tidy_write.write(made_river.record(days=30), tmp_path / "made")
    asked = ["score", str(tmp_path / "made"), "--json"]
    assert cli.main(asked) == 0
    first = capsys.readouterr().out
    assert cli.main(asked) == 0
    assert capsys.readouterr().out == first
    assert json.loads(first)["clean"]["warnings"]["warning"]["events"] > 0
    assert cli.main(["score", str(tmp_path)]) == cli.USER_ERROR
    said = capsys.readouterr().err
    assert said.startswith("amont-models score: ")
    assert said.count("\n") == 1


def test_records_without_a_judged_station_or_judge_are_refused():
    record = made_river.record(days=3)
    lonely = Record("x", "river", record.source, record.channels, (Site("absent"),))
    with pytest.raises(DataError, match="no station can be judged"):
        score.score_record(lonely, ARTIFACTS_DIR)
    with pytest.raises(DataError, match="nothing here judges"):
        score.score_record(Record("x", "sensor", record.source, record.channels), ARTIFACTS_DIR)


def test_stage_is_preferred_to_discharge():
    stage = hourly([1, 2])
    flow = channel("a", "discharge", stage.t_ms, stage.value)
    both = Record("x", "river", made_river.NOBODY, (flow, stage), (Site("a"),))
    assert stage_channel(both, both.sites[0]).value.tolist() == [1.0, 2.0]
