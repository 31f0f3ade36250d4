"""The night test on made zones: what it must find, and what it must not learn."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.models.scene import DAY_MS, zone_hours

from amont_gateway.scoring import timeline, whole_day, zone_features
from amont_gateway.scoring.zone_test import LeakRule, ZoneTest

ROME = ZoneInfo("Europe/Rome")
RULE = LeakRule()


def nothing(rows):
    return np.zeros(len(rows))


def nights(t_ms, l_h, rule=RULE, predict=nothing):
    days = zone_features.by_day(timeline.Series(t_ms, l_h), ROME)
    return ZoneTest(rule, predict).run(days)


def test_a_calm_zone_stays_calm():
    judged = nights(*zone_hours(120))
    verdicts = [night.verdict for night in judged]
    assert verdicts[:11] == ["unknown"] * 11
    assert set(verdicts[12:]) == {"normal"}


@pytest.mark.parametrize("size", [800.0, 1500.0, 3000.0])
def test_an_abrupt_leak_is_found_with_its_size_and_start(size):
    t_ms, l_h = zone_hours(45, size)
    judged = nights(t_ms, l_h)
    first = next(k for k, night in enumerate(judged) if night.verdict == "leak")
    assert 28 <= first <= 33
    assert judged[-1].verdict == "leak"
    assert judged[-1].leak_l_h == pytest.approx(size, rel=0.15)
    opened = int(t_ms[0]) + 28.5 * DAY_MS
    assert abs(judged[-1].since_ms - opened) < 2 * DAY_MS


def test_a_leak_that_grows_slowly_is_not_learnt_as_normal():
    judged = nights(*zone_hours(75, 2000.0, growing=True))
    assert judged[-1].verdict == "leak"
    # What is called usual at the end is what was usual before it began.
    assert judged[-1].usual_l_h == pytest.approx(judged[27].usual_l_h, rel=0.05)
    assert judged[-1].leak_l_h == pytest.approx(2000.0, rel=0.2)


def test_a_repaired_leak_is_over_within_days():
    t_ms, l_h = zone_hours(60, 1500.0)
    repaired = t_ms > t_ms[0] + 40 * DAY_MS
    judged = nights(t_ms, np.where(repaired, l_h - 1500.0, l_h))
    assert judged[39].verdict == "leak"
    assert judged[46].verdict == "normal"
    assert judged[-1].leak_l_h == 0.0


def test_a_leak_that_nobody_repairs_stays_told_beside_what_is_usual_by_then():
    judged = nights(*zone_hours(110, 1500.0), LeakRule(accept_days=30))
    early = judged[40]
    assert judged[-1].usual_l_h == pytest.approx(early.usual_l_h + 1500.0, rel=0.1)
    for night in judged[60:]:
        assert night.verdict == "leak"
        assert (night.since_ms, night.call_ms) == (early.since_ms, None)
        assert night.leak_l_h == pytest.approx(1500.0, rel=0.2)
    assert sum(night.call_ms is not None for night in judged) == 1


def test_a_leak_that_stood_is_over_within_days_of_its_repair():
    t_ms, l_h = zone_hours(110, 1500.0)
    repaired = t_ms > t_ms[0] + 80 * DAY_MS
    judged = nights(t_ms, np.where(repaired, l_h - 1500.0, l_h), LeakRule(accept_days=30))
    assert judged[79].verdict == "leak"
    assert {night.verdict for night in judged[85:]} == {"normal"}
    assert judged[-1].leak_l_h == 0.0


def test_another_leak_is_called_beside_one_that_stands():
    t_ms, l_h = zone_hours(110, 1500.0)
    more = t_ms > t_ms[0] + 80 * DAY_MS
    judged = nights(t_ms, np.where(more, l_h + 1500.0, l_h), LeakRule(accept_days=30))
    first, second = (night for night in judged if night.call_ms is not None)
    assert second.call_ms - int(t_ms[0]) == pytest.approx(81 * DAY_MS, abs=2 * DAY_MS)
    assert second.since_ms > first.since_ms + 40 * DAY_MS
    assert judged[95].leak_l_h == pytest.approx(1500.0, rel=0.2)


def test_one_wild_night_is_not_a_leak():
    t_ms, l_h = zone_hours(60)
    wild = (t_ms > t_ms[0] + 40 * DAY_MS) & (t_ms < t_ms[0] + 40.3 * DAY_MS)
    judged = nights(t_ms, np.where(wild, l_h + 5000.0, l_h))
    assert "leak" not in {night.verdict for night in judged}


def test_missing_nights_are_not_calm_nights():
    t_ms, l_h = zone_hours(60, 1500.0)
    hour = ((t_ms - t_ms[0]) // 3_600_000) % 24
    lost = (t_ms > t_ms[0] + 35 * DAY_MS) & (hour < 8)
    judged = nights(t_ms[~lost], l_h[~lost])
    assert np.isnan(judged[-1].flow_l_h)
    assert judged[-1].verdict == "leak"


def test_changing_the_future_changes_no_past_verdict():
    t_ms, l_h = zone_hours(60, 1500.0)
    later = t_ms > t_ms[0] + 45 * DAY_MS
    one, other = nights(t_ms, l_h), nights(t_ms, np.where(later, 9e5, l_h))
    for a, b in zip(one[:45], other[:45], strict=True):
        assert (a.verdict, a.total, a.leak_l_h) == (b.verdict, b.total, b.leak_l_h)


def test_going_on_gives_the_same_as_starting_again():
    days = zone_features.by_day(timeline.Series(*zone_hours(60, 1500.0)), ROME)
    test = ZoneTest(RULE, nothing)
    for count in (20, 40, 55):
        test.run(zone_features.Days(*(column[:count] for column in days)))
    ahead = test.fork().run(days)
    again = ZoneTest(RULE, nothing).run(days)
    assert [night.total for night in ahead] == [night.total for night in again]
    assert len(test.nights) == 55


def test_a_rule_from_a_manifest_is_checked():
    assert LeakRule.from_manifest({"drift": 1.0, "accept_days": 30.0}).accept_days == 30
    for wrong in ({"drfit": 1.0}, {"alarm": float("nan")}):
        with pytest.raises(ValueError, match="rule"):
            LeakRule.from_manifest(wrong)


def test_probability_rises_with_the_sum_and_stays_finite():
    values = [RULE.probability(total) for total in (0.0, 5.0, 50.0, 1e9)]
    assert values == sorted(values)
    assert 0.0 < values[0] < values[1] < values[-1] < 1.0
    sure = LeakRule(probability_slope=40.0).probability
    assert (sure(0.0), sure(1e9)) == (0.001, 0.999)


def test_hours_that_swing_weigh_less_than_steady_ones():
    rng = np.random.default_rng(5)
    left = rng.standard_normal((40, 24)) * np.where(np.arange(24) < 6, 20.0, 200.0)
    weight = whole_day.weights(left, 1000.0)
    assert weight.sum() == pytest.approx(1.0)
    assert weight[:6].min() > weight[6:].max()
    assert whole_day.steady(left[0] * 0.0 + 70.0, weight) == pytest.approx(70.0)


def test_hours_that_are_never_known_weigh_nothing_and_half_a_day_says_nothing():
    left = np.tile(np.where(np.arange(24) < 16, 1.0, np.nan), (20, 1))
    weight = whole_day.weights(left, 100.0)
    assert (weight[16:] == 0.0).all()
    assert np.isnan(whole_day.steady(np.where(np.arange(24) < 6, 1.0, np.nan), weight))
    assert whole_day.weights(np.empty((0, 24)), 100.0) == pytest.approx(np.full(24, 1 / 24))
    assert whole_day.weights(left[:, :1].repeat(24, axis=1) * np.nan, 1.0)[0] > 0.0


def test_the_network_is_asked_only_if_the_rule_says_so():
    def never(rows):
        raise AssertionError("asked")

    calm = nights(*zone_hours(20), LeakRule(network=0.0), never)
    assert calm[-1].verdict == "normal"
    with pytest.raises(AssertionError, match="asked"):
        nights(*zone_hours(20), LeakRule(), never)
