"""The made-up years: is quiet time rightly left out, and are floods and alarms rightly counted?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from tests.bench import bench_vote
from tests.bench.station_years import (
    ALARM_MM,
    BASE_MM,
    DAY_S,
    HOUR_S,
    YEAR_S,
    History,
    Life,
    Plain,
    Rates,
    Rise,
    Span,
    Spans,
    score,
)  # fmt: skip

from amont_watch import vote

BUSY = Rates(spikes=40, debris=6, stuck=3, drift=2, losses=24, common_losses=6, rises=24)


def lived(history: History, skip: bool = True) -> Life:
    life = Life(history, skip)
    life.live()
    return life


@pytest.mark.timeout(120)  # some 8 s of work; machines that run it may be busy
@pytest.mark.parametrize(("seed", "sensors"), [(1, 3), (6, 3), (3, 2), (4, 1)])
def test_quiet_time_left_out_changes_nothing(seed: int, sensors: int) -> None:
    history = History(seed, 0.15, sensors, BUSY)
    short, whole = lived(history), lived(history, skip=False)
    assert short.readings < 0.8 * whole.readings
    assert whole.guarded.onsets
    for one, other in [(short.guarded, whole.guarded)] + [
        (short.plain[name], whole.plain[name]) for name in short.plain
    ]:
        assert (one.onsets, one.ends) == (other.onsets, other.ends)


def test_a_year_is_the_same_for_whoever_watches_it() -> None:
    one, two = History(5, 3, 3, Rates()), History(5, 3, 2, Rates())
    assert one.rises == two.rises
    assert one.probes[0].spikes == two.probes[0].spikes
    assert one.probes[1].debris.spans == two.probes[1].debris.spans
    assert History(6, 3, 3, Rates()).rises != one.rises


def test_the_rates_are_what_happens() -> None:
    history = History(7, 400, 1, Rates())
    assert len(history.rises) == pytest.approx(3 * 400, rel=0.12)
    assert len(history.probes[0].spikes) == pytest.approx(10 * 400, rel=0.08)
    assert len(history.probes[0].lost.spans) == pytest.approx(6 * 400, rel=0.08)
    noise = [history.probes[0].read(t) - history.level_mm(t) for t in range(0, 3_000_000, 997)]
    mean = sum(noise) / len(noise)
    assert abs(mean) < 1
    assert 3 < (sum((x - mean) ** 2 for x in noise) / len(noise)) ** 0.5 < 8


def test_a_river_rises_to_its_height_and_falls_back() -> None:
    rise = Rise(1_000, 3_600, 4_200)
    crossing_s = rise.crossing_s
    assert crossing_s == 1_000 + 3_600 * (ALARM_MM - BASE_MM) // 4_200
    assert rise.above_mm(crossing_s) == ALARM_MM - BASE_MM
    assert (rise.above_mm(4_600), rise.above_mm(rise.end_s)) == (4_200, 0)
    assert Rise(0, 3_600, 2_000).crossing_s is None


def test_spans_keep_the_earlier_of_two() -> None:
    spans = Spans([Span(50, 60), Span(10, 20, 7), Span(15, 40)])
    assert [spans.at(t) for t in (9, 10, 19, 20, 55)] == [
        None, Span(10, 20, 7), Span(10, 20, 7), None, Span(50, 60),
    ]  # fmt: skip


def river(*rises: Rise) -> Any:
    history = SimpleNamespace(rises=list(rises), until_s=10 * DAY_S)
    history.level_mm = lambda now_s: next(
        (BASE_MM + r.above_mm(now_s) for r in rises if r.start_s <= now_s < r.end_s), BASE_MM
    )
    return history


@pytest.mark.parametrize(
    ("after_s", "missed", "false"),
    [(0, 0, 0), (600, 0, 0), (601, 1, 0), (-HOUR_S, 0, 0), (-HOUR_S - 1, 0, 1), (-DAY_S, 1, 1)],
)
def test_an_alarm_may_be_an_hour_early_and_ten_minutes_late(
    after_s: int, missed: int, false: int
) -> None:
    rise = Rise(5 * DAY_S, 4 * HOUR_S, 3_500)
    assert rise.crossing_s is not None
    found = score(river(rise), [rise.crossing_s + after_s], [rise.crossing_s + after_s + 60])
    assert (found.floods, found.missed, found.false) == (1, missed, false)


def test_a_siren_that_sounds_already_has_not_missed_and_one_at_low_water_is_false() -> None:
    rise = Rise(5 * DAY_S, 4 * HOUR_S, 3_500)
    found = score(river(rise), [rise.start_s - HOUR_S], [])
    assert (found.missed, found.false) == (0, 1)
    assert score(river(), [DAY_S, 2 * DAY_S], [DAY_S + 60, 2 * DAY_S + 60]).false == 2
    assert score(river(), [], []).years == pytest.approx(10 * DAY_S / YEAR_S)


def test_a_plain_rule_counts_readings_in_a_row() -> None:
    plain = Plain(2, 2, 3)
    for t in range(3):
        plain.take(0, 60 * t, ALARM_MM)
        plain.take(1, 60 * t, ALARM_MM)
        plain.decide(60 * t)
    assert plain.onsets == [120]
    plain.take(1, 180, ALARM_MM - 1)
    plain.decide(180)
    plain.decide(120 + 600)
    assert plain.ends == [720]


@pytest.mark.timeout(120)
def test_a_shrill_and_a_deaf_rule_are_found() -> None:
    found = {f["name"]: f for f in bench_vote._planted(1)}
    assert found["vote.planted_missed"]["met"]
    assert found["vote.planted_false"]["met"]


def test_a_rule_that_never_sounds_misses_every_flood() -> None:
    history = History(1, 3, 3, Rates(spikes=0))
    with mock.patch.object(vote, "_sounding", return_value=("", [])):
        life = lived(history)
    found = score(history, life.guarded.onsets, life.guarded.ends)
    assert found.missed == found.floods > 0


def test_a_short_trial_claims_nothing_and_a_bad_one_fails() -> None:
    few = bench_vote.Score(30, 0, 1, 18)
    assert [f.get("met") for f in bench_vote._pair("three", few, full=False)] == [None, None]
    assert [f["met"] for f in bench_vote._pair("three", few, full=True)] == [True, False]
    bad = bench_vote.Score(30, 9, 30, 18)
    assert [f["met"] for f in bench_vote._pair("three", bad, full=False)] == [False, False]
