"""Say what the water did: marks, events, what counts, and the highest stage still to come.

Everything here may look ahead, so nothing here feeds a forecast. Definitions:

- The *mark* is the 99.5th percentile of the training part, or a height over its median where the
  record says so or is no longer than a month. An *event* is an upward crossing of the mark after
  12 h below.
- A *warning* is a step, the water still below, at which a rule says that the mark will be reached;
  in the 12 h after the water was last above, none counts.
- An event is *warned* by a warning in the 6 h before it; *lead* is the crossing minus the first of
  those. A *false alarm* is a group of warnings, gaps under 6 h, with no event within 6 h of it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.river_inputs import SPREAD_MIN_MM
from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS, Series, last_at
from amont_models.rating import stages_mm
from amont_models.records.table import GOOD, OUT_OF_RANGE, Channel, DataError, Site, channel

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Flags = NDArray[np.bool_]

BEFORE_MS = 6 * HOUR_MS
CALM_MS = 12 * HOUR_MS
TRAIN_SHARE = 0.5  # of a record's span, where the record does not say
# A month that may hold one flood has no percentile: its first week counts as calm.
SHORT_MS, SHORT_TRAIN_MS, SHORT_MARK_MM = 35 * DAY_MS, 7 * DAY_MS, 1000.0
MARK_PERCENT, LOW_MARK_PERCENT = 99.5, 98.0
TRAIN_MIN = 48  # readings: fewer say nothing of a station
# Longer without a reading, nobody knows the water; such time is no part of a station-month.
HOLD_MS = 3 * HOUR_MS
NEVER_MS = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Constants:
    """What the training part says of a station; mm, Unix ms."""

    train_until_ms: int
    median_mm: float
    low_mark_mm: float
    mark_mm: int
    alarm_mm: int

    @property
    def spread_mm(self) -> float:
        """Return the spread as the gateway takes it from a station's limits."""
        return max(SPREAD_MIN_MM, 2.0 * float(self.alarm_mm - self.mark_mm))


def stage_of(one: Channel) -> Channel:
    """Return whole mm of stage; a discharge goes through ``rating``, below zero it is no value."""
    value, quality = one.value, one.quality.copy()
    if one.quantity == "discharge":
        bad = value < 0.0
        quality[bad] = OUT_OF_RANGE
        value = stages_mm(np.where(bad, np.nan, value))
    return channel(one.name, "stage", one.t_ms, np.round(value), quality)


class Split(NamedTuple):
    """Where a training part ends, and how far over its median a mark lies that nobody set."""

    until_ms: int
    above_mm: float | None  # None: the mark is a percentile


def split(site: Site, stage: Channel) -> Split:
    """Return where a site says that its training part ends, or else where its span says so."""
    times = stage.known().t_ms
    if not len(times):
        raise DataError(f"{site.name}: no reading at all")
    if site.train_until_ms is not None:
        return Split(site.train_until_ms, None)
    first_ms, span = int(times[0]), int(times[-1] - times[0])
    if span <= SHORT_MS:
        return Split(first_ms + SHORT_TRAIN_MS, SHORT_MARK_MM)
    return Split(first_ms + round(TRAIN_SHARE * span), None)


def constants(site: Site, stage: Channel, before: Split | None = None) -> Constants:
    """Return a station's constants from its training part alone; DataError if it is too short.

    ``before`` is the split of the station that is judged, if that is another: what the one
    upstream was like is taken from before it too, or it would tell of what comes after.
    """
    until, above = split(site, stage) if before is None else before
    if site.mark_above_median_mm is not None:
        above = site.mark_above_median_mm
    known = stage.known()
    past = known.value[(known.t_ms < until) & (known.quality == GOOD)]
    if len(past) < TRAIN_MIN:
        raise DataError(f"{site.name}: {len(past)} readings to learn from, at least {TRAIN_MIN}")
    median, low, mark = np.percentile(past, [50.0, LOW_MARK_PERCENT, MARK_PERCENT])
    if above is not None:
        mark = median + above
    mark_mm = round(float(mark))
    alarm_mm = mark_mm + round(max(SPREAD_MIN_MM, float(mark - median)) / 2.0)
    return Constants(until, float(median), float(low), mark_mm, alarm_mm)


def cleaned(stage: Channel) -> Channel:
    """Return raw telemetry without isolated faults: the median of five readings in a row.

    One or two wrong readings disappear; real crests last longer than that where a step is short.
    At steps over 20 min, and beside gaps, readings stay as they are.
    """
    known = stage.known()
    step_ms = known.step_ms
    if len(known.t_ms) < 5 or step_ms > 20 * 60_000:
        return known
    five = np.lib.stride_tricks.sliding_window_view(known.value, 5)
    value = known.value.copy()
    close = known.t_ms[4:] - known.t_ms[:-4] <= 6 * step_ms
    value[2:-2] = np.where(close, np.median(five, axis=1), value[2:-2])
    return channel(stage.name, "stage", known.t_ms, value)


class Water:
    """The true stage of one station, and what it says of any time."""

    def __init__(self, stage: Channel, mark_mm: float) -> None:
        """Take the known readings that count as true."""
        known = stage.known()
        self.t_ms, self.stage_mm = known.t_ms, known.value
        self.step_ms = known.step_ms
        self._series = Series(self.t_ms, self.stage_mm)
        above = self.stage_mm >= mark_mm
        self._above_ms = self.t_ms[above]
        self.events_ms = self._crossings(above)

    def _crossings(self, above: Flags) -> Times:
        rises = np.flatnonzero(above[1:] & ~above[:-1]) + 1
        near = self.t_ms[rises] - self.t_ms[rises - 1] <= CALM_MS
        rises = rises[near]
        before = np.searchsorted(self._above_ms, self.t_ms[rises]) - 1
        last = np.where(before >= 0, self._above_ms[np.maximum(before, 0)], np.iinfo(np.int64).min)
        calm = (before < 0) | (self.t_ms[rises] - np.where(before >= 0, last, 0) > CALM_MS)
        return self.t_ms[rises[calm]]

    def eligible(self, t_ms: Times) -> Flags:
        """Return the times at which a warning counts: 12 h after the water was last above."""
        if not len(self._above_ms):
            return np.ones(len(t_ms), dtype=bool)
        before = np.searchsorted(self._above_ms, t_ms, side="right") - 1
        last = self._above_ms[np.maximum(before, 0)]
        return np.asarray((before < 0) | (t_ms - last > CALM_MS))

    def now(self, t_ms: Times) -> Floats:
        """Return the true stage at each time, NaN where none is known."""
        return last_at(self._series, t_ms, HOLD_MS)

    def highest(self, t_ms: Times, ahead_ms: int) -> Floats:
        """Return the highest stage over (t, t + ahead]; NaN where readings are wanting in it."""
        first = np.searchsorted(self.t_ms, t_ms, side="right")
        last = np.searchsorted(self.t_ms, t_ms + ahead_ms, side="right")
        count = last - first
        step_ms = max(1, self.step_ms)
        # Four fifths of the readings, and one near the end: else the crest may lie in a gap.
        enough = count >= max(1, int(0.8 * ahead_ms / step_ms))
        end = self.t_ms[np.maximum(last - 1, 0)]
        enough &= t_ms + ahead_ms - end <= max(step_ms, HOUR_MS // 2)
        out = np.full(len(t_ms), np.nan)
        out[enough] = _range_max(self.stage_mm, first[enough], last[enough])
        return out

    def until(self, end_ms: int) -> Water:
        """Return what was known of the water before ``end_ms``: no reading, no event after it."""
        known = copy(self)
        count = int(np.searchsorted(self.t_ms, end_ms))
        known.t_ms, known.stage_mm = self.t_ms[:count], self.stage_mm[:count]
        known._series = Series(known.t_ms, known.stage_mm)
        known._above_ms = self._above_ms[self._above_ms < end_ms]
        known.events_ms = self.events_ms[self.events_ms < end_ms]
        return known

    def months(self, start_ms: int) -> float:
        """Return for how many months of 30.44 days the water was known since ``start_ms``."""
        gaps = np.diff(self.t_ms[self.t_ms >= start_ms])
        return float(np.minimum(gaps, HOLD_MS).sum()) / (30.44 * 24 * HOUR_MS)


def _range_max(value: Floats, first: Times, last: Times) -> Floats:
    """Return the maximum of value[first:last] for each pair; every range holds something."""
    if not len(first):
        return np.empty(0)
    level = np.log2(last - first).astype(np.int64)  # largest power of two within the range
    out = np.empty(len(first))
    table = value
    for power in range(int(level.max()) + 1):
        if power:
            half = 1 << (power - 1)
            table = np.maximum(table[:-half], table[half:])
        here = level == power
        out[here] = np.maximum(table[first[here]], table[last[here] - (1 << power)])
    return out


@dataclass(frozen=True)
class Warned:
    """Counts of a rule at one or more stations; random rules count in fractions."""

    events: float = 0.0
    warned: float = 0.0
    groups: float = 0.0
    false: float = 0.0
    months: float = 0.0
    leads_h: tuple[float, ...] = ()


def first_warnings(water: Water, since_ms: int, t_ms: Times, warn: Flags) -> tuple[Times, Times]:
    """Return the events from since_ms on, and the first warning of each; after it, if none."""
    events = water.events_ms[water.events_ms >= since_ms]
    times = t_ms[warn & water.eligible(t_ms) & (t_ms >= since_ms)]
    times = np.append(times, NEVER_MS)
    first_ms = times[np.searchsorted(times, events - BEFORE_MS)]
    return events, np.where(first_ms < events, first_ms, NEVER_MS)


def warned(water: Water, since_ms: int, t_ms: Times, warn: Flags) -> Warned:
    """Count a rule's warnings ``warn`` at steps ``t_ms`` against the events from since_ms on."""
    times = t_ms[warn & water.eligible(t_ms) & (t_ms >= since_ms)]
    events, first_ms = first_warnings(water, since_ms, t_ms, warn)
    hit = first_ms <= events
    leads = (events[hit] - first_ms[hit]) / HOUR_MS
    groups = np.split(times, np.flatnonzero(np.diff(times) >= BEFORE_MS) + 1) if len(times) else []
    false = sum(
        not ((events >= one[0] - BEFORE_MS) & (events <= one[-1] + BEFORE_MS)).any()
        for one in groups
    )
    months = water.months(since_ms)
    return Warned(len(events), int(hit.sum()), len(groups), false, months, tuple(leads.tolist()))
