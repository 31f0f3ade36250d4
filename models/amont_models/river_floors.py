"""The simple rules that the model must beat, on the same steps, seeing no more than it sees.

Persistence and the threshold itself warn when the water is there, which is too late by
definition. The fixed lower mark is the 98th percentile of the training part. The straight line
carries the last hour's rise on for 6 h. Ridge regression and LightGBM's quantiles are trained on
the station's own training part, from the very features that the network gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from amont_gateway.scoring.river_features import HORIZONS_H, MEDIAN, QUANTILES, STAGE_LAGS_H
from amont_gateway.scoring.timeline import HOUR_MS, last_at
from amont_models import river_trees
from amont_models.river_chain import BATCH, Decisions, Sight, batches, rows
from amont_models.river_trees import Past
from amont_models.river_truth import Constants, Flags, Floats, Water

HOLD_MS = 90 * 60_000
RISING = 0.01  # of the spread within an hour: the rising limb, as seen at the step
RIDGE = 1e-3  # of the number of rows
RIDGE_MIN_ROWS = 200
RIDGE_MAX_ROWS = 20_000
_Z = {0.05: -1.6449, 0.25: -0.6745, 0.5: 0.0, 0.75: 0.6745, 0.95: 1.6449}
_SHAPE = (len(HORIZONS_H), len(QUANTILES))


def trend_mm_h(seen: Sight) -> Floats:
    """Return the rise over the last hour at each step; NaN where nothing was known then."""
    return seen.stage.value - last_at(seen.stage, seen.t_ms - HOUR_MS, HOLD_MS)


def rising(seen: Sight, station: Constants) -> Flags:
    """Return the steps seen as rising: up by more than 1 % of the spread in the last hour."""
    return np.asarray(trend_mm_h(seen) > RISING * station.spread_mm)


def _points(rise_mm: Floats) -> Floats:
    """Return a forecast without a band: all quantiles the same, (n, horizons) to (n, h, q)."""
    return np.repeat(rise_mm[:, :, None], len(QUANTILES), axis=2)


@dataclass(frozen=True)
class Learnt:
    """What a station's own training part taught ridge and, where it is here, LightGBM."""

    line: _Line | None
    trees: river_trees.Trees | None


def learn(station: Constants, trained: Sight, water: Water) -> Learnt:
    """Fit the station's own regressions to the training part of its clean record."""
    past = _past(station, trained, water)
    if past is None:
        return Learnt(None, None)
    return Learnt(_Line(*past), river_trees.fit(past))


def decisions(seen: Sight, station: Constants, learnt: Learnt) -> Iterator[tuple[str, Decisions]]:
    """Yield every floor's name and what it says at each step of ``seen``."""
    stage, mark = seen.stage.value, station.mark_mm
    still = np.zeros((len(stage), *_SHAPE))
    yield "persistence", Decisions(still, stage >= mark)
    yield "threshold", Decisions(still, stage >= mark)
    yield "p98 mark", Decisions(still, stage >= station.low_mark_mm)
    trend = np.nan_to_num(trend_mm_h(seen))
    line = np.maximum(trend, 0.0)[:, None] * np.array(HORIZONS_H, dtype=np.float64)
    yield "linear", Decisions(_points(line), stage + line[:, -1] >= mark)
    yield from _regressions(seen, station, learnt)


def _design(seen: Sight, part: slice, spread_mm: float) -> Floats:
    """Return the network's features, and its stage differences as plain shares of the spread."""
    table = rows(seen, part, spread_mm)
    plain = np.clip(np.sinh(table[:, : len(STAGE_LAGS_H)]) / 20.0, -5.0, 5.0)
    return np.concatenate((table, plain, np.ones((len(table), 1))), axis=1)


class _Line:
    """Ridge regression of the highest rises, in spreads; ``sd`` of what is left when rising."""

    def __init__(self, table: Floats, rises: Floats, limb: Flags) -> None:
        self.scale = np.maximum(table.std(axis=0), 1e-6)
        self.scale[-1] = 1.0
        plain = table / self.scale
        weight = RIDGE * len(plain) * np.eye(plain.shape[1])
        weight[-1, -1] = 0.0
        self.slopes = np.linalg.solve(plain.T @ plain + weight, plain.T @ rises)
        left = rises - plain @ self.slopes
        self.sd = left[limb].std(axis=0) if limb.any() else left.std(axis=0)

    def __call__(self, table: Floats) -> Floats:
        return np.asarray((table / self.scale) @ self.slopes)


def _past(station: Constants, trained: Sight, water: Water) -> Past | None:
    """Return what a station's own regressions learn from; None if it is too little."""
    # What lies ahead of the last training step must be past by the end of the training part, too.
    ends_ms = station.train_until_ms - HORIZONS_H[-1] * HOUR_MS
    count = int(np.searchsorted(trained.t_ms, ends_ms))
    stride = max(1, -(-count // RIDGE_MAX_ROWS))
    chosen = slice(0, count, stride)
    # Batches of whole strides, so that what is chosen does not depend on their length.
    length = stride * max(1, BATCH // stride)
    parts = [slice(at, min(at + length, count)) for at in range(0, count, length)]
    tables = [_design(trained, part, station.spread_mm)[::stride] for part in parts]
    if not tables:
        return None
    table, now = np.concatenate(tables), trained.stage.value[chosen]
    ahead = [water.highest(trained.t_ms[chosen], round(h * HOUR_MS)) for h in HORIZONS_H]
    rises = (np.stack(ahead, axis=1) - now[:, None]) / station.spread_mm
    rises[:, ~np.isfinite(rises).any(axis=0)] = 0.0  # a coarse gauge does not tell half an hour
    known = np.isfinite(rises).all(axis=1) & np.isfinite(table).all(axis=1)
    if known.sum() < RIDGE_MIN_ROWS:
        return None
    return Past(table[known], rises[known], rising(trained, station)[chosen][known])


def _regressions(
    seen: Sight, station: Constants, learnt: Learnt
) -> Iterator[tuple[str, Decisions]]:
    stage, line, trees = seen.stage.value, learnt.line, learnt.trees
    if line is None:
        names = ("ridge", "ridge + 1 sd", *((river_trees.NAME,) if river_trees.is_here() else ()))
        nothing = Decisions(np.full((len(stage), *_SHAPE), np.nan), stage < -np.inf)
        yield from ((name, nothing) for name in names)
        return
    means, bands = [np.empty((0, len(HORIZONS_H)))], [np.empty((0, *_SHAPE))]
    for part in batches(len(stage)):
        table = _design(seen, part, station.spread_mm)
        means.append(line(table))
        if trees is not None:
            bands.append(trees(table))
    mean = np.concatenate(means) * station.spread_mm
    sd = line.sd * station.spread_mm
    band = np.stack([mean + _Z[q] * sd for q in QUANTILES], axis=2)
    for name, more in (("ridge", 0.0), ("ridge + 1 sd", 1.0)):
        reached = (stage[:, None] + mean + more * sd).max(axis=1)
        yield name, Decisions(band, np.asarray(reached >= station.mark_mm))
    if trees is not None:
        rises = np.concatenate(bands) * station.spread_mm
        reached = (stage[:, None] + rises[:, :, MEDIAN]).max(axis=1)
        yield river_trees.NAME, Decisions(rises, np.asarray(reached >= station.mark_mm))
