"""Hold what one meter measured in one day, hour by hour, and estimate what it did not.

The measured part is kept for ever and never holds an estimate. An estimate is made when it is
asked for, from the days around, so that readings that come late make it better.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway.indicators.curve import HOUR_MS, Curve, Floats

SLOTS = 25  # hours of the longest day
USUAL_DAYS = 28  # how far an estimate looks back, then ahead
USUAL_LEAST = 3  # known hours of that hour of day that make it usual
WHOLE = 0.9  # of an hour: known so far, it may say what is usual
_FORM = struct.Struct(f"<B{SLOTS}d{SLOTS}H4q")


class Ends(NamedTuple):
    """The first and the last reading of a counter in a day: Unix ms, litres."""

    first_ms: int
    first_l: int
    last_ms: int
    last_l: int


class MeterDay(NamedTuple):
    """One day of a meter: by hour since midnight, the litres measured and the seconds known.

    ``ends`` only of a counter that was read that day.
    """

    litres: tuple[float, ...]  # as long as the day has hours: 23, 24 or 25
    known_s: tuple[int, ...]
    ends: Ends | None = None

    @property
    def hours(self) -> int:
        """Return how many hours the day has."""
        return len(self.litres)

    @property
    def is_told(self) -> bool:
        """Return whether any reading tells of that day."""
        return any(self.known_s) or self.ends is not None

    def clock_hours(self) -> list[int]:
        """Return what a clock on the wall shows at the beginning of each hour."""
        # In Europe 2 o'clock is left out in spring and comes twice in autumn.
        moved, turn = (1, 2) if self.hours < 24 else (-1, 3)
        whole = self.hours == 24
        return [k + moved if k >= turn and not whole else k for k in range(self.hours)]

    def packed(self) -> bytes:
        """Return the day as bytes."""
        pad = SLOTS - self.hours
        ends = self.ends or Ends(-1, 0, -1, 0)
        litres, known_s = (*self.litres, *[0.0] * pad), (*self.known_s, *[0] * pad)
        return _FORM.pack(self.hours, *litres, *known_s, *ends)


def unpacked(packed: bytes) -> MeterDay:
    """Return the day that ``packed`` made; raise ValueError for other bytes."""
    try:
        hours, *rest = _FORM.unpack(packed)
    except struct.error as error:
        raise ValueError(f"no day of a meter: {error}") from error
    ends = Ends(*rest[2 * SLOTS :])
    litres, known_s = rest[:hours], rest[SLOTS : SLOTS + hours]
    return MeterDay(tuple(litres), tuple(known_s), None if ends.first_ms < 0 else ends)


def meter_day(curve: Curve, begin_ms: int, end_ms: int, ends: Ends | None = None) -> MeterDay:
    """Return what a curve says of the day [begin, end), hour by hour."""
    edges_ms = np.arange(begin_ms, end_ms + 1, HOUR_MS)
    litres, known_ms = curve.between(edges_ms)
    known_s = np.clip(np.rint(known_ms / 1000), 0, HOUR_MS // 1000).astype(int)
    return MeterDay(tuple(litres.tolist()), tuple(known_s.tolist()), ends)


def merged(one: MeterDay, other: MeterDay) -> MeterDay:
    """Return a day hour by hour from whichever of two knows more of it, ``one`` where even."""
    if one.hours != other.hours:
        return other
    pairs = list(zip(one.known_s, other.known_s, one.litres, other.litres, strict=True))
    ends = [ends for ends in (one.ends, other.ends) if ends is not None]
    first = min(ends, key=lambda e: e.first_ms, default=None)
    last = max(ends, key=lambda e: e.last_ms, default=None)
    whole = None
    if first is not None and last is not None:
        whole = Ends(first.first_ms, first.first_l, last.last_ms, last.last_l)
    return MeterDay(
        tuple(litres if s >= more_s else more for s, more_s, litres, more in pairs),
        tuple(max(s, more_s) for s, more_s, _, _ in pairs),
        whole,
    )


class Filled(NamedTuple):
    """A day's water: measured, counted and estimated beside it, and what nobody knows.

    ``counted_l`` passed a counter between its readings of two days: it is known, only its day is
    not. ``estimated_s`` and ``unknown_s`` are seconds by hour of the day; where there is an
    unknown second, there is no volume of the day.
    """

    measured_l: float
    estimated_l: float
    estimated_s: tuple[int, ...]
    unknown_s: tuple[int, ...]
    counted_l: float = 0.0

    @property
    def volume_l(self) -> float | None:
        """Return the day's water, None if some of it cannot even be estimated."""
        whole = self.measured_l + self.counted_l + self.estimated_l
        return None if any(self.unknown_s) else whole


def filled(day: MeterDay, flow_l_h: Floats, is_counted: NDArray[np.bool_] | None = None) -> Filled:
    """Fill in the time that no reading covers with a flow for each of the day's hours.

    ``is_counted`` says of which hours a counter tells the flow; the others' is a guess.
    """
    open_s = np.array([HOUR_MS // 1000 - known_s for known_s in day.known_s])
    counted = np.zeros(day.hours, bool) if is_counted is None else is_counted
    known = np.isfinite(flow_l_h)
    litres = np.where(known, flow_l_h, 0.0) * open_s / 3600
    return Filled(
        sum(day.litres),
        float(litres[~counted].sum()),
        tuple(np.where(known & ~counted, open_s, 0).tolist()),
        tuple(np.where(known, 0, open_s).tolist()),
        float(litres[counted].sum()),
    )


def usual_hours(days: Iterable[MeterDay]) -> Floats:
    """Return the mean flow in l/h by hour of the clock (24), NaN where the days do not tell it.

    Days of 23 or 25 hours have no say. An hour of which too few are known takes the mean of all.
    """
    rows = [_flows(day) for day in days if day.hours == 24]
    if not rows:
        return np.full(24, np.nan)
    table = np.array(rows)
    count = np.isfinite(table).sum(axis=0)
    mean = np.nansum(table, axis=0) / np.maximum(count, 1)
    if count.sum() < 24 * USUAL_LEAST:
        return np.full(24, np.nan)
    every = float(np.nansum(table) / count.sum())
    return np.asarray(np.where(count >= USUAL_LEAST, mean, every))


def around(days: Sequence[MeterDay | None], at: int) -> list[MeterDay]:
    """Return the days from which day ``at`` is estimated: those before it, else those after."""
    before = [d for d in days[max(0, at - USUAL_DAYS) : at] if d is not None]
    if sum(any(d.known_s) for d in before) >= USUAL_LEAST:
        return before
    return before + [d for d in days[at + 1 : at + 1 + USUAL_DAYS] if d is not None]


def _flows(day: MeterDay) -> list[float]:
    pairs = zip(day.litres, day.known_s, strict=True)
    return [litres / s * 3600 if s >= WHOLE * 3600 else np.nan for litres, s in pairs]
