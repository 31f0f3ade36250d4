"""List the leaks that are kept, with the numbers by which people speak of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from amont_gateway import notes
from amont_gateway.indicators.leaks import Leak, LeakState, repaired_ms, state_at
from amont_gateway.indicators.store import FILE, open_to_read
from amont_gateway.indicators.told import Days
from amont_gateway.places import Places
from amont_gateway.records import FILE as RECORDS
from amont_gateway.view import Text

_STATES = {
    "fr": ("à surveiller", "ouverte", "réparée", "disparue"),
    "en": ("watched", "open", "repaired", "gone"),
}
_LINE = {
    "fr": ("fuite {number}, {place} : {state}, depuis le {since}, {days} jours",
           "{0} m³/h", "{0} m³ perdus", "{0} m³ économisés"),
    "en": ("leak {number}, {place}: {state}, since {since}, {days} days",
           "{0} m³/h", "{0} m³ lost", "{0} m³ saved"),
}  # fmt: skip


def leak_list(places: Places, data: Path, now_ms: int) -> list[tuple[Leak, LeakState]]:
    """Return each leak that is kept and what may be said of it now, by place and number.

    Raise sqlite3.Error if what is kept cannot be read.
    """
    if not (data / FILE).exists():
        return []
    kept = open_to_read(data)
    try:
        leaks = kept.leaks()
    finally:
        kept.close()
    said, days = [note for _, note in notes.read(data / RECORDS)], Days(places.time_zone)
    out = []
    for leak in leaks:
        begins = {day: days.numbered(day).begin_ms for day in leak.sizes}
        fixed_ms = repaired_ms(leak, said, now_ms)
        out.append((leak, state_at(leak, fixed_ms, now_ms, begins)))
    return out


def leak_lines(places: Places, found: list[tuple[Leak, LeakState]], lang: str) -> Iterator[str]:
    """Yield a line a leak, for people."""
    zone, names = ZoneInfo(places.time_zone), _names(places)
    head, size, lost, saved = _LINE[lang]
    for leak, state in found:
        since = dt.datetime.fromtimestamp(leak.since_ms / 1000, zone)
        parts = [
            head.format(
                number=leak.number,
                place=names.get(leak.place, {}).get(lang, leak.place),
                state=_STATES[lang][state.state],
                since=f"{since:%d/%m/%Y}" if lang == "fr" else f"{since:%Y-%m-%d}",
                days=_number(state.open_d, lang),
            )
        ]
        flow = None if state.size_l_h is None else state.size_l_h / 1000
        for words, value in ((size, flow), (lost, state.lost_m3), (saved, state.saved_m3)):
            if value is not None:
                parts.append(words.format(_number(value, lang)))
        yield ", ".join(parts)


def _names(places: Places) -> dict[str, Text]:
    zones: dict[str, Text] = {zone.id: zone.name for zone in places.zones}
    return zones | {network.id: network.name for network in places.networks}


def _number(value: float, lang: str) -> str:
    text = f"{value:.1f}"
    return text.replace(".", ",") if lang == "fr" else text
