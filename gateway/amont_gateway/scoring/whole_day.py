"""Weigh the hours before a night's verdict so that what flows all the time shows best.

A leak adds the same to every hour; watering, flushing and late shops do not. The weights are those
of least variance for a constant, from the days before (generalised least squares, shrunk).
"""

from __future__ import annotations

import numpy as np

from amont_gateway.scoring.timeline import Floats

DAYS = 60  # so far back
MIN_DAYS = 10
MIN_HOURS = 6
HOURS = 16  # before a night's verdict: older ones may lie before a leak that it shows
SHRINK = 0.03  # of the mean inflow: an hour's own error that no past can promise away
CLIP = 0.3  # of the mean inflow: one wild hour counts at most this much


def weights(left: Floats, mean_l_h: float) -> Floats:
    """Return the hours' weights (24,), none negative, from days of residuals (d, 24), NaN gaps.

    An hour of day that most days do not know weighs nothing.
    """
    hours = np.flatnonzero(np.isfinite(left).sum(axis=0) >= max(1, len(left) // 2))
    if len(hours) < MIN_HOURS:
        return np.full(24, 1.0 / 24.0)
    part = left[:, hours]
    whole = part[np.isfinite(part).all(axis=1)]
    spread = np.eye(len(hours)) * (SHRINK * mean_l_h) ** 2
    if len(whole) >= MIN_DAYS:
        bound = CLIP * mean_l_h
        around = np.clip(whole - np.median(whole, axis=0), -bound, bound)
        spread = spread + around.T @ around / len(whole)
    found = np.zeros(24)
    found[hours] = np.maximum(np.linalg.solve(spread, np.ones(len(hours))), 0.0)
    return np.asarray(found / found.sum())


def steady(left: Floats, weight: Floats) -> float:
    """Return what a day's residuals (24,) hold all the time, NaN if half the weight is unknown."""
    known = np.isfinite(left)
    total = float(weight[known].sum())
    return float(left[known] @ weight[known]) / total if total > 0.5 else float("nan")
