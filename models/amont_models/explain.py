"""Explain a past moment: what the models had before them, what they said, and why they warned.

Everything is computed again from the site's journal as it was known then, by the code and the
models that the gateway serves; beside it stands what the gateway's own records say was advised.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from amont_gateway.records import FILE, RecordReader
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.model_folder import kept_models
from amont_gateway.scoring.river_decision import at_quantile, reaches, supported
from amont_gateway.scoring.river_features import HORIZONS_H, QUANTILES, RAIN_SPANS_H, STAGE_HOLD_MS
from amont_gateway.scoring.river_forecast import Basis
from amont_gateway.scoring.river_inputs import STAGE_FRESH_MS
from amont_gateway.scoring.timeline import HOUR_MS, Series, last_at, sum_between
from amont_gateway.windows import Windows
from amont_models import explain_network_text, explain_text
from amont_models.explain_network import explain_network
from amont_models.explain_readings import WINDOW_MS, Found, doubts, newest
from amont_models.recipe import ARTIFACTS_DIR
from amont_models.records import DataError
from amont_models.site_past import SitePast

STATE_DIR = Path("/var/lib/amont/gateway")
RISES_H = (0.5, 1, 3, 6, 12, 24)
ADVICE_MS = 6 * HOUR_MS  # advice lasts no longer
NIGHTS = 7


def add_commands(commands: Any) -> None:
    """Add ``explain``."""
    about = "explain a past moment of a station, zone or network: inputs, forecast or verdict, why"
    command = commands.add_parser("explain", help=about, description=about)
    command.add_argument("site", type=Path, help="the site's YAML file")
    command.add_argument("place", help="id of a station, zone or network of that file")
    command.add_argument("--at", required=True, help="local time, 2026-11-03T04:00, or 'now'")
    command.add_argument("--state", type=Path, default=STATE_DIR, help="gateway's data folder")
    about = "models' folder; by default those that the gateway keeps, else those of this package"
    command.add_argument("--artifacts", type=Path, default=None, help=about)
    command.add_argument("--lang", choices=("fr", "en"), default="fr")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print the explanation; DataError or ValueError says what cannot be explained."""
    past = SitePast(asked.site, asked.state)
    zone = ZoneInfo(past.site.time_zone)
    at_ms = _moment(asked.at, zone)
    _within(past, at_ms, zone)
    found = explain(past, asked.place, at_ms, asked.artifacts or models_of(asked.state))
    if asked.json:
        sys.stdout.write(json.dumps(_plain(found), ensure_ascii=False, indent=1) + "\n")
    else:
        told = explain_network_text if found["kind"] == "network" else explain_text
        sys.stdout.write(told.text(_plain(found), asked.lang, zone))
    return 0


def _within(past: SitePast, at_ms: int, zone: ZoneInfo) -> None:
    """Raise DataError for a moment that the journal cannot know: silence there is no sign."""
    begins_ms, now_ms = past.begins_ms(), _moment("now", zone)
    if at_ms < begins_ms:
        begins = dt.datetime.fromtimestamp(begins_ms / 1000, zone)
        raise DataError(f"--at: the journal begins later, {begins:%Y-%m-%d %H:%M}")
    if at_ms > now_ms:
        raise DataError("--at: that is in the future")


def models_of(state: Path) -> Path:
    """Return the folder of the models that the gateway of ``state`` serves."""
    return kept_models(state) or ARTIFACTS_DIR


def explain(past: SitePast, place: str, at_ms: int, artifacts: Path) -> Found:
    """Return what the models of a station, zone or network had and said, as plain data."""
    records = past.journal.with_name(FILE)
    network = next((one for one in past.site.networks if one.id == place), None)
    if network is not None:
        return explain_network(past, network, at_ms, records)
    windows = past.windows(at_ms, at_ms - WINDOW_MS)
    scoring = Scoring(artifacts, past.site, past.journal.parent, keep=False)
    advice = {one.station: one.level for one in scoring.update(windows, at_ms)}
    stations = {station.id for station in past.site.stations}
    zones = {zone.id for zone in past.site.zones}
    if place in stations:
        found = _station(past, scoring, windows, place, at_ms)
        found["computed"] = advice.get(place, "none")
        return found | {"recorded": _recorded(records, place, at_ms)}
    if place in zones:
        return _zone(past, scoring, windows, place, at_ms) | {
            "recorded": _recorded(records, place, at_ms)
        }
    known = ", ".join(sorted(stations | zones | {one.id for one in past.site.networks}))
    raise DataError(f"{place}: no station, zone or network of this site ({known})")


def _station(
    past: SitePast, scoring: Scoring, windows: Windows, station: str, at_ms: int
) -> Found:
    place = next(one for one in past.site.stations if one.id == station)
    forecast, basis = scoring.forecast(station), scoring.basis(station)
    gauges = [g.sensor for g in past.site.rain_gauges if place.rain is None or g.id in place.rain]
    near = [*place.sensors, *gauges]
    found: Found = {
        "kind": "station",
        "place": station,
        "at_ms": at_ms,
        **_model(scoring, "river"),
        "status": forecast.status,
        "limits_mm": {
            name: getattr(place, f"{name}_mm") for name in ("watch", "warning", "alarm")
        },
        "doubted": [one for sensor in near for one in doubts(windows, sensor, at_ms)],
        "sensors": {sensor: newest(windows, sensor, at_ms) for sensor in near},
    }
    if basis is None:
        return {**found, "rung": _without(windows, place.sensors, at_ms)}
    return {**found, "rung": forecast.inputs, **_inputs(basis), **_decision(basis)}


def _without(windows: Windows, sensors: list[str], at_ms: int) -> str:
    """Return the rung of a station that has no forecast."""
    ages = [at_ms - last.t_ms for last in map(windows.last, sensors) if last is not None]
    return "thresholds only" if ages and min(ages) <= STAGE_FRESH_MS else "watch lost"


def _model(scoring: Scoring, kind: str) -> Found:
    name = next((one for one in scoring.serves if one.startswith(f"{kind} ")), "")
    return {"model": name, "sha256": scoring.serves.get(name, ""), "fault": scoring.status[kind]}


def _inputs(basis: Basis) -> Found:
    seen = basis.seen
    now = np.array([seen.issued_ms])
    stage = seen.inputs.stage
    upstream = [
        {"station": name, **_moved(series, seen.issued_ms)}
        for name, (series, _) in zip(seen.river.upstream, seen.inputs.upstream, strict=False)
    ]
    foretold = seen.inputs.rain_forecast
    return {
        "issued_ms": seen.issued_ms,
        "stage_mm": seen.stage_mm,
        "spread_mm": seen.river.spread_mm,
        "rises_mm": _rises(stage, seen.issued_ms),
        "rain_mm": [_rain(seen.inputs.rain, now, span) for span in RAIN_SPANS_H],
        "upstream": upstream,
        "rain_forecast_mm": float(foretold.value.sum()) / 1000 if len(foretold.t_ms) else None,
    }


def _rises(stage: Series, at_ms: int) -> list[Found]:
    now = np.array([at_ms])
    here = last_at(stage, now, STAGE_HOLD_MS)[0]
    before = [last_at(stage, now - round(h * HOUR_MS), STAGE_HOLD_MS)[0] for h in RISES_H]
    return [{"hours": h, "mm": float(here - b)} for h, b in zip(RISES_H, before, strict=True)]


def _moved(stage: Series, at_ms: int) -> Found:
    known = bool(np.isfinite(last_at(stage, np.array([at_ms]), STAGE_HOLD_MS)[0]))
    t_ms = int(stage.t_ms[-1]) if len(stage.t_ms) else None
    value = float(stage.value[-1]) if len(stage.t_ms) else None
    return {"known": known, "t_ms": t_ms, "stage_mm": value, "rises_mm": _rises(stage, at_ms)}


def _rain(rain: Series, now: Any, span: tuple[int, int]) -> Found:
    start, end = span
    total = sum_between(rain, now - end * HOUR_MS, now - start * HOUR_MS)[0]
    return {"from_h": end, "to_h": start, "mm": float(total) / 1000}


def _decision(basis: Basis) -> Found:
    """Return the band, and each horizon's deciding quantile beside the mark that it must reach."""
    steps, rule, limits = basis.steps, basis.rule, dict(basis.seen.river.limits_mm)
    asked = []
    for level, quantiles in (("watch", rule.watch), ("warning", rule.warning)):
        for k, quantile in enumerate(quantiles):
            if quantile > 0.0:
                height = steps.stage_mm[-1] + at_quantile(steps.rises_mm[-1:, k], quantile)[0]
                mark = limits[level]
                asked.append({
                    "level": level, "horizon_h": HORIZONS_H[k], "quantile": quantile,
                    "height_mm": float(height), "mark_mm": mark,
                    "reached": not round(float(height)) < mark,
                })  # fmt: skip
    return {
        "band": [
            {"horizon_h": hours, "mm": dict(zip(map(str, QUANTILES), row, strict=True))}
            for hours, row in zip(HORIZONS_H, basis.band_mm.tolist(), strict=True)
            if hours >= 1 or basis.seen.is_fine
        ],
        "asked": asked,
        "level": basis.level,
        "backed": bool(steps.backed[-1]),
        "supported": bool(supported(steps, limits["warning"], rule)[-1]),
        "support": rule.support,
        "support_min": rule.support_min,
        "adapted": list(basis.adapted.parts) if basis.adapted is not None else [],
        "held": _held(basis),
    }


def _held(basis: Basis) -> bool:
    """Tell whether the level stands from a step before, and not from the newest."""
    if basis.level == "none" or basis.rule.hold_min <= 0.0:
        return False
    quantiles = basis.rule.warning if basis.level == "warning" else basis.rule.watch
    mark = dict(basis.seen.river.limits_mm)[basis.level]
    return not bool(reaches(basis.steps.part(slice(-1, None)), quantiles, mark)[0])


def _zone(past: SitePast, scoring: Scoring, windows: Windows, zone: str, at_ms: int) -> Found:
    place = next(one for one in past.site.zones if one.id == zone)
    said, judged = scoring.zone(zone), scoring.nights(zone)
    if judged and not math.isfinite(judged[-1].flow_l_h):
        judged = judged[:-1]  # the night of the day that runs is still to come
    nights = [
        {
            "end_ms": night.end_ms, "verdict": night.verdict, "flow_l_h": night.flow_l_h,
            "expected_l_h": night.usual_l_h, "residual_l_h": night.residual_l_h,
            "sum": night.total,
        }
        for night in judged[-NIGHTS:]
    ]  # fmt: skip
    rule, own = scoring.leak_rule(zone), scoring.adapted_zone(zone)
    free = scoring.holidays(zone)
    return {
        "kind": "zone",
        "place": zone,
        "at_ms": at_ms,
        **_model(scoring, "leak"),
        "status": said["model_status"],
        "verdict": said["verdict"],
        "leak_l_h": said.get("leak_l_h"),
        "probability": said.get("leak_probability"),
        "since_ms": said.get("since_ms"),
        "nights": nights if said["model_status"] == "ok" else [],
        "watch_sum": rule.watch,
        "leak_sum": rule.alarm,
        "step": rule.step,
        "adapted": None if own is None else own.to_json(),
        "holidays": [
            dt.date.fromordinal(night.ordinal).isoformat()
            for night in judged[-NIGHTS:]
            if night.ordinal in free
        ],
        "sensors": {sensor: newest(windows, sensor, at_ms) for sensor in place.inflow},
        "doubted": [one for sensor in place.inflow for one in doubts(windows, sensor, at_ms)],
    }


def _recorded(path: Path, place: str, at_ms: int) -> Found:
    """Return what the gateway's own records say was served, forecast and advised until then."""
    if not path.exists():
        return {"known": False}
    try:
        with closing(RecordReader(path)) as reader:
            advised = _last(reader.last_before("seen advice", at_ms), place)
            forecast = _last(reader.last_before("seen forecast", at_ms), place)
            served = reader.last_before("seen models", at_ms, 1)
    except sqlite3.Error as error:
        raise DataError(f"{path}: {error}") from error
    if advised is not None and at_ms - int(advised["at_ms"]) > ADVICE_MS:
        advised = None
    models = served[0].get("models") if served else None
    return {"known": True, "advice": advised, "forecast": forecast, "models": models}


def _last(records: list[Found], station: str) -> Found | None:
    return next((one for one in records if one.get("station") == station), None)


def _moment(text: str, zone: ZoneInfo) -> int:
    if text == "now":
        return int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError(f"--at {text}: a time such as 2026-11-03T04:00 is needed") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)


def _plain(value: Any) -> Any:
    """Return what JSON can hold: None for NaN, whole numbers where nothing is lost."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
