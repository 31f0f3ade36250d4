"""Load the river records: each with its clock, its units, its links and its licence.

A split that the record's span does not suggest by itself stands here, so that nobody chooses it
after having seen a result: months that hold one flood learn from their first seven days, and
their mark lies 1 m over that week's median.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from amont_models.recipe import HOUR_MS
from amont_models.records import courses
from amont_models.records.folder import columns, data_file, data_folder, numbers, utc_ms
from amont_models.records.table import Channel, Floats, Record, Site, Source, Times, channel

DAY_MS = 24 * HOUR_MS
# One flood in a month has no percentile: the mark lies so far over the first week's median.
FLOOD_TRAIN_MS = 7 * DAY_MS
FLOOD_MARK_MM = 1000.0
MM = 1000.0  # per metre
_USGS = "the measurements are in the public domain"
_HUBEAU = "Hub'Eau, French open hydrometry (Licence Ouverte)"


# The shipped network learnt from the Australian rivers to the end of 2016 and was tuned on 2017.
AUSTRALIA_TAUGHT_UNTIL = "2018-01-01"
AUSTRALIA = Source(
    "Three Australian catchments, hourly",
    "pyfloodrisk 0.8.0, Hydrologic Reference Stations",
    "package MIT",
    "Bureau of Meteorology, Hydrologic Reference Stations",
)


def _flood_site(name: str, first_ms: int, upstream: tuple[str, ...] = ()) -> Site:
    return Site(
        name,
        upstream=upstream,
        train_until_ms=first_ms + FLOOD_TRAIN_MS,
        mark_above_median_mm=FLOOD_MARK_MM,
    )


def _flood_sites(
    channels: Sequence[Channel], upstream: Mapping[str, tuple[str, ...]]
) -> tuple[Site, ...]:
    """Return ``<station>@<flood>`` sites, linked to those upstream that have the same flood."""
    names = {one.name for one in channels}
    sites = []
    for one in channels:
        station, _, flood = one.name.partition("@")
        above = (f"{other}@{flood}" for other in upstream.get(station, ()))
        there = tuple(name for name in above if name in names)
        sites.append(_flood_site(one.name, int(one.t_ms[0]), there))
    return tuple(sites)


def _steady(name: str, quantity: str, t_ms: Times, value: Floats) -> Channel:
    """Return a channel in order of time; of rows with the same time the last one counts."""
    order = np.argsort(t_ms, kind="stable")
    t_ms, value = t_ms[order], value[order]
    last = np.append(np.diff(t_ms) > 0, True) if len(t_ms) else np.empty(0, bool)
    return channel(name, quantity, t_ms[last], value[last])


def _wide(
    path: Path, time: str, offset_h: float, parts: Iterable[tuple[str, str, str, float]]
) -> list[Channel]:
    """Read (column, name, quantity, scale) of a table with one time column."""
    parts = list(parts)
    table = columns(path, [time, *(part[0] for part in parts)])
    t_ms = utc_ms(table[time], offset_h)
    return [
        _steady(name, quantity, t_ms, numbers(table[column], scale))
        for column, name, quantity, scale in parts
    ]


def _by_station(
    record: str,
    files: Mapping[str, str],
    time: str,
    offset_h: float,
    parts: Sequence[tuple[str, str, float]],
) -> tuple[Channel, ...]:
    """Read (column, quantity, scale) of a record with a file for each station."""
    channels: list[Channel] = []
    for name, file in files.items():
        own = [(column, name, quantity, scale) for column, quantity, scale in parts]
        channels += _wide(data_file(record, file), time, offset_h, own)
    return tuple(channels)


def australia() -> Record:
    """Return the three Australian rivers from the data folder, hourly discharge and rain."""
    files = {name: f"{name}.csv.gz" for name in ("117002A", "303203", "405214")}
    parts = (("discharge_m3s", "discharge", 1.0), ("rain_mm", "rain", 1.0))
    channels = _by_station("river_australia_hourly", files, "time_local", 10, parts)
    until = int(utc_ms([AUSTRALIA_TAUGHT_UNTIL])[0])
    sites = tuple(Site(name, rain=(name,), train_until_ms=until) for name in files)
    return Record("river_australia_hourly", "river", AUSTRALIA, channels, sites)


def calder() -> Record:
    """Return the Upper Calder valley: a month without a flood, 15 min."""
    stations = (
        "hebden_bridge",
        "nutclough",
        "todmorden_callis",
        "mytholmroyd_dauber",
        "mytholmroyd",
    )
    gauges = ("gorple", "gorpley", "bacup", "walshaw_dean_lodge")
    parts = [(f"stage_m_{name}", name, "stage", MM) for name in stations]
    parts += [(f"rain_mm_{name}", name, "rain", 1.0) for name in gauges]
    path = data_file("river_calder_uk_15min", "calder_2025-08_2025-09.csv.gz")
    channels = _wide(path, "time_utc", 0, parts)
    first = int(channels[0].t_ms[0])
    sites = tuple(
        Site(name, gauges, _above(name), first + FLOOD_TRAIN_MS, FLOOD_MARK_MM)
        for name in stations
    )
    source = Source(
        "Upper Calder valley, West Yorkshire, 15 min",
        "github.com/bogsnork/river_weather; Environment Agency Hydrology service",
        "repository MIT; Open Government Licence v3.0",
        "Contains Environment Agency information © Environment Agency",
    )
    return Record("river_calder_uk_15min", "river", source, tuple(channels), sites, raw=True)


def _above(name: str) -> tuple[str, ...]:
    """Return the gauges upstream; Hebden Water (Nutclough) joins above Mytholmroyd."""
    return {
        "hebden_bridge": ("todmorden_callis",),
        "mytholmroyd": ("hebden_bridge", "nutclough", "todmorden_callis"),
        "mytholmroyd_dauber": ("hebden_bridge", "nutclough", "todmorden_callis"),
    }.get(name, ())


def cance() -> Record:
    """Return the Cance at three nested gauges, hourly discharge; some months have rain."""
    names = ("V3524010", "V3515010", "V3517010")
    parts = [(f"q_m3s_{name}", name, "discharge", 1.0) for name in names]
    parts += [(f"rain_mm_{name}", name, "rain", 1.0) for name in names]
    path = data_file("river_cance_hourly", "cance_2006-2012_2015-2019.csv.gz")
    channels = _wide(path, "time_utc", 0, parts)
    sites = (
        Site(names[0], rain=names[:1], upstream=names[1:]),
        *(Site(name, rain=(name,)) for name in names[1:]),
    )
    source = Source(
        "La Cance (Ardèche), hourly",
        "hydro-smash 1.3.0 (INRAE); HydroPortail",
        "package GPL-3.0; discharge French open data",
        "Banque Hydro / HydroPortail; INRAE smash",
    )
    return Record("river_cance_hourly", "river", source, tuple(channels), sites)


def garonne() -> Record:
    """Return the Garonne basin's floods; one site a station and flood, ``<station>@<year>``."""
    table = columns(
        data_file("river_garonne_floods", "stage.csv.gz"),
        ("flood", "station", "time_utc", "stage_m"),
    )
    t_ms, value = utc_ms(table["time_utc"]), numbers(table["stage_m"], MM)
    keys = [f"{s}@{f}" for s, f in zip(table["station"], table["flood"], strict=True)]
    channels = _by_key(keys, t_ms, value)
    above = courses.upstream(
        data_folder() / "river_garonne_floods" / "stations.csv",
        "code_station",
        "libelle_cours_eau",
        "surface_bassin_versant",
    )
    sites = _flood_sites(channels, above)
    source = Source(
        "Garonne basin, the floods of 1977, 2000 and 2022",
        "github.com/Toulouse-Dataviz/hackaviz-2025",
        f"repository Apache-2.0; {_HUBEAU}",
        "Hub'Eau hydrométrie",
    )
    return Record("river_garonne_floods", "river", source, tuple(channels), sites, raw=True)


def _by_key(keys: list[str], t_ms: Times, value: Floats) -> list[Channel]:
    names, place = np.unique(np.array(keys), return_inverse=True)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(len(names) + 1))
    parts = [order[a:b] for a, b in pairwise(bounds)]
    return [
        _steady(str(name), "stage", t_ms[part], value[part])
        for name, part in zip(names, parts, strict=True)
    ]


def nova_friburgo() -> Record:
    """Return Nova Friburgo's five stations with their rain, 15 min, one year."""
    names = ("Olaria", "Suspiro", "ConselheiroPaulino", "VendaDasPedras", "Ypu")
    parts = [(f"stage_m_{name}", name, "stage", MM) for name in names]
    parts += [(f"rain_mm_{name}", name, "rain", 1.0) for name in names]
    path = data_file("river_nova_friburgo_15min", "nova_friburgo_2011-12_2012-11.csv.gz")
    channels = _wide(path, "time_local", -3, parts)
    # In the first half of the year Suspiro's rises come 45 min before Conselheiro Paulino's (the
    # others' 30 to 75), Olaria's 15 min before Suspiro's; Ypu and Suspiro move together.
    above = {
        "ConselheiroPaulino": ("Suspiro", "Ypu", "VendaDasPedras", "Olaria"),
        "Suspiro": ("Olaria",),
    }
    sites = tuple(Site(name, (name,), above.get(name, ())) for name in names)
    source = Source(
        "Nova Friburgo (Rio de Janeiro), 15 min",
        "github.com/jaqueline-soares/ML4FF-framework",
        "MIT",
        "Soares et al., ML4FF: a machine-learning framework for flash flood forecasting",
    )
    return Record("river_nova_friburgo_15min", "river", source, tuple(channels), sites)


def occitanie() -> Record:
    """Return raw telemetry of Occitanie, 10 to 15 min; one site a station and month."""
    channels: list[Channel] = []
    for part in ("jan_feb", "apr_may"):
        path = data_file("river_occitanie_2020", part, "stage.csv.gz")
        table = columns(path, ("station", "time_utc", "stage_mm"))
        keys = [f"{name}@{part}" for name in table["station"]]
        channels += _by_key(keys, utc_ms(table["time_utc"]), numbers(table["stage_mm"]))
    above: dict[str, tuple[str, ...]] = {}
    for part in ("jan_feb", "apr_may"):
        path = data_folder() / "river_occitanie_2020" / part / "stations.csv"
        above |= courses.upstream(path, "station", "river", "catchment_km2")
    sites = _flood_sites(channels, above)
    source = Source(
        "Occitanie, raw stages, January-February and April-May 2020",
        "github.com/kalisio/water-level-forecasting",
        f"repository MIT; {_HUBEAU}",
        "Hub'Eau hydrométrie; Kalisio",
    )
    return Record("river_occitanie_2020", "river", source, tuple(channels), sites, raw=True)


def puhinui() -> Record:
    """Return Puhinui Stream, hourly means of stage with two rain gauges."""
    parts = [
        ("stage_m", "puhinui", "stage", MM),
        ("discharge_m3s", "puhinui", "discharge", 1.0),
        ("rain_mm_puhinui", "puhinui", "rain", 1.0),
        ("rain_mm_manukau", "manukau", "rain", 1.0),
    ]
    path = data_file("river_puhinui_hourly", "puhinui_2020-05_2022-12.csv.gz")
    # Stamped with the hour's start, known at its end: as if the clock were an hour less ahead.
    channels = _wide(path, "time_nzst", 12 - 1, parts)
    sites = (Site("puhinui", rain=("puhinui", "manukau")),)
    source = Source(
        "Puhinui Stream (Auckland), hourly",
        "github.com/Thandar-Kyi/github-portfolio; Auckland Council environmental data",
        "repository MIT; council data with attribution",
        "Auckland Council",
    )
    return Record("river_puhinui_hourly", "river", source, tuple(channels), sites)


def usgs_discharge() -> Record:
    """Return two US rivers, discharge every 15 min."""
    files = {
        "01073500": "01073500_lamprey_1999-2014.csv.gz",
        "01191000": "01191000_north_branch_park_2016-2022.csv.gz",
    }
    parts = (("discharge_m3s", "discharge", 1.0),)
    channels = _by_station("river_usgs_15min_discharge", files, "time_utc", 0, parts)
    source = Source(
        "Lamprey and North Branch Park rivers, 15 min",
        "github.com/USGS-R/loadflex; hysom 0.4.0",
        f"loadflex CC0, hysom GPL-3.0; {_USGS}",
        "U.S. Geological Survey",
    )
    sites = tuple(Site(name) for name in files)
    return Record("river_usgs_15min_discharge", "river", source, channels, sites)


def usgs_hourly() -> Record:
    """Return two slow US rivers in summer, hourly, with airport rain (an index, not mm)."""
    files = {"01037000": "01037000_2014-2016.csv.gz", "03567500": "03567500_2014-2018.csv.gz"}
    channels: list[Channel] = []
    for name, file in files.items():
        path = data_file("river_usgs_hourly_rain", file)
        parts = [("discharge_m3s", name, "discharge", 1.0), ("precip_source", name, "rain", 1.0)]
        if name == "01037000":
            parts.append(("stage_m", name, "stage", MM))
        channels += _wide(path, "time_source", -4, parts)
    sites = tuple(Site(name, rain=(name,)) for name in files)
    source = Source(
        "Kenduskeag Stream and South Chickamauga Creek, summers, hourly",
        "github.com/AIStream-Peelout/flow-forecast",
        f"repository GPL-3.0; {_USGS}",
        "U.S. Geological Survey",
    )
    return Record("river_usgs_hourly_rain", "river", source, tuple(channels), sites)


def usgs_urban() -> Record:
    """Return small flashy US urban streams, stage every 5 min."""
    files = {
        "01581752": "01581752_plumtree_run_2016-2017.csv.gz",
        "01589330": "01589330_dead_run_2019-05.csv.gz",
    }
    parts = (("stage_m", "stage", MM), ("discharge_m3s", "discharge", 1.0))
    channels = _by_station("river_usgs_smallurban_5min", files, "time_utc", 0, parts)
    source = Source(
        "Plumtree Run and Dead Run (Maryland), 5 min",
        "github.com/mroberge/hydrofunctions",
        f"repository MIT; {_USGS}",
        "U.S. Geological Survey",
    )
    # Dead Run is one month of several floods: half of it teaches.
    half = int(utc_ms(["2019-05-17T03:57:30"])[0])
    sites = (Site("01581752"), Site("01589330", train_until_ms=half))
    return Record("river_usgs_smallurban_5min", "river", source, channels, sites)


def wye() -> Record:
    """Return the Wye at Cefn Brwyn, hourly rain and discharge of 1987."""
    parts = [
        ("discharge_m3s", "cefn_brwyn", "discharge", 1.0),
        ("rain_mm", "cefn_brwyn", "rain", 1.0),
    ]
    path = data_file("river_wye_plynlimon_hourly", "wye_1987.csv.gz")
    source = Source(
        "Wye at Cefn Brwyn (Plynlimon), hourly",
        "github.com/hydromad/hydromad",
        "package GPL-2 or later",
        "Centre for Ecology and Hydrology, Wallingford",
    )
    sites = (Site("cefn_brwyn", rain=("cefn_brwyn",)),)
    channels = tuple(_wide(path, "time_utc", 0, parts))
    return Record("river_wye_plynlimon_hourly", "river", source, channels, sites)
