"""Add up what falls into twelve months: readings of meters hardly ever begin on 1 January.

A period that reaches over an end of the window counts by days, and what is so cut counts as
estimated. Days that no row covers are said, never filled in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from amont_gateway.yearly.volumes import Entry

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Gap:
    """Days of a meter's year that no row covers, both included."""

    kind: str
    meter: str
    first: date
    last: date


@dataclass(frozen=True)
class Window:
    """Volumes of one window, in m³ by kind, and how far to trust them."""

    first: date
    last: date
    volume_m3: dict[str, Decimal]
    estimated_m3: dict[str, Decimal]
    gaps: tuple[Gap, ...]

    @property
    def days(self) -> int:
        """Return how many days the window has."""
        return (self.last - self.first).days + 1

    @property
    def estimated_share(self) -> Decimal:
        """Return which share of all these volumes is estimated or cut; zero without any."""
        total = sum(self.volume_m3.values(), Decimal(0))
        estimated = sum(self.estimated_m3.values(), Decimal(0))
        return estimated / total if total else Decimal(0)


def calendar_year(entries: Iterable[Entry], year: int) -> Window:
    """Return the volumes of 1 January to 31 December."""
    return between(entries, date(year, 1, 1), date(year, 12, 31))


def twelve_months(entries: Iterable[Entry], last: date) -> Window:
    """Return the volumes of the twelve months that end with ``last``."""
    return between(entries, first_of_year(last), last)


def first_of_year(last: date) -> date:
    """Return the first day of the twelve months that end with ``last``."""
    after = last + DAY
    leap_day = (after.month, after.day) == (2, 29)
    return date(after.year - 1, 3, 1) if leap_day else after.replace(year=after.year - 1)


def between(entries: Iterable[Entry], first: date, last: date) -> Window:
    """Return the volumes from ``first`` to ``last``, both included."""
    volume: dict[str, Decimal] = {}
    estimated: dict[str, Decimal] = {}
    covered: dict[tuple[str, str], list[tuple[date, date]]] = {}
    for entry in entries:
        start, end = max(entry.first, first), min(entry.last, last)
        if start > end:
            continue
        days, whole = (end - start).days + 1, (entry.last - entry.first).days + 1
        part = entry.volume_m3 * days / whole
        volume[entry.kind] = volume.get(entry.kind, Decimal(0)) + part
        if entry.estimated or days < whole:
            estimated[entry.kind] = estimated.get(entry.kind, Decimal(0)) + part
        covered.setdefault((entry.kind, entry.meter), []).append((start, end))
    gaps = tuple(
        Gap(kind, meter, *gap)
        for (kind, meter), spans in sorted(covered.items())
        for gap in uncovered(spans, first, last)
    )
    return Window(first, last, volume, estimated, gaps)


def uncovered(spans: list[tuple[date, date]], first: date, last: date) -> list[tuple[date, date]]:
    """Return the spans of [first, last] that none of some spans within it covers."""
    out, day = [], first
    for start, end in sorted(spans):
        if start > day:
            out.append((day, start - DAY))
        day = max(day, end + DAY)
    if day <= last:
        out.append((day, last))
    return out
