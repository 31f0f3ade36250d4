"""Keep nights, days, balances, the yield and leaks in step with the journal and with people.

Each round takes the rows that came since the last one, measures anew each day that they or a
doubt have touched, from all rows of that day, and keeps the result in ``indicators.db``; then the
cursor moves. So what is kept is a function of the journal, whenever it is cut off. The lines are
made from what is kept: of the days that were touched, and at each start of the last MOST_DAYS, so
that a database that was lost, or away when they were due, has them again.
"""

from __future__ import annotations

import datetime as dt
import functools
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from amont_gateway import notes, series
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.indicators.curve import REACH
from amont_gateway.indicators.look import Looks, followed
from amont_gateway.indicators.measure import (
    ASIDE_MS,
    Day,
    DayReadings,
    Group,
    groups_of,
    night_end_ms,
    tells_of,
    water_of,
)
from amont_gateway.indicators.meter_day import MeterDay
from amont_gateway.indicators.store import Night, Store
from amont_gateway.indicators.told import Days, Teller
from amont_gateway.journal import Journal
from amont_gateway.journal_tail import Tail
from amont_gateway.places import Places
from amont_gateway.readings import BAD_TIME, iter_channels
from amont_gateway.records import FILE as RECORDS
from amont_gateway.rounds import Outlet
from amont_gateway.summaries.amounts import doubted_as_suspect
from amont_gateway.summaries.day_readings import Sensors, read_day
from amont_gateway.view import View
from amont_gateway.yearly import kept
from amont_gateway.yearly.balance import Network
from amont_gateway.yearly.window import DAY

CONSUMER = "indicators"
MOST_ROWS = 20_000  # in one round: four days of fifty nodes that send each quarter of an hour
MOST_DAYS = 400  # told again at each start
HOUR_MS = 3_600_000

Doubted = Callable[[str, NDArray[np.int64]], NDArray[np.bool_]]  # of a sensor's times
Touched = dict[int, set[str]]  # sensors by day number


class Indicators:
    """The journal's consumer that works out what a water service answers for."""

    def __init__(
        self,
        places: Places,
        data: Path,
        journal: Journal,
        outlet: Outlet | None,
        doubted: Doubted,
        counters: Counters,
        events: Events,
        clock: Clock,
    ) -> None:
        """Take where lines go; without an outlet everything is kept and nothing told."""
        self._places, self._data, self._outlet = places, data, outlet
        self._doubted, self._counters, self._clock = doubted, counters, clock
        self._water = water_of(places)
        self._sensors = Sensors(self._water.sensors.values())
        self._groups = groups_of(self._water)
        self._meters = set(self._water.all_meters)
        self._days, self._zone_info = Days(places.time_zone), ZoneInfo(places.time_zone)
        self._lock = threading.Lock()
        self._doubts: Touched = defaultdict(set)
        self._looks = Looks()
        self._tail = Tail(CONSUMER, journal, events)
        self._store: Store | None = None
        self._notes: list[notes.Note] = []
        self._notes_id = 0
        self._imports: tuple[int, int] = (0, 0)
        self._forget()

    def _forget(self) -> None:
        """Owe everything: what was told before this start may be gone."""
        self._zones_from: dict[str, int] = {}  # from which day on lines of a zone are owed
        self._zones_before: dict[str, int] = {}  # those of the last time
        self._months_from: int | None = None  # from the month of which day on
        self._told_day = 0  # the day of the last telling; 0: none since the start
        self._told_leaks = False

    def look(self, view: View) -> None:
        """Take what the models show of leaks, from any thread."""
        self._looks.look(view)

    def touch(self, sensor: str, at_ms: int) -> None:
        """Have the day of a reading measured again, from any thread."""
        if sensor in self._water.sensors:
            with self._lock:
                self._mark(self._doubts, sensor, at_ms)

    def step(self) -> bool:
        """Make one round; tell whether more rows wait.

        Raise Away or Denied if the database takes nothing now, sqlite3.Error if a file cannot be
        read or written; the next round makes up for it.
        """
        if not self._tail.open():
            return False
        store = self._opened()
        more = self._measure(store)
        if not more:
            self._follow(store)
            if self._outlet is not None:
                self._tell(store, self._outlet)
        return more

    def close(self) -> None:
        """Close files and the connection; the next round opens them again."""
        if self._outlet is not None:
            self._outlet.close()
        self._tail.close()
        if self._store is not None:
            self._store.close()
            self._store = None

    def _opened(self) -> Store:
        if self._store is None:
            self._store = Store(self._data)
        if self._store.is_new:
            self._tail.place = 0  # made again from the whole journal
        return self._store

    # --- measuring

    def _mark(self, touched: Touched, sensor: str, at_ms: int) -> None:
        """Mark the day of a reading, and the one before if it tells of its end."""
        before_ms = at_ms - min(ASIDE_MS, REACH * self._water.interval_ms[sensor])
        for moment_ms in (before_ms, at_ms):
            touched[self._days.at(moment_ms).number].add(sensor)

    def _measure(self, store: Store) -> bool:
        """Measure the days that were touched, keep them and move the cursor."""
        with self._lock:
            doubts, self._doubts = self._doubts, defaultdict(set)
        place = self._tail.place
        try:
            touched, more = self._touched()
            for day, sensors in doubts.items():
                touched[day] |= sensors
            store.save(*self._measured(touched, store))
        except BaseException:
            self._tail.place = place
            with self._lock:
                for day, sensors in doubts.items():
                    self._doubts[day] |= sensors
            raise
        store.is_new = False
        self._tail.confirm()
        self._owe(touched)
        return more

    def _touched(self) -> tuple[Touched, bool]:
        """Read on; return which days of which sensors the rows tell of, and if more wait."""
        names, which = [s.id for s in self._sensors.all], self._sensors.by_key.get
        hours: set[tuple[int, int]] = set()  # sensor and hour of its reading
        most = self._tail.place + MOST_ROWS
        while self._tail.place < most and (samples := self._tail.read()):
            for sample in samples:
                if sample.flags & BAD_TIME:
                    continue
                hour = sample.at_ms // HOUR_MS
                for channel, quantity, _quality, _value in iter_channels(sample.channels):
                    at = which((sample.node, channel, quantity))
                    if at is not None:
                        hours.add((at, hour))
        number = functools.cache(lambda moment_ms: self._days.at(moment_ms).number)
        touched: Touched = defaultdict(set)
        for at, hour in hours:
            back_ms = min(ASIDE_MS, REACH * self._water.interval_ms[names[at]])
            for moment_ms in (hour * HOUR_MS - back_ms, (hour + 1) * HOUR_MS - 1):
                touched[number(moment_ms)].add(names[at])
        return touched, self._tail.place >= most

    def _measured(
        self, touched: Touched, store: Store
    ) -> tuple[dict[tuple[str, int], MeterDay], dict[tuple[str, int], Night]]:
        """Return the days of meters and the nights of zones that were touched.

        Of a day that began before the journal did, what is kept may know more than its rows.
        """
        days: dict[tuple[str, int], MeterDay] = {}
        nights: dict[tuple[str, int], Night] = {}
        now_ms, began_ms = self._clock.wall_ms(), self._began_ms(store)
        for number in sorted(touched):
            day = self._days.numbered(number)
            if day.begin_ms > now_ms:
                self._counters.add("indicators_skipped_days")
                continue
            own_days: dict[tuple[str, int], MeterDay] = {}
            own_nights: dict[tuple[str, int], Night] = {}
            for group in self._groups:
                sensors = touched[number] & group.ids
                if not sensors:
                    continue
                readings = self._read(group, day)
                for sensor in sensors & self._meters:
                    own_days[sensor, number] = readings.meter_day(sensor)
                for zone in group.zones:
                    is_over = night_end_ms(zone, day, self._zone_info) <= now_ms
                    if is_over and tells_of(sensors, zone):
                        own_nights[zone.id, number] = readings.night(zone, self._zone_info)
            if day.begin_ms < began_ms:
                store.complete(own_days, own_nights)
            days |= own_days
            nights |= own_nights
        return days, nights

    def _read(self, group: Group, day: Day) -> DayReadings:
        span = (day.begin_ms - ASIDE_MS, day.end_ms + ASIDE_MS)
        found = read_day(self._tail.reader, group.sensors, *span, self._tail.place)
        for sensor, readings in found.items():
            doubted = self._doubted(sensor, readings.t_ms)
            found[sensor] = doubted_as_suspect(readings, doubted)
        return DayReadings(self._water, day, found)

    def _began_ms(self, store: Store) -> int:
        """Return since when the journal has all rows, 0 for ever."""
        for row_id, sample in self._tail.reader.after(0, 1)[1]:
            return store.journal_began_ms(row_id, sample)
        return 0

    def _owe(self, touched: Mapping[int, set[str]]) -> None:
        """Owe the lines of what was measured, and of the days that are estimated from it."""
        today = self._days.at(self._clock.wall_ms()).number
        for day, sensors in touched.items():
            for zone in self._water.zones_of(sensors):
                self._zones_from[zone.id] = min(day, self._zones_from.get(zone.id, day))
            if day < today:
                self._owe_months(day)

    def _owe_months(self, day: int) -> None:
        self._months_from = day if self._months_from is None else min(day, self._months_from)

    # --- leaks

    def _follow(self, store: Store) -> None:
        """Take what was seen of leaks since the last round."""
        before = leaks = store.leaks()
        for look in self._looks.taken():
            leaks = followed(leaks, look.shown, look.at_ms, self._days.at(look.at_ms).number)
        known = {(leak.place, leak.number): leak for leak in before}
        changed = [leak for leak in leaks if known.get((leak.place, leak.number)) != leak]
        store.save({}, {}, changed)
        for number, note in notes.read(self._data / RECORDS, self._notes_id):
            self._notes_id = max(self._notes_id, number)
            self._notes.append(note)
            self._told_leaks = self._told_leaks and note.kind != "repair"

    # --- telling

    def _tell(self, store: Store, outlet: Outlet) -> None:
        """Write the lines that are owed; what cannot be written stays owed."""
        now_ms = self._clock.wall_ms()
        today = self._days.at(now_ms).number
        if today != self._told_day:
            self._owe_all(store, today)
        teller = Teller(self._places.site, self._water, self._places.time_zone, store)
        try:
            self._tell_zones(store, teller, outlet, today)
            self._tell_leaks(store, teller, outlet, now_ms)
            self._tell_months(teller, outlet, today)
        except BaseException:
            for zone, day in self._zones_before.items():
                self._zones_from[zone] = min(day, self._zones_from.get(zone, day))
            raise
        self._told_day, self._told_leaks = today, True

    def _owe_all(self, store: Store, today: int) -> None:
        """Owe what a new day brings, and after a start all that is kept."""
        first = store.first_day() or today
        since = self._told_day - 1 if self._told_day else max(first, today - MOST_DAYS)
        for zone in self._water.zones:
            self._zones_from[zone.id] = min(since, self._zones_from.get(zone.id, since))
        self._owe_months(max(since, first))

    def _tell_zones(self, store: Store, teller: Teller, outlet: Outlet, today: int) -> None:
        leaks, owed = store.leaks(), dict(self._zones_from)
        for zone in self._water.zones:
            if zone.id in owed:
                days = teller.zone_days(zone, owed[zone.id], today, today, leaks)
                outlet.write(list(teller.zone_day_lines(zone, days)), series.DAYS)
                del self._zones_from[zone.id]
        self._zones_before = owed

    def _tell_months(self, teller: Teller, outlet: Outlet, today: int) -> None:
        version = kept.version(self._data)
        if version != self._imports:
            self._owe_months(today - MOST_DAYS)
        if self._months_from is None:
            return
        imported = kept.entries(self._data)
        months = _months(self._months_from, today - 1)
        lines = [
            line
            for zone in self._water.zones
            for month in months
            if (line := teller.zone_month_line(zone, zone.name, month, today - 1, imported))
        ]
        if self._places.service is not None:
            lines += teller.service_lines(self._network(), months, today - 1, imported)
        outlet.write(lines, series.DAYS)
        self._months_from, self._imports = None, version

    def _network(self) -> Network:
        assert self._places.service is not None
        service = self._places.service
        return Network(Decimal(str(service.length_km)), service.scarce)

    def _tell_leaks(self, store: Store, teller: Teller, outlet: Outlet, now_ms: int) -> None:
        today = self._days.at(now_ms).number
        is_new_day = today != self._told_day
        first = today - is_new_day if self._told_leaks else 0
        lines: list[str] = []
        for leak in store.leaks():
            lines += teller.leak_lines(leak, self._notes, first, now_ms)
        outlet.write(lines, series.DAYS)


def _months(first: int, last: int) -> list[dt.date]:
    """Return the first days of the months from one day's to another's, oldest first."""
    month, end = dt.date.fromordinal(first).replace(day=1), dt.date.fromordinal(last)
    out = []
    while month <= end:
        out.append(month)
        month = (month + 31 * DAY).replace(day=1)
    return out
