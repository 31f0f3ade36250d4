"""Read what lies beside the readings: record.json, stations.csv, labels.csv."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from amont_models.records.table import Channel, DataError, Label, Record, Site, Source

ABOUT, STATIONS, LABELS = "record.json", "stations.csv", "labels.csv"
FORMAT = 1
KINDS = ("river", "zone", "network")
MAX_BYTES = 1 << 24
MAX_MARK_MM = 1e6  # over a median: no river comes near
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
    # A network is one place: whatever its labels call it.
    names = None if kind == "network" else {site.name for site in sites}
    labels = _labels(folder / LABELS, names)
    return Record(
        folder.name,
        kind,
        source,
        channels,
        sites,
        labels,
        bool(about.get("raw", False)),
        about.get("time_zone", "UTC"),
        about.get("holidays", ""),
        nothing_happened=(folder / LABELS).is_file() and not labels,
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
        content = json.loads(_text(path))
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


def _text(path: Path) -> str:
    """Return a small file as text; DataError says on which line it is none."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path.name}: larger than {MAX_BYTES >> 20} MiB")
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path.name}, line {line}: not UTF-8 text; save it as UTF-8") from error


def moment_ms(text: str) -> int:
    """Return an ISO 8601 time as Unix ms; without a zone it is UTC. ValueError if it is none."""
    moment = datetime.fromisoformat(text.strip())
    return round(1000 * (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


class _Kind(NamedTuple):
    """How a cell is read, and what it must be."""

    read: Callable[[str], Any]
    what: str


def _height_mm(text: str) -> float:
    height = float(text)
    if not abs(height) <= MAX_MARK_MM:
        raise ValueError
    return height


def _flow_l_h(text: str) -> float:
    flow = float(text)
    if not 0.0 < flow < math.inf:
        raise ValueError
    return flow


_MOMENT = _Kind(moment_ms, "a time")
_HEIGHT = _Kind(_height_mm, "a height in mm")
_FLOW = _Kind(_flow_l_h, "a flow above 0; what nobody knows stays empty")


def _cell(where: str, column: str, text: str, kind: _Kind) -> Any:
    """Return a cell read as its kind, None where it is empty; DataError names it."""
    if not text.strip():
        return None
    try:
        return kind.read(text.strip())
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{where}, column {column}: {text!r} cannot be read as {kind.what}"
        ) from error


def _table(path: Path, known: tuple[str, ...], needed: int) -> list[tuple[str, dict[str, str]]]:
    """Return (where, row) of a small CSV whose first ``needed`` columns must be there."""
    if not path.is_file():
        return []
    lines = csv.reader(_text(path).splitlines(), strict=True)
    table = []
    try:
        header = [word.strip() for word in next(lines, [])]
        _check_header(path, header, known, needed)
        for row in lines:
            where = f"{path.name}, line {lines.line_num}"
            if row and len(row) != len(header):
                raise DataError(f"{where}: {len(row)} cells, the header has {len(header)}")
            if row:
                cells = dict(zip(header, row, strict=True))
                table.append((where, dict.fromkeys(known, "") | cells))
    except csv.Error as error:
        raise DataError(f"{path.name}, line {lines.line_num}: {error}") from error
    return table


def _check_header(path: Path, header: list[str], known: tuple[str, ...], needed: int) -> None:
    where = f"{path.name}, line 1"
    if len(header) == 1:
        refuse_semicolons(where, header[0])
    for word in header:
        if word not in known:
            raise DataError(f"{where}: column {word!r} is none of {', '.join(known)}")
    for word in known[:needed]:
        if word not in header:
            raise DataError(f"{where}: column {word!r} is missing")


def refuse_semicolons(where: str, header: str) -> None:
    """Raise DataError on a header that other signs than commas part."""
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if sign in header:
            raise DataError(
                f"{where}: {name} part the cells; the form has commas (and 0.5, not 0,5)"
            )


def _sites(
    path: Path, about: dict[str, Any], kind: str, name: str, channels: tuple[Channel, ...]
) -> tuple[Site, ...]:
    until = _cell(ABOUT, "train_until_utc", about.get("train_until_utc", ""), _MOMENT)
    if kind == "network":
        return (Site(name, train_until_ms=until),)
    above = _cell(
        ABOUT, "mark_above_median_mm", str(about.get("mark_above_median_mm", "")), _HEIGHT
    )
    found: dict[str, Site] = {}
    for where, row in _table(path, _SITE_COLUMNS, needed=1):
        one = _site(where, row, channels, until, above)
        if one.name in found:
            raise DataError(f"{where}, column station: {one.name!r} is there more than once")
        found[one.name] = one
    if found:
        return tuple(found.values())
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
    if name in upstream:
        raise DataError(f"{where}, column upstream: {name!r} is the station itself")
    for column, names, there in (("rain", rain, wet), ("upstream", upstream, others)):
        for one in names:
            if one not in there:
                raise DataError(f"{where}, column {column}: {one!r} has no such readings here")
    own_until = _cell(where, "train_until_utc", row["train_until_utc"], _MOMENT)
    own_above = _cell(where, "mark_above_median_mm", row["mark_above_median_mm"], _HEIGHT)
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
            _cell(where, column, row[column], _MOMENT)
            for column in ("start_utc", "end_utc", "peak_utc")
        )
        if start is None or end is None or end <= start:
            raise DataError(f"{where}: start_utc must be there, and end_utc after it")
        if peak is not None and peak < start:
            raise DataError(f"{where}, column peak_utc: before start_utc")
        size = _cell(where, "size_l_h", row["size_l_h"], _FLOW)
        out.append(Label(row["site"], row["kind"], start, end, peak, size, row["where"]))
    return tuple(out)
