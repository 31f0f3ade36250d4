"""Keep hours and days in step with the journal, from a cursor of their own.

Each round takes the rows that came since the last one, and works out anew each hour and each day
that they, or a doubt, have touched: from all rows of that day up to the last one taken. So what is
written is a function of the journal up to the cursor, which moves when it is written: a round that
was cut short, by kill -9 too, is made again and writes the same. Late readings touch their own
day, however old it is.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway import series
from amont_gateway.calendar_days import CalendarDays
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.journal import Journal
from amont_gateway.journal_tail import BATCH_ROWS, Tail
from amont_gateway.places import Places, Sensor
from amont_gateway.readings import BAD_TIME, iter_channels
from amont_gateway.rounds import Outlet
from amont_gateway.summaries.amounts import doubted_as_suspect, summary_lines
from amont_gateway.summaries.day_readings import NO_READINGS, Readings, Sensors, read_day
from amont_gateway.summaries.quality import quality_line

CONSUMER = "summaries"
MOST_ROWS = 100_000  # in one round: at 50 readings a minute a day and a third
MOST_READINGS = 10_000  # of a day, held at once: a megabyte
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MOST_DAYS = 40  # looked back on at the start, for sensors of which nothing came

Doubted = Callable[[str, NDArray[np.int64]], NDArray[np.bool_]]  # of a sensor's times
Hours = Mapping[str, set[int]]  # beginnings of hours in ms, by sensor


class _Round(NamedTuple):
    """What one round has to do: which hours of which sensors, and what comes after."""

    hours: Hours
    more: bool  # rows wait already


class _Day(NamedTuple):
    """One day, and the present."""

    begin_ms: int
    end_ms: int
    now_ms: int

    @property
    def whole_hours(self) -> tuple[int, int]:
        """Return the UTC hours of it: where a time zone is no whole hours they reach over it."""
        return self.begin_ms // HOUR_MS * HOUR_MS, -(-self.end_ms // HOUR_MS) * HOUR_MS


class Summaries:
    """The journal's consumer that writes hours, days and the days' quality."""

    def __init__(
        self,
        places: Places,
        journal: Journal,
        outlet: Outlet,
        doubted: Doubted,
        counters: Counters,
        events: Events,
        clock: Clock,
    ) -> None:
        self._site, self._outlet = places.site, outlet
        self._doubted, self._counters, self._clock = doubted, counters, clock
        self._sensors = Sensors(places.sensors)
        self._interval_s = {n.id: n.interval_s for n in places.nodes}
        self._groups = _groups(places.sensors, self._interval_s)
        self._days = CalendarDays(places.time_zone)
        self._lock = threading.Lock()
        self._touched: dict[str, set[int]] = defaultdict(set)  # by doubts, from other threads
        self._before: Hours = {}  # of the last round: a database may forget what it took last
        self._tail = Tail(CONSUMER, journal, events)
        self._openings = 0
        self._written = 0  # up to which row the last round went
        self._day_ms = 0  # the beginning of the day of the last round

    def touch(self, sensor: str, at_ms: int) -> None:
        """Have the hour and day of a reading worked out again, from any thread."""
        with self._lock:
            self._touched[sensor].add(at_ms // HOUR_MS * HOUR_MS)

    def step(self) -> bool:
        """Make one round; tell whether more rows wait.

        Raise Away or Denied if the database takes nothing now, sqlite3.Error if the journal
        cannot be read; the next round then makes up for it.
        """
        if not self._tail.open():
            return False
        if self._openings != self._tail.openings:
            self._openings = self._tail.openings
            self._written = self._tail.place
            self._day_ms = self._days.begin_ms(self._reached_ms())
        with self._lock:
            doubts, self._touched = self._touched, defaultdict(set)
        try:
            found = self._look(doubts)
            self._write_all(found)
        except BaseException:
            self._tail.place = self._written
            with self._lock:
                _add(self._touched, doubts)
                _add(self._touched, self._before)
            raise
        # confirmed one round late: what was written last is written again after a crash
        self._tail.confirm(self._written)
        self._written, self._before = self._tail.place, found.hours
        return found.more

    def close(self) -> None:
        """Close the journal and the connection."""
        self._outlet.close()
        self._tail.close()

    def _reached_ms(self) -> int:
        """Return until when days were looked at: when the cursor's row was received."""
        now_ms = self._clock.wall_ms()
        for _, sample in self._tail.reader.after(max(0, self._tail.place - 1), 1)[1]:
            return min(now_ms, sample.received_ms)
        return now_ms

    def _look(self, doubts: Hours) -> _Round:
        """Find which hours were touched since the last round."""
        hours: dict[str, set[int]] = defaultdict(set)
        _add(hours, doubts)
        names, which = [s.id for s in self._sensors.all], self._sensors.by_key.get
        most = self._tail.place + MOST_ROWS
        while (left := most - self._tail.place) > 0:
            samples = self._tail.read(min(left, BATCH_ROWS))
            if not samples:
                break
            for sample in samples:
                if sample.flags & BAD_TIME:
                    continue
                begin_ms = sample.at_ms // HOUR_MS * HOUR_MS
                for channel, quantity, _quality, _value in iter_channels(sample.channels):
                    at = which((sample.node, channel, quantity))
                    if at is not None:
                        hours[names[at]].add(begin_ms)
        return _Round(hours, more=self._tail.place >= most)

    def _write_all(self, found: _Round) -> None:
        """Write each touched day, and of the days since the last round how good they were."""
        now_ms = self._clock.wall_ms()
        today_ms = self._days.begin_ms(now_ms)
        days = _by_day(self._days, found.hours)
        if not found.more:
            since_ms = max(min(self._day_ms, today_ms), now_ms - MOST_DAYS * DAY_MS)
            for day_ms in self._days.between(since_ms, today_ms):
                days.setdefault(day_ms, {})
        whole_ms = self._whole_from_ms()
        for day_ms in sorted(days):
            if day_ms < whole_ms:
                self._counters.add("summaries_skipped_days")
            else:
                self._write_day(day_ms, days[day_ms], now_ms)
        if not found.more:
            self._day_ms = today_ms

    def _whole_from_ms(self) -> int:
        """Return from when on days are all there: rows past retention are gone."""
        for row, sample in self._tail.reader.after(0, 1)[1]:
            if row > 1:
                return sample.received_ms
        return 0

    def _write_day(self, day_ms: int, touched: Hours, now_ms: int) -> None:
        day = _Day(day_ms, self._days.next_ms(day_ms), now_ms)
        began = time.monotonic()
        by_hour: list[str] = []
        by_day: list[str] = []
        for sensors in self._groups:
            found = read_day(self._tail.reader, sensors, *day.whole_hours, self._tail.place)
            for sensor in sensors.all:
                readings = found.get(sensor.id, NO_READINGS)
                if len(readings.t_ms):
                    doubted = self._doubted(sensor.id, readings.t_ms)
                    readings = doubted_as_suspect(readings, doubted)
                hours = touched.get(sensor.id, set())
                by_hour += self._of_hours(sensor, readings, hours)
                by_day += self._of_day(sensor, readings, day, is_touched=bool(hours))
        self._counters.add("summaries_us", int((time.monotonic() - began) * 1e6))
        self._outlet.write(by_hour, series.HOURS)
        self._outlet.write(by_day, series.DAYS)

    def _of_hours(self, sensor: Sensor, readings: Readings, hours: set[int]) -> list[str]:
        spans = [(begin, begin + HOUR_MS) for begin in sorted(hours)]
        return summary_lines(self._site, sensor, series.HOURS, readings, spans)

    def _of_day(
        self, sensor: Sensor, readings: Readings, day: _Day, *, is_touched: bool
    ) -> list[str]:
        begin_ms, end_ms, now_ms = day
        lines: list[str] = []
        if is_touched:
            span = [(begin_ms, end_ms)]
            lines += summary_lines(self._site, sensor, series.DAYS, readings, span)
        inside, until_ms = readings.between(begin_ms, end_ms), min(end_ms, now_ms)
        interval_s = self._interval_s[sensor.node]
        said = quality_line(self._site, sensor.id, inside, begin_ms, until_ms, interval_s)
        return lines + ([said] if said is not None else [])


def _groups(sensors: Iterable[Sensor], interval_s: Mapping[int, int]) -> list[Sensors]:
    """Return the sensors in groups whose days are small enough to be held at once."""
    groups: list[list[Sensor]] = [[]]
    count = 0.0
    for sensor in sorted(sensors, key=lambda s: s.node):
        count += DAY_MS / 1000 / interval_s[sensor.node]
        if count > MOST_READINGS and groups[-1]:
            groups.append([])
            count = DAY_MS / 1000 / interval_s[sensor.node]
        groups[-1].append(sensor)
    return [Sensors(group) for group in groups]


def _add(to: dict[str, set[int]], hours: Hours) -> None:
    for sensor, begins in hours.items():
        to[sensor] |= begins


def _by_day(days: CalendarDays, hours: Hours) -> dict[int, dict[str, set[int]]]:
    """Return the hours of each day; one may lie in two days of a zone of no whole hours."""
    found: dict[int, dict[str, set[int]]] = {}
    known: dict[int, set[int]] = {}
    for sensor, begins in hours.items():
        for begin_ms in begins:
            if begin_ms not in known:
                ends = (begin_ms, begin_ms + HOUR_MS - 1)
                known[begin_ms] = {days.begin_ms(at_ms) for at_ms in ends}
            for day_ms in known[begin_ms]:
                found.setdefault(day_ms, {}).setdefault(sensor, set()).add(begin_ms)
    return found
