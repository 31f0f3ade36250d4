"""Try a zone's thresholds on its own past: as it was, and with leaks opened in it.

As it was it says how often a threshold would have cried wolf; with leaks opened, what it would
have found and how soon. The test looks back only, so that one run tells of any part of the past.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS
from amont_gateway.scoring.zone_adapted import ZoneAdapted
from amont_gateway.scoring.zone_features import SUNDAY, Days
from amont_gateway.scoring.zone_test import LeakRule, Predict
from amont_models.data import Zone
from amont_models.inject import Leak, outflow
from amont_models.leak_events import Alarm, Label, last_call_ms, match
from amont_models.zone_chain import by_day, gateway_alarms

LARGE = 0.15
WARM_UP_MS = 42 * DAY_MS  # nothing is opened there, and nothing that is said there counts
SEEDS = (31, 32, 33, 34)  # of the leaks that are opened
SLOT_MS, LENGTHS_DAYS, SIZES = 40 * DAY_MS, (10, 25), (0.12, 0.4)  # sizes: of the night flow
GROWING = 0.7  # of its life an incipient leak grows
KNOWN_SHARE = 0.5  # of a leak's hours: where fewer are known none is opened
NIGHT_H = 4
STEPS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)
NIGHTS = (0.7, 1.0, 1.4)
BUDGET = 1.0  # false alarms a year
# A year or two tells little of what comes once a year. So a zone's own past is drawn to what any
# zone does: the budget at the signed thresholds, x ** -STEEP of it at thresholds x times those.
ANY_ZONE_YEARS = 1.0  # that this counts as beside the zone's own
STEEP = 3.0  # so in four areas of those that taught: 1.7 and 2.5 times at 0.7, half at 1.5
FALSE_COST = 0.5  # of one a year above the budget, where all that the larger leaks lose is 1
SMALL_WORTH = 0.3  # of what all leaks lose
MOVE_COST = 0.05  # of a threshold e times another: near equals go to what is nearest to 1
REPAIR_MS = 60 * DAY_MS  # an alarm so long before a repair that people noted was no false one
YEAR_H = 365.25 * 24.0
HOLIDAYS_LEAST = 4
NEAR_DAYS = 28  # of the days that a holiday is held against


@dataclass(frozen=True)
class ZonePast:
    """A zone's hourly inflow, NaN for gaps, its calendar, and when people noted a repair."""

    inflow: Zone
    time_zone: str
    holidays: frozenset[int] = frozenset()
    repairs_ms: tuple[int, ...] = ()

    @property
    def days(self) -> float:
        """Return the span in days."""
        t_ms = self.inflow.t_ms
        return float(t_ms[-1] - t_ms[0]) / DAY_MS if len(t_ms) else 0.0

    def by_day(self, inflow: Zone, holiday: int) -> Days:
        """Return some inflow of this zone by day."""
        return by_day(inflow, self.time_zone, self.holidays, holiday)


@dataclass(frozen=True)
class Figures:
    """What thresholds do in a part of the past: leaks of 15 % of the night flow, false alarms.

    ``saved`` is how much of what a leak loses while it can still be found an alarm spares, on
    average: of the larger leaks, and of all.
    """

    large: int
    large_found: int
    found: int
    large_saved: float
    saved: float
    false: int
    years: float
    expected: float  # false alarms a year, drawn to what any zone does
    delay_h: float  # median of the abrupt ones; NaN if none was found

    def worth(self, often: float) -> float:
        """Return what alarms spare, less what is false above the budget, ``often`` a year."""
        spared = self.large_saved + SMALL_WORTH * self.saved
        return spared - FALSE_COST * max(0.0, often - BUDGET)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as tables hold them."""
        known = {key: value for key, value in vars(self).items() if np.isfinite(value)}
        return {key: round(value, 3) for key, value in known.items()}


@dataclass
class Trials:
    """A zone's past as it was, and with leaks opened in it; each threshold is run through once."""

    past: ZonePast
    rule: LeakRule
    predict: Predict
    _opened: list[tuple[Zone, list[Leak]]] = field(init=False)
    _by_day: dict[tuple[int, int], Days] = field(default_factory=dict)  # by copy, holiday
    _said: dict[tuple[ZoneAdapted, int], list[Alarm]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the leaks."""
        inflow = self.past.inflow
        self._opened = [(inflow, []), *(opened(inflow, seed) for seed in SEEDS)]

    def best(self, since_ms: int, until_ms: int) -> ZoneAdapted:
        """Return what a part of the past chooses: the hours' threshold first, then the nights'."""
        holiday = holiday_type(self.past, until_ms)
        steps = [ZoneAdapted(step, 1.0, holiday) for step in STEPS]
        one = max(steps, key=lambda own: self._rank(own, since_ms, until_ms))
        nights = [replace(one, night=night) for night in NIGHTS]
        return max(nights, key=lambda own: self._rank(own, since_ms, until_ms))

    def _rank(self, own: ZoneAdapted, since_ms: int, until_ms: int) -> float:
        moved = abs(np.log(own.step)) + abs(np.log(own.night))
        figures = self.figures(own, since_ms, until_ms)
        return figures.worth(figures.expected) - MOVE_COST * float(moved)

    def figures(self, own: ZoneAdapted, since_ms: int, until_ms: int) -> Figures:
        """Return what thresholds do from one moment to another."""
        begin = max(since_ms, int(self.past.inflow.t_ms[0]) + WARM_UP_MS)
        clean = _between(self._alarms(own, 0), begin, until_ms)
        ends: list[tuple[Label, int | None]] = []
        for copy, (_, leaks) in enumerate(self._opened):
            known = [_label(leak) for leak in leaks]
            known = [one for one in known if begin <= one.start_ms and one.end_ms <= until_ms]
            if known:
                ends += _found(_between(self._alarms(own, copy), begin, until_ms), known)
        large = [(one, at) for one, at in ends if one.night_share >= LARGE]
        abrupt = [at - one.start_ms for one, at in ends if one.abrupt and at is not None]
        false, years = sum(not self._true(one) for one in clean), self._years(begin, until_ms)
        return Figures(
            len(large),
            sum(at is not None for _, at in large),
            sum(at is not None for _, at in ends),
            _saved(large),
            _saved(ends),
            false,
            years,
            expected(own, false, years),
            float(np.median(abrupt)) / HOUR_MS if abrupt else float("nan"),
        )

    def _years(self, since_ms: int, until_ms: int) -> float:
        t_ms, l_h = self.past.inflow.t_ms, self.past.inflow.inflow_l_h
        inside = (t_ms > since_ms) & (t_ms <= until_ms)
        return float(np.isfinite(l_h[inside]).sum()) / YEAR_H

    def _true(self, alarm: Alarm) -> bool:
        """Tell whether people mended something soon after an alarm."""
        return any(0 <= at - alarm.at_ms <= REPAIR_MS for at in self.past.repairs_ms)

    def _alarms(self, own: ZoneAdapted, copy: int) -> list[Alarm]:
        if (own, copy) not in self._said:
            days = self._days(copy, own.holiday)
            self._said[own, copy] = gateway_alarms(days, own.rule(self.rule), self.predict)
        return self._said[own, copy]

    def _days(self, copy: int, holiday: int) -> Days:
        if (copy, holiday) not in self._by_day:
            self._by_day[copy, holiday] = self.past.by_day(self._opened[copy][0], holiday)
        return self._by_day[copy, holiday]


def expected(own: ZoneAdapted, false: int, years: float) -> float:
    """Return how many false alarms a year thresholds are to be expected to give.

    The mean of a gamma posterior: the zone's own count, and any zone's for a prior.
    """
    anywhere = BUDGET * 0.5 * float(own.step**-STEEP + own.night**-STEEP)
    return (false + anywhere * ANY_ZONE_YEARS) / (years + ANY_ZONE_YEARS)


def opened(inflow: Zone, seed: int) -> tuple[Zone, list[Leak]]:
    """Return a zone's inflow with a leak in each slot after the warm-up, and the list.

    Half of them are abrupt; each seed has its slots somewhere else. The same seed and zone give
    the same leaks.
    """
    rng = np.random.default_rng([seed, zlib.crc32(inflow.name.encode())])
    night = _night_flow(inflow)
    first = int(inflow.t_ms[0]) + WARM_UP_MS + SLOT_MS // len(SEEDS) * (seed % len(SEEDS))
    leaks: list[Leak] = []
    for slot in range(first, int(inflow.t_ms[-1]) - SLOT_MS + 1, SLOT_MS):
        length = int(rng.integers(LENGTHS_DAYS[0], LENGTHS_DAYS[1] + 1)) * DAY_MS
        start = slot + int(rng.integers(0, SLOT_MS - length)) // HOUR_MS * HOUR_MS
        share = float(np.exp(rng.uniform(*np.log(SIZES))))
        is_abrupt = bool((slot - first) // SLOT_MS % 2 == seed % 2)
        peak = start if is_abrupt else start + round(GROWING * length)
        inside = (inflow.t_ms > start) & (inflow.t_ms <= start + length)
        if np.isfinite(inflow.inflow_l_h[inside]).mean() < KNOWN_SHARE:
            continue
        leaks.append(Leak(start, peak, start + length, is_abrupt, share * night, share))
    flow = inflow.inflow_l_h + sum(outflow(inflow.t_ms, leak) for leak in leaks)
    return Zone(inflow.name, inflow.t_ms, np.asarray(flow)), leaks


def _night_flow(inflow: Zone) -> float:
    """Return the mean of the hours of day in which least flows."""
    hour = inflow.t_ms // HOUR_MS % 24
    known = np.isfinite(inflow.inflow_l_h)
    total = np.bincount(hour[known], inflow.inflow_l_h[known], 24)
    count = np.bincount(hour[known], minlength=24)
    return float(np.sort(total / np.maximum(count, 1))[:NIGHT_H].mean())


def _between(alarms: Sequence[Alarm], since_ms: int, until_ms: int) -> list[Alarm]:
    return [one for one in alarms if since_ms <= one.at_ms <= until_ms]


def _label(leak: Leak) -> Label:
    return Label(
        leak.start_ms, leak.peak_ms, leak.end_ms, leak.abrupt, leak.size_l_h,
        night_share=leak.night_share,
    )  # fmt: skip


def _found(alarms: Sequence[Alarm], known: Sequence[Label]) -> list[tuple[Label, int | None]]:
    """Return each leak with when it was found, None if it was not."""
    when = {
        leak: alarm.at_ms
        for alarm, leak in zip(alarms, match(alarms, known), strict=True)
        if leak is not None and leak >= 0
    }
    return [(one, when.get(place)) for place, one in enumerate(known)]


def _saved(ends: Sequence[tuple[Label, int | None]]) -> float:
    left = [
        0.0 if at is None else (last_call_ms(one) - at) / (last_call_ms(one) - one.start_ms)
        for one, at in ends
    ]
    return float(np.mean(left)) if left else 0.0


def holiday_type(past: ZonePast, until_ms: int) -> int:
    """Return the day type that holidays on working days are like; a Sunday if few are known."""
    days = past.by_day(past.inflow, SUNDAY)
    own = by_day(past.inflow, past.time_zone).kind
    known = np.isfinite(days.l_h).all(axis=1) & (days.end_ms.max(axis=1) <= until_ms)
    free = np.array([day in past.holidays for day in days.ordinal.tolist()], dtype=np.bool_)
    off: list[list[float]] = []
    for index in np.flatnonzero(free & known & (own == 0)).tolist():
        near = known & ~free & (np.abs(days.ordinal - days.ordinal[index]) <= NEAR_DAYS)
        tables = [days.l_h[near & (own == kind)] for kind in range(SUNDAY + 1)]
        if min(map(len, tables)) >= 3:
            usual = [np.median(table, axis=0) for table in tables]
            off.append([float(np.abs(days.l_h[index] - one).mean()) for one in usual])
    if len(off) < HOLIDAYS_LEAST:
        return SUNDAY
    total = np.sum(off, axis=0)
    return SUNDAY if total[SUNDAY] <= 1.05 * total.min() else int(np.argmin(total))
