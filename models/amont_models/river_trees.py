"""A stronger floor for rivers: LightGBM's quantiles, fitted to each station's own training part.

The same features, rows and steps as ridge regression. It needs ``lightgbm`` (training's
environment); without it there is no such row, and the tables say so. Only the ends and the middle
of the band are fitted: what lies between comes from them, as if each half were normal.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from amont_gateway.scoring.river_features import MEDIAN, QUANTILES
from amont_models.river_truth import Flags, Floats

NAME = "LightGBM"
PACKAGE = "lightgbm"
FITTED = (0, MEDIAN, len(QUANTILES) - 1)  # of QUANTILES
MOST_ROWS = 10_000
ROUNDS = 50
SETTINGS = {
    "objective": "quantile",
    "num_leaves": 15,
    "min_data_in_leaf": 30,
    "learning_rate": 0.1,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbose": -1,
}
# How far a quantile lies from the median towards the end of its side, were that side normal.
_NORMAL = {0.05: -1.6449, 0.25: -0.6745, 0.5: 0.0, 0.75: 0.6745, 0.95: 1.6449}


class Past(NamedTuple):
    """A station's training part: features (n, f), highest rises (n, horizons) in spreads, limb."""

    table: Floats
    rises: Floats
    limb: Flags


def is_here() -> bool:
    """Say whether the package of this floor is installed."""
    return find_spec(PACKAGE) is not None


class Trees:
    """One set of trees for each horizon and fitted quantile."""

    def __init__(self, past: Past) -> None:
        """Fit to the training part; a horizon whose rises are all the same is that rise."""
        lightgbm: Any = import_module(PACKAGE)  # carries no types
        stride = max(1, -(-len(past.table) // MOST_ROWS))
        table, rises = past.table[::stride], past.rises[::stride]
        self._models: list[list[Any]] = []
        for target in rises.T:
            # One Dataset a horizon: its bins are what takes time, and all quantiles share them.
            data = lightgbm.Dataset(table, target, params=SETTINGS, free_raw_data=False)
            self._models.append(
                [lightgbm.train({**SETTINGS, "alpha": QUANTILES[k]}, data, ROUNDS) for k in FITTED]
                if np.ptp(target) > 0.0
                else [float(target[0])] * len(FITTED)
            )

    def __call__(self, table: Floats) -> Floats:
        """Return the band in spreads, (n, horizons, quantiles), its quantiles in order."""
        out = np.empty((len(table), len(self._models), len(QUANTILES)))
        for k, models in enumerate(self._models):
            low, middle, high = (
                np.full(len(table), one) if isinstance(one, float) else one.predict(table)
                for one in models
            )
            out[:, k] = between(np.minimum(low, middle), middle, np.maximum(high, middle))
        return out


def between(low: Floats, middle: Floats, high: Floats) -> Floats:
    """Return all quantiles (n, quantiles) of a band from its ends and its median."""
    columns = []
    for quantile in QUANTILES:
        end, side = (low, QUANTILES[0]) if quantile < QUANTILES[MEDIAN] else (high, QUANTILES[-1])
        share = _NORMAL[quantile] / _NORMAL[side]
        columns.append(middle + share * (end - middle))
    return np.stack(columns, axis=1)


def fit(past: Past) -> Trees | None:
    """Return the floor fitted to a station's training part; None without its package."""
    return Trees(past) if is_here() else None
