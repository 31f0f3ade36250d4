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
from typing import NamedTuple

from amont_gateway.calendar_days import CalendarDays
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.journal import Journal
from amont_gateway.journal_tail import BATCH_ROWS, Tail
from amont_gateway.places import Places
from amont_gateway.readings import BAD_TIME, iter_channels
from amont_gateway.rounds import Outlet
from amont_gateway.summaries.day_lines import (
    DAY_MS,
    HOUR_MS,
    Day,
    DayLines,
    Doubted,
    Hours,
    whole_from_ms,
)
from amont_gateway.summaries.day_readings import Sensors

CONSUMER = "summaries"
MOST_ROWS = 100_000  # in one round: at 50 readings a minute a day and a third
FEW_ROWS = 2_000  # after a failure: while the database is away each try should cost little
MOST_DAYS = 40  # looked back on at the start, for sensors of which nothing came


class _Round(NamedTuple):
    """What one round has to do: which hours of which sensors, and what comes after."""

    hours: Hours
    more: bool  # rows wait already


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
        self._outlet, self._counters, self._clock = outlet, counters, clock
        self._sensors = Sensors(places.sensors)
        self._lines = DayLines(places, doubted)
        self._days = CalendarDays(places.time_zone)
        self._lock = threading.Lock()
        self._touched: dict[str, set[int]] = defaultdict(set)  # by doubts, from other threads
        self._before: Hours = {}  # of the last round: a database may forget what it took last
        self._tail = Tail(CONSUMER, journal, events)
        self._openings = 0
        self._written = 0  # up to which row the last round went
        self._failed = False
        self._day_ms = 0  # the beginning of the day of the last round
        self._day_before_ms = 0  # and of the round before it

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
            self._day_ms = self._day_before_ms = self._days.begin_ms(self._reached_ms())
        with self._lock:
            doubts, self._touched = self._touched, defaultdict(set)
        try:
            found = self._look(doubts)
            self._write_all(found)
        except BaseException:
            self._tail.place, self._day_ms = self._written, self._day_before_ms
            self._failed = True
            with self._lock:
                _add(self._touched, doubts)
                _add(self._touched, self._before)
            raise
        self._failed = False
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
        most = self._tail.place + (FEW_ROWS if self._failed else MOST_ROWS)
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
        since: set[int] = set()
        if not found.more:
            since_ms = max(min(self._day_ms, today_ms), now_ms - MOST_DAYS * DAY_MS)
            since = set(self._days.between(since_ms, today_ms))
        began, whole_ms = time.monotonic(), whole_from_ms(self._tail.reader)
        for day_ms in sorted(days.keys() | since):
            end_ms, touched = self._days.next_ms(day_ms), days.get(day_ms, {})
            if end_ms <= whole_ms:
                self._counters.add("summaries_skipped_days")
                continue
            day = Day(day_ms, end_ms, now_ms, whole_ms, touched, day_ms in since)
            self._lines.write(self._tail.reader, self._tail.place, day, self._outlet)
        self._counters.add("summaries_ms", int((time.monotonic() - began) * 1000))
        if not found.more:
            self._day_before_ms, self._day_ms = self._day_ms, today_ms


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
