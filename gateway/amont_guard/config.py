"""Load the compiled site file that the guard lives by, bound by bound.

A file that does not hold leaves the guard on the last good copy, with a fault: a mistake in the
configuration must not silence a siren that worked yesterday. Each field below says its bounds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from amont_watch.siren import KEY

_LIMIT_BYTES = 1 << 20
_ID = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_PIN = r"scrypt\$(\d{1,7})\$(\d{1,2})\$([1-4])\$[0-9a-f]{16,128}\$[0-9a-f]{32,128}"
_PIN_BYTES = 48 << 20  # what checking one PIN may take
_WIDE = 2**30
_T = TypeVar("_T")


class ConfigError(ValueError):
    """The file cannot be used; the message says where and why."""


def _whole(low: int, high: int) -> Any:
    def read(value: Any, where: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ConfigError(f"{where}: {value!r}, must be {low} to {high}")
        return value

    return field(metadata={"read": read})


def _text(pattern: str = r".{1,300}") -> Any:
    def read(value: Any, where: str) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ConfigError(f"{where}: {value!r}, must match {pattern}")
        return value

    return field(metadata={"read": read})


def _names(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{where}: must be a list of names")
    return tuple(value)


def _label(value: Any, where: str) -> dict[str, str]:
    label = _object(value, where)
    if not all(isinstance(label.get(language), str) for language in ("fr", "en")):
        raise ConfigError(f"{where}: must have fr and en")
    return label


def _output(value: Any, where: str) -> dict[str, Any]:
    output = _object(value, where)
    if output.get("kind") not in ("simulated", "gpio"):
        raise ConfigError(f"{where}.kind: {output.get('kind')!r}, must be simulated or gpio")
    for name in ("pin", "readback_pin") if output["kind"] == "gpio" else ():
        pin = output.get(name)
        if not ((type(pin) is int and 0 <= pin <= 63) or (pin is None and name != "pin")):
            raise ConfigError(f"{where}.{name}: {pin!r}, must be 0 to 63")
    return output


def _many(kind: type[Any], limit: int) -> Any:
    def read(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > limit:
            raise ConfigError(f"{where}: must be a list of at most {limit}")
        return tuple(_build(kind, item, f"{where}[{at}].") for at, item in enumerate(value))

    return field(metadata={"read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One sensor of a node and what its readings must look like."""

    index: int = _whole(0, 3)
    sensor: str = _text(_ID)
    quantity: str = _text()
    validity_s: int = _whole(1, 90_000)
    min: int = _whole(-_WIDE, _WIDE)
    max: int = _whole(-_WIDE, _WIDE)
    step_per_min: int = _whole(0, _WIDE)
    flat_samples: int = _whole(0, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node."""

    id: int = _whole(1, 65534)
    carrier: str = _text("bridge|mqtt|lorawan")
    interval_s: int = _whole(1, 90_000)
    fast_interval_s: int = _whole(1, 90_000)
    channels: tuple[Channel, ...] = _many(Channel, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One river place."""

    id: str = _text(_ID)
    name: dict[str, str] = field(metadata={"read": _label})
    sensors: tuple[str, ...] = field(metadata={"read": _names})
    watch_mm: int = _whole(-100_000, 1_000_000)
    warning_mm: int = _whole(-100_000, 1_000_000)
    alarm_mm: int = _whole(-100_000, 1_000_000)
    alarm_plus_mm: int = _whole(-100_000, 1_000_000)
    hysteresis_mm: int = _whole(0, 10_000)
    clear_s: int = _whole(0, 86_400)
    rise_support_mm: int = _whole(1, 100_000)
    rise_support_s: int = _whole(1, 90_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Siren:
    """One siren, the stations that may sound it, and its output."""

    id: str = _text(_ID)
    name: dict[str, str] = field(metadata={"read": _label})
    stations: tuple[str, ...] = field(metadata={"read": _names})
    output: dict[str, Any] = field(metadata={"read": _output})
    max_on_s: int = _whole(1, 3600)
    pause_s: int = _whole(0, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person who may act."""

    name: str = _text()
    role: str = _text()
    pin: str = _text(_PIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bridge:
    port: str = _text(r".{0,300}")
    baud: int = _whole(1200, 3_000_000)


def _bridge(value: Any, where: str) -> _Bridge:
    return _build(_Bridge, value or {"port": "", "baud": 115200}, f"{where}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    format: int = _whole(1, 1)
    sha256: str = _text(r"[0-9a-f]{64}")
    site: str = _text(_ID)
    bridge: _Bridge = field(metadata={"read": _bridge})
    nodes: tuple[Node, ...] = _many(Node, 500)
    stations: tuple[Station, ...] = _many(Station, 100)
    sirens: tuple[Siren, ...] = _many(Siren, 16)
    people: tuple[Person, ...] = _many(Person, 100)


class Config:
    """The compiled site, by name."""

    def __init__(self, site: _Site) -> None:
        """Check what no field can say alone; raise ConfigError."""
        self.site, self.sha256 = site.site, site.sha256
        self.port, self.baud = site.bridge.port, site.bridge.baud
        self.nodes = {node.id: node for node in site.nodes}
        self.stations = {station.id: station for station in site.stations}
        self.sirens = {siren.id: siren for siren in site.sirens}
        self.people = {person.name: person for person in site.people}
        channels = [channel for node in site.nodes for channel in node.channels]
        sensors = {channel.sensor for channel in channels}
        _check(len(sensors) == len(channels), "nodes", "a sensor is named twice")
        for channel in channels:
            _check(channel.min < channel.max, f"sensor {channel.sensor}", "min is not below max")
        for s in site.stations:
            known = 1 <= len(s.sensors) <= 3 and sensors.issuperset(s.sensors)
            _check(known, f"station {s.id}", "needs 1 to 3 sensors of this file")
            apart = len(set(s.sensors)) == len(s.sensors)
            _check(apart, f"station {s.id}", "names a sensor twice: it would vote twice")
            rising = s.watch_mm < s.warning_mm < s.alarm_mm < s.alarm_plus_mm
            _check(rising, f"station {s.id}", "its four limits must rise")
        for siren in site.sirens:
            known = bool(siren.stations) and self.stations.keys() >= set(siren.stations)
            _check(known, f"siren {siren.id}", "needs stations of this file")
        for person in site.people:
            nobody = person.name == KEY
            _check(not nobody, f"person {person.name}", "is the key at the box, not a name")
            n, r = (int(number) for number in person.pin.split("$")[1:3])
            _check(128 * n * r <= _PIN_BYTES, f"person {person.name}", "pin takes over 48 MiB")


def load(path: Path) -> tuple[Config, dict[str, str]]:
    """Return the configuration and faults of it by kind; raise ConfigError if there is none.

    "config": why the last good copy is in force; "copy": why none could be kept.
    """
    good = path.with_name(path.name + ".good")
    try:
        content = _read(path)
        config = parse(content)
    except ConfigError as error:
        try:
            return parse(_read(good)), {"config": f"{path.name}: {error}"}
        except ConfigError:
            raise ConfigError(f"{path}: {error}; there is no good copy either") from None
    return config, _keep(good, content)


def parse(content: bytes) -> Config:
    """Check a compiled site file; raise ConfigError naming the first thing that does not hold."""
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not JSON ({error})") from None
    site = _build(_Site, raw, "")
    body = {name: value for name, value in raw.items() if name != "sha256"}
    try:
        found = digest(body)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not canonical JSON ({error})") from None
    if site.sha256 != found:
        raise ConfigError("sha256 does not match: the file was changed by hand or damaged")
    return Config(site)


def digest(body: dict[str, Any]) -> str:
    """Return the sha256 of the canonical JSON of a site without its ``sha256``."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _build(kind: type[_T], value: Any, where: str) -> _T:
    given = _object(value, where.rstrip(".") or "file")
    return kind(**{
        f.name: f.metadata["read"](given.get(f.name), where + f.name)
        for f in fields(kind)  # type: ignore[arg-type]  # all of them are dataclasses
    })  # fmt: skip


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: not an object")
    return value


def _check(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise ConfigError(f"{where}: {what}")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigError(error.strerror or str(error)) from None
    _check(len(content) <= _LIMIT_BYTES, path.name, "larger than 1 MiB")
    return content


def _keep(good: Path, content: bytes) -> dict[str, str]:
    try:
        if not good.exists() or good.read_bytes() != content:
            part = good.with_name(good.name + ".part")
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(good)
    except OSError as error:
        return {"copy": f"{good.name} cannot be kept: {error.strerror or error}"}
    return {}
