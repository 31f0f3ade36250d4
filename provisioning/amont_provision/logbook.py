"""Keep what was done at the stations of a site: ``village.logbook.jsonl`` beside ``village.yaml``.

One JSON object a line, only ever appended: a second calibration leaves the first where it is. A
damaged line costs itself alone and is told by its number.
"""

from __future__ import annotations

import fcntl
import json
import os
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from amont_provision.texts import Refused, cause

FORMAT = 1
FILE_BYTES_MAX = 16 << 20  # decades of visits; more is not a logbook
LINE_BYTES_MAX = 64 << 10
NAME_CHARACTERS_MAX = 80
NOTE_CHARACTERS_MAX = 1_000
# Whoever calibrates has this software, so no earlier date can be true.
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
Json = dict[str, Any]

_TRANSFORM = {"multiply": int, "divide": int, "add": int}
_POINT = {"true": int, "raw": int, "spread": int, "readings": [int]}
_STEP = {"step": str, "state": str, "code": str, "values": {}, "seconds": (int, float, None)}
# Kind of record: what each must have, for whoever shows it. {}: any object.
SHAPES: dict[str, Any] = {
    "calibration": {
        "node": int, "sensor": str, "by": str, "method": str, "raw_unit": str,
        "points": [_POINT], "residuals": [int], "transform": _TRANSFORM,
        "previous": (None, _TRANSFORM), "moved": (int, None), "forced": (str, None),
        "config_version": int,
    },
    "calibrated": {"node": int, "sensor": str, "config_version": int},
    "verification": {
        "node": int, "by": (str, None), "proved": bool, "config_version": int,
        "seconds": (int, float), "steps": [_STEP],
    },
}  # fmt: skip


@dataclass(frozen=True)
class Pages:
    """A logbook as read: its records in order, and the numbers of the lines that are damaged."""

    records: tuple[Json, ...]
    damaged: tuple[int, ...]

    def of(self, kind: str, node: int, sensor: str | None = None) -> list[Json]:
        """Return the records of one kind about one node, and about one sensor if it is given."""
        found = [r for r in self.records if r["kind"] == kind and r.get("node") == node]
        return [r for r in found if sensor is None or r.get("sensor") == sensor]


class Logbook:
    """The logbook that belongs to a site's file."""

    def __init__(self, site_file: Path) -> None:
        self.path = site_file.with_suffix(".logbook.jsonl")

    def read(self) -> Pages:
        """Return all records; raise Refused if the file cannot be a logbook."""
        try:
            if self.path.stat().st_size > FILE_BYTES_MAX:
                raise Refused("logbook-size", path=self.path, most=FILE_BYTES_MAX >> 20)
            content = self.path.read_bytes()
        except FileNotFoundError:
            return Pages((), ())
        except OSError as error:
            raise Refused("logbook-unreadable", path=self.path, why=cause(error)) from None
        return _pages(content)

    def append(self, kind: str, at: datetime, record: Json) -> Json:
        """Add one record durably and return it as written; raise Refused."""
        whole = {"format": FORMAT, "kind": kind, "at": at.isoformat(timespec="seconds")} | record
        line = json.dumps(whole, ensure_ascii=False, sort_keys=False).encode() + b"\n"
        if len(line) > LINE_BYTES_MAX:
            raise Refused("logbook-line", path=self.path, most=LINE_BYTES_MAX >> 10)
        try:
            self._append(line)
        except OSError as error:
            raise Refused("logbook-unwritable", path=self.path, why=cause(error)) from None
        return whole

    def _append(self, line: bytes) -> None:
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # two windows of one laptop
            if _torn(file.fileno()):  # a power cut left half a line: it must not eat this one
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def now(told: str | None = None) -> datetime:
    """Return the date of a visit: the laptop's, or the one told as ``YYYY-MM-DDTHH:MM``.

    Raises Refused for a clock that was never set, and for a date that is no date or lies ahead.
    """
    clock = datetime.now(UTC)
    if told is None:
        if clock < EARLIEST:
            raise Refused("clock", date=clock.date())
        return clock
    try:
        date = datetime.fromisoformat(told).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("date", told=told[:NAME_CHARACTERS_MAX]) from None
    if date < EARLIEST:
        raise Refused("clock", date=date.date())
    if clock >= EARLIEST and date > clock:
        raise Refused("date-ahead", date=date.isoformat(timespec="minutes"))
    return date


def line_of(text: str, what: str, most: int = NAME_CHARACTERS_MAX) -> str:
    """Return a person's text as one clean line; raise Refused if it is none, naming ``what``.

    Control and invisible direction characters are refused: they could show something else in
    print than what is stored.
    """
    clean = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(clean) <= most:
        raise Refused("line-length", what=what, most=most)
    if any(unicodedata.category(character)[0] == "C" for character in clean):
        raise Refused("line-characters", what=what)
    return clean


def fits(value: object, shape: Any) -> bool:
    """Tell whether a parsed value has a shape: a type, None, [shape], {name: shape}, (either, or).

    True is no int here.
    """
    if isinstance(shape, tuple):
        return any(fits(value, one) for one in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(one, shape[0]) for one in value)
    if isinstance(shape, dict):
        known = isinstance(value, dict)
        return known and all(k in value and fits(value[k], s) for k, s in shape.items())  # type: ignore[operator,index]
    return value is None if shape is None else type(value) is shape


def _torn(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"


def _pages(content: bytes) -> Pages:
    records, damaged = [], []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        record = _record(line)
        if record is None:
            damaged.append(number)
        else:
            records.append(record)
    return Pages(tuple(records), tuple(damaged))


def _record(line: bytes) -> Json | None:
    if len(line) > LINE_BYTES_MAX:
        return None
    try:
        value = json.loads(line)
        good = (
            isinstance(value, dict)
            and value["format"] == FORMAT
            and isinstance(value["kind"], str)
            and datetime.fromisoformat(value["at"]).tzinfo is not None
            and fits(value, SHAPES.get(value["kind"], {}))
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return value if good else None
