"""Read what the river model sees of each station: one row of features, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amont_gateway.scoring.live_windows import Windows, fullest
from amont_gateway.scoring.river_features import (
    FINE_STEP_MS,
    STAGE_LAGS_H,
    RiverInputs,
    known_parts,
    river_rows,
)
from amont_gateway.scoring.timeline import HOUR_MS, NO_SERIES, Floats, Series

STAGE_FRESH_MS = 2 * HOUR_MS  # an older newest reading gives no forecast
REACH_MS = (STAGE_LAGS_H[-1] + 3) * HOUR_MS  # what lies further back no feature looks at
SPREAD_MIN_MM = 100.0


@dataclass(frozen=True)
class River:
    """A station as the models see it; ``upstream`` names stations, nearest first."""

    id: str
    stage: tuple[str, ...]
    rain: tuple[str, ...]
    limits_mm: tuple[tuple[str, int], ...]  # (level, mm), lowest first
    spread_mm: float
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What the model sees of a station at its newest reading."""

    river: River
    issued_ms: int
    stage_mm: float
    inputs: RiverInputs
    row: Floats  # (RIVER_FEATURES,)
    rung: str  # of the fallback ladder: "full" | "no rain" | "no upstream" | "local only"

    @property
    def is_fine(self) -> bool:
        """Tell whether the station tells often enough to speak of its next half hour."""
        t_ms = self.inputs.stage.t_ms
        return len(t_ms) > 1 and bool(np.median(np.diff(t_ms)) <= FINE_STEP_MS)


def rivers(site: Any) -> dict[str, River]:
    """Return the stations of a checked ``amont_site`` Site by their ids."""
    return {station.id: _river(site, station) for station in site.stations}


def see(
    river: River,
    others: Mapping[str, River],
    windows: Windows,
    now_ms: int,
    rain_forecast: Series = NO_SERIES,
) -> Seen | None:
    """Return what the model sees of a station at ``now_ms``, None without a fresh stage."""
    since = now_ms - REACH_MS
    stage = fullest(windows, river.stage, since, now_ms)
    if not len(stage.t_ms) or now_ms - int(stage.t_ms[-1]) > STAGE_FRESH_MS:
        return None
    above = [others[name] for name in river.upstream if name in others]
    inputs = RiverInputs(
        stage,
        fullest(windows, river.rain, since, now_ms),
        tuple((fullest(windows, one.stage, since, now_ms), one.spread_mm) for one in above),
        rain_forecast,
    )
    issued = int(stage.t_ms[-1])
    rows = river_rows(inputs, np.array([issued]), river.spread_mm)
    known = {part: bool(told[0]) for part, told in known_parts(rows).items()}
    return Seen(river, issued, float(stage.value[-1]), inputs, rows[0], _rung(river, known))


def _river(site: Any, station: Any) -> River:
    limits = (
        ("watch", station.watch_mm),
        ("warning", station.warning_mm),
        ("alarm", station.alarm_mm),
    )
    wanted: Sequence[str] | None = station.rain
    gauges = [g.sensor for g in site.rain_gauges if wanted is None or g.id in wanted]
    # Until a station's own history has been measured: what lies between calm and alarm.
    spread = max(SPREAD_MIN_MM, 2.0 * float(station.alarm_mm - station.watch_mm))
    upstream = tuple(station.upstream)
    return River(station.id, tuple(station.sensors), tuple(gauges), limits, spread, upstream)


def _rung(river: River, known: Mapping[str, bool]) -> str:
    """Return the rung: what the site's file names beside the station, and the row does not hold.

    A station that has neither a gauge nor another one upstream is forecast from itself alone.
    """
    lost = [
        part
        for part, named in (("rain", river.rain), ("upstream", river.upstream))
        if named and not known[part]
    ]
    if len(lost) == 2 or not (river.rain or river.upstream):
        return "local only"
    return f"no {lost[0]}" if lost else "full"
