"""Forecast each station from its live window, and say what to advise.

Whatever is missing, damaged or not a number is a *fault* or *no data* that people can see, never a
calm answer. A fault never takes advice back: it runs out by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from amont_gateway.scoring import river_features
from amont_gateway.scoring.adapted_file import Learnt
from amont_gateway.scoring.live_windows import Windows
from amont_gateway.scoring.model_files import Model, ModelError
from amont_gateway.scoring.river_adapted import Adapted, calibrated, read, shown
from amont_gateway.scoring.river_decision import (
    LEVELS,
    Rule,
    Steps,
    backed,
    decide,
    memory_ms,
    rule_of,
    shifted,
)
from amont_gateway.scoring.river_features import HORIZONS_H, MEDIAN
from amont_gateway.scoring.river_inputs import River, Seen, rivers, see
from amont_gateway.scoring.river_memory import Memory, Step
from amont_gateway.scoring.rung_costs import costs_of
from amont_gateway.scoring.timeline import NO_SERIES, Floats, Series
from amont_gateway.view import Forecast, ForecastStep
from amont_gateway.view_rung import RungCost

ADVICE_S = 2 * 3600.0  # how long advice lasts unless it is renewed


@dataclass(frozen=True)
class Advice:
    """Advice for a station: "none", "watch" or "warning", good for ``until_s`` seconds."""

    station: str
    level: str
    until_s: float
    model: str


class Basis(NamedTuple):
    """What a station's last level rests on; the last of ``steps`` is the newest.

    ``adapted`` is what the station's own past has taught of it, if anything.
    """

    seen: Seen
    steps: Steps
    rule: Rule
    level: str
    adapted: Adapted | None = None

    @property
    def band_mm(self) -> Floats:
        """Return the newest band as people see it, stages (horizons, quantiles)."""
        last = self.steps.part(slice(-1, None))
        lowest_mm = float(min(mm for _, mm in self.seen.river.limits_mm))
        rises = shown(last.rises_mm, last.stage_mm, lowest_mm, self.adapted)[0]
        return np.asarray(rises + last.stage_mm[0])


class RiverForecasts:
    """The stations of one site, their last forecasts and what was advised for them."""

    def __init__(self, site: Any, adapted_file: Path | None = None) -> None:
        """Take a checked ``amont_site`` Site and where its own past may have taught something."""
        self._site_rivers = rivers(site)
        self._forecasts: dict[str, Forecast] = {}
        self._advised: dict[str, str] = {}
        self._adaptations = Learnt(adapted_file, read)
        self._served: _Served | None = None

    @property
    def adapted_fault(self) -> str | None:
        """Say why what the site's past has taught is not used; None if it is, or there is none."""
        return self._adaptations.fault

    def update(
        self,
        model: Model | None,
        windows: Windows,
        now_ms: int,
        rain_forecast: Series = NO_SERIES,
    ) -> tuple[list[Advice], str | None]:
        """Forecast every station; return what to advise, and why the model failed if it did."""
        if model is None:
            self._forecasts = {name: Forecast(status="fault") for name in self._site_rivers}
            return [], None
        try:
            served = self._serve(model)
        except ModelError as error:
            fault = Forecast(status="fault", model=model.name)
            self._forecasts = dict.fromkeys(self._site_rivers, fault)
            return [], str(error)
        made, fault_said = served.update(windows, now_ms, rain_forecast)
        self._forecasts = {name: forecast for name, (forecast, _) in made.items()}
        rounds = [self._advise(name, *one) for name, one in made.items()]
        return [advice for each in rounds for advice in each], fault_said

    def forecast(self, station_id: str) -> Forecast | None:
        """Return the last forecast of a station; None before its first."""
        return self._forecasts.get(station_id)

    def basis(self, station_id: str) -> Basis | None:
        """Return what a station's last level rests on; None where there is no forecast."""
        found = self._forecasts.get(station_id)
        if self._served is None or found is None or found.status != "ok":
            return None
        return self._served.basis.get(station_id)

    def _serve(self, model: Model) -> _Served:
        """Return what forecasts with this model, and with what the site's past has taught."""
        is_new = self._adaptations.renewed(model.sha256)
        if self._served is None or self._served.model is not model or is_new:
            self._served = _Served(model, self._site_rivers, self._adaptations.places)
        return self._served

    def _advise(self, station: str, forecast: Forecast, level: str) -> list[Advice]:
        before = self._advised.get(station, "none")
        if forecast.status != "ok":
            return []  # advice runs out by itself; a fault never takes it back
        self._advised[station] = level
        if level == "none" and before == "none":
            return []
        until_s = 0.0 if level == "none" else ADVICE_S
        return [Advice(station, level, until_s, forecast.model)]


class _Served:
    """One model with its rule, what each station's past has taught, and the last steps."""

    def __init__(
        self, model: Model, known: Mapping[str, River], adapted: Mapping[str, Adapted]
    ) -> None:
        self.model = model
        self._rule = rule_of(model)
        self._costs = costs_of(model.sha256)
        self._adapted = adapted
        self._rivers = {
            name: replace(river, spread_mm=adapted[name].spread_mm) if name in adapted else river
            for name, river in known.items()
        }
        self._memory = Memory(memory_ms(self._rule))
        self.basis: dict[str, Basis] = {}

    def update(
        self, windows: Windows, now_ms: int, rain_forecast: Series
    ) -> tuple[dict[str, tuple[Forecast, str]], str | None]:
        """Return each station's forecast and level, and why the model failed if it did."""
        newest = {
            name: see(river, self._rivers, windows, now_ms, rain_forecast)
            for name, river in self._rivers.items()
        }
        every: list[Seen] = []
        for one in newest.values():
            if one is not None:
                before = self._memory.missing(one, self._rivers, windows, rain_forecast)
                every += [*before, one]
        rises = rises_mm(self.model, every)
        steps: dict[str, list[Step]] = {name: [] for name in newest}
        faults: dict[str, str] = {}
        for one, rise in zip(every, rises, strict=True):
            if isinstance(rise, ModelError):
                faults[one.river.id] = str(rise)
            else:
                steps[one.river.id].append(self._step(one, rise))
        made = {name: self._made(one, steps[name], name in faults) for name, one in newest.items()}
        return made, next(iter(faults.values()), None)

    def _step(self, seen: Seen, rises: Floats) -> Step:
        row, stage = seen.row[None], np.array([seen.stage_mm])
        adapted = self._adapted.get(seen.river.id)
        band = calibrated(row, rises[None], stage, self._rule, adapted)[0]
        speaks = bool(backed(row, self._rule)[0])
        return Step(seen.issued_ms, seen.stage_mm, band, speaks)

    def _made(self, seen: Seen | None, steps: list[Step], failed: bool) -> tuple[Forecast, str]:
        if failed:
            return Forecast(status="fault", model=self.model.name), "none"
        if seen is None:
            return Forecast(status="no data", model=self.model.name), "none"
        limits = dict(seen.river.limits_mm)
        name = seen.river.id
        own = self._adapted.get(name)
        shift = 0.0 if own is None else own.shift
        rule: Rule = shifted(self._rule.for_step(seen.is_fine), shift)
        known = self._memory.add(name, steps)
        level = LEVELS[decide(known, limits["watch"], limits["warning"], rule)[-1]]
        basis = self.basis[name] = Basis(seen, known, rule, level, own)
        cost = self._costs.get(seen.rung)
        return _forecast(self.model, seen, basis.band_mm, cost), level


def rises_mm(model: Model, seen: list[Seen]) -> list[Floats | ModelError]:
    """Return the network's band of rises in mm (horizons, quantiles), or what went wrong.

    All rows go through the session in one run. Where that fails, each goes alone, so that one
    bad row takes no other station with it.
    """
    if not seen:
        return []
    try:
        rows = np.stack([one.row for one in seen])
        spreads = np.array([one.river.spread_mm for one in seen])[:, None, None]
        rises = river_features.river_bands(model(rows), 1.0) * spreads  # it scales with them
        if not np.isfinite(rises).all():
            raise ModelError(f"{model.name}: the forecast is not a finite number")
    except ModelError as error:
        if len(seen) == 1:
            return [error]
        return [made for one in seen for made in rises_mm(model, [one])]
    return list(rises)


def _forecast(model: Model, seen: Seen, band: Floats, cost: RungCost | None) -> Forecast:
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
        cost=cost,
        steps=steps,
        reaches=highest,
    )
