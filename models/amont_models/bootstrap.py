"""Draw units again, with replacement, for the 95 % interval of a figure: the one way we have.

A unit is what is independent of the next: a station, an event, a leak with its month, a scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Unit = TypeVar("Unit")
DRAWS = 1000
SEED = 20260103
PERCENT = (2.5, 97.5)
LEAST = 3  # units: of fewer no interval says anything
_NAN = float("nan")


def interval(
    units: Sequence[Unit],
    statistic: Callable[[Sequence[Unit]], float],
    draws: int = DRAWS,
    seed: int = SEED,
) -> list[float]:
    """Return [value, low, high] of any statistic; NaN ends for fewer than three units."""
    value = statistic(units)
    if len(units) < LEAST:
        return [value, _NAN, _NAN]
    drawn = [statistic([units[k] for k in row]) for row in picks(len(units), draws, seed).tolist()]
    return [value, *_ends(np.array(drawn))]


def of_sums(
    table: ArrayLike,
    statistic: Callable[[Floats], Floats],
    draws: int = DRAWS,
    seed: int = SEED,
) -> list[float]:
    """Return [value, low, high] of a statistic of sums over units: fast, for many units.

    ``table`` (n units, k columns) adds up over the units; ``statistic`` takes sums (m, k) and
    returns m values, NaN where nothing can be said.
    """
    rows = np.asarray(table, dtype=np.float64)
    if not len(rows):
        return [_NAN, _NAN, _NAN]
    value = float(statistic(rows.sum(axis=0)[None])[0])
    if len(rows) < LEAST:
        return [value, _NAN, _NAN]
    sums = np.stack([rows[row].sum(axis=0) for row in picks(len(rows), draws, seed)])
    return [value, *_ends(statistic(sums))]


def share(pairs: ArrayLike, draws: int = DRAWS, seed: int = SEED) -> list[float]:
    """Return [value, low, high] of hits over all; ``pairs`` (n, 2): hits and all of a unit."""
    return of_sums(pairs, lambda sums: ratio(sums[:, 0], sums[:, 1]), draws, seed)


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, NaN where there is no whole."""
    out: Floats = np.full(len(part), np.nan)
    np.divide(part, whole, out=out, where=whole > 0.0)
    return out


def picks(count: int, draws: int, seed: int) -> NDArray[np.int64]:
    """Return which units each draw takes, shape (draws, count)."""
    return np.random.default_rng(seed).integers(0, count, (draws, count))


def _ends(drawn: Floats) -> list[float]:
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return [_NAN, _NAN]
    low, high = np.percentile(known, PERCENT).tolist()
    return [low, high]
