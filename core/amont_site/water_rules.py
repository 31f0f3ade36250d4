"""Check what stations, zones and networks say of each other: who lies upstream, what serves."""

from __future__ import annotations

from collections.abc import Iterator

from amont_site.model import Site
from amont_site.reading import Path

Found = tuple[Path, str, str, list[str]]  # where, code, the word, what it could have been
PARTS = {
    "inflow": "flow_l_h", "inner": "flow_l_h", "levels": "level_mm", "pressures": "pressure_pa10",
}  # fmt: skip
ZONE_PARTS = {"outflow": "flow_l_h", "pressures": "pressure_pa10"}  # its inflow is its own alone
BORDERS = ("produced", "imported", "exported")
METER = "flow_l_h, volume_l"


def uses(site: Site) -> Iterator[tuple[Path, str, str]]:
    """Yield where a network, zone or the service names a sensor, which, and what it measures."""
    for i, network in enumerate(site.networks):
        for part, needed in PARTS.items():
            for j, sensor in enumerate(getattr(network, part)):
                yield ("networks", i, part, j), sensor, needed
    for i, zone in enumerate(site.zones):
        for part, needed in ZONE_PARTS.items():
            for j, sensor in enumerate(getattr(zone, part)):
                yield ("zones", i, part, j), sensor, needed
    for part in BORDERS if site.service else ():
        for j, sensor in enumerate(getattr(site.service, part)):
            yield ("service", part, j), sensor, METER


def groups(site: Site) -> Iterator[list[tuple[Path, object]]]:
    """Yield what must differ within a group.

    A flow from one network or zone into another is of both; a pressure or a tank is of one.
    What the service produces, it does not import.
    """
    yield [(("networks", i, "id"), n.id) for i, n in enumerate(site.networks)]
    named = list(uses(site))
    for kind in ("networks", "zones"):
        yield [(p, sensor) for p, sensor, needed in named if p[0] == kind and needed != "flow_l_h"]
    for i in range(len(site.networks)):
        yield [(p, s) for p, s, needed in named if p[:2] == ("networks", i) and "flow" in needed]
    for i, zone in enumerate(site.zones):
        own: list[tuple[Path, object]] = [
            (("zones", i, "inflow", j), sensor) for j, sensor in enumerate(zone.inflow)
        ]
        yield own + [(p, s) for p, s, needed in named if p[:3] == ("zones", i, "outflow")]
    yield [(path, sensor) for path, sensor, _ in named if path[0] == "service"]
    for i, station in enumerate(site.stations):
        for part in ("upstream", "rain"):
            words = enumerate(getattr(station, part) or ())
            yield [(("stations", i, part, j), word) for j, word in words]


def problems(site: Site) -> Iterator[Found]:
    """Yield stations and gauges that are not there, and stations upstream of themselves."""
    above = {station.id: station.upstream for station in site.stations}
    gauges = [gauge.id for gauge in site.rain_gauges]
    for i, station in enumerate(site.stations):
        for j, word in enumerate(station.upstream):
            path: Path = ("stations", i, "upstream", j)
            if word not in above:
                yield path, "unknown-station", word, list(above)
            elif _reaches(word, station.id, above):
                yield path, "upstream-loop", station.id, []
        for j, word in enumerate(station.rain or ()):
            if word not in gauges:
                yield ("stations", i, "rain", j), "unknown-gauge", word, gauges


def lone_pressures(site: Site) -> Iterator[Found]:
    """Yield networks with a single pressure: it has nothing to be compared with."""
    for i, network in enumerate(site.networks):
        if len(network.pressures) == 1:
            yield ("networks", i, "pressures"), "one-pressure", network.pressures[0], []


def half_places(site: Site) -> Iterator[Found]:
    """Yield the places that have one coordinate of two."""
    for kind in ("stations", "rain_gauges", "zones", "sirens"):
        for i, place in enumerate(getattr(site, kind)):
            known = [x for x in ("latitude", "longitude") if getattr(place, x) is not None]
            if len(known) == 1:
                yield (kind, i, known[0]), "one-coordinate", place.id, []


def _reaches(start: str, wanted: str, above: dict[str, list[str]]) -> bool:
    """Tell whether ``wanted`` lies upstream of ``start``, or is it."""
    seen, waiting = set[str](), [start]
    while waiting:
        station = waiting.pop()
        if station == wanted:
            return True
        if station not in seen:
            seen.add(station)
            waiting += above.get(station, [])
    return False
