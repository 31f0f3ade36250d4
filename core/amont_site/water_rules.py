"""Check what stations and networks say of each other: who lies upstream, which sensors serve."""

from __future__ import annotations

from collections.abc import Iterator

from amont_site.model import Site
from amont_site.reading import Path

Found = tuple[Path, str, str, list[str]]  # where, code, the word, what it could have been
PARTS = {
    "inflow": "flow_l_h", "inner": "flow_l_h", "levels": "level_mm", "pressures": "pressure_pa10",
}  # fmt: skip


def uses(site: Site) -> Iterator[tuple[Path, str, str]]:
    """Yield where a network names a sensor, which, and what it must measure."""
    for i, network in enumerate(site.networks):
        for part, needed in PARTS.items():
            for j, sensor in enumerate(getattr(network, part)):
                yield ("networks", i, part, j), sensor, needed


def groups(site: Site) -> Iterator[list[tuple[Path, object]]]:
    """Yield what must differ within a group.

    A flow from one network into another is of both; a pressure or a tank is of one.
    """
    yield [(("networks", i, "id"), n.id) for i, n in enumerate(site.networks)]
    named = list(uses(site))
    yield [(path, sensor) for path, sensor, needed in named if needed != "flow_l_h"]
    for i in range(len(site.networks)):
        yield [(p, sensor) for p, sensor, needed in named if p[1] == i and needed == "flow_l_h"]
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
