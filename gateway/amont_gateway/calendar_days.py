"""Divide time into the days of a place, which have 23, 24 or 25 hours."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


class CalendarDays:
    """The days of one time zone; times are Unix ms."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)

    def date(self, at_ms: int) -> dt.date:
        """Return the day that a time belongs to."""
        return dt.datetime.fromtimestamp(at_ms / 1000, self._zone).date()

    def begin_ms(self, at_ms: int) -> int:
        """Return when the day began that a time belongs to."""
        return self._midnight_ms(self.date(at_ms))

    def next_ms(self, at_ms: int) -> int:
        """Return when the day after begins."""
        return self._midnight_ms(self.date(at_ms) + dt.timedelta(days=1))

    def between(self, from_ms: int, until_ms: int) -> list[int]:
        """Return the beginnings of the days from one time's to another's, oldest first."""
        first, last = self.date(from_ms), self.date(until_ms)
        count = (last - first).days + 1
        return [self._midnight_ms(first + dt.timedelta(days=n)) for n in range(count)]

    def _midnight_ms(self, day: dt.date) -> int:
        return int(dt.datetime.combine(day, dt.time(), self._zone).timestamp()) * 1000
