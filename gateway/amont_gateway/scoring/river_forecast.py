"""Forecast each station from its live window, and say what to advise.

Whatever is missing, damaged or not a number is a *fault* or *no data* that people can see, never a
calm answer. A fault never takes advice back: it runs out by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from amont_gateway.scoring import river_features
from amont_gateway.scoring.live_windows import Windows, fullest
from amont_gateway.scoring.model_files import Model, ModelError
from amont_gateway.scoring.river_features import HORIZONS_H, MEDIAN, RiverInputs
from amont_gateway.scoring.timeline import HOUR_MS, Floats, Series
from amont_gateway.view import Forecast, ForecastStep

STAGE_FRESH_MS = 2 * HOUR_MS  # an older newest reading gives no forecast
ADVICE_S = 2 * 3600.0  # how long advice lasts unless it is renewed
SPREAD_MIN_MM = 100.0


@dataclass(frozen=True)
class Advice:
    """Advice for a station: "none", "watch" or "warning", good for ``until_s`` seconds."""

    station: str
    level: str
    until_s: float
    model: str


@dataclass(frozen=True)
class River:
    """A station as the models see it."""

    id: str
    stage: tuple[str, ...]
    rain: tuple[str, ...]
    limits_mm: tuple[tuple[str, int], ...]  # (level, mm), lowest first
    spread_mm: float


class RiverForecasts:
    """The stations of one site, their last forecasts and what was advised for them."""

    def __init__(self, site: Any) -> None:
        self._rivers = _rivers(site)
        self._forecasts: dict[str, Forecast] = {}
        self._advised: dict[str, str] = {}

    def update(
        self, model: Model | None, windows: Windows, now_ms: int
    ) -> tuple[list[Advice], str | None]:
        """Forecast every station; return what to advise, and why the model failed if it did."""
        advice: list[Advice] = []
        fault: str | None = None
        for river in self._rivers:
            if model is None:
                made = Forecast(status="fault")
            else:
                try:
                    made = _forecast(model, river, windows, now_ms)
                except ModelError as error:
                    fault = str(error)
                    made = Forecast(status="fault", model=model.name)
            self._forecasts[river.id] = made
            advice += self._advise(river, made)
        return advice, fault

    def forecast(self, station_id: str) -> Forecast | None:
        """Return the last forecast of a station; None before its first."""
        return self._forecasts.get(station_id)

    def _advise(self, river: River, forecast: Forecast) -> list[Advice]:
        before = self._advised.get(river.id, "none")
        if forecast.status != "ok":
            return []  # advice runs out by itself; a fault never takes it back
        level = _advisable(river, forecast)
        self._advised[river.id] = level
        if level == "none" and before == "none":
            return []
        until_s = 0.0 if level == "none" else ADVICE_S
        return [Advice(river.id, level, until_s, forecast.model)]


def _rivers(site: Any) -> list[River]:
    rain = tuple(gauge.sensor for gauge in site.rain_gauges)
    rivers = []
    for station in site.stations:
        limits = (
            ("watch", station.watch_mm),
            ("warning", station.warning_mm),
            ("alarm", station.alarm_mm),
        )
        # Until a station's own history has been measured: what lies between calm and alarm.
        spread = max(SPREAD_MIN_MM, 2.0 * float(station.alarm_mm - station.watch_mm))
        rivers.append(River(station.id, tuple(station.sensors), rain, limits, spread))
    return rivers


def _forecast(model: Model, river: River, windows: Windows, now_ms: int) -> Forecast:
    since = now_ms - (river_features.STAGE_LAGS_H[-1] + 3) * HOUR_MS
    stage = fullest(windows, river.stage, since, now_ms)
    if not len(stage.t_ms) or now_ms - int(stage.t_ms[-1]) > STAGE_FRESH_MS:
        return Forecast(status="no data", model=model.name)
    rain = fullest(windows, river.rain, since, now_ms)
    issued = int(stage.t_ms[-1])
    inputs = RiverInputs(stage, rain)
    rows = river_features.river_rows(inputs, np.array([issued]), river.spread_mm)
    band = river_features.river_bands(model(rows), river.spread_mm)[0] + stage.value[-1]
    if not np.isfinite(band).all():
        raise ModelError(f"{model.name}: the forecast is not a finite number")
    steps = [
        ForecastStep(
            horizon_h=hours,
            p05_mm=round(one[0]),
            p50_mm=round(one[MEDIAN]),
            p95_mm=round(one[-1]),
        )
        for hours, one in zip(HORIZONS_H, band.tolist(), strict=True)
        if hours >= 1 or _is_fine(stage)
    ]
    highest = "none"
    for level, limit_mm in river.limits_mm:
        if not band[-1, -1] < limit_mm:
            highest = level
    return Forecast(
        status="ok",
        model=model.name,
        issued_ms=issued,
        inputs=_inputs(rows),
        steps=steps,
        reaches=highest,
    )


def _advisable(river: River, forecast: Forecast) -> str:
    """Return the level to advise: watch by the upper band, warning by the median.

    On the validation years the upper band warned of every event but was wrong two times in three,
    the median hardly ever (docs/models): the one is worth a look, the other a person's night.
    """
    limits = dict(river.limits_mm)
    if not max(step.p50_mm for step in forecast.steps) < limits["warning"]:
        return "warning"
    if not max(step.p95_mm for step in forecast.steps) < limits["watch"]:
        return "watch"
    return "none"


def _inputs(rows: Floats) -> str:
    """Return the rung of the fallback ladder that a row of features stands on."""
    return "full" if river_features.known_parts(rows)["rain"][0] else "no rain"


def _is_fine(stage: Series) -> bool:
    """Say whether readings come often enough to tell the next half hour."""
    steps = np.diff(stage.t_ms)
    return bool(len(steps)) and float(np.median(steps)) <= river_features.FINE_STEP_MS
