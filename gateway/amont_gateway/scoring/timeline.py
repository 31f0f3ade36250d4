"""Hold a sensor's good readings in time, and read them causally: nothing later than asked is seen.

A reading counts only if its quality is good; missing values stay NaN.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
GOOD = 0  # quality code, docs/wire-format.md


class Series(NamedTuple):
    """Good readings of one sensor, oldest first: ``t_ms`` int64[n], ``value`` float64[n]."""

    t_ms: Times
    value: Floats


NO_SERIES = Series(np.empty(0, np.int64), np.empty(0))


def good_series(t_ms: Times, value: NDArray[np.int64], quality: NDArray[Any]) -> Series:
    """Return the good and finite readings as a Series; the inputs are left as they are."""
    number = np.asarray(value, dtype=np.float64)
    keep = (np.asarray(quality) == GOOD) & np.isfinite(number)
    return Series(np.asarray(t_ms, dtype=np.int64)[keep], number[keep])


def last_at(series: Series, at_ms: Times, hold_ms: int) -> Floats:
    """Return the newest value at or before each time, NaN if it is older than ``hold_ms``."""
    out = np.full(at_ms.shape, np.nan)
    if not len(series.t_ms):
        return out
    index = np.searchsorted(series.t_ms, at_ms, side="right") - 1
    known = index >= 0
    known[known] = at_ms[known] - series.t_ms[index[known]] <= hold_ms
    out[known] = series.value[index[known]]
    return out


def sum_between(series: Series, after_ms: Times, until_ms: Times) -> Floats:
    """Return the sums over (after, until], NaN where there is no reading at all."""
    total = np.concatenate(([0.0], np.cumsum(series.value)))
    first = np.searchsorted(series.t_ms, after_ms, side="right")
    last = np.searchsorted(series.t_ms, until_ms, side="right")
    return np.where(last > first, total[last] - total[first], np.nan)


def values_before(value: Floats, count: int) -> Floats:
    """Return the ``count`` values before each one; shape (n, count), NaN before the first."""
    padded = np.concatenate((np.full(count, np.nan), value))[:-1]
    return np.asarray(sliding_window_view(padded, count))


def medians_before(value: Floats, count: int) -> tuple[Floats, Times]:
    """Return the median of the ``count`` values before each one, and how many were known."""
    ordered = np.sort(values_before(value, count), axis=1)  # NaN goes last
    known = np.isfinite(ordered).sum(axis=1)
    row = np.arange(len(value))
    low = ordered[row, np.maximum(known - 1, 0) // 2]
    high = ordered[row, np.minimum(known // 2, count - 1)]
    return np.where(known > 0, (low + high) / 2.0, np.nan), known
