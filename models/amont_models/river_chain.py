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
from amont_gateway.scoring.river_adapted import Adapted, calibrated
from amont_gateway.scoring.river_adapted import shown as shown_bands
from amont_gateway.scoring.river_decision import (
    WARNING,
    WATCH,
    Rule,
    Steps,
    backed,
    decide,
    rule_of,
    shifted,
)
from amont_gateway.scoring.river_features import HORIZONS_H, Told
from amont_gateway.scoring.screening import Checked
from amont_gateway.scoring.timeline import HOUR_MS, NO_SERIES, Series, good_series
from amont_models.adapt_fit import AHEAD_MS, Past
from amont_models.records.table import Channel, DataError, Record, Site
from amont_models.river_truth import (
    Constants,
    Flags,
    Floats,
    Split,
    Times,
    Water,
    constants,
    stage_of,
)

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


def sight(record: Record, site: Site, stage: Channel, before: Split) -> Sight:
    """Return what the rules may see of a site: ``stage`` as told, its first rain gauge, and what
    the record has upstream and of foretold rain; constants of those from ``before`` its split."""
    told = _series(stage, 1.0)
    gauge = record.find(site.rain[0], "rain") if site.rain else None
    seen = screened(told, NO_SERIES if gauge is None else _series(gauge, 1000.0))
    return replace(
        seen,
        upstream=_upstream(record, site, before),
        rain_forecast=_rain_forecast(record, site),
    )


def _upstream(record: Record, site: Site, before: Split) -> tuple[tuple[Told, float], ...]:
    """Return each station upstream, screened, with its spread; one too short has none."""
    found = []
    for name in site.upstream:
        channel = record.find(name, "stage", "discharge")
        own = next((one for one in record.sites if one.name == name), Site(name))
        if channel is None:
            continue
        stage = stage_of(channel)
        try:
            spread_mm = constants(own, stage, before).spread_mm
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


def rows(seen: Sight, part: slice, spread_mm: float, bridged: bool = True) -> Floats:
    """Return the features of steps in a row, as the gateway computes them at each.

    Without ``bridged`` gaps of the stage are unknown, as in training.
    """
    wanted = seen.t_ms[part]
    if not len(wanted):
        return np.empty((0, river_features.RIVER_FEATURES))
    stage = _part(Told(*seen.told, seen.checked), wanted)
    upstream = tuple((_part(told, wanted), mm) for told, mm in seen.upstream)
    wet = _near(seen.rain.t_ms, wanted)
    rain = Series(seen.rain.t_ms[wet], seen.rain.value[wet])
    _, table = river_features.screened_rows(
        stage, spread_mm, rain, upstream, seen.rain_forecast, bridged
    )
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
    """A river network with the gateway's band, rule and, where there is one, adaptation."""

    def __init__(self, model: Predict, sha256: str = "", rule: Rule | None = None) -> None:
        """Take the network as a function from rows to outputs, and what names its file."""
        self.model, self.sha256 = model, sha256
        self.rule = Rule() if rule is None else rule

    def decide(
        self, seen: Sight, station: Constants, adapted: Adapted | None = None
    ) -> dict[str, Decisions]:
        """Return what the gateway would have advised at every step: ``watch`` and ``warning``.

        ``first day`` is the warning without ``adapted``.
        """
        rule = self.rule.for_step(is_fine(seen, station.train_until_ms))
        first, shown = self._steps(seen, station, adapted)
        shift = 0.0 if adapted is None else adapted.shift
        levels = decide(shown, station.mark_mm, station.mark_mm, shifted(rule, shift))
        plain = decide(first, station.mark_mm, station.mark_mm, rule)
        band = shown_bands(shown.rises_mm, shown.stage_mm, station.mark_mm, adapted)
        return {
            "watch": Decisions(band, np.asarray(levels >= WATCH)),
            "warning": Decisions(band, np.asarray(levels == WARNING)),
            "first day": Decisions(first.rises_mm, np.asarray(plain == WARNING)),
        }

    def _steps(
        self, seen: Sight, station: Constants, adapted: Adapted | None
    ) -> tuple[Steps, Steps]:
        """Return every step with the bands of the first day, and with those that are served."""
        spread, stage = station.spread_mm, seen.stage.value
        first, shown = [np.empty((0, *_SHAPE))], [np.empty((0, *_SHAPE))]
        support = [np.empty(0, bool)]
        for part in batches(len(seen.t_ms)):
            table = rows(seen, part, spread)
            raw = river_features.river_bands(self.model(table), spread)
            first.append(calibrated(table, raw, stage[part], self.rule))
            if adapted is not None:
                shown.append(calibrated(table, raw, stage[part], self.rule, adapted))
            support.append(backed(table, self.rule))
        speaks = np.concatenate(support)
        one = Steps(seen.t_ms, stage, np.concatenate(first), speaks)
        return one, one if adapted is None else one._replace(rises_mm=np.concatenate(shown))


def is_fine(seen: Sight, until_ms: int) -> bool:
    """Tell whether a station told of itself often enough, until a time, for its next half hour."""
    count = int(np.searchsorted(seen.told.t_ms, until_ms))
    gaps = np.diff(seen.told.t_ms[:count])
    return len(gaps) > 0 and bool(np.median(gaps) <= river_features.FINE_STEP_MS)


def past_of(seen: Sight, water: Water, station: Constants, model: Predict) -> Past:
    """Return what a station's training part holds to learn from, as nobody knew more then."""
    until_ms = station.train_until_ms
    known = water.until(until_ms)
    count = int(np.searchsorted(seen.t_ms, until_ms - AHEAD_MS))
    tables = [np.empty((0, river_features.RIVER_FEATURES), np.float32)]
    bands = [np.empty((0, *_SHAPE))]
    for part in batches(count):
        table = rows(seen, slice(part.start, min(part.stop, count)), station.spread_mm)
        tables.append(table.astype(np.float32))  # half the memory: a Pi has little
        bands.append(river_features.river_bands(model(table), station.spread_mm))
    t_ms, stage = seen.t_ms[:count], seen.stage.value[:count]
    ahead = [known.highest(t_ms, round(hours * HOUR_MS)) for hours in HORIZONS_H]
    return Past(
        t_ms,
        stage,
        np.concatenate(tables),
        np.concatenate(bands),
        np.stack(ahead, axis=1) - stage[:, None],
        known,
        station.spread_mm,
        station.median_mm,
        float(station.mark_mm),
        is_fine(seen, until_ms),
    )


def shipped(artifacts: Path) -> Chain:
    """Load and check the signed model as the gateway does; ModelError if anything is off."""
    entry = read_manifest(artifacts)["models"]["river"]
    model = Model(artifacts, entry)
    return Chain(model, model.sha256, rule_of(model))


_SHAPE = (len(river_features.HORIZONS_H), len(river_features.QUANTILES))


def batches(count: int) -> list[slice]:
    """Return slices that cover ``count`` steps."""
    return [slice(first, first + BATCH) for first in range(0, count, BATCH)]
