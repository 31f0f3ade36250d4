"""Measure what the river network's inputs are worth: its skill with some of them taken away.

On the parts that training never saw, first-day forecasts (nothing adapted), hours that are rising.
No record holds a rain forecast: the rain that fell stands for one, as it fell (a ceiling that no
forecast reaches) and made worse as in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from amont_gateway.scoring import river_features
from amont_gateway.scoring.river_features import (
    FURTHER,
    HORIZONS_H,
    MEDIAN,
    RAIN,
    UPSTREAM,
    VALUES,
)
from amont_gateway.scoring.timeline import HOUR_MS, NO_SERIES, Series
from amont_models import river_chain, river_floors, river_lessons, river_station
from amont_models.records import catalogue
from amont_models.records.table import DataError
from amont_models.river_station import Station
from amont_models.river_truth import Floats

Predict = Callable[[Floats], Floats]
HISTORY_H = (1, 3, 6, 12, 24, 48)
CASES = (
    "all",
    "foretold",
    "observed",
    "no rain",
    "no upstream",
    *(f"{hours} h" for hours in HISTORY_H),
)
SHOWN_H = (1, 3, 6)
MOST_STEPS = 20_000  # of one station
SEED = 20260104


class Steps(NamedTuple):
    """Rising steps of one station: features (n, f), rises in spreads (n, shown horizons)."""

    rows: Floats
    rises: Floats


def measure(recipe: dict[str, Any], model: Predict) -> dict[str, dict[str, list[float]]]:
    """Return PI at +1, +3 and +6 h for each record of the recipe's ``worth``, by case."""
    out = {}
    for name in recipe["recorded"]["worth"]:
        stations = list(_stations(recipe, name))
        out[name] = {case: _index(steps, model) for case, steps in _cases(stations)}
    return out


def _stations(recipe: dict[str, Any], name: str) -> Iterator[Station]:
    record = river_lessons.held_back(recipe, catalogue.load(name))
    for site in record.sites:
        try:
            yield river_station.prepare(record, site)
        except DataError:
            continue  # nothing to judge there


def _cases(stations: list[Station]) -> Iterator[tuple[str, list[Steps]]]:
    plain = [steps_of(station, NO_SERIES) for station in stations]
    yield "all", plain
    if any(len(station.clean.rain.t_ms) for station in stations):
        rng = np.random.default_rng(SEED)
        rain = [station.clean.rain for station in stations]
        worse = [river_lessons.foretold(one, np.iinfo(np.int64).max, rng) for one in rain]
        for case, foretold in (("foretold", worse), ("observed", rain)):
            pairs = zip(stations, foretold, strict=True)
            yield case, [steps_of(station, one) for station, one in pairs]
        yield "no rain", [without(steps, RAIN) for steps in plain]
    if any(station.clean.upstream for station in stations):
        above = slice(UPSTREAM.start, FURTHER.stop)
        yield "no upstream", [without(steps, above) for steps in plain]
    for hours in HISTORY_H:
        yield f"{hours} h", [after(steps, hours) for steps in plain]


def steps_of(station: Station, foretold: Series) -> Steps:
    """Return the rising steps of a station's judged part, with this rain foretold."""
    known = station.constants
    seen = replace(station.clean, rain_forecast=foretold)
    first = int(np.searchsorted(seen.t_ms, known.train_until_ms))
    picked = first + np.flatnonzero(river_floors.rising(seen, known)[first:])
    picked = picked[:: max(1, -(-len(picked) // MOST_STEPS))]
    tables = [np.empty((0, river_features.RIVER_FEATURES))]
    for part in river_chain.batches(len(seen.t_ms)):
        inside = picked[(picked >= part.start) & (picked < part.stop)]
        if len(inside):
            tables.append(river_chain.rows(seen, part, known.spread_mm)[inside - part.start])
    ahead = [station.water.highest(seen.t_ms[picked], hours * HOUR_MS) for hours in SHOWN_H]
    rises = (np.stack(ahead, axis=1) - seen.stage.value[picked][:, None]) / known.spread_mm
    return Steps(np.concatenate(tables), rises)


def without(steps: Steps, part: slice) -> Steps:
    """Return the steps without one part of their features."""
    rows = steps.rows.copy()
    rows[:, part] = 0.0
    rows[:, VALUES + part.start : VALUES + part.stop] = 0.0
    return Steps(rows, steps.rises)


def after(steps: Steps, hours: float) -> Steps:
    """Return the steps as they were so many hours after everything began to be measured."""
    known = hours >= river_lessons.REACH_H
    return Steps(steps.rows * np.tile(known, 2), steps.rises)


def _index(stations: list[Steps], model: Predict) -> list[float]:
    """Return PI of the median over some stations, in spreads, for each shown horizon."""
    error, still = np.zeros(len(SHOWN_H)), np.zeros(len(SHOWN_H))
    places = [HORIZONS_H.index(hours) for hours in SHOWN_H]
    for steps in stations:
        told = np.isfinite(steps.rows).all(axis=1)
        if not told.any():
            continue
        bands = river_features.river_bands(model(steps.rows[told]), 1.0)
        rises = steps.rises[told]
        error += np.nansum((rises - bands[:, places, MEDIAN]) ** 2, axis=0)
        still += np.nansum(rises**2, axis=0)
    index = 1.0 - error / np.where(still > 0.0, still, np.nan)
    return [float(value) for value in index]
