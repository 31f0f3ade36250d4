"""Train and judge the river network: its table, its targets, its floors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from amont_gateway.scoring import river_features
from amont_gateway.scoring.river_features import HORIZONS_H, MEDIAN, QUANTILES, RiverInputs
from amont_gateway.scoring.timeline import Series
from amont_models import data, metrics, river_lessons
from amont_models.data import Floats, River, Times
from amont_models.network import Network, Schedule, train
from amont_models.records.table import channel
from amont_models.river_truth import Flags, Water, warned

Predict = Callable[[Floats], Floats]
SCHEDULE = ("epochs", "batch", "rate", "decay", "warm_up")


def date_ms(day: str) -> int:
    """Return the Unix ms of an ISO day in UTC."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000


def stage_series(record: River) -> Series:
    """Return the known stages as the gateway would see them."""
    known = np.isfinite(record.stage_mm)
    return Series(record.t_ms[known], record.stage_mm[known])


def rain_series(record: River) -> Series:
    """Return the known rain in µm as the gateway would see it."""
    known = np.isfinite(record.rain_mm)
    return Series(record.t_ms[known], np.round(1000.0 * record.rain_mm[known]))


def max_rises(stage_mm: Floats) -> Floats:
    """Return the highest of the next h hours minus now, shape (n, horizons); NaN at gaps."""
    out = np.full((len(stage_mm), len(HORIZONS_H)), np.nan)
    for k, horizon in enumerate(HORIZONS_H):
        if not isinstance(horizon, int):
            continue  # an hourly record does not tell it
        ahead = np.stack([np.roll(stage_mm, -step) for step in range(1, horizon + 1)])
        out[:, k] = ahead.max(axis=0) - stage_mm
        out[-horizon:, k] = np.nan
    return out


@dataclass(frozen=True)
class Station:
    """One station's record with what the training part says of it."""

    record: River
    spread_mm: float
    mark_mm: float
    low_mark_mm: float

    def table(self, start_ms: int, end_ms: int) -> tuple[Times, Floats, Floats, Floats]:
        """Return times, stages, features and rises in mm for start_ms <= t < end_ms."""
        keep = (self.record.t_ms >= start_ms) & (self.record.t_ms < end_ms)
        now = self.record.t_ms[keep]
        inputs = RiverInputs(stage_series(self.record), rain_series(self.record))
        rows = river_features.river_rows(inputs, now, self.spread_mm)
        return now, self.record.stage_mm[keep], rows, max_rises(self.record.stage_mm)[keep]


def stations(recipe: dict[str, Any]) -> list[Station]:
    """Return the recipe's stations; spread and marks come from the training part alone."""
    until = date_ms(recipe["data"]["tune_until"])
    out = []
    for name in recipe["data"]["stations"]:
        record = data.river(name)
        past = record.stage_mm[record.t_ms < until]
        middle, low, mark = np.nanpercentile(past, [50.0, 98.0, 99.5])
        out.append(Station(record, float(mark - middle), float(mark), float(low)))
    return out


Table = tuple[Floats, Floats, Floats]


def training_table(recipe: dict[str, Any]) -> Table:
    """Return rows, rises in model units (n, horizons) and weights of the training part."""
    rng = np.random.default_rng(recipe["seed"])
    parts = [river_lessons.rows(lesson, recipe, rng) for lesson in river_lessons.lessons(recipe)]
    rows, units, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return rows.astype(np.float32), units, weight * len(weight) / weight.sum()


def fit(recipe: dict[str, Any], table: Table | None = None) -> Network:
    """Train the network of the recipe, on a ``training_table`` that is there already."""
    rows, units, weight = training_table(recipe) if table is None else table
    settings = recipe["network"]
    sizes = (rows.shape[1], *settings["hidden"], units.shape[1] * len(QUANTILES))
    network = Network(sizes, QUANTILES, recipe["seed"], single=True)
    schedule = Schedule(**{name: settings[name] for name in SCHEDULE})

    def vary(seen: Floats, rises: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        seen, rises = river_lessons.augment(seen, rises, recipe["augment"], rng)
        return seen, np.repeat(rises, len(QUANTILES), axis=1)

    train(network, rows, units, weight, schedule, recipe["seed"], vary)
    return network


def calibration_rows(
    recipe: dict[str, Any], table: Table | None = None, count: int = 4000
) -> Floats:
    """Return training rows to calibrate 8 bits on: every big rise, and a draw of the rest."""
    rows, units, _ = training_table(recipe) if table is None else table
    rng = np.random.default_rng(recipe["seed"] + 1)
    rows, units = river_lessons.augment(rows, units, recipe["augment"], rng)
    peaks = np.argsort(units[:, -1])[-count // 2 :]
    rest = rng.choice(len(rows), count // 2, replace=False)
    return np.asarray(rows[np.concatenate((peaks, rest))])


# --- judging ---


@dataclass(frozen=True)
class Judged:
    """A station's validation hours with forecasts in mm above now, (n, horizons, quantiles)."""

    station: Station
    t_ms: Times
    stage_mm: Floats
    rises_mm: Floats
    bands_mm: Floats
    trend_mm_h: Floats

    @cached_property
    def water(self) -> Water:
        """What the water did in these hours."""
        stage = channel(self.station.record.name, "stage", self.t_ms, self.stage_mm)
        return Water(stage, self.station.mark_mm)

    @property
    def limb(self) -> Flags:
        """Hours seen as rising: up by more than 1 % of the spread in the last hour."""
        return np.asarray(self.trend_mm_h > 0.01 * self.station.spread_mm)


def judge(station: Station, predict: Predict, start_ms: int, end_ms: int) -> Judged:
    """Forecast every hour of a part of the record with ``predict``."""
    t_ms, stage, rows, rises = station.table(start_ms, end_ms)
    bands = river_features.river_bands(predict(rows), station.spread_mm)
    trend = np.diff(stage, prepend=stage[:1])
    return Judged(station, t_ms, stage, rises, bands, trend)


def early_warning(judged: list[Judged]) -> dict[str, dict[str, float]]:
    """Return the early-warning table: the network at three quantiles, and the floors."""
    rules: dict[str, Callable[[Judged], Flags]] = {
        "p95": lambda j: _reaches(j, j.bands_mm[:, -1, 4]),
        "p75": lambda j: _reaches(j, j.bands_mm[:, -1, 3]),
        "p50": lambda j: _reaches(j, j.bands_mm[:, -1, MEDIAN]),
        "persistence": lambda j: j.stage_mm >= j.station.mark_mm,
        "linear": lambda j: _reaches(j, HORIZONS_H[-1] * np.maximum(j.trend_mm_h, 0.0)),
        "p98 mark": lambda j: j.stage_mm >= j.station.low_mark_mm,
    }
    table = {}
    for name, rule in rules.items():
        counts = [warned(one.water, int(one.t_ms[0]), one.t_ms, rule(one)) for one in judged]
        table[name] = metrics.summary(metrics.add_up(counts))
    return table


def _reaches(judged: Judged, rise_mm: Floats) -> Flags:
    return np.asarray(judged.stage_mm + rise_mm >= judged.station.mark_mm)


def skill(judged: list[Judged]) -> dict[str, float]:
    """Return PI on rising limbs and coverage of the 5-95 % band, by horizon."""
    out: dict[str, float] = {}
    for k, horizon in enumerate(HORIZONS_H):
        if not isinstance(horizon, int):
            continue
        truth, bands, trend = [], [], []
        for one in judged:
            limb, scale = one.limb, one.station.spread_mm
            truth.append(one.rises_mm[limb, k] / scale)
            bands.append(one.bands_mm[limb, k] / scale)
            trend.append(horizon * one.trend_mm_h[limb] / scale)
        real, band, line = (np.concatenate(part) for part in (truth, bands, trend))
        nothing = np.zeros(len(real))
        out[f"pi_{horizon}h"] = metrics.persistence_index(real, band[:, MEDIAN], nothing)
        out[f"pi_linear_{horizon}h"] = metrics.persistence_index(real, line, nothing)
        out[f"coverage_{horizon}h"] = metrics.coverage(real, band[:, 0], band[:, -1])
    out["limb_hours"] = float(sum(int(one.limb.sum()) for one in judged))
    return out
