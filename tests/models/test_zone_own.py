"""A zone's own thresholds: drawn to the signed ones, bounded, causal, the same after a restart."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.models.scene import DAY_MS, zone_hours

from amont_gateway.scoring import timeline, zone_features, zone_own
from amont_gateway.scoring.zone_test import LeakRule, ZoneTest

ROME = ZoneInfo("Europe/Rome")
BOUNDS = (0.5, 1.25)
OWN = LeakRule(network=0.0, own_days=30)


def nothing(rows):
    return np.zeros(len(rows))


def judged(t_ms, l_h, rule=OWN):
    days = zone_features.by_day(timeline.Series(t_ms, l_h), ROME)
    return ZoneTest(rule, nothing).run(days)


def calls(nights):
    return [night.call_ms for night in nights if night.call_ms is not None]


def test_few_days_leave_the_signed_threshold_and_many_draw_it_to_the_zones_own():
    few = zone_own.factor([0.1] * 9, 1.0, 30, BOUNDS)
    some = zone_own.factor([0.7] * 30, 1.0, 30, BOUNDS)
    many = zone_own.factor([0.7] * 150, 1.0, 30, BOUNDS)
    assert few == 1.0
    assert some == pytest.approx(0.85)
    assert 0.7 < many < some


def test_no_past_makes_a_zone_deaf_or_nervous():
    assert zone_own.factor([1e9] * 150, 1.0, 30, BOUNDS) == 1.25
    assert zone_own.factor([-1e9] * 150, 1.0, 30, BOUNDS) == 0.5


def test_unknown_days_do_not_count_and_a_few_wild_ones_hardly():
    calm = [0.8] * 100
    plain = zone_own.factor(calm, 1.0, 30, BOUNDS)
    assert zone_own.factor([*calm, float("nan")], 1.0, 30, BOUNDS) == plain
    assert zone_own.factor([*calm, *[50.0] * 9], 1.0, 30, BOUNDS) == pytest.approx(plain, abs=0.01)


def test_a_calm_zone_hears_a_smaller_leak_than_the_signed_rule_does():
    t_ms, l_h = zone_hours(120, 200.0, after_days=100)
    signed = judged(t_ms, l_h, replace(OWN, own_days=0))
    own = judged(t_ms, l_h)
    opened = int(t_ms[0]) + 100 * DAY_MS
    assert calls(signed) == []
    assert [call > opened for call in calls(own)] == [True]


def test_own_thresholds_use_no_day_to_come_and_not_the_open_leak():
    t_ms, l_h = zone_hours(110, 1500.0, after_days=80)
    later = t_ms > t_ms[0] + 95 * DAY_MS
    one, other = judged(t_ms, l_h), judged(t_ms, np.where(later, 9e5, l_h))
    for a, b in zip(one[:95], other[:95], strict=True):
        assert (a.verdict, a.total, a.evidence) == (b.verdict, b.total, b.evidence)
    assert one[-1].verdict == "leak"


def test_going_on_gives_the_same_as_starting_again():
    days = zone_features.by_day(timeline.Series(*zone_hours(110, 400.0, after_days=80)), ROME)
    test = ZoneTest(OWN, nothing)
    for count in (50, 83, 100):
        test.run(days.until(count))
    again = ZoneTest(OWN, nothing).run(days)
    ahead = test.fork().run(days)
    assert [night.total for night in ahead] == [night.total for night in again]
    assert calls(ahead) == calls(again)
