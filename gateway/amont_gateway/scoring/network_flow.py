"""What a network's inflow says of its changes: leak or repair, and how much flows out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from amont_gateway.scoring.network_fit import A_DAY, Term
from amont_gateway.scoring.network_slopes import mean_of
from amont_gateway.scoring.timeline import Floats, Times

WEEK = 7 * A_DAY  # blocks
STEP_BLOCKS = (4, 12)  # a step of inflow is a mean over so many blocks, at least and at most
LEAST_PAST = 10
LEVELS = 3  # slow waves of the season in what is usual
SIZE_RIDGE = 1.0  # blocks; sizes are not far from nothing unless the inflow says so
LEAST_BLOCKS = 2 * WEEK


def step(inflow: Floats, age: int) -> tuple[float, float]:
    """Return the step of inflow (n,) in the block before the last ``age``: l/h, and in errors.

    The same hours one and two weeks before are taken off first. NaN where too little is known.
    """
    over = inflow[2 * WEEK :] - mean_of(np.stack((inflow[WEEK:-WEEK], inflow[: -2 * WEEK])))
    width = max(STEP_BLOCKS[0], min(STEP_BLOCKS[1], age))
    first = len(over) - age
    if first < 2:
        return math.nan, math.nan
    after, before = over[first : first + width], over[max(0, first - 1 - width) : first - 1]
    size = float(mean_of(after[:, None])[0] - mean_of(before[:, None])[0])
    past = over[:-A_DAY]
    past = past[np.isfinite(past)]
    if len(past) < 2 * width + LEAST_PAST:
        return size, math.nan
    total = np.concatenate(([0.0], np.cumsum(past)))
    means = (total[len(after) :] - total[: -len(after)]) / len(after)
    error = 1.4826 * float(np.median(np.abs(means[width:] - means[:-width])))
    return size, size / max(error, 1e-9)


def sizes(when: Times, inflow: Floats, terms: Sequence[Term]) -> tuple[Floats, Floats] | None:
    """Return how much flows out by each term (l/h), all at once, and in errors.

    Usual is a weekly course and slow waves of the season; ``when`` are blocks, ``inflow`` is in
    l/h. None where too little is known.
    """
    known = np.isfinite(inflow)
    if known.sum() < LEAST_BLOCKS or not terms:
        return None
    when, inflow = when[known], inflow[known]
    level = float(inflow.mean())
    unit = (when - when[0]) / max(int(when[-1] - when[0]), 1)
    waves = [np.cos(np.pi * (k + 1) * unit) for k in range(LEVELS)]
    week = [(when % WEEK == k).astype(np.float64) for k in range(WEEK)]
    courses = [term.course(when) for term in terms]
    table = np.stack([*week, *waves, *courses], 1)
    ridge = np.array([1e-6] * WEEK + [0.05] * LEVELS + [SIZE_RIDGE] * len(terms))
    solve = np.linalg.inv(table.T @ table + np.diag(ridge))
    found = solve @ (table.T @ (inflow - level))
    left = inflow - level - table @ found
    days = left[: len(left) // A_DAY * A_DAY].reshape(-1, A_DAY).mean(axis=1)
    # Days differ as wholes: a day counts as one block only.
    error = math.sqrt(A_DAY) * float(days.std()) * np.sqrt(np.diag(solve)[-len(terms) :])
    size = np.asarray(found[-len(terms) :])
    return size, np.asarray(size / np.maximum(error, 1e-9))
