"""Run the models on the live windows: forecasts for stations, verdicts for zones, advice.

Models advise, thresholds sound. Whatever is missing, damaged or not a number is a *fault* or *no
data* that people can see, never a calm answer. Everything is computed from the windows, so nothing
has to be kept over a restart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from amont_gateway import features
from amont_gateway.features import (
    DAY_MS,
    HORIZONS_H,
    HOUR_MS,
    NO_SERIES,
    Days,
    Floats,
    Series,
    good_series,
)
from amont_gateway.leaks import LeakRule, Night, ZoneTest
from amont_gateway.model_files import Model, ModelError, read_manifest
from amont_gateway.network_leaks import Finding, Hour, NetworkRule, NetworkTest
from amont_gateway.network_slopes import Drivers
from amont_gateway.view import Forecast, ForecastStep, Point

__all__ = [
    "Advice",
    "Drivers",
    "Finding",
    "Hour",
    "LeakRule",
    "Model",
    "ModelError",
    "NetworkRule",
    "NetworkTest",
    "Night",
    "Scoring",
    "ZoneTest",
    "read_manifest",
]

STAGE_FRESH_MS = 2 * HOUR_MS  # an older newest reading gives no forecast
FLOW_FRESH_MS = 36 * HOUR_MS  # a verdict is by night: yesterday's still stands
ADVICE_S = 2 * 3600.0  # how long advice lasts unless it is renewed
SPREAD_MIN_MM = 100.0
ZONE_REACH_MS = 150 * DAY_MS
# The window of a zone starts at whole steps, so that judged days stay where they are.
ZONE_STEP_MS = 30 * DAY_MS


class Windows(Protocol):
    """The live windows, as far as models need them."""

    def series(
        self, sensor: str, since_ms: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """Return (t_ms, value, quality) of a sensor, oldest first."""


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


@dataclass
class _ZoneState:
    """What was judged before: only a new hour costs anything, and then only its own day."""

    hours: tuple[int, int] = (-1, 0)  # newest hour, number of hours
    settled: Days | None = None
    test: ZoneTest | None = None
    result: dict[str, Any] = field(default_factory=dict)

    def judge(self, days: Days, fresh: ZoneTest) -> list[Night]:
        """Return the nights of ``days``; go on from the settled ones if they are the same."""
        old = self.settled
        if self.test is None or old is None or not _begins_with(days, old):
            self.test = fresh
        # The last two days may still change: the running one, and one whose readings come late.
        keep = max(0, len(days.ordinal) - 2)
        self.settled = Days(days.ordinal[:keep], days.end_ms[:keep], days.l_h[:keep])
        self.test.run(self.settled)
        return self.test.fork().run(days)


class Scoring:
    """The models of one site; ``status`` says per model "ok" or why it is a fault."""

    def __init__(self, artifacts_dir: Path, site: Any) -> None:
        """Load and check the models in ``artifacts_dir`` for a checked ``amont_site`` Site."""
        self.status: dict[str, str] = {}
        self._faults: dict[str, str] = {}  # of this round
        self._models: dict[str, Model] = {}
        self._rule = LeakRule()
        self._rivers = _rivers(site)
        self._zones = {zone.id: tuple(zone.inflow) for zone in site.zones}
        self._time_zone = _time_zone(site.time_zone)
        self._forecasts: dict[str, Forecast] = {}
        self._states: dict[str, _ZoneState] = {}
        self._advised: dict[str, str] = {}
        self._load(artifacts_dir)

    def update(self, windows: Windows, now_ms: int) -> list[Advice]:
        """Compute every station and zone from the windows; return what to advise."""
        self._faults = {}
        advice = []
        for river in self._rivers:
            forecast = self._guarded_forecast(river, windows, now_ms)
            self._forecasts[river.id] = forecast
            advice += self._advise(river, forecast)
        for zone, meters in self._zones.items():
            state = self._states.setdefault(zone, _ZoneState())
            state.result = self._guarded_zone(state, meters, windows, now_ms)
        for name in self._models:
            self.status[name] = self._faults.get(name, "ok")
        return advice

    def forecast(self, station_id: str) -> Forecast:
        """Return the last forecast of a station."""
        return self._forecasts.get(station_id) or Forecast(status=self._idle("river"))

    def zone(self, zone_id: str) -> dict[str, Any]:
        """Return the model's fields of ``view.Zone`` for a zone."""
        state = self._states.get(zone_id)
        if state is None or not state.result:
            return {"verdict": "unknown", "model_status": self._idle("leak")}
        return dict(state.result)

    def _load(self, folder: Path) -> None:
        try:
            manifest = read_manifest(folder)
        except (ModelError, ValueError) as error:
            self.status = {"river": str(error), "leak": str(error)}
            return
        for name in ("river", "leak"):
            try:
                self._models[name] = Model(folder, manifest["models"][name])
                if name == "leak":
                    self._rule = LeakRule.from_manifest(self._models[name].rule)
                self.status[name] = "ok"
            except (ModelError, KeyError, TypeError, ValueError) as error:
                self._models.pop(name, None)
                self.status[name] = f"{name}: {error}"

    def _idle(self, name: str) -> str:
        return "no data" if self.status.get(name) == "ok" else "fault"

    # --- rivers ---

    def _guarded_forecast(self, river: River, windows: Windows, now_ms: int) -> Forecast:
        model = self._models.get("river")
        if model is None:
            return Forecast(status="fault")
        try:
            return _forecast(model, river, windows, now_ms)
        except ModelError as error:
            self._faults["river"] = str(error)
            return Forecast(status="fault", model=model.name)

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

    # --- zones ---

    def _guarded_zone(
        self, state: _ZoneState, meters: Sequence[str], windows: Windows, now_ms: int
    ) -> dict[str, Any]:
        model = self._models.get("leak")
        if model is None:
            return {"verdict": "unknown", "model_status": "fault"}
        try:
            return self._zone(model, state, meters, windows, now_ms)
        except ModelError as error:
            self._faults["leak"] = str(error)
            state.hours = (-1, 0)
            return {"verdict": "unknown", "model_status": "fault", "model": model.name}

    def _zone(
        self,
        model: Model,
        state: _ZoneState,
        meters: Sequence[str],
        windows: Windows,
        now_ms: int,
    ) -> dict[str, Any]:
        hourly = _inflow(meters, windows, now_ms)
        if not len(hourly.t_ms) or now_ms - int(hourly.t_ms[-1]) > FLOW_FRESH_MS:
            state.hours = (-1, 0)
            return {"verdict": "unknown", "model_status": "no data", "model": model.name}
        hours = (int(hourly.t_ms[-1]), len(hourly.t_ms))
        if hours == state.hours and state.result:
            return state.result
        days = features.by_day(hourly, self._time_zone)
        fresh = ZoneTest(self._rule, lambda rows: model(rows)[:, 0])
        nights = state.judge(days, fresh)
        state.hours = hours
        return _zone_fields(nights, days, self._rule, model.name)


def _begins_with(days: Days, old: Days) -> bool:
    count = len(old.ordinal)
    return np.array_equal(days.ordinal[:count], old.ordinal) and np.array_equal(
        days.l_h[:count], old.l_h, equal_nan=True
    )


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


def _time_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _good(windows: Windows, sensor: str, since_ms: int, now_ms: int) -> Series:
    t_ms, value, quality = windows.series(sensor, since_ms)
    series = good_series(t_ms, value, quality)
    until = int(np.searchsorted(series.t_ms, now_ms, side="right"))
    return Series(series.t_ms[:until], series.value[:until])


def _fullest(windows: Windows, sensors: Sequence[str], since_ms: int, now_ms: int) -> Series:
    """Return the sensor whose newest reading is newest; at a tie the one with more readings."""
    choices = [_good(windows, sensor, since_ms, now_ms) for sensor in sensors]
    known = [series for series in choices if len(series.t_ms)]
    if not known:
        return NO_SERIES
    return max(known, key=lambda series: (int(series.t_ms[-1]) // HOUR_MS, len(series.t_ms)))


def _forecast(model: Model, river: River, windows: Windows, now_ms: int) -> Forecast:
    since = now_ms - (features.STAGE_LAGS_H[-1] + 3) * HOUR_MS
    stage = _fullest(windows, river.stage, since, now_ms)
    if not len(stage.t_ms) or now_ms - int(stage.t_ms[-1]) > STAGE_FRESH_MS:
        return Forecast(status="no data", model=model.name)
    rain = _fullest(windows, river.rain, since, now_ms)
    issued = int(stage.t_ms[-1])
    rows = features.river_rows(stage, rain, np.array([issued]), river.spread_mm)
    band = features.river_bands(model(rows), river.spread_mm)[0] + stage.value[-1]
    if not np.isfinite(band).all():
        raise ModelError(f"{model.name}: the forecast is not a finite number")
    steps = [
        ForecastStep(horizon_h=hours, p10_mm=round(low), p50_mm=round(middle), p90_mm=round(high))
        for hours, (low, middle, high) in zip(HORIZONS_H, band.tolist(), strict=True)
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
    if not max(step.p90_mm for step in forecast.steps) < limits["watch"]:
        return "watch"
    return "none"


def _inputs(rows: Floats) -> str:
    """Return the rung of the fallback ladder that a row of features stands on."""
    rain_masks = rows[0, -len(features.RAIN_SPANS_H) :]
    return "full" if rain_masks[:4].all() else "no rain"


def _inflow(meters: Sequence[str], windows: Windows, now_ms: int) -> Series:
    """Return the hourly sum of a zone's meters, in the hours that all of them know."""
    total: Series | None = None
    since_ms = (now_ms - ZONE_REACH_MS) // ZONE_STEP_MS * ZONE_STEP_MS
    for meter in meters:
        hourly = features.hourly_mean(_good(windows, meter, since_ms, now_ms))
        whole = hourly.t_ms <= now_ms  # the running hour is not over
        hourly = Series(hourly.t_ms[whole], hourly.value[whole])
        if total is None:
            total = hourly
            continue
        shared, one, other = np.intersect1d(total.t_ms, hourly.t_ms, return_indices=True)
        total = Series(shared, total.value[one] + hourly.value[other])
    return NO_SERIES if total is None else total


def _whole(value: float) -> int | None:
    return round(value) if math.isfinite(value) else None


def _zone_fields(nights: list[Night], days: Days, rule: LeakRule, model: str) -> dict[str, Any]:
    judged = [night for night in nights if math.isfinite(night.flow_l_h)]
    if not judged or nights[-1].verdict == "unknown":
        return {"verdict": "unknown", "model_status": "no data", "model": model}
    last = judged[-1]
    expected: list[Point] = []
    for index in range(max(0, len(nights) - 8), len(nights)):
        for end_ms, value in zip(
            days.end_ms[index].tolist(), nights[index].expected_l_h.tolist(), strict=True
        ):
            if end_ms > 0 and math.isfinite(value):
                expected.append((end_ms, round(value), 0))
    return {
        "verdict": nights[-1].verdict,
        "night_flow_l_h": _whole(last.flow_l_h),
        "night_flow_usual_l_h": _whole(last.usual_l_h),
        "leak_l_h": _whole(nights[-1].leak_l_h) if nights[-1].verdict != "normal" else None,
        "leak_probability": round(rule.probability(nights[-1].evidence), 3),
        "since_ms": nights[-1].since_ms,
        "model": model,
        "model_status": "ok",
        "expected": expected,
    }
