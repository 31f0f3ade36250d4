"""Adapt the leak test to a zone from its own past, and refuse what would make it worse.

Thresholds are tried on the zone's own past as it was, for false alarms, and with leaks opened
there, for what they find. What the older part chooses is judged on the zone's last weeks, which it
never saw, beside the test as it came. Only what is no worse there is kept, and then chosen again
from the whole past. Numpy alone, a minute or two on a Pi for each year.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS
from amont_gateway.scoring.zone_adapted import AS_IT_CAME, ZoneAdapted
from amont_gateway.scoring.zone_features import SUNDAY, Days
from amont_gateway.scoring.zone_test import LeakRule, Predict
from amont_models.data import Zone
from amont_models.inject import Leak, inject
from amont_models.leak_events import Alarm, Label, last_call_ms, match
from amont_models.zone_chain import by_day, gateway_alarms

LEAST_DAYS = 270.0  # the live windows hold 150 to 180: not much more teaches nothing new
HELD_SHARE, HELD_MOST_DAYS = 0.25, 365.0
LEAST_LEAKS = 3  # of 15 % of the night flow, opened in the held-back weeks: fewer judge nothing
LARGE = 0.15
WARM_UP_MS = 42 * DAY_MS  # nothing is opened there, and nothing that is said there counts
SEEDS = (31, 32, 33)  # of the leaks that are opened
SLOT_DAYS = 45
STEPS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)
NIGHTS = (0.7, 1.0, 1.4)
BUDGET = 1.0  # false alarms a year
FALSE_COST = 0.5  # of one a year above the budget, where all that the larger leaks lose is 1
SMALL_WORTH = 0.3  # of what all leaks lose
MOVE_COST = 0.05  # of a threshold e times another: near equals go to what is nearest to 1
FOUND_LESS = 0.2  # of the larger leaks: a share that no fewer false alarms make up for
REPAIR_MS = 60 * DAY_MS  # an alarm so long before a repair that people noted was no false one
YEAR_MS = 365.25 * DAY_MS
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
class ZoneOutcome:
    """What came of it: ``adapted`` if it is kept, else ``reason``; the figures that decided."""

    adapted: ZoneAdapted | None
    reason: str  # "" | "short" | "few" | "worse"
    figures: dict[str, Any]

    def about(self) -> dict[str, Any]:
        """Return what tables say of it: why it was refused, or "", and the figures."""
        return {"refused": self.reason, **self.figures}


def adapt_zone(past: ZonePast, rule: LeakRule, predict: Predict) -> ZoneOutcome:
    """Learn from a zone's past what serves it better on its own last weeks."""
    span = past.days
    if span < LEAST_DAYS:
        return ZoneOutcome(None, "short", {"days": round(span, 1), "least": LEAST_DAYS})
    held_days = min(HELD_SHARE * span, HELD_MOST_DAYS)
    first_ms, end_ms = int(past.inflow.t_ms[0]), int(past.inflow.t_ms[-1])
    since_ms = end_ms - round(held_days * DAY_MS)
    trials = Trials(past, rule, predict)
    tried = trials.best(first_ms, since_ms)
    first, then = (trials.figures(one, since_ms, end_ms) for one in (AS_IT_CAME, tried))
    figures: dict[str, Any] = {
        "days": round(span, 1), "held_back_days": round(held_days, 1),
        "first": first.to_json(), "adapted": then.to_json(),
    }  # fmt: skip
    if first.large < LEAST_LEAKS:
        return ZoneOutcome(None, "few", figures)
    if is_worse(first, then):
        return ZoneOutcome(None, "worse", figures)
    return ZoneOutcome(trials.best(first_ms, end_ms), "", figures)


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
    delay_h: float  # median of the abrupt ones; NaN if none was found

    @property
    def worth(self) -> float:
        """Return what alarms spare, less what is false above the budget."""
        often = self.false / max(self.years, 1e-3)
        spared = self.large_saved + SMALL_WORTH * self.saved
        return spared - FALSE_COST * max(0.0, often - BUDGET)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as tables hold them."""
        known = {key: value for key, value in vars(self).items() if np.isfinite(value)}
        return {key: round(value, 3) for key, value in known.items()}


def is_worse(first: Figures, then: Figures) -> bool:
    """Say whether what was learnt does worse: what it spares, less what is false.

    Fewer false alarms make up for a few leaks that are not found, never for many.
    """
    fewer = first.large_found - then.large_found > FOUND_LESS * first.large
    return bool(fewer or not then.worth >= first.worth)


@dataclass
class Trials:
    """A zone's past as it was, and with leaks opened in it; each threshold is run through once.

    The test looks back only, so that one run tells of any part of the past.
    """

    past: ZonePast
    rule: LeakRule
    predict: Predict
    _opened: list[tuple[Zone, list[Leak]]] = field(init=False)
    _said: dict[tuple[ZoneAdapted, int], list[Alarm]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the leaks."""
        number = zlib.crc32(self.past.inflow.name.encode())  # the same leaks each time
        clean = replace(self.past.inflow, name=str(number))
        count = max(1, round((self.past.days - WARM_UP_MS / DAY_MS) / SLOT_DAYS))
        self._opened = [(clean, []), *(inject(clean, seed, count) for seed in SEEDS)]

    def best(self, since_ms: int, until_ms: int) -> ZoneAdapted:
        """Return what a part of the past chooses: the hours' threshold first, then the nights'."""
        holiday = holiday_type(self.past, until_ms)
        steps = [ZoneAdapted(step, 1.0, holiday) for step in STEPS]
        one = max(steps, key=lambda own: self._rank(own, since_ms, until_ms))
        nights = [replace(one, night=night) for night in NIGHTS]
        return max(nights, key=lambda own: self._rank(own, since_ms, until_ms))

    def _rank(self, own: ZoneAdapted, since_ms: int, until_ms: int) -> float:
        moved = abs(np.log(own.step)) + abs(np.log(own.night))
        return self.figures(own, since_ms, until_ms).worth - MOVE_COST * float(moved)

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
        return Figures(
            len(large),
            sum(at is not None for _, at in large),
            sum(at is not None for _, at in ends),
            _saved(large),
            _saved(ends),
            sum(not self._true(one) for one in clean),
            (until_ms - begin) / YEAR_MS,
            float(np.median(abrupt)) / HOUR_MS if abrupt else float("nan"),
        )

    def _true(self, alarm: Alarm) -> bool:
        """Tell whether people mended something soon after an alarm."""
        return any(0 <= at - alarm.at_ms <= REPAIR_MS for at in self.past.repairs_ms)

    def _alarms(self, own: ZoneAdapted, copy: int) -> list[Alarm]:
        if (own, copy) not in self._said:
            days = self.past.by_day(self._opened[copy][0], own.holiday)
            self._said[own, copy] = gateway_alarms(days, own.rule(self.rule), self.predict)
        return self._said[own, copy]


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
