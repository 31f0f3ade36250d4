"""Open known leaks in a zone's record, so that detection can be counted.

Leaks are abrupt or grow with the square of time, and are a little larger at night when the
pressure is higher. Sizes are drawn log-uniformly; everything comes from one seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amont_models.data import Floats, Times, Zone
from amont_models.recipe import HOUR_MS

DAY_H = 24


@dataclass(frozen=True)
class Leak:
    """One leak that was added: times in ms, size in l/h and as a share of the mean night flow."""

    start_ms: int
    peak_ms: int
    end_ms: int
    abrupt: bool
    size_l_h: float
    night_share: float


def night_pressure(t_ms: Times) -> Floats:
    """Return the factor of the night's higher pressure, 1.05 at about three in the morning."""
    hour = (t_ms // HOUR_MS) % DAY_H
    return np.asarray(1.0 + 0.05 * np.cos(2.0 * np.pi * (hour - 3) / DAY_H), dtype=np.float64)


def outflow(t_ms: Times, leak: Leak) -> Floats:
    """Return what the leak adds at each time, l/h."""
    growth = max(1, leak.peak_ms - leak.start_ms)
    risen = np.clip((t_ms - leak.start_ms) / growth, 0.0, 1.0) ** 2
    shape = np.ones(len(t_ms)) if leak.abrupt else risen
    open_now = (t_ms > leak.start_ms) & (t_ms <= leak.end_ms)
    return np.asarray(np.where(open_now, leak.size_l_h * shape * night_pressure(t_ms), 0.0))


def inject(zone: Zone, seed: int, count: int) -> tuple[Zone, list[Leak]]:
    """Return the zone with ``count`` leaks opened in equal slots of its span, and their list.

    Sizes are 4 to 35 % of the mean inflow, lengths 10 to 35 days; half are abrupt. The first six
    weeks stay clean.
    """
    rng = np.random.default_rng([seed, int(zone.name)])
    mean = float(np.nanmean(zone.inflow_l_h))
    hours = (zone.t_ms // HOUR_MS) % DAY_H
    night = float(np.nanmean(zone.inflow_l_h[(hours >= 1) & (hours < 4)]))
    first = int(zone.t_ms[0]) + 42 * DAY_H * HOUR_MS
    slot_ms = (int(zone.t_ms[-1]) - first) // count
    leaks = []
    for k in range(count):
        length_ms = int(rng.integers(10, 36)) * DAY_H * HOUR_MS
        room = max(HOUR_MS, slot_ms - length_ms - 12 * DAY_H * HOUR_MS)
        start = first + k * slot_ms + int(rng.integers(0, room) // HOUR_MS) * HOUR_MS
        size = mean * float(np.exp(rng.uniform(np.log(0.04), np.log(0.35))))
        abrupt = bool(k % 2 == int(rng.integers(0, 2)))
        end = min(start + length_ms, first + (k + 1) * slot_ms)
        peak = start if abrupt else start + int(0.7 * (end - start)) // HOUR_MS * HOUR_MS
        leaks.append(Leak(start, peak, end, abrupt, size, size / night))
    inflow = zone.inflow_l_h.copy()
    for leak in leaks:
        inflow += outflow(zone.t_ms, leak)
    return Zone(zone.name, zone.t_ms, inflow), leaks
