"""Hold the one bootstrap to what is known of means and shares."""

import math

import numpy as np
import pytest

from amont_models import bootstrap


def test_interval_holds_the_mean_of_known_noise():
    units = np.random.default_rng(1).normal(5.0, 1.0, 100).tolist()
    value, low, high = bootstrap.interval(units, lambda some: float(np.mean(some)))
    assert value == pytest.approx(np.mean(units))
    assert low < value < high
    assert high - low == pytest.approx(2 * 1.96 * np.std(units) / 10.0, rel=0.15)


def test_sums_and_units_draw_the_same():
    pairs = [(k % 3, 3 + k % 2) for k in range(20)]

    def whole(some):
        return sum(hits for hits, _ in some) / sum(of for _, of in some)

    assert bootstrap.share(pairs) == pytest.approx(bootstrap.interval(pairs, whole))


def test_few_units_have_a_value_and_no_interval():
    value, low, high = bootstrap.share([(1, 2), (0, 2)])
    assert value == 0.25
    assert math.isnan(low)
    assert math.isnan(high)
    assert all(math.isnan(number) for number in bootstrap.share([]))


def test_draws_that_say_nothing_are_left_out():
    """A draw without any event has no POD: the interval is of those that have one."""
    value, low, high = bootstrap.share([(1, 1), (0, 0), (0, 0)])
    assert (value, low, high) == (1.0, 1.0, 1.0)
    assert bootstrap.interval([1.0, 2.0, 3.0], lambda _: math.nan)[1:] == pytest.approx(
        [math.nan, math.nan], nan_ok=True
    )


def test_the_same_seed_draws_the_same():
    units = list(range(10))
    one = bootstrap.interval(units, lambda some: float(sum(some)), seed=4)
    assert one == bootstrap.interval(units, lambda some: float(sum(some)), seed=4)
    assert one != bootstrap.interval(units, lambda some: float(sum(some)), seed=5)
