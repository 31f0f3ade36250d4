"""What weather and other zones explain: taken out, never with what was not known yet."""

import numpy as np
import pytest

from amont_gateway.scoring.zone_features import Days
from amont_models import leak_outside, leak_probability

HOUR_MS = 3_600_000


def days_of(l_h):
    count = len(l_h)
    end_ms = (np.arange(count * 24).reshape(count, 24) + 1) * HOUR_MS
    kind = np.zeros(count, np.int64)
    return Days(738_000 + np.arange(count), end_ms, l_h, kind)


def made(count=120, seed=3):
    rng = np.random.default_rng(seed)
    warmth = np.repeat(rng.normal(0.0, 1.0, (count, 1)), 24, axis=1)
    inflow = 1000.0 + rng.normal(0.0, 5.0, (count, 24)) + 50.0 * warmth
    return inflow, warmth


def test_what_the_weather_explains_is_taken_out():
    inflow, warmth = made()
    left = leak_outside.without(days_of(inflow), warmth[None])
    assert left.l_h[60:].std() < 0.6 * inflow[60:].std()
    assert (left.l_h[:28] == inflow[:28]).all()


def test_what_is_not_known_outside_takes_nothing():
    inflow, warmth = made()
    warmth[100] = np.nan
    left = leak_outside.without(days_of(inflow), warmth[None])
    assert (left.l_h[100] == inflow[100]).all()


def test_the_future_changes_nothing_that_was_taken_out():
    inflow, warmth = made()
    other, warm = inflow.copy(), warmth.copy()
    other[80:], warm[80:] = 9e5, -7.0
    one = leak_outside.without(days_of(inflow), warmth[None])
    two = leak_outside.without(days_of(other), warm[None])
    assert (one.l_h[:80] == two.l_h[:80]).all()


def test_the_other_zones_are_told_in_their_own_mean_of_the_days_before():
    mine = days_of(np.full((20, 24), 10.0))
    others = [days_of(np.full((20, 24), size)) for size in (100.0, 900.0, 5.0)]
    around = leak_outside.others(mine, others)
    assert around.shape == (1, 20, 24)
    assert np.isnan(around[0, 0]).all()
    assert around[0, 1:] == pytest.approx(np.ones((19, 24)))
    assert np.isnan(leak_outside.others(mine, [])).all()


def test_a_series_is_laid_out_by_hours_and_holes_stay():
    days = days_of(np.zeros((2, 24)))
    t_ms = (np.arange(30) + 1) * HOUR_MS
    out = leak_outside.of_hours(days, t_ms, np.arange(30.0))
    assert out.ravel()[:30] == pytest.approx(np.arange(30.0))
    assert np.isnan(out.ravel()[30:]).all()


def test_the_reliability_table_sets_what_was_told_beside_what_was_true():
    told = np.array([0.01, 0.03, 0.9, 0.9])
    rows = leak_probability.table(told, np.array([0.0, 0.0, 1.0, 0.0]), np.array([1.0, 1, 1, 3]))
    assert [row["nights"] for row in rows] == [2, 2]
    assert rows[0] == pytest.approx({"from": 0, "to": 0.05, "nights": 2, "told": 0.02, "open": 0})
    assert rows[1]["open"] == pytest.approx(0.25)
