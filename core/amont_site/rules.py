"""Check what hangs together in a site that is well formed part by part."""

from __future__ import annotations

import difflib
import itertools
import zoneinfo
from collections.abc import Callable, Iterator

from amont_site import foreign_rules, hardware_rules, lorawan_rules, radio_rules, water_rules
from amont_site.model import (
    NEEDED,
    OUTPUT_KEYS,
    Channel,
    Drill,
    Measure,
    Node,
    Output,
    Siren,
    Site,
    Station,
    Supervision,
    frame_samples,
    limits,
    reach_mm,
    validity_for,
)  # fmt: skip
from amont_site.reading import EXAMPLES, Path, Reader
from amont_site.water import Zone

WIRES = (
    "pin", "readback_pin", "isolate_pin", "isolate_readback_pin",
    "coil", "isolate_coil", "readback_input", "isolate_readback_input",
    "mains", "tamper", "mute_no", "mute_nc", "bypass",
)  # fmt: skip
COILS = {"coil", "isolate_coil"}
Uses = list[tuple[Path, object]]
GPIO_PIN_MAX, ADC_CHANNEL_MAX = 27, 7
THRESHOLDS = ("watch_mm", "warning_mm", "alarm_mm", "alarm_plus_mm")
# Other quantities may be measured without a place that judges them: a battery, a temperature.
NEED_A_PLACE = {"stage_mm", "flow_l_h", "rain_um"}
CARRIERS = {"mqtt": "MQTT", "lorawan": "LoRaWAN"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Rules:
    """Adds to a reader the problems of its site."""

    def __init__(self, reader: Reader, site: Site) -> None:
        self.reader = reader
        self.site = site
        self.sensors = site.sensors()
        self.foreign = site.foreign_sensors()

    def say(self, path: Path, code: str, **values: object) -> None:
        """Add a problem at a path, or at the nearest part above it that the file has."""
        above = path
        while above not in self.reader.lines:
            above = above[:-1]
        self.reader.problem(self.reader.lines[above], path, code, **values)

    def run(self) -> None:
        """Check everything."""
        for check in CHECKS:
            check(self)


def _unique(rules: Rules) -> None:
    site = rules.site
    groups = (_ids(site), foreign_rules.groups(site), water_rules.groups(site), _siren_uses(site))
    for group in itertools.chain(*groups):
        first: dict[object, Path] = {}
        for path, value in group:
            if value in first:
                line = rules.reader.lines[first[value]]
                rules.say(path, "twice", value=value, first=line)
            first.setdefault(value, path)


def _ids(site: Site) -> Iterator[Uses]:
    yield [(("nodes", i, "id"), n.id) for i, n in enumerate(site.nodes)]
    yield [(("stations", i, "id"), s.id) for i, s in enumerate(site.stations)]
    yield [(("zones", i, "id"), z.id) for i, z in enumerate(site.zones)]
    yield [(("rain_gauges", i, "id"), g.id) for i, g in enumerate(site.rain_gauges)]
    yield [(("sirens", i, "id"), s.id) for i, s in enumerate(site.sirens)]
    yield [(("people", i, "name"), p.name) for i, p in enumerate(site.people)]


def _siren_uses(site: Site) -> Iterator[Uses]:
    pins: Uses = []  # of the one Pi; on a module the numbers count from 0 each time
    ports, channels = radio_rules.uses(site)
    for i, siren in enumerate(site.sirens):
        path: Path = ("sirens", i)
        yield [((*path, "stations", j), name) for j, name in enumerate(siren.stations)]
        drill = siren.practice.drill
        agreed: Path = (*path, "practice", "drill", "agreed_by")
        yield [((*agreed, j), name) for j, name in enumerate(drill.agreed_by if drill else ())]
        wires = list(_wires(i, siren))
        if siren.output.kind == "gpio":
            pins += wires
        yield [use for use in wires if siren.output.kind == "modbus" and use[0][-1] in COILS]
        yield [use for use in wires if siren.output.kind == "modbus" and use[0][-1] not in COILS]
        if siren.output.port is not None:
            ports.append(((*path, "output", "port"), siren.output.port))
    yield pins
    yield ports
    yield channels
    yield from lorawan_rules.uses(site)


def _wires(i: int, siren: Siren) -> Iterator[tuple[Path, object]]:
    """Yield the numbers that a siren takes of pins, or of a module's coils and inputs."""
    path: Path = ("sirens", i)
    for part, holder in (
        ("output", siren.output), ("supervision", siren.supervision), ("key", siren.key),
    ):  # fmt: skip
        for key in WIRES:
            number = getattr(holder, key, None)
            if number is not None:
                yield (*path, part, key), number


def _uses(site: Site) -> Iterator[tuple[Path, str, str]]:
    for i, station in enumerate(site.stations):
        for j, sensor in enumerate(station.sensors):
            yield ("stations", i, "sensors", j), sensor, "stage_mm"
    for i, zone in enumerate(site.zones):
        for j, sensor in enumerate(zone.inflow):
            yield ("zones", i, "inflow", j), sensor, "flow_l_h"
    for i, gauge in enumerate(site.rain_gauges):
        yield ("rain_gauges", i, "sensor"), gauge.sensor, "rain_um"


def _places(rules: Rules) -> None:
    used: dict[str, Path] = {}
    for path, sensor, needed in _uses(rules.site):
        if sensor in used and (sensor in rules.sensors or sensor in rules.foreign):
            line = rules.reader.lines[used[sensor]]
            rules.say(path, "sensor-used", value=sensor, first=line)
        else:
            _fits(rules, path, sensor, needed)
        used.setdefault(sensor, path)
    for path, sensor, needed in water_rules.uses(rules.site):  # a zone's meter may be one
        _fits(rules, path, sensor, needed)
        used.setdefault(sensor, path)
    for i, node in enumerate(rules.site.nodes):
        for j, channel in enumerate(node.channels):
            if channel.sensor not in used and channel.quantity in NEED_A_PLACE:
                path = ("nodes", i, "channels", j, "sensor")
                rules.say(path, "sensor-unused", value=channel.sensor)


def _fits(rules: Rules, path: Path, sensor: str, needed: str) -> None:
    channel = (rules.sensors.get(sensor) or rules.foreign.get(sensor) or (None, None))[1]
    if channel is None:
        near = _near(sensor, [*rules.sensors, *rules.foreign])
        rules.say(path, "unknown-sensor", value=sensor, near=near)
        return
    if sensor in rules.foreign and path[0] == "stations":
        rules.say(path, "foreign-votes", value=sensor)
        return
    quantity = channel.quantity
    if quantity not in needed.split(", "):
        rules.say(path, "quantity", value=sensor, quantity=quantity, needed=needed)


def _near(word: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(word, choices, n=1)
    return f" ('{near[0]}'?)" if near else ""


def _nodes(rules: Rules) -> None:
    for i, node in enumerate(rules.site.nodes):
        path: Path = ("nodes", i)
        if node.fast_interval_s > node.interval_s:
            rules.say(
                (*path, "fast_interval_s"), "fast-slower",
                value=node.fast_interval_s, interval=node.interval_s,
            )  # fmt: skip
        for j, channel in enumerate(node.channels):
            _channel(rules, (*path, "channels", j), node, channel)
        stations = {sensor for station in rules.site.stations for sensor in station.sensors}
        for below, code, values in hardware_rules.problems(node, stations):
            rules.say((*path, *below), code, **values)


def _carriers(rules: Rules) -> None:
    first: dict[str, int] = {}
    for i, node in enumerate(rules.site.nodes):
        first.setdefault(node.carrier, i)
    missing = {"bridge": rules.site.bridge is None, "mqtt": rules.site.broker is None}
    codes = {"bridge": "no-bridge", "mqtt": "no-broker"}
    radio = itertools.chain(radio_rules.problems(rules.site), lorawan_rules.problems(rules.site))
    for path, code, values in radio:
        rules.say(path, code, **values)
    for carrier, i in first.items():
        if missing.get(carrier):
            value = rules.site.nodes[i].id
            rules.say(("nodes", i, "carrier"), codes[carrier], value=value)


def _foreign(rules: Rules) -> None:
    for path, code, values in foreign_rules.problems(rules.site):
        rules.say(path, code, **values)


def _channel(rules: Rules, path: Path, node: Node, channel: Channel) -> None:
    filled = limits(node, channel)
    if filled["validity_s"] <= node.interval_s:
        rules.say(
            (*path, "validity_s"), "validity-short",
            value=filled["validity_s"], interval=node.interval_s, better=3 * node.interval_s,
        )  # fmt: skip
    elif filled["validity_s"] <= frame_samples(node) * node.interval_s:
        rules.say(
            (*path, "validity_s"), "validity-frames", value=filled["validity_s"],
            samples=frame_samples(node), better=validity_for(node.interval_s, frame_samples(node)),
        )  # fmt: skip
    if filled["min"] >= filled["max"]:
        rules.say((*path, "min"), "min-max", value=filled["min"], most=filled["max"])


def _stations(rules: Rules) -> None:
    for i, station in enumerate(rules.site.stations):
        path: Path = ("stations", i)
        values = [getattr(station, key) for key in THRESHOLDS]
        for k in range(1, len(values)):
            if values[k] <= values[k - 1]:
                rules.say(
                    (*path, THRESHOLDS[k]), "order", key=THRESHOLDS[k], value=values[k],
                    below_key=THRESHOLDS[k - 1], below=values[k - 1],
                )  # fmt: skip
        gap = min(above - below for below, above in itertools.pairwise(values))
        if 0 < gap <= station.hysteresis_mm:
            rules.say((*path, "hysteresis_mm"), "hysteresis", value=station.hysteresis_mm, gap=gap)
        _reach(rules, path, station)
        _bounds(rules, path, station)


def _reach(rules: Rules, path: Path, station: Station) -> None:
    for sensor in station.sensors:
        if sensor not in rules.sensors:
            continue
        filled = limits(*rules.sensors[sensor])
        for key in THRESHOLDS:
            value = getattr(station, key)
            if not filled["min"] < value <= filled["max"]:
                rules.say(
                    (*path, key), "outside", key=key, value=value, sensor=sensor,
                    least=filled["min"], most=filled["max"],
                )  # fmt: skip


def _bounds(rules: Rules, path: Path, station: Station) -> None:
    if station.bounds_mm is None:
        return  # near the four limits, which _reach looks at
    low, high = station.bounds_mm
    if low >= high:
        rules.say((*path, "bounds_mm"), "low-high", low=low, high=high)
    least, most = reach_mm(rules.site, station)
    if low < least or high > most:
        rules.say((*path, "bounds_mm"), "bounds-wide", least=least, most=most)
    for key in THRESHOLDS:
        value = getattr(station, key)
        if low < high and not low <= value <= high:
            rules.say((*path, key), "outside-bounds", key=key, value=value, least=low, most=high)


def _zones(rules: Rules) -> None:
    for i, zone in enumerate(rules.site.zones):
        if not _in_order(zone):
            rules.say(
                ("zones", i, "night_to"), "night", value=zone.night_to, first=zone.night_from
            )


def _in_order(zone: Zone) -> bool:
    return zone.night_from < zone.night_to  # both are hh:mm


def _water(rules: Rules) -> None:
    site, of = rules.site, water_rules
    found = itertools.chain(of.problems(site), of.half_places(site), of.lone_pressures(site))
    for path, code, value, choices in found:
        rules.say(path, code, value=value, near=_near(value, choices))


def _sirens(rules: Rules) -> None:
    stations = {station.id: station for station in rules.site.stations}
    for i, siren in enumerate(rules.site.sirens):
        _output(rules, ("sirens", i), siren)
        _drill(rules, ("sirens", i), siren.practice.drill)
        for j, name in enumerate(siren.stations):
            path: Path = ("sirens", i, "stations", j)
            if name in stations:
                _promise(rules, path, stations[name])
            else:
                near = _near(name, list(stations))
                rules.say(path, "unknown-station", value=name, near=near)
    if rules.site.sirens and len(rules.site.people) < 2:
        rules.say(("people",), "few-people", count=len(rules.site.people))


def _output(rules: Rules, path: Path, siren: Siren) -> None:
    output, here = siren.output, (*path, "output")
    known = OUTPUT_KEYS[output.kind]
    for key in output.__struct_fields__[1:]:
        if key not in known and getattr(output, key) is not None:
            rules.say((*here, key), "output-useless", kind=output.kind, key=key)
    if output.active_high is False:
        rules.say((*here, "active_high"), "active-low")
    missing = [k for k, usual in known.items() if usual == NEEDED and getattr(output, k) is None]
    for key in missing:
        rules.say(here, "output-missing", kind=output.kind, key=key, example=EXAMPLES[key])
    if output.kind == "simulated":
        for key, there in (("supervision", siren.supervision), ("key", siren.key)):
            if there not in (None, Supervision()):
                rules.say((*path, key), "no-wires", key=key)
    elif not missing:
        _silent_test(rules, here, output)
        _supervision(rules, path, siren)


def _silent_test(rules: Rules, path: Path, output: Output) -> None:
    suffixes = {"gpio": ("readback_pin", "isolate_pin", "isolate_readback_pin")}
    needed = suffixes.get(
        output.kind, ("readback_input", "isolate_coil", "isolate_readback_input")
    )
    missing = [key for key in needed if getattr(output, key) is None]
    if missing:
        rules.say(path, "silent-test-partial", missing=", ".join(missing))


def _supervision(rules: Rules, path: Path, siren: Siren) -> None:
    for key in siren.supervision.__struct_fields__:
        what, here = getattr(siren.supervision, key), (*path, "supervision", key)
        if isinstance(what, Measure):
            if what.low >= what.high:
                rules.say(here, "low-high", low=what.low, high=what.high)
            if siren.output.kind == "gpio" and what.at > ADC_CHANNEL_MAX:
                rules.say((*here, "at"), "between", value=what.at, least=0, most=ADC_CHANNEL_MAX)
    if siren.output.kind == "gpio":
        for here, number in _wires(int(path[1]), siren):
            if int(str(number)) > GPIO_PIN_MAX:
                rules.say(here, "between", value=number, least=0, most=GPIO_PIN_MAX)


def _drill(rules: Rules, path: Path, drill: Drill | None) -> None:
    people = [person.name for person in rules.site.people]
    for j, name in enumerate(drill.agreed_by if drill else ()):
        if name not in people:
            here: Path = (*path, "practice", "drill", "agreed_by", j)
            rules.say(here, "unknown-person", value=name, near=_near(name, people))


def _promise(rules: Rules, path: Path, station: Station) -> None:
    for sensor in station.sensors:
        carrier = rules.sensors[sensor][0].carrier if sensor in rules.sensors else "bridge"
        if carrier != "bridge":
            rules.say(path, "weaker-promise", value=sensor, carrier=CARRIERS[carrier])
    if len(station.sensors) == 1:
        rules.say(path, "one-sensor", value=station.id)


def _surroundings(rules: Rules) -> None:
    site = rules.site
    if site.time_zone not in zoneinfo.available_timezones():
        rules.say(("time_zone",), "time-zone", value=site.time_zone)
    if site.broker is not None and not site.broker.tls and site.broker.host not in LOOPBACK:
        rules.say(("broker", "tls"), "no-tls", value=site.broker.host)


CHECKS: tuple[Callable[[Rules], None], ...] = (
    _unique, _places, _nodes, _carriers, _foreign, _stations, _zones, _water, _sirens,
    _surroundings,
)  # fmt: skip
