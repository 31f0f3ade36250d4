"""Forecast each station from its live window, and say what to advise.

Whatever is missing, damaged or not a number is a *fault* or *no data* that people can see, never a
calm answer. A fault never takes advice back: it runs out by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from amont_gateway.scoring import river_features
from amont_gateway.scoring.live_windows import Windows
from amont_gateway.scoring.model_files import Model, ModelError
from amont_gateway.scoring.river_features import HORIZONS_H, MEDIAN
from amont_gateway.scoring.river_inputs import River, Seen, rivers, see
from amont_gateway.scoring.timeline import NO_SERIES, Floats, Series
from amont_gateway.view import Forecast, ForecastStep

ADVICE_S = 2 * 3600.0  # how long advice lasts unless it is renewed


@dataclass(frozen=True)
class Advice:
    """Advice for a station: "none", "watch" or "warning", good for ``until_s`` seconds."""

    station: str
    level: str
    until_s: float
    model: str


class RiverForecasts:
    """The stations of one site, their last forecasts and what was advised for them."""

    def __init__(self, site: Any) -> None:
        self._rivers = rivers(site)
        self._forecasts: dict[str, Forecast] = {}
        self._advised: dict[str, str] = {}

    def update(
        self,
        model: Model | None,
        windows: Windows,
        now_ms: int,
        rain_forecast: Series = NO_SERIES,
    ) -> tuple[list[Advice], str | None]:
        """Forecast every station; return what to advise, and why the model failed if it did."""
        fault: str | None = None
        if model is None:
            made = {name: Forecast(status="fault") for name in self._rivers}
        else:
            every = {
                name: see(river, self._rivers, windows, now_ms, rain_forecast)
                for name, river in self._rivers.items()
            }
            made, fault = _made(model, every)
        self._forecasts = made
        rounds = (self._advise(river, made[name]) for name, river in self._rivers.items())
        return [advice for each in rounds for advice in each], fault

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


def _made(model: Model, every: dict[str, Seen | None]) -> tuple[dict[str, Forecast], str | None]:
    bands = bands_mm(model, [one for one in every.values() if one is not None])
    made, fault = {}, None
    for name, seen in every.items():
        band = bands.get(name)
        if seen is None or band is None:
            made[name] = Forecast(status="no data", model=model.name)
        elif isinstance(band, ModelError):
            fault = str(band)
            made[name] = Forecast(status="fault", model=model.name)
        else:
            made[name] = _forecast(model, seen, band)
    return made, fault


def bands_mm(model: Model, seen: list[Seen]) -> dict[str, Floats | ModelError]:
    """Return each station's band of stages in mm (horizons, quantiles), or what went wrong.

    All rows go through the session in one run. Where that fails, each goes alone, so that one
    bad row takes no other station with it.
    """
    if not seen:
        return {}
    try:
        rows = np.stack([one.row for one in seen])
        spreads = np.array([one.river.spread_mm for one in seen])[:, None, None]
        rises = river_features.river_bands(model(rows), 1.0) * spreads  # it scales with them
        bands = rises + np.array([one.stage_mm for one in seen])[:, None, None]
        if not np.isfinite(bands).all():
            raise ModelError(f"{model.name}: the forecast is not a finite number")
    except ModelError as error:
        if len(seen) == 1:
            return {seen[0].river.id: error}
        return {name: band for one in seen for name, band in bands_mm(model, [one]).items()}
    return {one.river.id: band for one, band in zip(seen, bands, strict=True)}


def _forecast(model: Model, seen: Seen, band: Floats) -> Forecast:
    steps = [
        ForecastStep(
            horizon_h=hours,
            p05_mm=round(stages[0]),
            p50_mm=round(stages[MEDIAN]),
            p95_mm=round(stages[-1]),
        )
        for hours, stages in zip(HORIZONS_H, band.tolist(), strict=True)
        if hours >= 1 or seen.is_fine
    ]
    highest = "none"
    for level, limit_mm in seen.river.limits_mm:
        if not band[-1, -1] < limit_mm:
            highest = level
    return Forecast(
        status="ok",
        model=model.name,
        issued_ms=seen.issued_ms,
        inputs=seen.rung,
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
