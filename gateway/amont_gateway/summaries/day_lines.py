"""Write one day: its hours, the day, and how good it was, of all sensors or of those touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway import series
from amont_gateway.journal_reader import JournalReader
from amont_gateway.places import Places, Sensor
from amont_gateway.rounds import Outlet
from amont_gateway.summaries.amounts import doubted_as_suspect, summary_lines
from amont_gateway.summaries.day_readings import NO_READINGS, Readings, Sensors, read_day
from amont_gateway.summaries.quality import quality_line

MOST_READINGS = 10_000  # of a day, held at once: a megabyte
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Doubted = Callable[[str, NDArray[np.int64]], NDArray[np.bool_]]  # of a sensor's times
Hours = Mapping[str, set[int]]  # beginnings of hours in ms, by sensor


class Day(NamedTuple):
    """What to write of one day."""

    begin_ms: int
    end_ms: int
    until_ms: int  # the present, for a day that is not over
    whole_ms: int  # before that, rows are gone: hours stay as they are, and the day with them
    touched: Hours | None = None  # None: all hours
    everyone: bool = True  # tell the quality of sensors that were not touched, too

    @property
    def whole_hours(self) -> tuple[int, int]:
        """Return the UTC hours of it: where a time zone is no whole hours they reach over it."""
        return self.begin_ms // HOUR_MS * HOUR_MS, -(-self.end_ms // HOUR_MS) * HOUR_MS

    def hours(self, sensor: str) -> set[int]:
        """Return the hours of a sensor that are to be written."""
        if self.touched is not None:
            found = self.touched.get(sensor, set())
        else:
            found = set(range(*self.whole_hours, HOUR_MS))
        return {hour for hour in found if hour >= self.whole_ms}


def whole_from_ms(reader: JournalReader) -> int:
    """Return from when on the journal has all rows: some may be past retention, or lost."""
    lost = any(reader.path.parent.glob(f"{reader.path.name}.damaged-*"))
    for row, sample in reader.after(0, 1)[1]:
        if row > 1 or lost:
            return sample.received_ms
    return 0


class DayLines:
    """The days of a site's sensors; for one thread."""

    def __init__(self, places: Places, doubted: Doubted) -> None:
        self._site, self._doubted = places.site, doubted
        self._interval_s = {s.id: places.interval_s(s) for s in places.sensors}
        self._groups = _groups(places.sensors, self._interval_s)

    def write(self, reader: JournalReader, until_id: int, day: Day, outlet: Outlet) -> None:
        """Write a day from the rows up to an id; raise Away, Denied or sqlite3.Error."""
        by_hour: list[str] = []
        by_day: list[str] = []
        for sensors in self._groups:
            if not day.everyone and not any(day.hours(s.id) for s in sensors.all):
                continue
            found = read_day(reader, sensors, *day.whole_hours, until_id)
            for sensor in sensors.all:
                readings = self._judged(sensor, found.get(sensor.id, NO_READINGS))
                hours = day.hours(sensor.id)
                by_hour += self._of_hours(sensor, readings, hours, day)
                if day.begin_ms >= day.whole_ms and (day.everyone or hours):
                    by_day += self._of_day(sensor, readings, day, is_touched=bool(hours))
        outlet.write(by_hour, series.HOURS)
        outlet.write(by_day, series.DAYS)

    def _judged(self, sensor: Sensor, readings: Readings) -> Readings:
        if not len(readings.t_ms):
            return readings
        return doubted_as_suspect(readings, self._doubted(sensor.id, readings.t_ms))

    def _of_hours(
        self, sensor: Sensor, readings: Readings, hours: set[int], day: Day
    ) -> list[str]:
        if day.touched is None:  # of all hours, those that have readings
            hours = hours & set((readings.t_ms // HOUR_MS * HOUR_MS).tolist())
        spans = [(begin, begin + HOUR_MS) for begin in sorted(hours)]
        return summary_lines(self._site, sensor, series.HOURS, readings, spans)

    def _of_day(
        self, sensor: Sensor, readings: Readings, day: Day, *, is_touched: bool
    ) -> list[str]:
        inside = readings.between(day.begin_ms, day.end_ms)
        until_ms = min(day.end_ms, day.until_ms)
        lines: list[str] = []
        if is_touched and (len(inside.t_ms) or day.touched is not None):
            span = [(day.begin_ms, day.end_ms)]
            lines += summary_lines(self._site, sensor, series.DAYS, inside, span)
        interval_s = self._interval_s[sensor.id]
        said = quality_line(self._site, sensor.id, inside, day.begin_ms, until_ms, interval_s)
        return lines + ([said] if said is not None else [])


def _groups(sensors: Iterable[Sensor], interval_s: Mapping[str, int]) -> list[Sensors]:
    """Return the sensors in groups whose days are small enough to be held at once."""
    groups: list[list[Sensor]] = [[]]
    count = 0.0
    for sensor in sorted(sensors, key=lambda s: s.node):
        count += DAY_MS / 1000 / interval_s[sensor.id]
        if count > MOST_READINGS and groups[-1]:
            groups.append([])
            count = DAY_MS / 1000 / interval_s[sensor.id]
        groups[-1].append(sensor)
    return [Sensors(group) for group in groups]
