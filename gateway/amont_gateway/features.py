"""Turn live windows into the numbers that the models see; numpy only, causal by construction.

Training imports this module, so what a model learned from is what it is fed. Every function takes
"now" as a value and looks at nothing later than it. A reading counts only if its quality is good.
Missing values stay NaN until a mask stands beside them; then they become zero.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway.crosscheck import Around, screen
from amont_gateway.screening import CAUSES, LOOKS, MEMORY, Checked

__all__ = ["CAUSES", "LOOKS", "MEMORY", "Around", "Checked", "screen"]  # screening, handed on

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
GOOD = 0  # quality code, docs/wire-format.md

# --- rivers ---

# Within the hour only where readings come that often: an hourly gauge does not know them.
FINE_LAGS_H = (0.25, 0.5, 0.75)
STAGE_LAGS_H = (*FINE_LAGS_H, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 24, 36, 48, 72)
FINE_HOLD_MS = 9 * 60_000  # a reading stands for a quarter of an hour, give or take a minute
FINE_EARLY_MS = 60_000  # a reading of a few seconds later than the quarter still tells it
# Rain sums over (t - end, t - start] hours: fine for what runs off now, coarse for wetness.
RAIN_SPANS_H = (
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (4, 6),
    (6, 9),
    (9, 12),
    (12, 24),
    (24, 48),
    (48, 72),
)
HORIZONS_H = (1, 3, 6)
QUANTILES = (0.1, 0.5, 0.9)
RIVER_FEATURES = 2 * (len(STAGE_LAGS_H) + len(RAIN_SPANS_H))
# A stage stands for its hour for 90 min, so that one lost hourly reading is a gap and not a value.
STAGE_HOLD_MS = 90 * 60_000
# Differences are compressed by asinh: one unit is a twentieth of the station's own spread, so that
# 8 bits resolve both the first centimetres and a flood.
RISE_GAIN = 20.0
# The training records never rose by more than 2.7 spreads in 6 h: beyond 3, a forecast is only
# the sinh of a guess.
RISE_MAX = 3.0


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


def compress(rise_mm: Floats, spread_mm: Floats | float) -> Floats:
    """Map a difference in mm to model units."""
    return np.asarray(np.arcsinh(RISE_GAIN * rise_mm / spread_mm), dtype=np.float64)


def expand(unit: Floats, spread_mm: Floats | float) -> Floats:
    """Map model units back to mm; units that no river has give infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(np.sinh(unit) / RISE_GAIN * spread_mm, dtype=np.float64)


def river_rows(stage: Series, rain: Series, now_ms: Times, spread_mm: float) -> Floats:
    """Return one row of features for each time; shape (n, RIVER_FEATURES).

    ``rain`` holds µm per reading and may be empty. Rows whose stage is unknown at ``now`` are NaN.
    Order: stage differences, rain sums, stage masks, rain masks (1 known, 0 not).
    """
    here = last_at(stage, now_ms, STAGE_HOLD_MS)
    before = [_before(stage, now_ms, lag) for lag in STAGE_LAGS_H]
    differences = compress(here[:, None] - np.stack(before, axis=1), spread_mm)
    sums = [
        sum_between(rain, now_ms - end * HOUR_MS, now_ms - start * HOUR_MS)
        for start, end in RAIN_SPANS_H
    ]
    wet = np.log1p(np.maximum(np.stack(sums, axis=1), 0.0) / 1000.0)
    values = np.concatenate((differences, wet), axis=1)
    known = np.isfinite(values)
    rows = np.concatenate((np.where(known, values, 0.0), known.astype(np.float64)), axis=1)
    rows[~np.isfinite(here)] = np.nan
    return np.asarray(rows)


def screened_rows(
    t_ms: Times, value: Floats, checked: Checked, rain: Series, spread_mm: float
) -> tuple[Times, Floats]:
    """Return the steps of a whole record and their rows as the live gateway would see them.

    A step is a reading that was not doubted when it came. Its row rests on the doubts known then:
    a reading that a later look doubted counts until that look, one that was cleared from then on.
    """
    step = np.flatnonzero(checked.code[:, 0] == 0)
    sure = checked.settled == 0
    rows = river_rows(Series(t_ms[sure], value[sure]), rain, t_ms[step], spread_mm)
    before = np.maximum(step - 1, 0)
    changed = (checked.code[:, 1] == 0) != sure
    for place in np.flatnonzero(~sure[step] | changed[before]):
        now = int(t_ms[step[place]])
        code = checked.as_of(now)
        keep = code == 0
        then = Series(t_ms[: len(code)][keep], value[: len(code)][keep])
        rows[place] = river_rows(then, rain, np.array([now]), spread_mm)[0]
    return t_ms[step], rows


def _before(stage: Series, now_ms: Times, lag_h: float) -> Floats:
    """Return the stage ``lag_h`` hours before each time, NaN where no reading tells it."""
    if lag_h in FINE_LAGS_H:
        return last_at(stage, now_ms - round(lag_h * HOUR_MS) + FINE_EARLY_MS, FINE_HOLD_MS)
    return last_at(stage, now_ms - round(lag_h * HOUR_MS), STAGE_HOLD_MS)


def river_bands(output: Floats, spread_mm: float) -> Floats:
    """Return rises in mm, shape (n, horizons, quantiles), from the network's output.

    Quantiles are sorted and never fall with the horizon: a highest stage within 6 h is not below
    the highest within 3 h. Rises end at ``RISE_MAX`` spreads. NaN and infinity stay what they are.
    """
    units = output.reshape(-1, len(HORIZONS_H), len(QUANTILES))
    ordered = np.maximum.accumulate(np.sort(units, axis=2), axis=1)
    rises = expand(np.asarray(ordered, dtype=np.float64), spread_mm)
    return np.asarray(np.where(np.isfinite(rises), np.minimum(rises, RISE_MAX * spread_mm), rises))


# --- zones ---

REFERENCE_DAYS = 28  # at most that many quiet days make the reference
REFERENCE_MIN_DAYS = 10
REFERENCE_LAG_DAYS = 2  # yesterday and the day before may already hold the leak
REFERENCE_REACH_DAYS = 120  # how far back frozen days are looked for
QUIET_HOURS = 4
LATE_MS = 300_000
ZONE_FEATURES = 16


class Days(NamedTuple):
    """Hourly inflow by local day: ``ordinal`` [d], ``end_ms`` [d, 24] (0: none), ``l_h``."""

    ordinal: Times
    end_ms: Times
    l_h: Floats


def hourly_mean(series: Series) -> Series:
    """Return the mean of the readings in each hour (t - 1 h, t], stamped with its end.

    A reading tells of the time before it, and its own time is an estimate: one of a few minutes
    past the hour still belongs to the hour that has ended.
    """
    if not len(series.t_ms):
        return NO_SERIES
    hour = -(-(series.t_ms - LATE_MS) // HOUR_MS)
    ends, place = np.unique(hour, return_inverse=True)
    total = np.bincount(place, weights=series.value)
    return Series(ends * HOUR_MS, total / np.bincount(place))


def by_day(hourly: Series, zone: tzinfo) -> Days:
    """Lay an hourly series out by local day and hour; absent hours are NaN.

    When the clocks go back, the repeated hour keeps its later value.
    """
    if not len(hourly.t_ms):
        return Days(np.empty(0, np.int64), np.empty((0, 24), np.int64), np.empty((0, 24)))
    local = [datetime.fromtimestamp(t / 1000, zone) for t in (hourly.t_ms - HOUR_MS).tolist()]
    days = np.array([moment.toordinal() for moment in local], dtype=np.int64)
    hours = np.array([moment.hour for moment in local], dtype=np.int64)
    ordinal = np.arange(days[0], days[-1] + 1, dtype=np.int64)
    end_ms = np.zeros((len(ordinal), 24), np.int64)
    l_h = np.full((len(ordinal), 24), np.nan)
    l_h[days - days[0], hours] = hourly.value
    end_ms[days - days[0], hours] = hourly.t_ms
    return Days(ordinal, end_ms, l_h)


def day_type(ordinal: int) -> int:
    """Return 0 for a working day, 1 for Saturday, 2 for Sunday."""
    return max(0, (ordinal + 6) % 7 - 4)


class Reference(NamedTuple):
    """What is usual: ``profile`` l/h [3 day types, 24], its mean, and the quietest hours."""

    profile: Floats
    mean_l_h: float
    quiet: NDArray[np.int64]


def medians(values: Floats) -> Floats:
    """Return the medians over axis 0 of the known values; NaN where there is none.

    The same as numpy's nanmedian, ten times faster on tables of this size.
    """
    ordered = np.sort(values, axis=0)  # NaN goes last
    count = np.isfinite(ordered).sum(axis=0)
    column = np.arange(values.shape[1])
    low = ordered[np.maximum(count - 1, 0) // 2, column]
    high = ordered[np.minimum(count // 2, len(values) - 1), column]
    return np.asarray(0.5 * (low + high))


def make_reference(ordinal: Times, l_h: Floats) -> Reference | None:
    """Return the reference of some quiet days (d, 24), or None where they cannot give one."""
    if len(ordinal) < REFERENCE_MIN_DAYS:
        return None
    known = np.isfinite(l_h).sum(axis=0)
    if known.min() < REFERENCE_MIN_DAYS // 2:
        return None
    every = medians(l_h)
    profile = np.tile(every, (3, 1))
    types = np.maximum(0, (ordinal + 6) % 7 - 4)  # day_type of all days at once
    for kind in range(3):
        chosen = l_h[types == kind]
        enough = np.isfinite(chosen).sum(axis=0) >= 3
        if enough.any():
            profile[kind, enough] = medians(chosen)[enough]
    mean = float(every.mean())
    if not mean > 0.0:
        return None
    ring = np.concatenate((every, every))
    sums = [ring[hour : hour + QUIET_HOURS].sum() for hour in range(24)]
    quiet = (int(np.argmin(sums)) + np.arange(QUIET_HOURS)) % 24
    return Reference(profile, mean, quiet)


def swings(l_h: Floats) -> Floats:
    """Return each day's mean above its three lowest hours (d,): a steady leak does not change it.

    Days with fewer than 18 known hours give NaN.
    """
    ordered = np.sort(l_h, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    mean = np.nansum(ordered, axis=1) / np.maximum(count, 1)
    return np.asarray(np.where(count >= 18, mean - ordered[:, :3].mean(axis=1), np.nan))


def zone_rows(reference: Reference, ordinal: int, week: Floats) -> Floats:
    """Return the features of one day's 24 hours; shape (24, ZONE_FEATURES).

    ``week`` holds the swings of the days before, yesterday last. Nothing else of them is used, so
    a leak that has just begun cannot teach the model that it is usual.
    """
    mean, kind = reference.mean_l_h, day_type(ordinal)
    profile = reference.profile[kind] / mean
    usual = float(swings(reference.profile[:1])[0]) / mean
    known = week[np.isfinite(week)]
    last = float(week[-1]) / mean if len(week) else float("nan")
    lately = float(known.mean()) / mean if len(known) else float("nan")
    angle = 2.0 * np.pi * np.arange(24) / 24.0
    season = 2.0 * np.pi * ordinal / 365.2425
    rows = np.zeros((24, ZONE_FEATURES))
    rows[:, 0] = profile
    rows[:, 1] = profile - profile.min()
    for k, wave in enumerate((np.sin, np.cos)):
        rows[:, 2 + k] = wave(angle)
        rows[:, 4 + k] = wave(2.0 * angle)
        rows[:, 6 + k] = wave(season)
    rows[:, 8 + kind] = 1.0
    rows[:, 11] = usual
    rows[:, 12] = last - usual if np.isfinite(last) else 0.0
    rows[:, 13] = lately - usual if np.isfinite(lately) else 0.0
    rows[:, 14] = float(np.isfinite(last))
    rows[:, 15] = rows[:, 1] * rows[:, 13]
    return rows
