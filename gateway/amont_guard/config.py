"""Load the compiled site file that the guard lives by, bound by bound.

A file that does not hold leaves the guard on the last good copy, with a fault: a mistake in the
configuration must not silence a siren that worked yesterday.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LIMIT_BYTES = 1 << 20
_MM = (-100_000, 1_000_000)
_SECONDS = (1, 90_000)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PIN = re.compile(r"scrypt\$(\d+)\$(\d+)\$(\d+)\$([0-9a-f]{16,128})\$([0-9a-f]{32,128})")
_CARRIERS = ("bridge", "mqtt", "lorawan")
_OUTPUTS = ("simulated", "gpio")


class ConfigError(ValueError):
    """The file cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One sensor of a node and what its readings must look like."""

    index: int
    sensor: str
    quantity: str
    validity_s: int
    min: int
    max: int
    step_per_min: int
    flat_samples: int


@dataclass(frozen=True, slots=True)
class Node:
    """One node."""

    id: int
    carrier: str
    interval_s: int
    fast_interval_s: int
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Station:
    """One river place."""

    id: str
    name: dict[str, str]
    sensors: tuple[str, ...]
    watch_mm: int
    warning_mm: int
    alarm_mm: int
    alarm_plus_mm: int
    hysteresis_mm: int
    clear_s: int
    rise_support_mm: int
    rise_support_s: int


@dataclass(frozen=True, slots=True)
class Siren:
    """One siren, the stations that may sound it, and its output."""

    id: str
    name: dict[str, str]
    stations: tuple[str, ...]
    output: dict[str, Any]
    max_on_s: int
    pause_s: int


@dataclass(frozen=True, slots=True)
class Person:
    """One person who may act."""

    name: str
    role: str
    pin: str


@dataclass(frozen=True, slots=True)
class Config:
    """The compiled site."""

    site: str
    port: str
    baud: int
    nodes: dict[int, Node]
    stations: dict[str, Station]
    sirens: dict[str, Siren]
    people: dict[str, Person]
    sha256: str


def load(path: Path) -> tuple[Config, str]:
    """Return the configuration, and why if it is the last good copy; else raise ConfigError."""
    good = path.with_name(path.name + ".good")
    try:
        content = _read(path)
        config = parse(content)
    except ConfigError as error:
        try:
            return parse(_read(good)), f"{path.name}: {error}; the last good copy is in force"
        except ConfigError:
            raise ConfigError(f"{path}: {error}; there is no good copy either") from None
    return config, _keep(good, content)


def parse(content: bytes) -> Config:
    """Check a compiled site file; raise ConfigError naming the first thing that does not hold."""
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not JSON ({error})") from None
    root = _Fields(raw, "")
    root.integer("format", (1, 1))
    claimed = root.text("sha256")
    body = {name: value for name, value in raw.items() if name != "sha256"}
    if claimed != digest(body):
        raise ConfigError("sha256 does not match: the file was changed by hand or damaged")
    bridge = _Fields(raw.get("bridge") or {"port": "", "baud": 115200}, "bridge")
    config = Config(
        site=root.identifier("site"),
        port=bridge.text("port", empty=True),
        baud=bridge.integer("baud", (1200, 3_000_000)),
        nodes={node.id: node for node in root.each("nodes", _node, 500)},
        stations={station.id: station for station in root.each("stations", _station, 100)},
        sirens={siren.id: siren for siren in root.each("sirens", _siren, 16)},
        people={person.name: person for person in root.each("people", _person, 100)},
        sha256=claimed,
    )
    _check_references(config)
    return config


def digest(body: dict[str, Any]) -> str:
    """Return the sha256 of the canonical JSON of a site without its ``sha256``."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class _Fields:
    """One JSON object and where it stands, for errors that say so."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ConfigError(f"{where or 'file'}: not an object")
        self.value: dict[str, Any] = value
        self.where = where

    def fail(self, name: str, what: str) -> ConfigError:
        return ConfigError(f"{self.where}{'.' if self.where else ''}{name}: {what}")

    def integer(self, name: str, bounds: tuple[int, int]) -> int:
        value = self.value.get(name)
        if type(value) is not int or not bounds[0] <= value <= bounds[1]:
            raise self.fail(name, f"{value!r}, must be {bounds[0]} to {bounds[1]}")
        return value

    def text(self, name: str, empty: bool = False, among: tuple[str, ...] = ()) -> str:
        value = self.value.get(name)
        if not isinstance(value, str) or len(value) > 300 or not (value or empty):
            raise self.fail(name, "must be a text")
        if among and value not in among:
            raise self.fail(name, f"{value!r}, must be one of {', '.join(among)}")
        return value

    def identifier(self, name: str) -> str:
        value = self.text(name)
        if not _ID.fullmatch(value):
            raise self.fail(name, f"{value!r}, letters, digits, - and _ only")
        return value

    def label(self, name: str) -> dict[str, str]:
        both = _Fields(self.value.get(name), f"{self.where}.{name}")
        return {"fr": both.text("fr"), "en": both.text("en")}

    def names(self, name: str) -> tuple[str, ...]:
        value = self.value.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(name, "must be a list of names")
        return tuple(value)

    def each(self, name: str, read: Callable[[_Fields], Any], limit: int) -> list[Any]:
        value = self.value.get(name)
        if not isinstance(value, list) or len(value) > limit:
            raise self.fail(name, f"must be a list of at most {limit}")
        where = f"{self.where}{'.' if self.where else ''}{name}"
        return [read(_Fields(item, f"{where}[{at}]")) for at, item in enumerate(value)]


def _channel(f: _Fields) -> Channel:
    low = f.integer("min", (-(2**30), 2**30))
    return Channel(
        index=f.integer("index", (0, 3)), sensor=f.identifier("sensor"),
        quantity=f.text("quantity"), validity_s=f.integer("validity_s", _SECONDS),
        min=low, max=f.integer("max", (low + 1, 2**30)),
        step_per_min=f.integer("step_per_min", (0, 2**30)),
        flat_samples=f.integer("flat_samples", (0, 100_000)),
    )  # fmt: skip


def _node(f: _Fields) -> Node:
    return Node(
        id=f.integer("id", (1, 65534)), carrier=f.text("carrier", among=_CARRIERS),
        interval_s=f.integer("interval_s", _SECONDS),
        fast_interval_s=f.integer("fast_interval_s", _SECONDS),
        channels=tuple(f.each("channels", _channel, 4)),
    )  # fmt: skip


def _station(f: _Fields) -> Station:
    watch = f.integer("watch_mm", _MM)
    warning = f.integer("warning_mm", (watch + 1, _MM[1]))
    alarm = f.integer("alarm_mm", (warning + 1, _MM[1]))
    return Station(
        id=f.identifier("id"), name=f.label("name"), sensors=f.names("sensors"),
        watch_mm=watch, warning_mm=warning, alarm_mm=alarm,
        alarm_plus_mm=f.integer("alarm_plus_mm", (alarm + 1, _MM[1])),
        hysteresis_mm=f.integer("hysteresis_mm", (0, 10_000)),
        clear_s=f.integer("clear_s", (0, 86_400)),
        rise_support_mm=f.integer("rise_support_mm", (1, 100_000)),
        rise_support_s=f.integer("rise_support_s", _SECONDS),
    )  # fmt: skip


def _siren(f: _Fields) -> Siren:
    output = _Fields(f.value.get("output"), f"{f.where}.output")
    if output.text("kind", among=_OUTPUTS) == "gpio":
        output.integer("pin", (0, 63))
        if output.value.get("readback_pin") is not None:
            output.integer("readback_pin", (0, 63))
    return Siren(
        id=f.identifier("id"), name=f.label("name"), stations=f.names("stations"),
        output=output.value, max_on_s=f.integer("max_on_s", (1, 3600)),
        pause_s=f.integer("pause_s", (0, 3600)),
    )  # fmt: skip


def _person(f: _Fields) -> Person:
    pin = f.text("pin")
    found = _PIN.fullmatch(pin)
    if not found or 128 * int(found[1]) * int(found[2]) > 48 << 20 or int(found[3]) > 4:
        raise f.fail("pin", "must be scrypt$n$r$p$salt$hash, at most 48 MiB")
    return Person(name=f.text("name"), role=f.text("role"), pin=pin)


def _check_references(config: Config) -> None:
    sensors = [channel.sensor for node in config.nodes.values() for channel in node.channels]
    if len(sensors) != len(set(sensors)):
        raise ConfigError("nodes: a sensor is named twice")
    for station in config.stations.values():
        missing = set(station.sensors) - set(sensors)
        if missing or not 1 <= len(station.sensors) <= 3:
            raise ConfigError(
                f"stations.{station.id}.sensors: {sorted(missing) or '1 to 3 of them'}"
            )
    for siren in config.sirens.values():
        if not siren.stations or set(siren.stations) - set(config.stations):
            raise ConfigError(f"sirens.{siren.id}.stations: each must be a station of this file")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigError(error.strerror or str(error)) from None
    if len(content) > _LIMIT_BYTES:
        raise ConfigError("larger than 1 MiB")
    return content


def _keep(good: Path, content: bytes) -> str:
    try:
        if not good.exists() or good.read_bytes() != content:
            part = good.with_name(good.name + ".part")
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(good)
    except OSError as error:
        return f"{good.name} cannot be kept: {error.strerror or error}"
    return ""
