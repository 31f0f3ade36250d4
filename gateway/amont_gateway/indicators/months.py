"""Join measured volumes with those that people import, and work out months and twelve months.

What people import outranks what was measured: a row that names one of the service's meters
replaces that meter on its days, any other row of that kind replaces all of them. Days that
neither covers are missing and said so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from amont_gateway.indicators.meter_day import Filled
from amont_gateway.yearly.balance import (
    ALWAYS_ESTIMATED,
    DOMESTIC,
    OTHER,
    SERVICE,
    UNMETERED,
    Balance,
    BalanceError,
    Network,
    balance,
)
from amont_gateway.yearly.volumes import Entry
from amont_gateway.yearly.window import DAY, Gap, Window, between, first_of_year, uncovered

CARRIED_DAYS = 366  # how far what was billed last stands for what is not billed yet
CARRIED_MOST = 183  # of a year: with more of it nobody can say that the yield is reached
BILLED = (DOMESTIC, OTHER, UNMETERED, SERVICE)
MEASURED = "measured"  # where an entry comes from that people did not import
Measured = Mapping[str, Mapping[int, Filled]]  # by sensor and day number
Meters = Mapping[str, Sequence[str]]  # sensors of each kind of volume


def measured_entries(meters: Meters, measured: Measured) -> list[Entry]:
    """Return what meters measured as entries, a day each, what was estimated apart.

    A day of which some time cannot even be estimated has none.
    """
    out = []
    for kind, sensors in meters.items():
        for sensor in sensors:
            for day, filled in sorted(measured.get(sensor, {}).items()):
                if filled.volume_l is None:
                    continue
                date = dt.date.fromordinal(day)
                known_l = filled.measured_l + filled.counted_l
                for litres, estimated in ((known_l, False), (filled.estimated_l, True)):
                    if litres or not estimated:
                        m3 = Decimal(round(max(0.0, litres))) / 1000
                        out.append(Entry(kind, sensor, date, date, m3, estimated, MEASURED))
    return out


def volumes_between(
    imported: Sequence[Entry],
    measured: Sequence[Entry],
    meters: Meters,
    first: dt.date,
    last: dt.date,
) -> Window:
    """Return the volumes of [first, last], both included, from both sources."""
    entries = joined(imported, measured, meters)
    window = between(entries, first, last)
    gaps = [gap for gap in window.gaps if not meters.get(gap.kind)]
    for kind, sensors in meters.items():
        gaps += _gaps(kind, sensors, entries, first, last)
    return replace(window, gaps=tuple(gaps))


def joined(imported: Sequence[Entry], measured: Iterable[Entry], meters: Meters) -> list[Entry]:
    """Return what people imported, and what was measured where they did not."""
    return [*imported, *(e for e in measured if not _outranked(e, imported, meters))]


def _outranked(entry: Entry, imported: Iterable[Entry], meters: Meters) -> bool:
    sensors = meters[entry.kind]
    return any(
        row.kind == entry.kind
        and row.first <= entry.first <= row.last
        and (row.meter == entry.meter or row.meter not in sensors)
        for row in imported
    )


def _gaps(
    kind: str, sensors: Sequence[str], entries: Iterable[Entry], first: dt.date, last: dt.date
) -> list[Gap]:
    """Return the days of each meter that neither it nor a row for all of them covers."""
    own = [entry for entry in entries if entry.kind == kind]
    out = []
    for sensor in sensors:
        spans = [
            (max(entry.first, first), min(entry.last, last))
            for entry in own
            if (entry.meter == sensor or entry.meter not in sensors)
            and entry.first <= last
            and entry.last >= first
        ]
        out += [Gap(kind, sensor, *gap) for gap in uncovered(spans, first, last)]
    return out


def carried_on(imported: Sequence[Entry], last: dt.date) -> list[Entry]:
    """Return rows that carry on what was billed last until ``last``, day by day the same.

    Meters of customers are read once or twice a year. What their last year was on average stands
    for the days since, at most CARRIED_DAYS of them, and counts as estimated.
    """
    out = []
    for kind, meter in sorted({(e.kind, e.meter) for e in imported if e.kind in BILLED}):
        rows = [e for e in imported if (e.kind, e.meter) == (kind, meter)]
        end = max(e.last for e in rows)
        until = min(last, end + CARRIED_DAYS * DAY)
        year = between(rows, max(end - 364 * DAY, min(e.first for e in rows)), end)
        known = year.days - sum((gap.last - gap.first).days + 1 for gap in year.gaps)
        if until > end and known > 0:
            daily = year.volume_m3[kind] / known
            volume = daily * (until - end).days
            out.append(Entry(kind, meter, end + DAY, until, volume, True, "carried on"))
    return out


@dataclass(frozen=True)
class Year:
    """Twelve months: the volumes, and the balance where they give one."""

    window: Window
    balance: Balance | None
    missing_days: int
    carried_days: int

    @property
    def reached(self) -> bool | None:
        """Return whether the yield that the law asks for is reached, None if nobody can say."""
        made = self.balance
        if made is None or made.contradicts or self.carried_days > CARRIED_MOST:
            return None
        return made.reached


def year_until(
    network: Network,
    imported: Sequence[Entry],
    measured: Sequence[Entry],
    meters: Meters,
    last: dt.date,
) -> Year:
    """Return the twelve months that end with ``last``; a day that is missing gives no balance."""
    first = first_of_year(last)
    carried = carried_on(imported, last)
    window = volumes_between([*imported, *carried], measured, meters, first, last)
    missing = {
        day
        for gap in window.gaps
        for day in range(gap.first.toordinal(), gap.last.toordinal() + 1)
    }
    metered = [e for e in carried if e.kind not in ALWAYS_ESTIMATED]
    days = max(((e.last - max(e.first, first)).days + 1 for e in metered), default=0)
    made = None
    if not missing:
        try:
            made = balance(network, window.volume_m3, window.days)
        except BalanceError:
            made = None
    return Year(window, made, len(missing), days)


def month_of(day: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + 31 * DAY).replace(day=1) - DAY
