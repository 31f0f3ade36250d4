"""The hourly test: a leak that opens at once is called within a day, and use of a day is not."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.models.scene import DAY_MS, zone_hours

from amont_gateway.scoring import timeline, zone_features, zone_step
from amont_gateway.scoring.zone_test import LeakRule, ZoneTest

ROME = ZoneInfo("Europe/Rome")
HOURLY = LeakRule(step=6.0, drift=9.0, alarm=99.0, watch=49.0, network=0.0)  # by the hours alone
HOUR_MS = 3_600_000


def nothing(rows):
    return np.zeros(len(rows))


def judged(t_ms, l_h, rule=HOURLY):
    days = zone_features.by_day(timeline.Series(t_ms, l_h), ROME)
    return ZoneTest(rule, nothing).run(days)


def calls(nights):
    return [night.call_ms for night in nights if night.call_ms is not None]


@pytest.mark.parametrize("size", [600.0, 1500.0, 3000.0])
def test_a_leak_that_opens_at_once_is_called_within_a_day(size):
    t_ms, l_h = zone_hours(60, size)
    opened = int(t_ms[0]) + 28 * DAY_MS
    nights = judged(t_ms, l_h)
    (call,) = calls(nights)
    assert opened < call <= opened + 36 * HOUR_MS
    (night,) = [one for one in nights if one.call_ms is not None]
    assert night.leak_l_h == pytest.approx(size, rel=0.35)
    assert abs(night.since_ms - opened) <= 24 * HOUR_MS
    assert nights[-1].verdict == "leak"
    assert nights[-1].since_ms == night.since_ms


def test_what_a_day_uses_more_is_no_leak():
    t_ms, l_h = zone_hours(60)
    hour = ((t_ms - t_ms[0]) // HOUR_MS) % 24
    used = (t_ms > t_ms[0] + 40 * DAY_MS) & (t_ms < t_ms[0] + 43 * DAY_MS) & (hour > 8)
    nights = judged(t_ms, l_h + np.where(used & (hour < 18), 3000.0, 0.0))
    assert calls(nights) == []


def test_an_outage_a_reset_and_a_negative_flow_call_nothing():
    t_ms, l_h = zone_hours(70)
    day = (t_ms - t_ms[0]) / DAY_MS
    l_h = np.where((day > 40) & (day < 40.2), -5000.0, l_h)  # ran backwards
    l_h = np.where((day > 45) & (day < 45.1), 4_000_000.0, l_h)  # a counter that began again
    kept = ~((day > 50) & (day < 53))
    nights = judged(t_ms[kept], l_h[kept])
    assert calls(nights) == []
    assert {night.verdict for night in nights[20:]} <= {"normal", "unknown"}


def test_each_hour_says_what_it_said_when_it_was_the_last():
    t_ms, l_h = zone_hours(34, 1500.0)
    (call,) = calls(judged(t_ms, l_h))
    before, at = t_ms < call, t_ms <= call
    assert calls(judged(t_ms[before], l_h[before])) == []
    assert calls(judged(t_ms[at], l_h[at])) == [call]


def test_the_level_of_the_reference_does_not_matter():
    rng = np.random.default_rng(4)
    left = rng.normal(0.0, 30.0, (40, 24))
    left[-1] += 500.0
    even = np.full(24, 1 / 24)
    one = zone_step.rises(left, even, 5000.0)
    other = zone_step.rises(left + 900.0, even, 5000.0)
    assert one.l_h == pytest.approx(other.l_h)
    assert one.noise_l_h == pytest.approx(other.noise_l_h)
    assert one.l_h[-1] == pytest.approx(500.0, abs=90.0)
    assert one.size_l_h[-1] == pytest.approx(500.0, abs=90.0)


def test_noise_is_that_of_days_and_a_leak_that_begins_hardly_counts():
    rng = np.random.default_rng(5)
    steady = np.repeat(rng.normal(0.0, 100.0, (80, 1)), 24, axis=1)
    quiet = zone_step.noise(steady, 5000.0)
    assert 70.0 < quiet < 140.0
    steady[40:] += 5000.0
    assert zone_step.noise(steady, 5000.0) < 1.3 * quiet
    assert zone_step.noise(steady * 0.0, 5000.0) == 50.0
    assert zone_step.noise(steady[:3], 5000.0) == 150.0


def test_unknown_hours_say_nothing():
    left = np.zeros((30, 24))
    left[-1, 12:] = np.nan
    found = zone_step.rises(left, np.full(24, 1 / 24), 1000.0)
    assert np.isfinite(found.l_h[:12]).all()
    assert np.isnan(found.l_h[12:]).all()
    assert np.isnan(zone_step.rises(left[:4], np.full(24, 1 / 24), 1000.0).l_h).all()
