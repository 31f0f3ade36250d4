"""Read what lies beside the readings: record.json, stations.csv, labels.csv."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from amont_models.records.table import Channel, DataError, Label, Record, Site, Source

ABOUT, STATIONS, LABELS = "record.json", "stations.csv", "labels.csv"
FORMAT = 1
KINDS = ("river", "zone", "network")
MAX_BYTES = 1 << 24
_ABOUT_KEYS: dict[str, type | tuple[type, ...]] = {
    "format": int,
    "kind": str,
    "title": str,
    "origin": str,
    "licence": str,
    "citation": str,
    "raw": bool,
    "time_zone": str,
    "holidays": str,
    "train_until_utc": str,
    "mark_above_median_mm": (int, float),
}
_SITE_COLUMNS = ("station", "rain", "upstream", "train_until_utc", "mark_above_median_mm")
_LABEL_COLUMNS = ("site", "kind", "start_utc", "end_utc", "peak_utc", "size_l_h", "where")


def record(folder: Path, channels: tuple[Channel, ...]) -> Record:
    """Return the record of ``channels`` with what the files beside them say."""
    about = _about(folder / ABOUT)
    kind = about.get("kind") or _kind(channels)
    sites = _sites(folder / STATIONS, about, kind, folder.name, channels)
    source = Source(*(about.get(key, "") for key in ("title", "origin", "licence", "citation")))
    return Record(
        folder.name,
        kind,
        source,
        channels,
        sites,
        # A network is one place: whatever its labels call it.
        _labels(folder / LABELS, None if kind == "network" else {site.name for site in sites}),
        bool(about.get("raw", False)),
        about.get("time_zone", "UTC"),
        about.get("holidays", ""),
    )


def _kind(channels: tuple[Channel, ...]) -> str:
    """Return what a folder that does not say it must be."""
    held = {one.quantity for one in channels}
    if held & {"stage", "discharge"}:
        return "river"
    if "inflow" not in held:
        raise DataError("neither stage, discharge nor inflow: nothing here can be judged")
    return "network" if held & {"pressure", "flow", "level"} else "zone"


def _about(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8")[:MAX_BYTES])
    except ValueError as error:
        raise DataError(f"{ABOUT}: not JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"{ABOUT}: must be an object with format {FORMAT}")
    for key, value in content.items():
        wanted = _ABOUT_KEYS.get(key)
        if wanted is None:
            raise DataError(f"{ABOUT}: {key!r} is not known ({', '.join(_ABOUT_KEYS)})")
        if not isinstance(value, wanted):
            raise DataError(f"{ABOUT}: {key}: {value!r} is of the wrong type")
    if content.get("kind", KINDS[0]) not in KINDS:
        raise DataError(f"{ABOUT}: kind: choose one of {', '.join(KINDS)}")
    if not re.fullmatch("([A-Z]{2})?", content.get("holidays", "")):
        raise DataError(f"{ABOUT}: holidays: two capital letters, not {content['holidays']!r}")
    try:
        ZoneInfo(content.get("time_zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DataError(f"{ABOUT}: time_zone: {content['time_zone']!r} is not known") from error
    return content


def moment_ms(text: str) -> int:
    """Return an ISO 8601 time as Unix ms; without a zone it is UTC. ValueError if it is none."""
    moment = datetime.fromisoformat(text.strip())
    return round(1000 * (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _cell(where: str, column: str, text: str, read: Callable[[str], Any]) -> Any:
    """Return a cell read by ``read``, None where it is empty; DataError names it."""
    if not text.strip():
        return None
    try:
        return read(text.strip())
    except ValueError as error:
        raise DataError(f"{where}, column {column}: {text!r} cannot be read") from error


def _table(path: Path, known: tuple[str, ...], needed: int) -> list[tuple[str, dict[str, str]]]:
    """Return (where, row) of a small CSV whose first ``needed`` columns must be there."""
    if not path.is_file():
        return []
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path.name}: larger than {MAX_BYTES >> 20} MiB")
    lines = csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True)
    header = next(lines, [])
    for word in header:
        if word not in known:
            raise DataError(f"{path.name}, line 1: column {word!r} is none of {', '.join(known)}")
    for word in known[:needed]:
        if word not in header:
            raise DataError(f"{path.name}, line 1: column {word!r} is missing")
    table = []
    for row in lines:
        where = f"{path.name}, line {lines.line_num}"
        if row and len(row) != len(header):
            raise DataError(f"{where}: {len(row)} cells, the header has {len(header)}")
        if row:
            table.append((where, dict.fromkeys(known, "") | dict(zip(header, row, strict=True))))
    return table


def _sites(
    path: Path, about: dict[str, Any], kind: str, name: str, channels: tuple[Channel, ...]
) -> tuple[Site, ...]:
    until = _cell(ABOUT, "train_until_utc", about.get("train_until_utc", ""), moment_ms)
    above = about.get("mark_above_median_mm")
    found = tuple(
        _site(where, row, channels, until, above)
        for where, row in _table(path, _SITE_COLUMNS, needed=1)
    )
    if found:
        return found
    if kind == "network":
        return (Site(name, train_until_ms=until),)
    watched = ("stage", "discharge") if kind == "river" else ("inflow",)
    names = dict.fromkeys(one.name for one in channels if one.quantity in watched)
    wet = {one.name for one in channels if one.quantity == "rain"}
    return tuple(
        Site(one, (one,) if one in wet else (), (), until, above if kind == "river" else None)
        for one in names
    )


def _site(
    where: str,
    row: dict[str, str],
    channels: tuple[Channel, ...],
    until_ms: int | None,
    above_mm: float | None,
) -> Site:
    wet = {one.name for one in channels if one.quantity == "rain"}
    others = {one.name for one in channels if not one.quantity.startswith("rain")}
    name = row["station"].strip()
    if name not in others:
        raise DataError(f"{where}, column station: {name!r} has no readings here")
    rain, upstream = _names(row["rain"]), _names(row["upstream"])
    for column, names, there in (("rain", rain, wet), ("upstream", upstream, others - {name})):
        for one in names:
            if one not in there:
                raise DataError(f"{where}, column {column}: {one!r} has no such readings here")
    own_until = _cell(where, "train_until_utc", row["train_until_utc"], moment_ms)
    own_above = _cell(where, "mark_above_median_mm", row["mark_above_median_mm"], float)
    return Site(
        name,
        rain or ((name,) if name in wet else ()),
        upstream,
        until_ms if own_until is None else own_until,
        above_mm if own_above is None else own_above,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _labels(path: Path, sites: set[str] | None) -> tuple[Label, ...]:
    out = []
    for where, row in _table(path, _LABEL_COLUMNS, needed=4):
        if sites is not None and row["site"] not in sites:
            raise DataError(f"{where}, column site: {row['site']!r} is no site of this record")
        start, end, peak = (
            _cell(where, column, row[column], moment_ms)
            for column in ("start_utc", "end_utc", "peak_utc")
        )
        if start is None or end is None or end < start:
            raise DataError(f"{where}: start_utc and end_utc must be there, in this order")
        size = _cell(where, "size_l_h", row["size_l_h"], float)
        out.append(Label(row["site"], row["kind"], start, end, peak, size, row["where"]))
    return tuple(out)
