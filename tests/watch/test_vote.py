from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_watch import quality, vote
from amont_watch.hazard import Hazard

SITE: dict[str, Any] = {
    "id": "pont-neuf", "sensors": ["a", "b"], "watch_mm": 1200, "warning_mm": 1800,
    "alarm_mm": 2500, "alarm_plus_mm": 3200, "hysteresis_mm": 100, "clear_s": 600,
    "rise_support_mm": 100, "rise_support_s": 900,
}  # fmt: skip
STATION = vote.StationConfig(SITE)
STEP_S = 60
ANYTHING = st.integers(-600, 8_100)
CALM = st.integers(300, 320)  # noise far below the rise that supports
LENGTH = st.integers(3, 25)


def _sensors() -> list[vote.SensorState]:
    return [vote.SensorState(name, 2_700) for name in ("a", "b")]


def _judge() -> quality.SensorQuality:
    return quality.SensorQuality(-500, 8_000, 500, 60)


@given(st.lists(st.tuples(ANYTHING, st.integers(0, 7), CALM), min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_one_faulty_sensor_of_two_never_sounds(samples: list[tuple[int, int, int]]) -> None:
    a, b = _sensors()
    judge_a, judge_b = _judge(), _judge()
    for i, (wild, wire, calm) in enumerate(samples):
        at_s = i * STEP_S
        vote.observe(STATION, b, at_s, calm, judge_b.judge(at_s, calm, 0), vote.PROVED)
        vote.observe(STATION, a, at_s, wild, judge_a.judge(at_s, wild, wire), vote.PROVED)
        assert vote.decide(STATION, [a, b], at_s).level <= vote.WARNING


@given(st.lists(st.tuples(ANYTHING, ANYTHING), max_size=30), st.sampled_from((1, 2)))
@settings(max_examples=150, deadline=None)
def test_unproved_readings_never_sound(samples: list[tuple[int, int]], freshness: int) -> None:
    sensors = _sensors()
    for i, values in enumerate(samples):
        for sensor, value in zip(sensors, values, strict=True):
            vote.observe(STATION, sensor, i * STEP_S, value, 0, freshness)
        assert vote.decide(STATION, sensors, i * STEP_S).level <= vote.WARNING
    # not even by falling silent
    assert vote.decide(STATION, sensors, len(samples) * STEP_S + 3_000).level == vote.NORMAL


@given(st.lists(st.tuples(st.integers(2_400, 8_000), st.integers(2_400, 8_000)), max_size=30))
@settings(max_examples=100, deadline=None)
def test_old_readings_never_sound(samples: list[tuple[int, int]]) -> None:
    # A month of flood replayed: each reading is judged at an age of at least its validity.
    sensors = _sensors()
    for i, values in enumerate(samples):
        for sensor, value in zip(sensors, values, strict=True):
            vote.observe(STATION, sensor, i, value, 0, vote.PROVED)
        result = vote.decide(STATION, sensors, i + 2_700 + 30 * 86_400)
        assert (result.level, result.valid, result.hold) == (vote.NORMAL, 0, vote.ALARM_PLUS)


@given(st.integers(-500, 8_000), LENGTH, st.integers(0, 7))
def test_a_reading_seen_twice_counts_once(value: int, length: int, repeat: int) -> None:
    once, often = vote.SensorState("a", 2_700), vote.SensorState("a", 2_700)
    for i in range(length):
        vote.observe(STATION, once, i * STEP_S, value, 0, vote.PROVED)
        for _ in range(1 + repeat):
            vote.observe(STATION, often, i * STEP_S, value, 0, vote.PROVED)
    assert (once.votes, once.rising) == (often.votes, often.rising)


@given(st.integers(30, 220), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_a_real_flood_sounds_at_once(rise_mm_min: int, offset_mm: int) -> None:
    # From 1 m to the limit at up to 2.2 m in ten minutes; the lower mast is up to 200 mm behind.
    a, b = _sensors()
    judges = _judge(), _judge()
    for minute in range(200):
        at_s, stage = minute * STEP_S, 1_000 + minute * rise_mm_min
        for sensor, judge, value in ((a, judges[0], stage), (b, judges[1], stage - offset_mm)):
            vote.observe(STATION, sensor, at_s, value, judge.judge(at_s, value, 0), vote.PROVED)
        if stage >= 2_500:
            assert vote.decide(STATION, [a, b], at_s).level >= vote.ALARM
            return
    pytest.fail("the flood never came")


@given(st.integers(30, 220), st.integers(0, 119))
@settings(max_examples=60, deadline=None)
def test_a_lone_sensor_sounds_with_its_third_vote_in_a_real_flood(rise: int, late_s: int) -> None:
    # Each minute as far as the limit, then each 10 s, as a node in fast mode.
    sensor, judge = vote.SensorState("a", 2_700), _judge()
    at_s, votes = 0, 0
    while votes < 3:
        stage = 1_000 + rise * (at_s + late_s) // STEP_S
        vote.observe(STATION, sensor, at_s, stage, judge.judge(at_s, stage, 0), vote.PROVED)
        votes += stage >= 2_500
        assert (vote.decide(STATION, [sensor], at_s).level >= vote.ALARM) == (votes == 3)
        at_s += STEP_S if stage < 2_500 else 10
    assert sensor.steady == vote.STEADY


@given(
    st.integers(2_500, 8_000), st.integers(1, 3), st.integers(0, 2_100),
    st.sampled_from((10, 60, 900)),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_three_readings_out_of_the_blue_sound_nowhere(
    wild: int, count: int, calm: int, step_s: int
) -> None:
    # Whatever the neighbour reads, as long as it is no vote and not near.
    for neighbours in (0, 1, 2):
        sensors = [vote.SensorState(name, 2_700) for name in "abc"[: 1 + neighbours]]
        judges = [_judge() for _ in sensors]
        for i in range(4 + count):
            values = [wild if i >= 4 else min(calm, wild - 301)] + [calm] * neighbours
            for sensor, judge, value in zip(sensors, judges, values, strict=True):
                flags = judge.judge(i * step_s, value, 0)
                vote.observe(STATION, sensor, i * step_s, value, flags, vote.PROVED)
            assert vote.decide(STATION, sensors, i * step_s).level <= vote.WARNING


@given(st.lists(st.one_of(st.none(), ANYTHING), min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_the_level_never_falls_within_the_clearing_time(values: list[int | None]) -> None:
    a, b = _sensors()
    hazard, raised_s = Hazard(600), 0
    for i, value in enumerate(values):
        at_s, was = i * STEP_S, hazard.level
        if value is not None:
            for sensor in (a, b):
                vote.observe(STATION, sensor, at_s, value, 0, vote.PROVED)
        result = vote.decide(STATION, [a, b], at_s)
        hazard.take(result, at_s)
        if result.hold >= was:
            raised_s = at_s
        if hazard.level < was:
            assert at_s - raised_s >= 600
        assert result.hold >= result.level


def test_memory_of_a_sensor_is_bounded() -> None:
    sensor = vote.SensorState("a", 600)
    for i in range(5_000):
        vote.observe(STATION, sensor, i, i % 7, 0, vote.PROVED)
    assert len(sensor._points) <= 13
    assert len(str(sensor.as_dict(5_000))) < 400


def test_a_missing_key_is_named() -> None:
    with pytest.raises(KeyError, match="alarm_mm"):
        vote.StationConfig({key: SITE[key] for key in SITE if key != "alarm_mm"})


@pytest.mark.parametrize(
    ("key", "value"),
    [("age_s", "old"), ("points", 3), ("points", [[1]]), ("points", [[1, 2, 3]]),
     ("votes", [1]), ("votes_s", [1, 2, 3])],
)  # fmt: skip
def test_a_misshapen_memory_changes_nothing(key: str, value: object) -> None:
    sensor = vote.SensorState("a", 600)
    saved = vote.SensorState("a", 600).as_dict(0)
    with pytest.raises(
        (ValueError, TypeError), match=r"invalid literal|not iterable|unpack|two counts"
    ):
        sensor.restore({**saved, key: value}, 0)
    assert not sensor.restored


def test_age_is_never_negative() -> None:
    sensor = vote.SensorState("a", 600)
    vote.observe(STATION, sensor, 100, 500, 0, vote.PROVED)
    assert (sensor.age_s(98), sensor.age_s(130)) == (0, 30)


def test_a_confirmed_step_is_remembered_through_a_restart() -> None:
    a, b = _sensors()
    for sensor in (a, b):
        vote.observe(STATION, sensor, 0, 1_000, 0, vote.PROVED)
        step = quality.RATE | quality.SUSPECT
        vote.observe(STATION, sensor, 60, 1_900, step, vote.PROVED)
        vote.observe(STATION, sensor, 70, 1_900, quality.SUSPECT, vote.PROVED)
    vote.decide(STATION, [a, b], 70)  # they agree
    again = _sensors()
    for new, old in zip(again, (a, b), strict=True):
        new.restore(old.as_dict(70), 0)
    assert vote.decide(STATION, again, 2_699).level == vote.NORMAL
    assert vote.decide(STATION, again, 2_700).rule == "lost while rising"
