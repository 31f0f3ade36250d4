"""Make the lines of days, months and years from what is kept; it reads, and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from amont_gateway.calendar_days import CalendarDays
from amont_gateway.indicators import points
from amont_gateway.indicators.fill import REACH_DAYS, filled_day
from amont_gateway.indicators.leaks import GONE, REPAIRED, YEAR_MS, Leak, repaired_ms, state_at
from amont_gateway.indicators.measure import Day, Water
from amont_gateway.indicators.meter_day import Filled
from amont_gateway.indicators.months import (
    carried_on,
    measured_entries,
    month_of,
    volumes_between,
    year_until,
)
from amont_gateway.indicators.night import USUAL_REACH_DAYS, usual_night
from amont_gateway.indicators.points import ZoneDay
from amont_gateway.indicators.store import Kept
from amont_gateway.notes import Note
from amont_gateway.places import Zone
from amont_gateway.view import Text
from amont_gateway.yearly.balance import DOMESTIC, OTHER, Network
from amont_gateway.yearly.periods import plain_word
from amont_gateway.yearly.volumes import Entry
from amont_gateway.yearly.window import Window, first_of_year

DAY_MS = 86_400_000
GONE_DAYS = 30  # how long a leak that is gone is still told


class Days:
    """The days of a site by number."""

    def __init__(self, time_zone: str) -> None:
        self._days = CalendarDays(time_zone)

    def at(self, at_ms: int) -> Day:
        """Return the day of a moment."""
        begin_ms = self._days.begin_ms(at_ms)
        return Day(self._days.date(at_ms).toordinal(), begin_ms, self._days.next_ms(at_ms))

    def numbered(self, number: int) -> Day:
        """Return a day by its number."""
        date = dt.date.fromordinal(number)
        noon = dt.datetime.combine(date, dt.time(12), dt.UTC)
        return self._exactly(number, int(noon.timestamp()) * 1000)

    def _exactly(self, number: int, near_ms: int) -> Day:
        day = self.at(near_ms)
        return day if day.number == number else self.at(near_ms + (number - day.number) * DAY_MS)


def filled_days(kept: Kept, days: Days, sensor: str, first: int, last: int) -> dict[int, Filled]:
    """Return a meter's days with what is estimated, by number; none before its first."""
    known = kept.meter_days(sensor, first - REACH_DAYS, last + REACH_DAYS)
    begin = kept.first_day(sensor)
    out = {}
    for number in range(last + 1 if begin is None else max(first, begin), last + 1):
        day = days.numbered(number)
        hours = (day.end_ms - day.begin_ms) // 3_600_000
        out[number] = filled_day(known, number, day.begin_ms, hours)
    return out


class Teller:
    """Makes lines for one site."""

    def __init__(self, site: str, water: Water, time_zone: str, store: Kept) -> None:
        self._site, self._water, self._store = site, water, store
        self._days = Days(time_zone)

    def zone_days(
        self, zone: Zone, first: int, last: int, today: int, leaks: Iterable[Leak]
    ) -> list[tuple[int, ZoneDay]]:
        """Return a zone's days by number from ``first`` to ``last``, which is at most today."""
        nights = self._store.nights(zone.id, first - USUAL_REACH_DAYS, last)
        flows = {d: n.flow_l_h for d, n in nights.items() if n.flow_l_h is not None}
        odd = self._leaking(zone.id, leaks)
        meters = [(1, s) for s in zone.inflow] + [(-1, s) for s in zone.outflow]
        filled = {s: self.filled(s, first, min(last, today - 1)) for _, s in meters}
        out = []
        for day in range(first, last + 1):
            parts = [(sign, filled[s][day]) for sign, s in meters if day in filled[s]]
            is_whole = len(parts) == len(meters)  # without one of its meters it has no volume
            usual = usual_night(flows, day, odd)
            out.append((day, ZoneDay(nights.get(day), usual, tuple(parts) if is_whole else ())))
        return out

    def filled(self, sensor: str, first: int, last: int) -> dict[int, Filled]:
        """Return a meter's days with what is estimated, by number; none before its first."""
        return filled_days(self._store, self._days, sensor, first, last)

    def zone_day_lines(self, zone: Zone, days: Sequence[tuple[int, ZoneDay]]) -> Iterator[str]:
        """Yield the lines of a zone's days."""
        for number, day in days:
            begin_ms = self._days.numbered(number).begin_ms
            written = points.zone_day_line(self._site, zone.id, day, begin_ms)
            if written is not None:
                yield written

    def zone_month_line(
        self, zone: Zone, names: Text, month: dt.date, until: int, imported: Sequence[Entry]
    ) -> str | None:
        """Return the line of a zone's month as far as day ``until``."""
        first, last = (d.toordinal() for d in month_of(month))
        last = min(last, until)
        if last < first:
            return None
        days = [day for _, day in self.zone_days(zone, first, last, last + 1, ())]
        end = dt.date.fromordinal(last)
        words = {plain_word(word) for word in (zone.id, *names.values())}
        own = [e for e in imported if e.kind in (DOMESTIC, OTHER) and plain_word(e.meter) in words]
        metered = volumes_between([*own, *carried_on(own, end)], (), {}, month_of(month)[0], end)
        at_ms = self._days.numbered(first).begin_ms
        told = None if metered.gaps or not metered.volume_m3 else metered
        return points.zone_month_line(self._site, zone.id, days, told, at_ms)

    def service_lines(
        self, network: Network, months: Iterable[dt.date], until: int, imported: Sequence[Entry]
    ) -> Iterator[str]:
        """Yield the lines of the service's months, and of the twelve that end with each."""
        months = sorted(months)
        if not months:
            return
        begin = first_of_year(month_of(months[0])[1]).toordinal()
        measured = {s: self.filled(s, begin, until) for s in self._service_meters()}
        entries = measured_entries(self._water.meters, measured)
        for month in months:
            first, last = month_of(month)
            last = min(last, dt.date.fromordinal(until))
            if last < first:
                continue
            at_ms = self._days.numbered(first.toordinal()).begin_ms
            window = self._month(imported, entries, first, last)
            yield from points.volume_month_lines(self._site, window, at_ms)
            year = year_until(network, imported, entries, self._water.meters, last)
            written = points.year_line(self._site, year, at_ms)
            if written is not None and year.window.volume_m3:
                yield written

    def _month(
        self, imported: Sequence[Entry], entries: Sequence[Entry], first: dt.date, last: dt.date
    ) -> Window:
        carried = [*imported, *carried_on(imported, last)]
        return volumes_between(carried, entries, self._water.meters, first, last)

    def _service_meters(self) -> list[str]:
        return [s for sensors in self._water.meters.values() for s in sensors]

    def leak_lines(
        self, leak: Leak, notes: Sequence[Note], first: int, now_ms: int
    ) -> Iterator[str]:
        """Yield the lines of a leak's days from day ``first`` on."""
        begins = {day: self._days.numbered(day).begin_ms for day in leak.sizes}
        fixed_ms = repaired_ms(leak, notes, now_ms)
        today = self._days.at(now_ms).number
        for number in range(max(first, self._days.at(leak.since_ms).number), today + 1):
            day = self._days.numbered(number)
            state = state_at(leak, fixed_ms, min(day.end_ms, now_ms), begins)
            end_ms = {GONE: leak.seen_ms + GONE_DAYS * DAY_MS, REPAIRED: (fixed_ms or 0) + YEAR_MS}
            if day.begin_ms > end_ms.get(state.state, now_ms):
                return
            written = points.leak_line(self._site, leak.place, leak.number, state, day.begin_ms)
            if written is not None:
                yield written

    def _leaking(self, place: str, leaks: Iterable[Leak]) -> set[int]:
        """Return the days on which a place leaked, as far as anybody knows."""
        out: set[int] = set()
        for leak in leaks:
            if leak.place == place and leak.is_sure:
                out.update(
                    range(self._days.at(leak.since_ms).number, max(leak.sizes, default=0) + 1)
                )
        return out
