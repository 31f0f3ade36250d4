from __future__ import annotations

import datetime as dt

import numpy as np

from amont_demo import scenario
from amont_demo.clock import HISTORY_S


def test_begins_on_a_wednesday_that_is_over() -> None:
    for day in range(1, 15):
        today = dt.datetime(2026, 11, day, 3, tzinfo=dt.UTC)
        start = dt.datetime.fromtimestamp(scenario.epoch_ms(today) / 1000, scenario.LOCAL)
        assert (start.weekday(), start.hour) == (2, 2)
        over = dt.timedelta(seconds=scenario.FORWARD_S)
        assert start + over < today + dt.timedelta(days=1)


def test_the_flood_is_the_recorded_one() -> None:
    stage = scenario.stage()
    ahead = stage.ticks_s >= HISTORY_S
    assert stage.values[ahead][0] == 1122
    # 28 February 2018, 16:00 to 17:00: the record's steepest hour of this flood.
    at_16 = int(np.flatnonzero(stage.ticks_s == HISTORY_S + 14 * scenario.HOUR_S)[0])
    assert stage.values[at_16 : at_16 + 2].tolist() == [2241, 4676]


def test_an_hours_rain_is_spread_and_kept() -> None:
    rain = scenario.rain()
    hour = (rain.ticks_s > HISTORY_S + 2 * 3600) & (rain.ticks_s <= HISTORY_S + 3 * 3600)
    assert hour.sum() == 4
    assert rain.values[hour].sum() == 76_800  # 28 February 2018, 04:00 to 05:00: 76.8 mm


def test_the_leak_is_added_and_nothing_else() -> None:
    mean = 10_000.0
    opened = HISTORY_S - scenario.LEAK_BEFORE_S
    assert scenario.leak_l_h(opened - 1, mean) == 0
    hours = range(opened, HISTORY_S, 3600)
    sizes = [scenario.leak_l_h(tick, mean) for tick in hours]
    assert min(sizes) >= 0.95 * 0.25 * mean
    assert max(sizes) <= 1.05 * 0.25 * mean
    assert sizes.index(max(sizes)) == 15  # noon and 15 hours: three in the morning


def test_history_is_evenly_spaced_and_keeps_gaps() -> None:
    past = scenario.inflow().history
    steps = np.diff([tick for tick, _ in past])
    assert set(steps % 3600) == {0}
    assert past[-1][0] < HISTORY_S
    assert steps.max() > 3600  # the record has missing hours, and so has the past


def test_noise_is_bounded_and_repeatable() -> None:
    clean = scenario.stage()
    noisy, again = clean.with_noise(5, seed=3), clean.with_noise(5, seed=3)
    assert noisy.values.tolist() == again.values.tolist()
    between = np.round(np.interp(noisy.ticks_s, clean.ticks_s, clean.values))
    assert np.abs(noisy.values - between).max() == 5
    assert len(noisy.history) == len(clean.history)
