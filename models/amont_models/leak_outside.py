"""Take out of a zone's inflow what weather and the other zones explain: challengers of the test.

Each hour's inflow less the usual of that hour is set against the same hour of what is outside:
temperature and rain, or what the other zones drew, each less its own usual. A ridge regression
over the past, done again every week, says how much of it to take off. Only what was known by then
counts, and the last two days do not, as they may hold a leak.
"""

from __future__ import annotations

import numpy as np

from amont_gateway.scoring.timeline import Floats, Times
from amont_gateway.scoring.zone_features import Days, medians

USUAL_DAYS = 28
LAG_DAYS = 2
FIT_DAYS = 120
FIT_LEAST_DAYS = 28
REFIT_DAYS = 7
RIDGE = 0.1  # of the regressors' own sum of squares
CLIP = 3.0  # in median absolute deviations: wild hours teach no more than that


def departure(values: Floats) -> Floats:
    """Return (d, 24) less the median of the same hour in the four weeks before the last two days.

    NaN where fewer than ten of those days are known.
    """
    out = np.full(values.shape, np.nan)
    for day in range(LAG_DAYS + 10, len(values)):
        past = values[max(0, day - LAG_DAYS - USUAL_DAYS) : day - LAG_DAYS]
        enough = np.isfinite(past).sum(axis=0) >= 10
        out[day, enough] = values[day, enough] - medians(past)[enough]
    return out


def without(days: Days, outside: Floats) -> Days:
    """Return the days less what ``outside`` (k, d, 24) explains; unknown hours outside take none.

    Nothing is taken before four weeks are known.
    """
    left, around = departure(days.l_h), np.array([departure(one) for one in outside])
    around = np.nan_to_num(around)
    l_h = days.l_h.copy()
    slope = np.zeros(len(outside))
    for day in range(FIT_LEAST_DAYS, len(l_h)):
        if (day - FIT_LEAST_DAYS) % REFIT_DAYS == 0:
            past = slice(max(0, day - LAG_DAYS - FIT_DAYS), day - LAG_DAYS)
            slope = _ridge(left[past], around[:, past])
        l_h[day] -= slope @ around[:, day]
    return days._replace(l_h=l_h)


def _ridge(left: Floats, around: Floats) -> Floats:
    known = np.isfinite(left)
    if known.sum() < 24 * FIT_LEAST_DAYS // 2:
        return np.zeros(len(around))
    target, rows = left[known], around[:, known]
    bound = CLIP * float(np.median(np.abs(target))) + 1e-9
    square = rows @ rows.T
    square += np.diag(RIDGE * np.diag(square) + 1e-9)
    return np.asarray(np.linalg.solve(square, rows @ np.clip(target, -bound, bound)))


def others(mine: Days, neighbours: list[Days]) -> Floats:
    """Return what the median of the other zones drew, each over its own mean so far (1, d, 24).

    NaN where none of them is known.
    """
    table = np.full((len(neighbours), *mine.l_h.shape), np.nan)
    for row, other in zip(table, neighbours, strict=True):
        _, here, there = np.intersect1d(mine.ordinal, other.ordinal, return_indices=True)
        row[here] = (other.l_h / _mean_so_far(other.l_h)[:, None])[there]
    if not neighbours:
        return np.full((1, *mine.l_h.shape), np.nan)
    return medians(table.reshape(len(table), -1)).reshape(1, *mine.l_h.shape)


def _mean_so_far(l_h: Floats) -> Floats:
    """Return the mean of all days before each (d,); NaN for the first."""
    known = np.isfinite(l_h)
    total = np.cumsum(np.where(known, l_h, 0.0).sum(axis=1))
    count = np.cumsum(known.sum(axis=1))
    out = np.full(len(l_h), np.nan)
    out[1:] = np.where(count > 0, total / np.maximum(count, 1), np.nan)[:-1]
    return out


def of_hours(days: Days, t_ms: Times, value: Floats) -> Floats:
    """Return a series by the day and hour of ``days`` (d, 24), NaN where it has no such hour."""
    out = np.full(days.l_h.shape, np.nan)
    place = np.searchsorted(t_ms, days.end_ms.ravel())
    place = np.minimum(place, len(t_ms) - 1)
    found = t_ms[place] == days.end_ms.ravel()
    out.ravel()[found] = value[place[found]]
    return out
