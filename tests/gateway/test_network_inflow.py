"""Leaks from flows alone: found in time, told once, and silence where nothing leaks."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from amont_gateway.scoring.network_inflow import InflowRule, InflowTest
from amont_gateway.scoring.network_inflow_days import Memory, Ways
from amont_gateway.scoring.network_test import Finding, Hour
from amont_gateway.scoring.timeline import HOUR_MS

DAYS, LEAK_H = 34, 30 * 24
TANK_M2 = 200.0
NOTHING = np.empty(0)


def use(seed: int, days: int) -> np.ndarray:
    """What people use (hours,) in m3/h: a day's course, larger or smaller as a whole each day."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24 * days)
    scale = np.repeat(1.0 + 0.03 * rng.standard_normal(days), 24)
    course = (100.0 - 45.0 * np.cos(2.0 * np.pi * (hour % 24 - 3) / 24)) * scale
    return np.asarray(course * (1.0 + 0.02 * rng.standard_normal(len(hour))))


def flows(
    leak_m3h: float, seed: int = 1, days: int = DAYS, start: int = LEAK_H, end: int = 1 << 30
) -> np.ndarray:
    """Two inlets (hours, 2) in m3/h: what people use, and a leak near the first."""
    used, hour = use(seed, days), np.arange(24 * days)
    leak = leak_m3h * ((hour >= start) & (hour < end))
    return np.stack((0.5 * used + 0.8 * leak, 0.5 * used + 0.2 * leak), 1)


def walked(rows: np.ndarray, test: InflowTest | None = None, first: int = 0) -> list[Finding]:
    """What is told over rows (hours, 2)."""
    test = test or InflowTest(InflowRule(), 2, 0, 0)
    said = (
        test.step(Hour((first + k + 1) * HOUR_MS, NOTHING, 1000.0 * row, NOTHING, NOTHING))
        for k, row in enumerate(rows)
    )
    return [one for one in said if one is not None]


def with_a_tank(days: int = 20, leak_m3h: float = 0.0) -> Memory:
    """An inlet, a pump that goes off at 3.9 m and on at 2.4 m, and its tank."""
    each = np.repeat(np.random.default_rng(5).normal(1.0, 0.3, 4 * days), 6)  # not alike each day
    zone = 0.25 * each * use(2, days) + leak_m3h
    level, is_on, out = 3.0, True, []
    for used in zone:
        is_on = level < 2.4 or (is_on and level < 3.9)
        pump = 44.0 * is_on
        before, level = level, max(0.0, level + (pump - used) / TANK_M2)
        out.append((used + pump, pump, (before + level) / 2.0))
    return Memory(0, *np.split(np.array(out).reshape(-1, 24, 3), 3, axis=2))


def test_a_calm_network_is_silent() -> None:
    assert walked(flows(0.0)) == []


def test_a_leak_is_told_once_within_a_day_with_its_start_and_size() -> None:
    test = InflowTest(InflowRule(), 2, 0, 0)
    (leak,) = walked(flows(12.0), test)
    assert LEAK_H < leak.at_ms / HOUR_MS <= LEAK_H + 24
    assert abs(leak.since_ms / HOUR_MS - LEAK_H) <= 6
    assert leak.is_abrupt
    assert leak.sensors == ()
    assert 0.5 < leak.probability < 1.0
    (now,) = test.findings()
    assert now.number == leak.number
    assert 9_000 < now.size_l_h < 15_000


def test_a_repaired_leak_is_told_no_more_and_not_again() -> None:
    test = InflowTest(InflowRule(), 2, 0, 0)
    rows = flows(15.0, days=36, start=24 * 24, end=30 * 24)
    assert len(walked(rows[: 30 * 24], test)) == test.open_leaks == 1
    assert walked(rows[30 * 24 :], test, 30 * 24) == []
    assert test.open_leaks == 0


def test_hours_without_readings_are_no_leak() -> None:
    rows = flows(0.0)
    rows[500:530, 0] = np.nan
    rows[700:704] = np.nan
    assert walked(rows) == []


def test_the_future_changes_nothing_of_the_past() -> None:
    rows, other = flows(12.0)[: LEAK_H + 42], flows(12.0)[: LEAK_H + 42]
    other[LEAK_H + 30 :] *= 3.0
    until = (LEAK_H + 30) * HOUR_MS
    past = [leak for leak in walked(rows) if leak.at_ms <= until]
    assert past
    assert [leak for leak in walked(other) if leak.at_ms <= until] == past


def test_a_copy_goes_on_alone() -> None:
    test = InflowTest(InflowRule(), 2, 0, 0)
    rows = flows(12.0)
    walked(rows[:LEAK_H], test)
    copy = deepcopy(test)
    assert len(walked(rows[LEAK_H:], copy, LEAK_H)) == 1
    assert (copy.open_leaks, test.open_leaks) == (1, 0)


def test_what_people_use_does_not_blur_a_tanks_area() -> None:
    memory = with_a_tank(40)
    flow, kept = memory.inner.sum(axis=2), Ways(memory).parts(memory)[1].value
    rise = np.diff(memory.level.ravel())
    area = float(np.median(((flow - kept).ravel()[1:] / rise)[np.abs(rise) > 0.05]))
    assert area == pytest.approx(TANK_M2, rel=0.05)


def test_a_day_with_a_dry_tank_says_nothing() -> None:
    memory = with_a_tank(leak_m3h=30.0)
    dry = (memory.level[:, :, 0] == 0.0).any(axis=1)
    assert dry.any()
    assert np.isnan(Ways(memory).parts(memory)[1].value[dry]).all()


@pytest.mark.parametrize("seed", [3, 4])
def test_every_leak_is_told_with_a_probability(seed: int) -> None:
    told = walked(flows(20.0, seed, start=20 * 24))
    assert told
    assert all(0.0 < leak.probability < 1.0 for leak in told)


def test_a_flow_that_changes_altogether_is_told_so_often_and_no_more() -> None:
    rows = flows(0.0, days=DAYS + 2)
    rows[LEAK_H:] *= 9.0  # another meter, or another unit
    test = InflowTest(InflowRule(most=3), 2, 0, 0)
    assert 0 < len(walked(rows, test)) <= 3
    assert test.open_leaks <= 3
