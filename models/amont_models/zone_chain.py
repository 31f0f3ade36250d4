"""Run the gateway's own leak test over a zone's record: what ships, as a site would run it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from amont_gateway.scoring import zone_features
from amont_gateway.scoring.model_files import Model, ModelError, read_manifest
from amont_gateway.scoring.timeline import HOUR_MS, Series
from amont_gateway.scoring.zone_adapted import AS_IT_CAME, ZoneAdapted, made_for
from amont_gateway.scoring.zone_features import SUNDAY, Days
from amont_gateway.scoring.zone_test import LeakRule, Night, Predict, ZoneTest
from amont_models.data import Zone
from amont_models.leak_events import Alarm


class LeakModel(NamedTuple):
    """The signed leak model: its rule, its network, and what an adaptation must be made for."""

    settings: LeakRule
    predict: Predict
    made_for: str

    def alarms(self, days: Days, own: ZoneAdapted = AS_IT_CAME) -> list[Alarm]:
        """Return the alarms of a record, with what the zone's own past has taught."""
        return gateway_alarms(days, own.rule(self.settings), self.predict)


def shipped(folder: Path) -> LeakModel:
    """Return the signed leak model of ``folder``; ModelError if it cannot be used."""
    model = Model(folder, read_manifest(folder)["models"]["leak"])
    try:
        settings = LeakRule.from_manifest(model.rule)
    except (TypeError, ValueError) as error:
        raise ModelError(f"leak: {error}") from error
    return LeakModel(settings, lambda rows: model(rows)[:, 0], made_for(model.sha256, settings))


def gateway_alarms(days: Days, settings: LeakRule, predict: Predict) -> list[Alarm]:
    """Return an alarm for each leak that the gateway's test calls, at the hour of the call."""
    return called(ZoneTest(settings, predict).run(days), settings)


def called(nights: Sequence[Night], settings: LeakRule) -> list[Alarm]:
    """Return an alarm for each leak called in these nights."""
    return [
        Alarm(
            night.call_ms,
            night.since_ms,
            night.leak_l_h,
            settings.probability(night.evidence),
        )
        for night in nights
        if night.call_ms is not None
    ]


def by_day(
    zone: Zone, timezone: str, holidays: Set[int] = frozenset(), holiday: int = SUNDAY
) -> Days:
    """Return the known hours of a record by local day; ``holidays`` are of type ``holiday``."""
    known = np.isfinite(zone.inflow_l_h)
    hourly = Series(zone.t_ms[known], zone.inflow_l_h[known])
    return zone_features.by_day(hourly, ZoneInfo(timezone), holidays, holiday)


def whole_hours(name: str, hourly: Series) -> Zone:
    """Return hourly means on a grid without holes, NaN where an hour is not known."""
    if not len(hourly.t_ms):
        return Zone(name, hourly.t_ms, hourly.value)
    t_ms = np.arange(hourly.t_ms[0], hourly.t_ms[-1] + HOUR_MS, HOUR_MS)
    value = np.full(len(t_ms), np.nan)
    value[(hourly.t_ms - t_ms[0]) // HOUR_MS] = hourly.value
    return Zone(name, t_ms, value)
