"""Put together a calendar year's volumes, as the yearly report needs them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from amont_gateway.indicators.measure import water_of
from amont_gateway.indicators.months import MEASURED, joined, measured_entries, volumes_between
from amont_gateway.indicators.store import FILE, open_to_read
from amont_gateway.indicators.told import Days, filled_days
from amont_gateway.places import Places
from amont_gateway.yearly.volumes import Entry
from amont_gateway.yearly.window import Window

Sources = dict[str, str]  # kind of volume -> "table" | "measured" | "both"


def year_volumes(
    places: Places, data: Path, imported: Sequence[Entry], year: int, now_ms: int
) -> tuple[Window, Sources]:
    """Return a year's volumes from what was imported and measured, and where each kind is from.

    Of a year that is not over, days are missing. Raise sqlite3.Error if what is kept cannot be
    read.
    """
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    meters, days = water_of(places).meters, Days(places.time_zone)
    until = min(last.toordinal(), days.at(now_ms).number - 1)
    measured: list[Entry] = []
    if meters and (data / FILE).exists():
        kept = open_to_read(data)
        try:
            filled = {
                sensor: filled_days(kept, days, sensor, first.toordinal(), until)
                for sensors in meters.values()
                for sensor in sensors
            }
        finally:
            kept.close()
        measured = measured_entries(meters, filled)
    window = volumes_between(imported, measured, meters, first, last)
    return window, _sources(joined(imported, measured, meters), first, last)


def _sources(entries: Sequence[Entry], first: dt.date, last: dt.date) -> Sources:
    found: dict[str, set[bool]] = {}
    for entry in entries:
        if entry.first <= last and entry.last >= first:
            found.setdefault(entry.kind, set()).add(entry.where == MEASURED)
    words = {frozenset({True}): "measured", frozenset({False}): "table"}
    return {kind: words.get(frozenset(which), "both") for kind, which in found.items()}
