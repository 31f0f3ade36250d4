"""Run what ships over zones it has never seen, step by step, beside every simple rule.

Decisions are those of the gateway's own code, made with what was known at the time alone. Where a
record says when its training part ends, that part alone adapts the zone, as a site does, and what
follows is judged; else the whole record is. Labels are optional.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from amont_gateway.scoring import zone_features
from amont_gateway.scoring.holiday_dates import LONG_S, HolidayError, public_holidays
from amont_gateway.scoring.timeline import Series
from amont_models import leak_table
from amont_models.adapt_trials import ZonePast
from amont_models.adapt_zone import ZoneOutcome, adapt_zone
from amont_models.data import Zone
from amont_models.leak_events import Alarm, Label, leak_label
from amont_models.leak_floors import NIGHT, zone_rules
from amont_models.leak_list import Place
from amont_models.records.table import GOOD, Channel, DataError, Record
from amont_models.zone_chain import LeakModel, by_day, shipped, whole_hours

SHIPPED, FIRST_DAY = "what ships", "first day"


@dataclass(frozen=True)
class Scored:
    """A zone that is judged from ``since_ms`` on, and what its past before taught (None: none)."""

    zone: Zone
    since_ms: int
    outcome: ZoneOutcome | None = None

    def later(self, alarms: Sequence[Alarm]) -> list[Alarm]:
        """Return the alarms of the part that is judged."""
        return [alarm for alarm in alarms if alarm.at_ms >= self.since_ms]


def score(record: Record, folder: Path) -> dict[str, Any]:
    """Return the event table of a record of zones; a record without labels gives its alarms."""
    leak, holidays = shipped(folder), holidays_of(record)
    zones, left_out = _zones(record)
    labels = zone_labels(record, zones) if record.labels or record.nothing_happened else None
    scored = [
        adapt_to(zone, record, leak, holidays, labels[zone.name] if labels else ())
        for zone in zones
    ]
    alarms = {
        name: [one.later(made) for one, made in zip(scored, each, strict=True)]
        for name, each in said(scored, leak, record.time_zone, holidays).items()
    }
    made = {one.zone.name: one.outcome.about() for one in scored if one.outcome is not None}
    return {**table(scored, labels, alarms), "adapted": made, "left_out": left_out}


def _zones(record: Record) -> tuple[list[Zone], dict[str, str]]:
    """Return a record's zones on whole hours, and why others of its sites cannot be judged."""
    zones, left_out = [], {}
    for site in record.sites:
        inflow, until_ms = record.find(site.name, "inflow"), site.train_until_ms
        if inflow is None:
            left_out[site.name] = f"{site.name}: no inflow"
        elif until_ms is not None and until_ms > inflow.t_ms[-1]:
            left_out[site.name] = f"{site.name}: no reading after its training part"
        else:
            zones.append(hourly_zone(inflow))
    if not zones:
        reasons = "; ".join(left_out.values()) or "no inflow"
        raise DataError(f"{record.name}: no zone can be judged: {reasons}")
    return zones, left_out


def holidays_of(record: Record) -> frozenset[int]:
    """Return the public holidays of a record's country; none if it names none."""
    if not record.holidays:
        return frozenset()
    try:
        return public_holidays(record.holidays, LONG_S)
    except HolidayError as error:
        raise DataError(f"{record.name}: {error}") from error


def adapt_to(
    zone: Zone,
    record: Record,
    leak: LeakModel,
    holidays: frozenset[int],
    labels: Sequence[Label] = (),
) -> Scored:
    """Return a zone with what its training part alone taught, by the test of ``adapt``.

    A leak known to have ended there was mended then, as people would have noted.
    """
    until_ms = next((s.train_until_ms for s in record.sites if s.name == zone.name), None)
    if until_ms is None:
        return Scored(zone, 0)
    repairs = tuple(one.end_ms for one in labels if one.end_ms < until_ms)
    past = ZonePast(zone.between(0, until_ms), record.time_zone, holidays, repairs)
    return Scored(zone, until_ms, adapt_zone(past, leak.settings, leak.predict))


def said(
    scored: Sequence[Scored], leak: LeakModel, timezone: str, holidays: frozenset[int]
) -> dict[str, list[list[Alarm]]]:
    """Return every rule's alarms over each whole zone, what ships first."""

    def first(one: Scored) -> list[Alarm]:
        return leak.alarms(by_day(one.zone, timezone, holidays))

    def adapted(one: Scored) -> list[Alarm]:
        if one.outcome is None or one.outcome.adapted is None:
            return first(one)
        own = one.outcome.adapted
        return leak.alarms(by_day(one.zone, timezone, holidays, own.holiday), own)

    made = {SHIPPED: [adapted(one) for one in scored]}
    if any(one.outcome is not None for one in scored):
        made[FIRST_DAY] = [first(one) for one in scored]
    days = [by_day(one.zone, timezone) for one in scored]
    for name, rule in zone_rules().items():
        made[name] = [rule(record) if len(record.ordinal) else [] for record in days]
    return made


def table(
    scored: Sequence[Scored],
    labels: Mapping[str, Sequence[Label]] | None,
    alarms: Mapping[str, Sequence[Sequence[Alarm]]],
) -> dict[str, Any]:
    """Return the event table: every rule's counts over all zones, and the first rule's alarms.

    ``labels`` by the zone's name; None where nobody knows.
    """
    places, truth = [], []
    for one in scored:
        part = one.zone.between(one.since_ms, 1 << 60)
        places.append(Place(part.name, part.t_ms, part.inflow_l_h))
        truth.append(labels.get(part.name, ()) if labels is not None else ())
    return leak_table.make(places, truth if labels is not None else None, alarms)


def hourly_zone(channel: Channel) -> Zone:
    """Return a channel on whole hours: the mean of the good readings of each, gaps kept."""
    good = (channel.quality == GOOD) & np.isfinite(channel.value)
    known = zone_features.hourly_mean(Series(channel.t_ms[good], channel.value[good]))
    return whole_hours(channel.name, known)


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
