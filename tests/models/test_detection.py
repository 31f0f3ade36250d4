"""The siren's decision replayed on records: samples, soundings, counts, and the card."""

import numpy as np
import pytest
from tests.bench import bench_detect

from amont_models import (
    cli,
    detection,
    detection_curve,
    detection_faults,
    detection_report,
    detection_text,
    poisson,
)
from amont_models.detection import Found
from amont_models.guard_replay import Feed, Limits, Station, eventful, samples, spans, threshold
from amont_models.records.table import Record, Site, Source, channel
from amont_watch import vote

STEP_MS = 600_000
DAY = 86_400_000 // STEP_MS
LIMITS = Limits(500, 750, 1000, 1500)


def stage(value, step_ms=STEP_MS):
    t_ms = 1_600_000_000_000 + step_ms * np.arange(len(value), dtype=np.int64)
    return channel("pont", "stage", t_ms, np.asarray(value, float))


def flood(days=9, top_mm=1800.0, at_day=8):
    """Return a calm river of ``days`` with one flood."""
    value = 5.0 * np.sin(np.arange(days * DAY) / 9.0)
    rise = np.concatenate((np.linspace(0.0, 1.0, 18), np.linspace(1.0, 0.0, 60)))
    value[at_day * DAY : at_day * DAY + len(rise)] += top_mm * rise
    return np.round(value)


def feed(value, spikes=None, water=None):
    one = stage(value)
    return Feed(one.t_ms, one.value, one.value if water is None else water, spikes or {})


def sounded(one, fast=True):
    heard = eventful(list(samples(one, 0, LIMITS, fast)), LIMITS)
    return Station(LIMITS, 1, STEP_MS // 1000).live(heard, fast)


def test_a_node_samples_each_minute_from_the_watch_limit_on():
    value = [0.0, 0.0, 600.0, 1200.0, 0.0, 0.0]
    own = list(samples(feed(value), 0, LIMITS, fast=False))
    assert [mm for _, _, mm in own] == [0, 0, 600, 1200, 0, 0]
    fast = list(samples(feed(value), 0, LIMITS))
    assert len(fast) == 6 + 9 + 6  # up to the limit, and down to just below watch
    assert [one[0] for one in fast] == sorted(one[0] for one in fast)
    unknown = np.full(6, np.nan)
    assert list(samples(feed(value, water=unknown), 0, LIMITS)) == own
    assert list(samples(feed([]), 0, LIMITS)) == []


def test_a_node_looks_for_the_alarm_between_two_samples():
    fast = list(samples(feed([0.0, 2000.0, 2000.0]), 0, LIMITS))
    assert fast[1][2] == 1000
    assert fast[1][0] - fast[0][0] == 300


def test_a_spike_is_a_number_of_samples_whatever_their_interval():
    fast = list(samples(feed([0.0] * 5, spikes={2: (900.0, 3)}), 0, LIMITS))
    assert [mm for _, _, mm in fast] == [0, 0, 900, 900, 900, 0, 0, 0]


def test_the_guard_sounds_for_a_flood_and_not_for_one_reading():
    value = flood()
    crossing = detection.events((stage(value).t_ms // 1000).tolist(), value, 1000.0)
    (on, off), (start, end) = sounded(feed(value))[0], crossing[0]
    assert 0 <= on - start <= 300 or start - on <= 600
    assert off >= end - 600
    value[:] = 0.0
    value[5 * DAY] = 3000.0
    assert sounded(feed(value, water=np.where(value > 100.0, np.nan, value))) == []
    assert threshold(list(samples(feed(value), 0, LIMITS, fast=False)), LIMITS) != []
    assert threshold(list(samples(feed(value), 0, LIMITS, fast=False)), LIMITS, 3) == []


def test_calm_days_may_be_left_out():
    one = feed(flood(), spikes={3 * DAY: (1200.0, 3)})
    heard = list(samples(one, 0, LIMITS))
    short = eventful(heard, LIMITS)
    assert len(short) < 0.6 * len(heard)
    assert Station(LIMITS, 1, 600).live(heard) == Station(LIMITS, 1, 600).live(short)
    assert eventful(list(samples(feed([0.0] * 9), 0, LIMITS)), LIMITS) == []


def test_crossings_are_counted_by_the_definitions():
    minutes = 60 * 10 * np.arange(200)
    value = np.zeros(200)
    value[0:5], value[60:70], value[75:80], value[150:152] = 1.0, 1.0, 1.0, 1.0
    found = detection.events(minutes.tolist(), value, 1.0)
    assert found == [(-(2**40), 3000), (36_000, 48_000)]  # two as one; 20 min is too short
    assert len(detection.events(minutes.tolist(), value, 1.0, 0)) == 3
    at = 36_000
    judged = {
        shift: detection.judge(found, [(at + shift, at + shift + 60)], 1.0)
        for shift in (-11_000, -10_000, 1200, 1260, 80_000)
    }
    assert [one.met for one in judged.values()] == [0, 1, 1, 0, 0]
    assert [one.false for one in judged.values()] == [0, 0, 0, 0, 1]
    two = detection.judge(found, [(100_000, 100_060), (110_000, 110_060)], 1.0)
    assert two.false == 1  # one group
    assert (two + judged[1200]) == Found(2, 1, 1, 2.0)
    assert (two + judged[1200]).csi == pytest.approx(1 / 3)
    assert spans([], 60) == []


def test_made_faults_of_more_sensors_give_fewer_false_sirens():
    value = np.tile(flood(12, at_day=9), 4)
    since = int(stage(value).t_ms[4 * DAY])
    one = detection_faults.trial(stage(value), since, since + 365 * 86_400_000, LIMITS)
    found = detection_faults.with_faults(one, 5)
    assert found["guard, 1"].events == found["guard, 3"].events == 4
    assert found["guard, 3"].met >= 3
    assert found["threshold"].false > found["guard, 1"].false >= found["guard, 3"].false


def test_an_hourly_record_is_drawn_each_quarter():
    hourly = stage(np.arange(10.0) * 100.0, 3_600_000)
    often = detection_faults.quarters(hourly)
    assert often.step_ms == 900_000
    assert np.interp(often.t_ms[5], hourly.t_ms, hourly.value) == pytest.approx(
        often.value[5], abs=1
    )
    assert detection_faults.quarters(stage(np.zeros(9))).step_ms == STEP_MS


def record(value, raw=True):
    source = Source("x", "x", "x", "x")
    return Record("x", "river", source, (stage(value),), (Site("pont"), Site("none")), raw=raw)


class Warner:
    """A chain that warns as soon as the water is at half the mark."""

    def decide(self, seen, known):
        class Said:
            warn = seen.stage.value >= known.mark_mm / 2.0

        return {"warning": Said}


def test_the_tables_and_their_card(tmp_path, monkeypatch):
    value = flood(days=20, at_day=15, top_mm=2500.0)
    value[12 * DAY] = 2600.0
    raw = detection.raw_table([record(value)], Warner())
    for up in ("1000", "2000"):
        assert raw[up]["guard, each minute"].csi == 1.0
        assert raw[up]["threshold"].false == 1
        assert raw[up]["warning"].met == 1
    monkeypatch.setattr(detection_faults, "FAULT_MS", 5 * 86_400_000)
    stations = detection_faults.by_station([record(value, raw=False)], 3, draws=2)
    faulty = detection_faults.added(stations)
    assert {"guard, 1", "guard, 2", "guard, 3", "threshold", "median of three"} == set(faulty)
    metrics = detection_report.faults_part(stations, draws=2)
    for up, table in raw.items():
        rows = {rule: detection_report.row(one) for rule, one in table.items()}
        metrics[f"raw_{up}"] = rows
    metrics["faults"]["threshold"] |= detection_report.row(Found(years=1.0))
    paths = detection_report.write(metrics, tmp_path, tmp_path / "metrics.json")
    assert [path.name for path in paths] == ["metrics.json", "detection.en.md", "detection.fr.md"]
    assert "| plain threshold | 1 | 1 | 1 | 0.500 |" in paths[1].read_text(encoding="utf-8")
    none = "| simple seuil | 0 | 0 | 0 | – | 0.000 | 0.000–3.689 | – |"
    assert none in paths[2].read_text(encoding="utf-8")
    figures = [*bench_detect._raw("flood.detect_plus_1m", raw["1000"])]
    figures += bench_detect._faults(faulty)
    assert {one["name"] for one in figures} <= set(bench_detect.NAMES)


def test_each_draw_has_faults_of_its_own_over_the_same_water():
    value = flood(days=14, at_day=11, top_mm=1500.0)
    one = detection_faults.trial(stage(value), int(stage(value).t_ms[9 * DAY]), 2**62, LIMITS)
    apart = detection_faults.APART
    first, again, second = (one.said(seed) for seed in (7, 7, 7 + apart))
    assert first == again
    assert all(here != there for here in first for there in second)
    draws = detection_faults.by_station([record(value, raw=False)], 7, draws=3)["pont"]
    single = detection_faults.by_station([record(value, raw=False)], 7, draws=1)["pont"]
    calls = {rule: (draws[rule].events, single[rule].events) for rule in draws}
    assert all(many == 3 * once for many, once in calls.values())
    assert draws["guard, 1"].years == pytest.approx(3 * single["guard, 1"].years)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((0, 0, 40), "shown to be below 0.02 with one sensor and two sensors; not reached with"),
        ((2, 0, 0), "shown to be below 0.02 with two sensors and three sensors; neither shown"),
    ],
)
def test_no_rate_is_called_reached_before_the_interval_says_so(counts, said):
    faults = {
        f"guard, {n}": detection_report.row(Found(9, 9, count, 200.0))
        for n, count in enumerate(counts, 1)
    }
    words = detection_text.WORDS["en"]
    assert detection_text._verdict(faults, words, 0.02).startswith(said)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)]
)
def test_bounds_of_a_count_are_the_tables(count, low, high):
    assert poisson.bounds(count) == pytest.approx((low, high), rel=0.002)


def test_the_curve_lives_through_the_training_part_alone(monkeypatch):
    value = flood(days=24, at_day=8, top_mm=2500.0)
    value[10 * DAY : 10 * DAY + len(value) // 40] += 1500.0
    monkeypatch.setattr(detection_curve, "SETTINGS", ((300, 1), (300, 4)))
    monkeypatch.setattr(detection_faults.faults, "SPIKES_A_YEAR", 2000)
    found = detection_curve.curve([record(value, raw=False)], 3)
    later = value.copy()
    later[13 * DAY :] = 3.0
    station = next(detection_faults.known_stations([record(value, raw=False)]))
    assert station.constants.train_until_ms < int(stage(value).t_ms[13 * DAY])
    assert detection_curve.curve([record(later, raw=False)], 3) == found
    without, rule = found["settings"]
    assert (without["waits_s"], rule["waits_s"], rule["ships"]) == (0, 30, True)
    assert sum(without["false"]) > sum(rule["false"])
    assert (vote.LEAP_MM, vote.STEADY) == detection_curve.SHIPPED == (300, 4)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_card_in_the_docs_is_what_the_metrics_say(language):
    metrics = detection_report.read()
    card = (detection_report.CARDS_DIR / f"detection.{language}.md").read_text(encoding="utf-8")
    assert detection_report.render(metrics, language) == card


def test_without_records_the_command_says_which_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    assert cli.main(["detect"]) == cli.USER_ERROR
    assert "river_occitanie_2020" in capsys.readouterr().err
