"""Run what ships over zones it has never seen, step by step, beside every simple rule.

``score_zones`` takes records as arrays, so the form in which they were written does not matter
here; labels are optional. Decisions are those of the gateway's own code, made with what was known
at the time alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from amont_gateway.scoring import zone_features
from amont_gateway.scoring.model_files import Model, ModelError, read_manifest
from amont_gateway.scoring.timeline import Series
from amont_gateway.scoring.zone_adapted import AS_IT_CAME, ZoneAdapted, made_for
from amont_gateway.scoring.zone_features import SUNDAY, Days
from amont_gateway.scoring.zone_test import LeakRule, Predict, ZoneTest
from amont_models import leak_table
from amont_models.data import Zone
from amont_models.leak_events import Alarm, Label, leak_label
from amont_models.leak_floors import NIGHT, Rule, zone_rules
from amont_models.recipe import HOUR_MS
from amont_models.records.table import GOOD, Channel, Record
from amont_models.records.table import channel as make_channel

SHIPPED = "what ships"


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


def gateway_alarms(days: Days, settings: LeakRule, predict: Any) -> list[Alarm]:
    """Return an alarm for each leak that the gateway's test calls, at the hour of the call."""
    return [
        Alarm(
            night.call_ms,
            night.since_ms,
            night.leak_l_h,
            settings.probability(night.evidence),
        )
        for night in ZoneTest(settings, predict).run(days)
        if night.call_ms is not None
    ]


def by_day(
    zone: Zone, timezone: str, holidays: Set[int] = frozenset(), holiday: int = SUNDAY
) -> Days:
    """Return the known hours of a record by local day; ``holidays`` are of type ``holiday``."""
    known = np.isfinite(zone.inflow_l_h)
    hourly = Series(zone.t_ms[known], zone.inflow_l_h[known])
    return zone_features.by_day(hourly, ZoneInfo(timezone), holidays, holiday)


def score_zones(
    zones: Sequence[Zone],
    labels: Mapping[str, Sequence[Label]] | None,
    timezone: str,
    rules: Mapping[str, Rule],
) -> dict[str, Any]:
    """Return the event table: every rule's counts over all zones, and each rule's alarms.

    ``labels`` by the zone's name; None where nobody knows.
    """
    days = [by_day(zone, timezone) for zone in zones]
    alarms = {
        name: [rule(record) if len(record.ordinal) else [] for record in days]
        for name, rule in rules.items()
    }
    places = [leak_table.Place(zone.name, zone.t_ms, zone.inflow_l_h) for zone in zones]
    truth = [labels.get(zone.name, ()) for zone in zones] if labels is not None else None
    return leak_table.make(places, truth, alarms)


def rules(folder: Path) -> dict[str, Rule]:
    """Return what ships in ``folder`` and every floor, what ships first."""
    return {SHIPPED: shipped(folder).alarms, **zone_rules()}


def score(record: Record, folder: Path) -> dict[str, Any]:
    """Return the event table of a record of zones; a record without labels gives its alarms."""
    zones = [
        Zone(one.name, one.t_ms, np.where(one.quality == GOOD, one.value, np.nan))
        for one in (features_hourly(channel) for channel in record.of("inflow"))
    ]
    labels = zone_labels(record, zones) if record.labels else None
    return score_zones(zones, labels, record.time_zone, rules(folder))


def features_hourly(channel: Channel) -> Channel:
    """Return a channel on whole hours: the mean of the good readings of each, gaps kept."""
    good = (channel.quality == GOOD) & np.isfinite(channel.value)
    known = zone_features.hourly_mean(Series(channel.t_ms[good], channel.value[good]))
    zone = whole_hours(channel.name, known)
    return make_channel(channel.name, "inflow", zone.t_ms, zone.inflow_l_h)


def whole_hours(name: str, hourly: Series) -> Zone:
    """Return hourly means on a grid without holes, NaN where an hour is not known."""
    if not len(hourly.t_ms):
        return Zone(name, hourly.t_ms, hourly.value)
    t_ms = np.arange(hourly.t_ms[0], hourly.t_ms[-1] + HOUR_MS, HOUR_MS)
    value = np.full(len(t_ms), np.nan)
    value[(hourly.t_ms - t_ms[0]) // HOUR_MS] = hourly.value
    return Zone(name, t_ms, value)


def zone_labels(record: Record, zones: Sequence[Zone]) -> dict[str, list[Label]]:
    """Return a record's leaks by zone, sizes also as a share of the zone's mean night flow."""
    night = {zone.name: _night_mean(zone, record.time_zone) for zone in zones}
    out: dict[str, list[Label]] = {zone.name: [] for zone in zones}
    for one in record.labels:
        if one.site in out:
            out[one.site].append(leak_label(one, night[one.site]))
    return out


def _night_mean(zone: Zone, timezone: str) -> float:
    flow = by_day(zone, timezone).l_h[:, NIGHT]
    return float(np.nanmean(flow)) if np.isfinite(flow).any() else np.nan
