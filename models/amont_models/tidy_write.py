"""Write a record in the tidy CSV form, so that what is known can be handed on and read again."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from amont_models.records.table import MISSING, Channel, DataError, Record
from amont_models.tidy import COLUMNS, KEYS
from amont_models.tidy_about import ABOUT, FORMAT, KINDS, LABELS, STATIONS

_KEY = dict(zip(KINDS, KEYS, strict=True))
_WORDS = {quantity: word for word, (quantity, scale) in COLUMNS.items() if scale == 1.0}


def write(record: Record, folder: Path) -> list[Path]:
    """Write ``record`` into ``folder``, which must be new or empty; return the files."""
    if record.kind not in KINDS:
        raise DataError(f"{record.name}: a record of kind {record.kind} has no tidy form")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DataError(f"{folder}: not empty; name a new folder")
    paths = [_about(record, folder / ABOUT)]
    if record.kind != "network":
        paths.append(_sites(record, folder / STATIONS))
    if record.labels or record.nothing_happened:
        paths.append(_labels(record, folder / LABELS))
    names: set[str] = set()
    for one in record.channels:
        if one.quantity not in _WORDS:
            raise DataError(f"{one.name}: {one.quantity} has no column in the tidy form")
        name = _file_name(one, names)
        paths.append(_channel(one, _KEY[record.kind], folder / name))
    return paths


def iso_utc(t_ms: int) -> str:
    """Return Unix ms as ISO 8601 in UTC, with ms only where there are any."""
    moment = datetime.fromtimestamp(t_ms / 1000, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if t_ms % 1000 else "seconds") + "Z"


def _file_name(one: Channel, taken: set[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9@._-]", "_", one.name) or "_"
    name, count = f"{plain}.{one.quantity}.csv", 1
    while name in taken:
        name, count = f"{plain}.{one.quantity}.{count}.csv", count + 1
    taken.add(name)
    return name


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _channel(one: Channel, key: str, path: Path) -> Path:
    header = [key, "time_utc", _WORDS[one.quantity], "quality"]
    rows = (
        (one.name, iso_utc(t_ms), "", "") if code == MISSING else
        (one.name, iso_utc(t_ms), value, code or "")
        for t_ms, value, code in zip(
            one.t_ms.tolist(), one.value.tolist(), one.quality.tolist(), strict=True
        )
    )  # fmt: skip
    return _csv(path, header, rows)


def _about(record: Record, path: Path) -> Path:
    content = {
        "format": FORMAT,
        "kind": record.kind,
        "title": record.source.title,
        "origin": record.source.origin,
        "licence": record.source.licence,
        "citation": record.source.citation,
        "raw": record.raw,
        "time_zone": record.time_zone,
    }
    if record.holidays:
        content["holidays"] = record.holidays
    if record.kind == "network" and record.sites and record.sites[0].train_until_ms is not None:
        content["train_until_utc"] = iso_utc(record.sites[0].train_until_ms)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _sites(record: Record, path: Path) -> Path:
    header = ("station", "rain", "upstream", "train_until_utc", "mark_above_median_mm")
    rows = [
        (
            site.name,
            ";".join(site.rain),
            ";".join(site.upstream),
            "" if site.train_until_ms is None else iso_utc(site.train_until_ms),
            "" if site.mark_above_median_mm is None else site.mark_above_median_mm,
        )
        for site in record.sites
    ]
    return _csv(path, header, rows)


def _labels(record: Record, path: Path) -> Path:
    header = ("site", "kind", "start_utc", "end_utc", "peak_utc", "size_l_h", "where")
    rows = [
        (
            one.site,
            one.kind,
            iso_utc(one.start_ms),
            iso_utc(one.end_ms),
            "" if one.peak_ms is None else iso_utc(one.peak_ms),
            "" if one.size is None else one.size,
            one.where,
        )
        for one in record.labels
    ]
    return _csv(path, header, rows)
