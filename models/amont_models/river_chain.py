"""Run what ships over a river's record: the gateway's screening, features, network and rule.

Causal by construction: a step sees the readings up to itself and constants of the training part.
Steps are the station's own undoubted readings, as the gateway forecasts at each new one. Many go
through the network at once; a test holds that this gives what ``Scoring`` gives one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from amont_gateway.scoring import river_features
from amont_gateway.scoring.crosscheck import Around, screen
from amont_gateway.scoring.model_files import Model, read_manifest
from amont_gateway.scoring.river_features import MEDIAN, Told
from amont_gateway.scoring.screening import Checked
from amont_gateway.scoring.timeline import HOUR_MS, NO_SERIES, Series, good_series
from amont_models.records.table import Channel, DataError, Record, Site
from amont_models.river_truth import Constants, Flags, Floats, Times, constants, stage_of

# Small enough that a step whose doubts changed costs little to look at again.
BATCH = 4_000
REACH_MS = (river_features.STAGE_LAGS_H[-1] + 3) * HOUR_MS
Predict = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Sight:
    """What a station's rules may see: whole mm of stage and whole µm of rain, good ones only.

    ``told`` is what the sensor said, ``checked`` what the screening doubted of it and when;
    ``stage`` holds the readings that were not doubted when they came. Each of these is a step.
    """

    told: Series
    checked: Checked
    rain: Series
    stage: Series
    upstream: tuple[tuple[Told, float], ...] = ()  # with each one's own spread, nearest first
    rain_forecast: Series = NO_SERIES

    @property
    def t_ms(self) -> Times:
        """Return the times of the steps."""
        return self.stage.t_ms


@dataclass(frozen=True)
class Decisions:
    """What a rule said at each step: rises in mm (n, horizons, quantiles), and its warnings."""

    rises_mm: Floats
    warn: Flags


def sight(record: Record, site: Site, stage: Channel) -> Sight:
    """Return what the rules may see of a site: ``stage`` as told, its first rain gauge, and what
    the record has upstream and of foretold rain."""
    told = _series(stage, 1.0)
    gauge = record.find(site.rain[0], "rain") if site.rain else None
    seen = screened(told, NO_SERIES if gauge is None else _series(gauge, 1000.0))
    return replace(
        seen, upstream=_upstream(record, site), rain_forecast=_rain_forecast(record, site)
    )


def _upstream(record: Record, site: Site) -> tuple[tuple[Told, float], ...]:
    """Return each station upstream, screened, with its spread; one too short has none."""
    found = []
    for name in site.upstream:
        channel = record.find(name, "stage", "discharge")
        own = next((one for one in record.sites if one.name == name), Site(name))
        if channel is None:
            continue
        stage = stage_of(channel)
        try:
            spread_mm = constants(own, stage).spread_mm
        except DataError:
            continue
        seen = screened(_series(stage, 1.0), NO_SERIES)
        found.append((Told(seen.told.t_ms, seen.told.value, seen.checked), spread_mm))
    return tuple(found)


def _rain_forecast(record: Record, site: Site) -> Series:
    for name in (*site.rain[:1], site.name):
        foretold = record.find(name, "rain_forecast")
        if foretold is not None:
            return _series(foretold, 1000.0)
    return NO_SERIES


def screened(told: Series, rain: Series) -> Sight:
    """Return what is left of a sensor's readings after the gateway's screening."""
    around = Around(rain=((rain.t_ms, rain.value),) if len(rain.t_ms) else ())
    checked = screen("stage_mm", told.t_ms, told.value, around)
    sure = checked.code[:, 0] == 0
    return Sight(told, checked, rain, Series(told.t_ms[sure], told.value[sure]))


def _series(one: Channel, scale: float) -> Series:
    known = one.known()
    whole = np.round(known.value * scale).astype(np.int64)
    return good_series(known.t_ms, whole, known.quality)


def rows(seen: Sight, part: slice, spread_mm: float) -> Floats:
    """Return the features of steps in a row, as the gateway computes them at each."""
    wanted = seen.t_ms[part]
    if not len(wanted):
        return np.empty((0, river_features.RIVER_FEATURES))
    stage = _part(Told(*seen.told, seen.checked), wanted)
    upstream = tuple((_part(told, wanted), mm) for told, mm in seen.upstream)
    wet = _near(seen.rain.t_ms, wanted)
    rain = Series(seen.rain.t_ms[wet], seen.rain.value[wet])
    _, table = river_features.screened_rows(stage, spread_mm, rain, upstream, seen.rain_forecast)
    return table[len(table) - len(wanted) :]


def _near(t_ms: Times, wanted: Times) -> slice:
    """Return where a series matters: what lies further back than the longest lag does not."""
    ends = (wanted[0] - REACH_MS, wanted[-1] + 1)
    return slice(*np.searchsorted(t_ms, ends).tolist())


def _part(told: Told, wanted: Times) -> Told:
    near = _near(told.t_ms, wanted)
    t_ms = told.t_ms[near]
    return Told(t_ms, told.value[near], Checked(t_ms, told.checked.code[near]))


class Chain:
    """A river network with the gateway's rule for advice."""

    def __init__(self, model: Predict, sha256: str = "") -> None:
        """Take the network as a function from rows to outputs, and what names its file."""
        self.model, self.sha256 = model, sha256

    def decide(self, seen: Sight, station: Constants) -> dict[str, Decisions]:
        """Return what the gateway would have advised at every step: ``watch`` and ``warning``."""
        spread = station.spread_mm
        parts = [
            river_features.river_bands(self.model(rows(seen, part, spread)), spread)
            for part in batches(len(seen.t_ms))
        ]
        rises = np.concatenate([np.empty((0, *_SHAPE)), *parts])
        # Whole millimetres, as the gateway's forecast holds them.
        levels = np.round(rises + seen.stage.value[:, None, None]).max(axis=1)
        return {
            "watch": Decisions(rises, np.asarray(levels[:, -1] >= station.mark_mm)),
            "warning": Decisions(rises, np.asarray(levels[:, MEDIAN] >= station.mark_mm)),
        }


def shipped(artifacts: Path) -> Chain:
    """Load and check the signed model as the gateway does; ModelError if anything is off."""
    entry = read_manifest(artifacts)["models"]["river"]
    return Chain(Model(artifacts, entry), str(entry["sha256"]))


_SHAPE = (len(river_features.HORIZONS_H), len(river_features.QUANTILES))


def batches(count: int) -> list[slice]:
    """Return slices that cover ``count`` steps."""
    return [slice(first, first + BATCH) for first in range(0, count, BATCH)]
