"""Give a meter its days with what is estimated beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from amont_gateway.indicators.curve import Floats
from amont_gateway.indicators.meter_day import (
    USUAL_DAYS,
    Ends,
    Filled,
    MeterDay,
    around,
    filled,
    usual_hours,
)

REACH_DAYS = 31  # a counter's gap longer than that says too little of any one day


def empty_day(hours: int) -> MeterDay:
    """Return a day of which nothing was measured."""
    return MeterDay((0.0,) * hours, (0,) * hours)


def filled_day(days: Mapping[int, MeterDay], day: int, begin_ms: int, hours: int = 24) -> Filled:
    """Return one day of a meter, filled in from the days around it.

    ``days`` by day number; ``begin_ms`` and ``hours`` of the day that is asked for.
    """
    own = days.get(day) or empty_day(hours)
    if all(s >= 3600 for s in own.known_s):
        return Filled(sum(own.litres), 0.0, (0,) * own.hours, (0,) * own.hours)
    first = day - USUAL_DAYS
    span = [days.get(d) for d in range(first, day + USUAL_DAYS + 1)]
    flow_l_h = usual_hours(around(span, day - first))[own.clock_hours()]
    counted_l_h = _counted(days, day, begin_ms, own)
    is_counted = np.isfinite(counted_l_h)
    return filled(own, np.where(is_counted, counted_l_h, flow_l_h), is_counted)


def _counted(days: Mapping[int, MeterDay], day: int, begin_ms: int, own: MeterDay) -> Floats:
    """Return the flow that a counter tells of each hour between two days' readings, else NaN."""
    out = np.full(own.hours, np.nan)
    reach = range(1, REACH_DAYS + 1)
    before = next((e for n in reach if (e := _ends(days, day - n))), None)
    after = next((e for n in reach if (e := _ends(days, day + n))), None)
    if own.ends is None:
        rate = _rate(before, after)
        return out if rate is None else np.full(own.hours, rate)
    middle_ms = begin_ms + (np.arange(own.hours) + 0.5) * 3_600_000
    for rate, place in (
        (_rate(before, own.ends), middle_ms < own.ends.first_ms),
        (_rate(own.ends, after), middle_ms > own.ends.last_ms),
    ):
        if rate is not None:
            out[place] = rate
    return out


def _ends(days: Mapping[int, MeterDay], day: int) -> Ends | None:
    found = days.get(day)
    return found.ends if found else None


def _rate(before: Ends | None, after: Ends | None) -> float | None:
    """Return the mean flow between two days' readings in l/h, None if they do not tell it."""
    if before is None or after is None or after.first_l < before.last_l:
        return None
    return (after.first_l - before.last_l) / (after.first_ms - before.last_ms) * 3_600_000
