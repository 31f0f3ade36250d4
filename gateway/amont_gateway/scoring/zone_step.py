"""Say, hour by hour, how far a zone's steady inflow stands above the two weeks before.

A leak adds the same to every hour, watering and flushing do not. So each hour sees the 24 hours
that end with it, twice: their mean, weighed as ``whole_day`` does, and their median; the smaller
counts. Today's is held against the same hour's of the days before, all of them from one reference,
so that it does not matter how high that reference stands. A zone's own noise says what is far.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from amont_gateway.scoring.timeline import Floats

SPAN_DAYS = 80  # of the past say how noisy a zone is
BASE_LAG_DAYS = 2  # yesterday may already hold the leak
BASE_DAYS = 15
BASE_MIN_DAYS = 4
NOISE_MIN_DAYS = 4
NOISE_FLOOR = 0.01  # of the mean inflow
YOUNG = ((14, 1.5), (28, 1.2))  # noise known from fewer days than that counts for more
# Of the distances of a day from the median of itself and three days on either side: quantile and
# what it is for normal noise of 1. The upper one sees heavy tails.
SIZE_HOURS = 6
LASTING_HOURS = 4  # a rise counts as the least of its last hours
TAILS = ((0.75, 0.9), (0.95, 1.75))


class Rises(NamedTuple):
    """Of one day: ``l_h`` [24] above the days before, NaN unknown, and the zone's ``noise_l_h``.

    ``size_l_h`` [24] is what the last hours alone show, where that is more: at first a leak has
    run for a part only of the 24 hours.
    """

    l_h: Floats
    size_l_h: Floats
    noise_l_h: float


def row_medians(table: Floats) -> Floats:
    """Return the medians over the last axis of the known values; NaN where there is none."""
    ordered = np.sort(table, axis=-1)  # NaN goes last
    count = np.isfinite(ordered).sum(axis=-1)
    low = np.maximum(count - 1, 0) // 2
    high = np.minimum(count // 2, table.shape[-1] - 1)
    sides = [np.take_along_axis(ordered, side[..., None], -1)[..., 0] for side in (low, high)]
    return np.asarray(0.5 * (sides[0] + sides[1]))


def steady_hours(left: Floats, weight: Floats) -> Floats:
    """Return what the 24 hours up to each hour hold all the time (d, 24); NaN if half is unknown.

    ``left`` are residuals by day and hour of day, ``weight`` [24] those of ``whole_day``.
    """
    flat = np.concatenate((np.full(23, np.nan), left.ravel()))
    known = np.isfinite(flat)
    share = np.where(known, weight[(np.arange(len(flat)) - 23) % 24], 0.0)
    held = _over_a_day(np.where(known, flat, 0.0) * share)
    total = _over_a_day(share)
    mean = np.where(total > 0.5, held / np.maximum(total, 1e-9), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(flat, 24)
    return np.asarray(np.minimum(mean, row_medians(windows)).reshape(left.shape))


def _over_a_day(values: Floats) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray(total[24:] - total[:-24])


def noise(steady: Floats, mean_l_h: float) -> float:
    """Return how much a zone's steady hours (d, 24) differ from day to day, in l/h.

    Local, so that a leak that begins or ends counts for a day, and seasons hardly at all.
    """
    floor = NOISE_FLOOR * mean_l_h
    if len(steady) < 7:
        return 3.0 * floor
    around = np.lib.stride_tricks.sliding_window_view(steady, 7, axis=0)
    apart = np.abs(steady[3:-3] - row_medians(around))
    apart = apart[np.isfinite(apart)]
    if len(apart) < 24 * NOISE_MIN_DAYS:
        return 3.0 * floor
    found = max(float(np.quantile(apart, share)) / usual for share, usual in TAILS)
    for days, factor in YOUNG:
        if len(apart) < 24 * days:
            return max(floor, factor * found)
    return max(floor, found)


def rises(left: Floats, weight: Floats, mean_l_h: float) -> Rises:
    """Return the last day's rises; ``left`` (d, 24) are residuals, d days that end with it."""
    steady = steady_hours(left, weight)
    scale = noise(steady[:-1], mean_l_h)
    before = slice(max(0, len(steady) - BASE_LAG_DAYS - BASE_DAYS), len(steady) - BASE_LAG_DAYS)
    past = steady[before]
    if len(past) < BASE_MIN_DAYS:
        return Rises(np.full(24, np.nan), np.full(24, np.nan), scale)
    base = np.where(np.isfinite(past).sum(axis=0) >= BASE_MIN_DAYS, row_medians(past.T), np.nan)
    lately = (steady[-2:] - base).ravel()[24 - LASTING_HOURS + 1 :]
    lasting = np.lib.stride_tricks.sliding_window_view(lately, LASTING_HOURS).min(axis=-1)
    rise = np.where(np.isfinite(left[-1]), lasting, np.nan)
    apart = (left[-2:] - row_medians(left[before].T)).ravel()[24 - SIZE_HOURS + 1 :]
    size = row_medians(np.lib.stride_tricks.sliding_window_view(apart, SIZE_HOURS))
    return Rises(rise, np.fmax(rise, size), scale)
