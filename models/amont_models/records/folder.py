"""Find recorded data beside the checkout, and read its tables column by column.

``AMONT_DATA`` names the folder; ``make`` sets it where ``../shared/data`` exists. Nothing is ever
written there.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from amont_models.records.table import DataError, Floats, Times

VARIABLE = "AMONT_DATA"


def data_folder() -> Path:
    """Return the folder of recorded data; DataError where there is none."""
    named = os.environ.get(VARIABLE, "")
    if not named:
        raise DataError(f"{VARIABLE} is not set: name the folder that holds the records")
    folder = Path(named)
    if not folder.is_dir():
        raise DataError(f"{VARIABLE}: {named} is not a folder")
    return folder


def data_file(record: str, *parts: str) -> Path:
    """Return the path of a record's file; DataError if it is not there."""
    path = data_folder().joinpath(record, *parts)
    if not path.is_file():
        raise DataError(f"record {record} holds no {'/'.join(parts)}")
    return path


def columns(
    path: Path, wanted: Sequence[str], delimiter: str = ",", skip: int = 0
) -> dict[str, list[str]]:
    """Return the named columns of a CSV (``.gz`` too) as text; DataError names what is absent.

    ``skip`` lines stand before the header.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
        for _ in range(skip):
            next(file, "")
        reader = csv.reader(file, delimiter=delimiter)
        header = [name.strip() for name in next(reader, [])]
        absent = [name for name in wanted if name not in header]
        if absent:
            raise DataError(f"{path.name}: no column {', '.join(absent)}")
        places = [header.index(name) for name in wanted]
        rows = [[row[place] for place in places] for row in reader if row]
    found = zip(*rows, strict=True) if rows else ((),) * len(wanted)
    return {name: list(column) for name, column in zip(wanted, found, strict=True)}


def numbers(texts: Sequence[str], scale: float = 1.0) -> Floats:
    """Return texts as numbers times ``scale``; an empty text is NaN, a gap."""
    return np.array([float(text or "nan") for text in texts], dtype=np.float64) * scale


def utc_ms(texts: Sequence[str], offset_h: float = 0.0, form: str = "") -> Times:
    """Return times as Unix ms; those without a zone are ``offset_h`` hours ahead of UTC."""
    here = timezone(timedelta(hours=offset_h)) if offset_h else UTC

    def iso(text: str) -> datetime:
        return datetime.fromisoformat(text)

    def formed(text: str) -> datetime:
        return datetime.strptime(text, form)  # noqa: DTZ007 the zone is put in below

    read: Callable[[str], datetime] = formed if form else iso
    moments = (read(text) for text in texts)
    aware = (moment if moment.tzinfo else moment.replace(tzinfo=here) for moment in moments)
    return np.array([round(1000 * moment.timestamp()) for moment in aware], dtype=np.int64)
