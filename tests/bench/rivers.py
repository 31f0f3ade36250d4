"""Recorded rivers for the benchmarks, as steady series of stage in mm.

The packaged record is hourly discharge, so its stage is ours: h = 0.9 · Q^0.4 m, a plausible
gauge, and 15-minute readings are interpolated linearly, to the millimetre. Records beside the
checkout (``AMONT_DATA``) are stages as telemetered, in their own step; a gap or another step
starts anew.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import os
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

Series = tuple[int, list[int]]  # interval in s, stages in mm
PACKAGED = "405214"  # the Delatite, Victoria: flows all year, so no month is a flat line
LEAST = 64  # readings that make a series worth a frame


def packaged() -> Iterator[Series]:
    """Yield the packaged river; nothing if its package is not installed."""
    spec = importlib.util.find_spec("pyfloodrisk")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "data" / "GR4H_climatedata"
    with (folder / f"GR4H_climatedata_{PACKAGED}_hr.csv").open() as file:
        hourly = [round(900 * float(row["qt"]) ** 0.4) for row in csv.DictReader(file)]
    yield 900, [a + round((b - a) * q / 4) for a, b in pairwise(hourly) for q in range(4)]


def recorded(name: str) -> Iterator[Series]:
    """Yield the steady runs of one folder of ``AMONT_DATA``; nothing if it is not there."""
    folder = Path(os.environ.get("AMONT_DATA", "")) / name
    for path in sorted(folder.rglob("stage.csv.gz")) if "AMONT_DATA" in os.environ else []:
        with gzip.open(path, "rt") as file:
            yield from _runs(csv.DictReader(file))


def _runs(rows: csv.DictReader[str]) -> Iterator[Series]:
    station, last, interval, stages = "", 0, 0, [0]
    for row in rows:
        at = int(datetime.fromisoformat(row["time_utc"].removesuffix("Z") + "+00:00").timestamp())
        which = row.get("flood", "") + row["station"]
        if which != station or (len(stages) > 1 and at - last != interval):
            if len(stages) >= LEAST and interval > 0:
                yield interval, stages
            keep = which == station and at > last
            stages = stages[-1:] if keep else []
        interval = at - last
        station, last = which, at
        stages.append(_stage_mm(row))
    if len(stages) >= LEAST:
        yield interval, stages


def _stage_mm(row: dict[str, str]) -> int:
    return (
        round(float(row["stage_mm"])) if "stage_mm" in row else round(1000 * float(row["stage_m"]))
    )
