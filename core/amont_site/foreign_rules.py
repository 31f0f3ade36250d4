"""Check what a site says of other people's sensors: topics, paths, units, and whom they serve."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from amont_site.foreign import (
    DEVICE,
    PATH_PATTERN,
    TOTALS,
    ForeignSensor,
    ForeignSource,
    levels,
)
from amont_site.model import Site, foreign_limits
from amont_site.reading import Path
from amont_site.units import UNITS, fitting

Found = tuple[Path, str, dict[str, Any]]  # where, code, its values
_OURS = "amont"  # the first level of the topics of sealed frames
_WILD = ("+", "#", DEVICE)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def groups(site: Site) -> Iterator[list[tuple[Path, object]]]:
    """Yield what must differ within a group; sensor ids differ from those of nodes, too."""
    named = list(_sensors(site))
    yield [(("foreign_sources", i, "id"), s.id) for i, s in enumerate(site.foreign_sources)]
    yield [((*path, "number"), sensor.number) for path, _, sensor in named]
    yield [
        (("nodes", i, "channels", j, "sensor"), c.sensor)
        for i, n in enumerate(site.nodes)
        for j, c in enumerate(n.channels)
    ] + [((*path, "sensor"), sensor.sensor) for path, _, sensor in named]


def problems(site: Site) -> Iterator[Found]:
    """Yield what cannot work."""
    for i, source in enumerate(site.foreign_sources):
        path: Path = ("foreign_sources", i)
        yield from _source(site, path, source)
        for j, sensor in enumerate(source.sensors):
            here = (*path, "sensors", j)
            yield from _sensor(source, here, sensor)
            yield from _bounds(source, here, sensor)
            yield from _station(site, here, sensor)


def _sensors(site: Site) -> Iterator[tuple[Path, ForeignSource, ForeignSensor]]:
    for i, source in enumerate(site.foreign_sources):
        for j, sensor in enumerate(source.sensors):
            yield ("foreign_sources", i, "sensors", j), source, sensor


def _source(site: Site, path: Path, source: ForeignSource) -> Iterator[Found]:
    why = _topic(source.topic)
    if why:
        yield (*path, "topic"), why, {"value": source.topic}
    if source.broker is None and site.broker is None:
        yield path, "foreign-no-broker", {"value": source.id}
    broker = source.broker
    if broker is not None and not broker.tls and broker.host not in _LOOPBACK:
        yield (*path, "broker", "tls"), "no-tls", {"value": broker.host}
    if source.device is not None and DEVICE in levels(source.topic):
        yield (*path, "device"), "foreign-device-twice", {}
    for key in ("device", "time"):
        if getattr(source, key) is not None and source.form != "json":
            yield (*path, key), "foreign-useless", {"form": source.form, "key": key}
    if not source.dated:
        yield path, "foreign-undated", {"value": source.id}


def _topic(topic: str) -> str:
    """Return the code of what is wrong with a topic, "" if nothing."""
    parts = levels(topic)
    wild = [part for part in parts if part in _WILD]
    odd = any(re.search(r"[+#{}]", part) for part in parts if part not in _WILD)
    if odd or "#" in parts[:-1] or wild.count(DEVICE) > 1:
        return "foreign-topic"
    if parts[0] in (*_WILD, _OURS, "") or parts[0].startswith("$"):
        return "foreign-topic-wide"
    return ""


def _sensor(source: ForeignSource, path: Path, sensor: ForeignSensor) -> Iterator[Found]:
    names_device = source.device is not None or DEVICE in levels(source.topic)
    if sensor.device is not None and not names_device:
        yield (*path, "device"), "foreign-device-nowhere", {"value": sensor.device}
    yield from _value(source, path, sensor)
    if sensor.unit_at is not None and source.form != "json":
        yield (*path, "unit_at"), "foreign-useless", {"form": source.form, "key": "unit_at"}
    if sensor.total and sensor.quantity not in TOTALS:
        values = {"value": sensor.quantity, "choices": ", ".join(TOTALS)}
        yield (*path, "total"), "foreign-total", values
    told = (sensor.unit is not None) + (sensor.unit_at is not None)
    if told > 1 or (not told and source.form != "senml"):
        choices = ", ".join(fitting(sensor.read_as))
        yield path, "foreign-unit-once", {"value": sensor.sensor, "choices": choices}
    if sensor.unit is not None and (
        sensor.unit not in UNITS or sensor.unit not in fitting(sensor.read_as)
    ):
        choices = ", ".join(fitting(sensor.read_as))
        values = {"value": sensor.unit, "quantity": sensor.read_as, "choices": choices}
        yield (*path, "unit"), "foreign-unit", values


def _value(source: ForeignSource, path: Path, sensor: ForeignSensor) -> Iterator[Found]:
    value = sensor.value
    if source.form == "plain":
        if value is not None:
            yield (*path, "value"), "foreign-useless", {"form": source.form, "key": "value"}
    elif value is None:
        yield path, "foreign-value", {"value": sensor.sensor}
    elif source.form == "json" and not re.fullmatch(PATH_PATTERN[1:-1], value):
        yield (*path, "value"), "foreign-path", {"value": value}


def _bounds(source: ForeignSource, path: Path, sensor: ForeignSensor) -> Iterator[Found]:
    filled = foreign_limits(source, sensor)
    if filled["min"] >= filled["max"]:
        yield (*path, "min"), "min-max", {"value": filled["min"], "most": filled["max"]}
    if filled["validity_s"] <= source.interval_s:
        values = {
            "value": filled["validity_s"], "interval": source.interval_s,
            "better": 3 * source.interval_s,
        }  # fmt: skip
        yield (*path, "validity_s"), "validity-short", values


def _station(site: Site, path: Path, sensor: ForeignSensor) -> Iterator[Found]:
    if sensor.station is None:
        return
    if sensor.quantity != "stage_mm":
        values = {"value": sensor.sensor, "quantity": sensor.quantity, "needed": "stage_mm"}
        yield (*path, "station"), "quantity", values
    if sensor.station not in [station.id for station in site.stations]:
        yield (*path, "station"), "unknown-station", {"value": sensor.station, "near": ""}
