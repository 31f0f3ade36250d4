"""Measure one day of meters and zones from their readings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from amont_gateway.indicators.curve import NOTHING, Curve, Floats, counter_curve, flow_curve
from amont_gateway.indicators.meter_day import Ends, MeterDay, meter_day
from amont_gateway.indicators.night import mean_pressure, night_flow
from amont_gateway.indicators.store import Night
from amont_gateway.places import Places, Sensor, Zone
from amont_gateway.summaries.day_readings import NO_READINGS, Readings, Sensors

COUNTER = "volume_l"
KPA = 0.01  # of a pressure's wire unit
DAY_MS = 86_400_000
MOST_READINGS = 10_000  # of a day, held at once: a megabyte
ASIDE_MS = 7_200_000  # readings so far beside a day may tell of its ends


@dataclass(frozen=True)
class Water:
    """The sensors of a site that tell of water in pipes, and what they are for."""

    zones: tuple[Zone, ...]
    meters: Mapping[str, tuple[str, ...]]  # of the service, by kind of volume
    sensors: Mapping[str, Sensor]
    interval_ms: Mapping[str, int]  # of each sensor's node

    @property
    def all_meters(self) -> tuple[str, ...]:
        """Return all meters, of zones and of the service, each once."""
        found = [s for z in self.zones for s in (*z.inflow, *z.outflow)]
        found += [s for sensors in self.meters.values() for s in sensors]
        return tuple(dict.fromkeys(found))

    def zones_of(self, sensors: Iterable[str]) -> list[Zone]:
        """Return the zones that some of the sensors tell of."""
        touched = set(sensors)
        return [z for z in self.zones if tells_of(touched, z)]


def tells_of(sensors: Set[str], zone: Zone) -> bool:
    """Tell whether some of the sensors are a zone's."""
    return not sensors.isdisjoint((*zone.inflow, *zone.outflow, *zone.pressures))


def water_of(places: Places) -> Water:
    """Return what a site says of its water; sensors that it does not have are left out."""
    meters = dict(places.service.meters) if places.service else {}
    named = [s for z in places.zones for s in (*z.inflow, *z.outflow, *z.pressures)]
    named += [s for sensors in meters.values() for s in sensors]
    sensors = {s: places.by_sensor[s] for s in dict.fromkeys(named) if s in places.by_sensor}
    by_sensor = {s.id: places.interval_s(s) * 1000 for s in sensors.values()}
    return Water(places.zones, meters, sensors, by_sensor)


@dataclass(frozen=True)
class Group:
    """Sensors whose day is read at once, and the zones that they tell all of."""

    sensors: Sensors
    ids: frozenset[str]
    zones: tuple[Zone, ...]


def groups_of(water: Water) -> list[Group]:
    """Return groups that hold every sensor, and each zone's sensors together.

    A day of one group is small enough to be held in memory; a sensor may be in two.
    """
    parts: list[tuple[set[str], tuple[Zone, ...]]]
    parts = [({*z.inflow, *z.outflow, *z.pressures}, (z,)) for z in water.zones]
    parts += [({sensor}, ()) for sensors in water.meters.values() for sensor in sensors]
    found: list[tuple[set[str], tuple[Zone, ...]]] = []
    for ids, zones in parts:
        ids = ids & set(water.sensors)
        if not ids or (not zones and any(ids <= known for known, _ in found)):
            continue
        whole = (found[-1][0] | ids) if found else ids
        if found and sum(DAY_MS / water.interval_ms[s] for s in whole) <= MOST_READINGS:
            found[-1] = (whole, found[-1][1] + zones)
        else:
            found.append((ids, zones))
    return [
        Group(Sensors(water.sensors[s] for s in sorted(ids)), frozenset(ids), zones)
        for ids, zones in found
    ]


@dataclass(frozen=True)
class Day:
    """One calendar day: its number, and [begin, end) in Unix ms."""

    number: int
    begin_ms: int
    end_ms: int

    def at_ms(self, clock: str, zone: ZoneInfo) -> int:
        """Return when a clock on the wall shows ``clock`` (hh:mm) on that day."""
        date = dt.date.fromordinal(self.number)
        moment = dt.datetime.combine(date, dt.time.fromisoformat(clock), zone)
        return int(moment.timestamp()) * 1000


class DayReadings:
    """What all sensors read on one day and a little beside it, as curves when asked."""

    def __init__(self, water: Water, day: Day, found: Mapping[str, Readings]) -> None:
        """Take the readings with the doubted ones as suspect; only good ones count."""
        self._water, self._day, self._found = water, day, found
        self._curves: dict[str, Curve] = {}

    def good(self, sensor: str) -> tuple[Floats, Floats]:
        """Return times and values, in units of the wire, of a sensor's good readings."""
        readings = self._found.get(sensor, NO_READINGS)
        good = readings.quality == 0
        return readings.t_ms[good].astype(np.float64), readings.value[good].astype(np.float64)

    def curve(self, sensor: str) -> Curve:
        """Return a meter's curve."""
        if sensor not in self._curves:
            self._curves[sensor] = self._curve(sensor)
        return self._curves[sensor]

    def _curve(self, sensor: str) -> Curve:
        known = self._water.sensors.get(sensor)
        if known is None:
            return NOTHING
        t_ms, value = self.good(sensor)
        times, interval_ms = t_ms.astype(np.int64), self._water.interval_ms[sensor]
        if known.quantity == COUNTER:
            return counter_curve(times, value, interval_ms, (self._day.begin_ms, self._day.end_ms))
        return flow_curve(times, value, interval_ms)

    def meter_day(self, sensor: str) -> MeterDay:
        """Return what a meter measured that day."""
        known, ends = self._water.sensors.get(sensor), None
        if known is not None and known.quantity == COUNTER:
            ends = self._ends(sensor)
        return meter_day(self.curve(sensor), self._day.begin_ms, self._day.end_ms, ends)

    def night(self, zone: Zone, time_zone: ZoneInfo) -> Night:
        """Return a zone's night."""
        begin_ms, end_ms = (self._day.at_ms(clock, time_zone) for clock in zone.night)
        inflow, outflow = ([self.curve(s) for s in group] for group in (zone.inflow, zone.outflow))
        pressures = []
        for sensor in zone.pressures:
            t_ms, value = self.good(sensor)
            pressures.append(value[(t_ms >= begin_ms) & (t_ms <= end_ms)])
        wire = mean_pressure(pressures)
        flow_l_h = night_flow(inflow, outflow, begin_ms, end_ms)
        return Night(flow_l_h, None if wire is None else wire * KPA)

    def _ends(self, sensor: str) -> Ends | None:
        t_ms, value = self.good(sensor)
        inside = (t_ms >= self._day.begin_ms) & (t_ms < self._day.end_ms)
        t_ms, value = t_ms[inside], value[inside]
        if not len(t_ms):
            return None
        return Ends(int(t_ms[0]), int(value[0]), int(t_ms[-1]), int(value[-1]))


def night_end_ms(zone: Zone, day: Day, time_zone: ZoneInfo) -> int:
    """Return when a zone's night of a day is over."""
    return day.at_ms(zone.night[1], time_zone)
