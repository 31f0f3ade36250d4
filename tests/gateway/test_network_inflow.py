"""Leaks from flows alone: found in time, told once, and silence where nothing leaks."""

from __future__ import annotations

import numpy as np

from amont_gateway.scoring.network_inflow import InflowRule, InflowTest
from amont_gateway.scoring.network_test import Finding, Hour
from amont_gateway.scoring.timeline import HOUR_MS

DAYS, LEAK_H = 34, 30 * 24
NOTHING = np.empty(0)


def flows(leak_m3h: float, seed: int = 1) -> np.ndarray:
    """Two inlets (hours, 2) in m3/h: a day's course, people's ways, and a leak near the first."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24 * DAYS)
    scale = np.repeat(1.0 + 0.03 * rng.standard_normal(DAYS), 24)
    use = (100.0 - 45.0 * np.cos(2.0 * np.pi * (hour % 24 - 3) / 24)) * scale
    use *= 1.0 + 0.02 * rng.standard_normal(len(hour))
    leak = leak_m3h * (hour >= LEAK_H)
    return np.stack((0.5 * use + 0.8 * leak, 0.5 * use + 0.2 * leak), 1)


def found(rows: np.ndarray, until: int | None = None) -> list[Finding]:
    test = InflowTest(InflowRule(), 2, 0, 0)
    said = (
        test.step(Hour((k + 1) * HOUR_MS, NOTHING, 1000.0 * row, NOTHING, NOTHING))
        for k, row in enumerate(rows[:until])
    )
    return [one for one in said if one is not None]


def test_a_calm_network_is_silent() -> None:
    assert found(flows(0.0)) == []


def test_a_leak_is_told_once_within_a_day_with_its_start_and_size() -> None:
    (leak,) = found(flows(12.0))
    assert LEAK_H < leak.at_ms / HOUR_MS <= LEAK_H + 24
    assert abs(leak.since_ms / HOUR_MS - LEAK_H) <= 6
    assert 8_000 < leak.size_l_h < 16_000
    assert leak.is_abrupt
    assert leak.sensors == ()


def test_hours_without_readings_are_no_leak() -> None:
    rows = flows(0.0)
    rows[500:530, 0] = np.nan
    rows[700:704] = np.nan
    assert found(rows) == []


def test_the_future_changes_nothing_of_the_past() -> None:
    rows = flows(12.0)
    assert found(rows, LEAK_H + 30) == found(rows)[: len(found(rows, LEAK_H + 30))]
