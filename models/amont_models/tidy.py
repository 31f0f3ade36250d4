"""Read a folder of records in the tidy CSV form (docs/models/form.en.md).

Strict: whatever is not the form is refused with file, line, column and what is wrong, because a
reading that is understood wrongly scores a model wrongly, and nobody sees it.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from amont_gateway.scoring.timeline import DAY_MS
from amont_models import tidy_about
from amont_models.records.table import MISSING, Channel, DataError, Record, channel
from amont_models.tidy_about import ABOUT, LABELS, STATIONS, moment_ms, refuse_semicolons

# Header word -> (quantity, how many of our units one of these is).
COLUMNS: dict[str, tuple[str, float]] = {
    "stage_mm": ("stage", 1.0),
    "stage_cm": ("stage", 10.0),
    "stage_m": ("stage", 1000.0),
    "discharge_m3s": ("discharge", 1.0),
    "discharge_l_s": ("discharge", 0.001),
    "rain_mm": ("rain", 1.0),
    "rain_um": ("rain", 0.001),
    "rain_forecast_mm": ("rain_forecast", 1.0),
    "inflow_l_h": ("inflow", 1.0),
    "inflow_l_s": ("inflow", 3600.0),
    "inflow_m3h": ("inflow", 1000.0),
    "inflow_m3_h": ("inflow", 1000.0),
    "flow_l_h": ("flow", 1.0),
    "flow_m3h": ("flow", 1000.0),
    "pressure_kpa": ("pressure", 1.0),
    "pressure_bar": ("pressure", 100.0),
    "pressure_m": ("pressure", 9.80665),
    "level_mm": ("level", 1.0),
    "level_m": ("level", 1000.0),
    "temperature_c": ("temperature", 1.0),
}
KEYS = ("station", "zone", "sensor")
TIMES = ("time", "time_utc", "time_ms")
QUALITY = "quality"
MOST = 1e10  # of our units: no river, pipe or cloud comes near
MAX_FILES = 2000
MAX_BYTES = 1 << 29  # of one file as it lies there
MAX_LINE = 1 << 16
MAX_ROWS = 10_000_000  # of one file: 95 years of 5-minute readings
# Unix ms of the years 1900 and 2100: anything else is a unit or a century mistaken.
MIN_MS, MAX_MS = -2_208_988_800_000, 4_102_444_800_000


class _Value(NamedTuple):
    """A column of values: where, what it is called, of whom ("" for the row's), how to read it."""

    place: int
    word: str
    name: str
    quantity: str
    scale: float


class _Head(NamedTuple):
    """A file's columns."""

    width: int
    time: int
    time_word: str
    key: int | None
    quality: int | None
    values: tuple[_Value, ...]


class _Growing:
    """A channel while its file is read."""

    def __init__(self) -> None:
        self.t_ms = array("q")
        self.value = array("d")
        self.quality = array("b")


def read(folder: Path) -> Record:
    """Return the record that lies in ``folder``; DataError says where it is not the form."""
    if not folder.is_dir():
        raise DataError(f"{folder}: not a folder")
    beside = (ABOUT, STATIONS, LABELS)
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().endswith((".csv", ".csv.gz")) and path.name not in beside
    )
    if not paths:
        raise DataError(f"{folder}: no file with readings (.csv or .csv.gz)")
    if len(paths) > MAX_FILES:
        raise DataError(f"{folder}: {len(paths)} files, more than {MAX_FILES}")
    parts: dict[tuple[str, str], list[tuple[Path, Channel]]] = {}
    for path in paths:
        for one in _read_file(path):
            parts.setdefault((one.name, one.quantity), []).append((path, one))
    channels = tuple(_joined(found) for found in parts.values())
    told = tuple(one for one in channels if one.known().t_ms.size)
    if not told:
        raise DataError(f"{folder.name}: no reading, every cell of a value is empty")
    return tidy_about.record(folder, told)


def _joined(found: list[tuple[Path, Channel]]) -> Channel:
    """Put the parts of one channel that lie in several files one after the other."""
    found.sort(key=lambda part: int(part[1].t_ms[0]))
    for (_, one), (path, other) in pairwise(found):
        if other.t_ms[0] <= one.t_ms[-1]:
            raise DataError(f"{path.name}: {one.name} {one.quantity} is in another file, too")
    first = found[0][1]
    return channel(
        first.name,
        first.quantity,
        np.concatenate([one.t_ms for _, one in found]),
        np.concatenate([one.value for _, one in found]),
        np.concatenate([one.quality for _, one in found]),
    )


@contextmanager
def rows(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Open a CSV and give (line number, cells) of each row; DataError on what is no text."""
    if not path.is_file():
        raise DataError(f"{path.name}: is not a file")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path.name}: larger than {MAX_BYTES >> 20} MiB; split it")
    opener: Callable[..., io.BufferedIOBase]
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rb") as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            yield _numbered(path, file)
    except UnicodeDecodeError as error:
        with opener(path, "rb") as raw:
            line = _undecodable(raw)
        raise DataError(f"{path.name}, line {line}: not UTF-8 text; save it as UTF-8") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path.name}: not gzip ({error})") from error


def _undecodable(raw: io.BufferedIOBase) -> int:
    """Return the number of the first line that is no UTF-8."""
    number = 1
    for line in iter(lambda: raw.readline(MAX_LINE), b""):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            break
        number += 1
    return number


def _numbered(path: Path, file: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    # A bound on each line: an archive may unpack to far more than its own size.
    reader = csv.reader(iter(lambda: file.readline(MAX_LINE), ""), strict=True)
    try:
        for cells in reader:
            if reader.line_num > MAX_ROWS:
                raise DataError(f"{path.name}: more than {MAX_ROWS} lines; split it")
            yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{path.name}, line {reader.line_num}: {error}") from error


def _read_file(path: Path) -> list[Channel]:
    with rows(path) as lines:
        _, cells = next(lines, (1, []))
        head = _head(path, [cell.strip() for cell in cells])
        found: dict[tuple[str, str], _Growing] = {}
        for line, row in lines:
            if row:
                _take(path, line, head, row, found)
    if not found:
        raise DataError(f"{path.name}: no reading below the header")
    _refuse_seconds(path, head, found)
    return [
        channel(
            name,
            quantity,
            np.array(one.t_ms, np.int64),
            np.array(one.value),
            np.array(one.quality, np.int8),
        )
        for (name, quantity), one in found.items()
    ]


def _refuse_seconds(path: Path, head: _Head, found: dict[tuple[str, str], _Growing]) -> None:
    """Raise DataError on Unix seconds where ms belong: they would all lie in early 1970."""
    last = max(one.t_ms[-1] for one in found.values())
    if head.time_word == "time_ms" and DAY_MS < last <= MAX_MS // 1000:
        raise DataError(f"{path.name}, column time_ms: ends at {last}; seconds? it holds ms")


def _head(path: Path, words: list[str]) -> _Head:
    where = f"{path.name}, line 1"
    if not any(words):
        raise DataError(f"{where}: empty; the first line names the columns")
    if len(words) == 1:
        refuse_semicolons(where, words[0])
    for word in words:
        if words.count(word) > 1:
            raise DataError(f"{where}: column {word!r} is there more than once")
    times = [word for word in words if word in TIMES]
    keys = [word for word in words if word in KEYS]
    if len(times) != 1:
        raise DataError(f"{where}: name exactly one of the columns {', '.join(TIMES)}")
    if len(keys) > 1:
        raise DataError(f"{where}: name only one of the columns {', '.join(KEYS)}")
    taken = {*times, *keys, QUALITY}
    values = tuple(
        _value_column(where, place, word, bool(keys), path)
        for place, word in enumerate(words)
        if word not in taken
    )
    if not values:
        raise DataError(f"{where}: no column with values, such as stage_mm or inflow_l_h")
    held: dict[tuple[str, str], str] = {}
    for one in values:
        other = held.setdefault((one.name, one.quantity), one.word)
        if other != one.word:
            raise DataError(
                f"{where}: columns {other!r} and {one.word!r} are the same {one.quantity}"
            )
    return _Head(
        len(words),
        words.index(times[0]),
        times[0],
        words.index(keys[0]) if keys else None,
        words.index(QUALITY) if QUALITY in words else None,
        values,
    )


def _value_column(where: str, place: int, word: str, keyed: bool, path: Path) -> _Value:
    kind, colon, name = word.partition(":")
    if kind not in COLUMNS:
        known = ", ".join(COLUMNS)
        raise DataError(f"{where}, column {word!r}: not a known quantity and unit ({known})")
    if colon and (keyed or not name.strip()):
        raise DataError(f"{where}, column {word!r}: a name after ':' and a column of names clash")
    stem = re.sub(r"\.csv(\.gz)?$", "", path.name, flags=re.IGNORECASE)
    quantity, scale = COLUMNS[kind]
    return _Value(place, word, "" if keyed else name.strip() or stem, quantity, scale)


def _take(
    path: Path, line: int, head: _Head, row: list[str], found: dict[tuple[str, str], _Growing]
) -> None:
    """Add one row's readings to their channels."""
    try:
        if len(row) != head.width:
            raise DataError(f"{len(row)} cells, the header has {head.width}")
        t_ms = _moment(row[head.time], head.time_word)
        key = row[head.key].strip() if head.key is not None else ""
        if head.key is not None and not key:
            raise DataError("the column of names: empty")
        quality = _quality(row[head.quality]) if head.quality is not None else 0
        for column in head.values:
            number = _number(row[column.place], column)
            place = (column.name or key, column.quantity)
            one = found.get(place) or found.setdefault(place, _Growing())
            _append(one, t_ms, number, quality, row[head.time])
    except DataError as error:
        raise DataError(f"{path.name}, line {line}: {error}") from None


def _append(one: _Growing, t_ms: int, number: float, quality: int, text: str) -> None:
    if one.t_ms and t_ms <= one.t_ms[-1]:
        how = "the same time twice" if t_ms == one.t_ms[-1] else "earlier than the line before"
        raise DataError(f"column of times: {text}: {how}")
    one.t_ms.append(t_ms)
    one.value.append(number)
    one.quality.append(quality if number == number else MISSING)


def _moment(text: str, word: str) -> int:
    try:
        if word == "time_ms":
            t_ms = int(text)
        else:
            moment = datetime.fromisoformat(text.strip())
            if moment.tzinfo is None and word == "time":
                raise DataError(f"column time: {text}: says no zone; add Z, or name it time_utc")
            if moment.utcoffset() and word == "time_utc":
                raise DataError(f"column time_utc: {text}: is not UTC")
            t_ms = moment_ms(text)
    except ValueError as error:
        raise DataError(f"column {word}: {text!r} is no time") from error
    if not MIN_MS <= t_ms <= MAX_MS:
        raise DataError(f"column {word}: {text}: not between 1900 and 2100")
    return t_ms


def _number(text: str, column: _Value) -> float:
    text = text.strip()
    if not text:
        return math.nan
    try:
        number = float(text)
    except ValueError as error:
        raise DataError(f"column {column.word}: {text!r} is no number") from error
    if not math.isfinite(number) or "_" in text:
        raise DataError(f"column {column.word}: {text!r}; an empty cell is a gap")
    if abs(number * column.scale) > MOST:
        raise DataError(f"column {column.word}: {text} is more than any water; another unit?")
    return number * column.scale


def _quality(text: str) -> int:
    if text.strip() not in ("", "0", "1", "2", "3", "4"):
        raise DataError(f"column {QUALITY}: {text!r} is not 0 to 4")
    return int(text or 0)
