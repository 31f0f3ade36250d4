"""Hold the site as the gateway needs it: plain data, made once from the site's description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from amont_gateway.lines import SensorTags
from amont_gateway.readings import FOREIGN
from amont_gateway.view import Text, Thresholds
from amont_site import model

SITE_FILE = Path("/etc/amont/site.yaml")  # where amont-install puts the site's file


@dataclass(frozen=True)
class Sensor:
    """One measuring element; ``place`` is a station, a zone or a network."""

    id: str
    name: Text
    node: int
    channel: int
    quantity: str
    place: str
    validity_s: int
    # lowest, highest, step_per_min, flat_samples: what the guard flags readings by
    quality: tuple[int, int, int, int] = (-(2**30), 2**30, 0, 0)
    source: str = ""  # of a foreign sensor: whose messages hold it; it is no node's
    interval_s: int = 0  # of a foreign sensor; else its node says it


@dataclass(frozen=True)
class Node:
    """One device."""

    id: int
    name: Text
    carrier: str
    interval_s: int

    @property
    def promise(self) -> str:
        """Return "full" if it reaches the guard over the guard's own bridge."""
        return "full" if self.carrier == "bridge" else "weaker"


@dataclass(frozen=True)
class Station:
    """One river place with its thresholds; ``sensors`` are those that judge its stage."""

    id: str
    name: Text
    thresholds: Thresholds
    sensors: tuple[str, ...]
    river: str = ""
    hysteresis_mm: int = 100
    clear_s: int = 600
    rise_support_mm: int = 100
    rise_support_s: int = 900
    advisory: tuple[str, ...] = ()  # foreign sensors that may advise a watch here
    watch_at_most: bool = False  # a foreign rain gauge is among what its forecast looks at


@dataclass(frozen=True)
class Zone:
    """One metered area: what flows in, what flows on, the pressures beside it."""

    id: str
    name: Text
    inflow: tuple[str, ...]
    outflow: tuple[str, ...] = ()
    pressures: tuple[str, ...] = ()
    night: tuple[str, str] = ("02:00", "04:00")  # local time, from and to


@dataclass(frozen=True)
class Service:
    """The water service as a whole: its mains, and the meters at its borders by kind."""

    name: str
    length_km: float
    scarce: bool
    meters: Mapping[str, tuple[str, ...]]  # "produced", "imported", "exported"


@dataclass(frozen=True)
class Network:
    """Pipes whose flows and pressures are looked at together."""

    id: str
    name: Text
    inflow: tuple[str, ...]
    pressures: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()  # inner flows and tanks' levels


@dataclass(frozen=True)
class Siren:
    """One siren."""

    id: str
    name: Text
    simulated: bool


@dataclass(frozen=True)
class Spot:
    """A place as a map shows it; without coordinates only a table does."""

    id: str
    kind: str  # "station" | "zone" | "gauge" | "siren"
    latitude: float | None = None
    longitude: float | None = None
    sensors: tuple[str, ...] = ()  # that tell of it


@dataclass(frozen=True)
class Places:
    """Everything that one site is made of."""

    site: str
    name: Text
    nodes: tuple[Node, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    stations: tuple[Station, ...] = ()
    zones: tuple[Zone, ...] = ()
    networks: tuple[Network, ...] = ()
    sirens: tuple[Siren, ...] = ()
    people: tuple[str, ...] = ()
    time_zone: str = "Europe/Paris"
    service: Service | None = None
    spots: tuple[Spot, ...] = ()
    foreign: tuple[model.ForeignSource, ...] = ()
    by_sensor: dict[str, Sensor] = field(init=False)
    by_node: dict[int, Node] = field(init=False)
    names: dict[str, Text] = field(init=False)  # of sensors, stations and sirens, by id

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_sensor", {s.id: s for s in self.sensors})
        object.__setattr__(self, "by_node", {n.id: n for n in self.nodes})
        named: list[Sensor | Station | Siren] = [*self.sensors, *self.stations, *self.sirens]
        object.__setattr__(self, "names", {x.id: x.name for x in named})

    def window_keys(self) -> dict[tuple[int, int, str], str]:
        """Return which sensor a (node, channel, quantity) is."""
        return {(s.node, s.channel, s.quantity): s.id for s in self.sensors}

    def interval_s(self, sensor: Sensor) -> int:
        """Return how often a sensor promises a reading."""
        return sensor.interval_s if sensor.source else self.by_node[sensor.node].interval_s

    def promise(self, sensor: Sensor) -> str:
        """Return what a sensor's way to the guard is worth: "full", "weaker" or "unsealed"."""
        if sensor.source:
            return "unsealed"
        node = self.by_node.get(sensor.node)
        return node.promise if node else "weaker"

    def tags(self) -> SensorTags:
        """Return how each (node, channel) is tagged in history."""
        return {(s.node, s.channel): (s.id, s.place, s.quantity) for s in self.sensors}

    def valid_ms(self) -> dict[int, int]:
        """Return per node how old a sample may be before it counts as backlog."""
        ages: dict[int, int] = {}
        for sensor in self.sensors:
            ages[sensor.node] = max(ages.get(sensor.node, 0), sensor.validity_s * 1000)
        return ages

    def nodes_of(self, station: str) -> Iterable[int]:
        """Return the nodes whose sensors judge a station."""
        wanted = {x for s in self.stations if s.id == station for x in s.sensors}
        return {s.node for s in self.sensors if s.id in wanted}


def from_site(site: model.Site) -> Places:
    """Make the plain data from a checked site."""
    return Places(
        site=site.id,
        name=_text(site.name),
        nodes=tuple(Node(n.id, _text(n.name), n.carrier, n.interval_s) for n in site.nodes),
        sensors=tuple(_sensors(site)),
        stations=tuple(_station(s, site) for s in site.stations),
        zones=tuple(_zone(z) for z in site.zones),
        networks=tuple(
            Network(
                n.id, _text(n.name), tuple(n.inflow), tuple(n.pressures), (*n.inner, *n.levels)
            )
            for n in site.networks
        ),
        sirens=tuple(
            Siren(s.id, _text(s.name), s.output.kind == "simulated") for s in site.sirens
        ),
        people=tuple(person.name for person in site.people),
        time_zone=site.time_zone,
        service=_service(site.service),
        spots=tuple(_spots(site)),
        foreign=tuple(site.foreign_sources),
    )


def _spots(site: model.Site) -> Iterable[Spot]:
    told: list[tuple[str, model.Station | model.Zone | model.RainGauge | model.Siren, list[str]]]
    told = [("station", s, s.sensors) for s in site.stations]
    told += [("zone", z, z.inflow) for z in site.zones]
    told += [("gauge", g, [g.sensor]) for g in site.rain_gauges]
    told += [("siren", s, []) for s in site.sirens]
    for kind, place, sensors in told:
        yield Spot(place.id, kind, place.latitude, place.longitude, tuple(sensors))


def _sensors(site: model.Site) -> Iterable[Sensor]:
    place_of = {sensor: z.id for z in site.zones for sensor in z.outflow}
    place_of |= {
        sensor: n.id
        for n in site.networks
        for sensor in (*n.inflow, *n.inner, *n.levels, *n.pressures)
    }
    place_of |= {sensor: s.id for s in site.stations for sensor in s.sensors}
    place_of |= {gauge.sensor: gauge.id for gauge in site.rain_gauges}
    place_of |= {sensor: z.id for z in site.zones for sensor in (*z.pressures, *z.inflow)}
    for node in site.nodes:
        for index, c in enumerate(node.channels):
            rules = model.limits(node, c)
            quality = (rules["min"], rules["max"], rules["step_per_min"], rules["flat_samples"])
            yield Sensor(
                c.sensor,
                _text(c.name or node.name),
                node.id,
                index,
                c.quantity,
                place_of.get(c.sensor, ""),
                rules["validity_s"],
                quality,
            )

    yield from _foreign(site, place_of)


def _foreign(site: model.Site, place_of: dict[str, str]) -> Iterable[Sensor]:
    """Yield the foreign sensors, whose channel in the journal is their own number."""
    for source, s in site.foreign_sensors().values():
        rules = model.foreign_limits(source, s)
        yield Sensor(
            s.sensor,
            _text(s.name or source.name),
            FOREIGN,
            s.number,
            s.quantity,
            place_of.get(s.sensor, s.station or ""),
            rules["validity_s"],
            (rules["min"], rules["max"], rules["step_per_min"], rules["flat_samples"]),
            source.id,
            source.interval_s,
        )


def _zone(zone: model.Zone) -> Zone:
    night = (zone.night_from, zone.night_to)
    sensors = (tuple(zone.inflow), tuple(zone.outflow), tuple(zone.pressures))
    return Zone(zone.id, _text(zone.name), *sensors, night)


def _service(service: model.Service | None) -> Service | None:
    if service is None:
        return None
    meters = {kind: tuple(getattr(service, kind)) for kind in ("produced", "imported", "exported")}
    return Service(service.name, service.length_km, service.scarce, meters)


def _station(station: model.Station, site: model.Site) -> Station:
    foreign = site.foreign_sensors()
    gauges = station.rain or [gauge.id for gauge in site.rain_gauges]
    limits = Thresholds(
        watch_mm=station.watch_mm,
        warning_mm=station.warning_mm,
        alarm_mm=station.alarm_mm,
        alarm_plus_mm=station.alarm_plus_mm,
    )
    return Station(
        station.id,
        _text(station.name),
        limits,
        tuple(station.sensors),
        station.river,
        station.hysteresis_mm,
        station.clear_s,
        station.rise_support_mm,
        station.rise_support_s,
        tuple(name for name, (_, s) in foreign.items() if s.station == station.id),
        any(gauge.id in gauges and gauge.sensor in foreign for gauge in site.rain_gauges),
    )


def _text(text: model.Text) -> Text:
    return {"fr": text.fr, "en": text.en}
