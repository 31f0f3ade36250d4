"""Load the compiled site file that the guard lives by, bound by bound.

A file that does not hold, or that the guard cannot start with, leaves it on the last good copy:
a mistake in the configuration must not silence a siren that worked yesterday. Each field below
says its bounds; what the guard does not use it does not read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from amont_watch.siren import KEY, SCHEDULE

_LIMIT_BYTES = 1 << 20
_PIN_BYTES = 48 << 20  # what checking one PIN may take
DAY_S = 86_400
_T = TypeVar("_T")
_Read = Callable[[Any, str], Any]  # value, where it stands: the value, or ConfigError


class ConfigError(ValueError):
    """The file cannot be used; the message says where and why."""


def _check(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise ConfigError(f"{where}: {what}")


def _one(fits: Callable[[Any], bool], must: str) -> _Read:
    def read(value: Any, where: str) -> Any:
        _check(fits(value), where, f"{value!r:.100}, must {must}")
        return value

    return read


def _whole(low: int, high: int) -> _Read:
    return _one(lambda v: type(v) is int and low <= v <= high, f"be {low} to {high}")


def _text(form: str) -> _Read:
    return _one(lambda v: isinstance(v, str) and bool(re.fullmatch(form, v)), f"match {form}")


def _or(usual: Any, read: _Read) -> _Read:
    return lambda value, where: usual if value is None else read(value, where)


def _or_null(read: _Read) -> _Read:
    return _or(None, read)


def _list(read: _Read, least: int, most: int) -> _Read:
    def read_all(value: Any, where: str) -> list[Any]:
        fits = isinstance(value, list) and least <= len(value) <= most
        _check(fits, where, f"must be a list of {least} to {most}")
        return [read(item, f"{where}[{at}]") for at, item in enumerate(value)]

    return read_all


def _keys(**reads: _Read) -> _Read:
    def read_all(value: Any, where: str) -> dict[str, Any]:
        _check(isinstance(value, dict), where or "file", "not an object")
        return {
            name: read(value.get(name), f"{where}.{name}".lstrip("."))
            for name, read in reads.items()
        }

    return read_all


class _Part(SimpleNamespace):
    """A part of the file: how each of its keys is read, and then what was read."""

    reads: ClassVar[dict[str, _Read]]


def _part(kind: type[_Part]) -> _Read:
    read = _keys(**kind.reads)
    return lambda value, where: kind(**read(value, where))


def _parts(kind: type[_Part], most: int) -> _Read:
    return _list(_part(kind), 0, most)


_ID = _text(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PIN = _text(r"scrypt\$(\d{1,7})\$(\d{1,2})\$([1-4])\$[0-9a-f]{16,128}\$[0-9a-f]{32,128}")
_OBJECT = _one(lambda v: isinstance(v, dict), "be an object")
_WIDE, _MM, _SECONDS = _whole(-(2**30), 2**30), _whole(-100_000, 1_000_000), _whole(1, 90_000)
_DAY = {"hour": _whole(0, 23), "minute": _whole(0, 59)}  # local time
_DRILL = {
    **_DAY, "weekday": _whole(0, 6), "nth": _whole(1, 4), "seconds": _whole(1, 120),
    "agreed_by": _list(_text(".+"), 2, 2),
}  # fmt: skip


class Bridge(_Part):
    """The bridge that transmits, those that only listen, and what all of them listen to."""

    # a file of a release before this one says port and baud
    reads: ClassVar = {
        "port": _text(r".{0,300}"), "baud": _whole(1200, 4_000_000),
        "listeners": _or([], _list(_text(r".{1,300}"), 0, 3)),
        "channels_khz": _or([868_100, 868_300, 868_500], _list(_whole(100_000, 999_999), 1, 8)),
        "power_dbm": _or(14, _whole(-9, 30)),
        "spreading_factors": _or([9], _list(_whole(7, 12), 1, 6)),
    }  # fmt: skip


class Channel(_Part):
    """One sensor of a node and what its readings must look like."""

    reads: ClassVar = {
        "index": _whole(0, 3), "sensor": _ID, "validity_s": _SECONDS, "min": _WIDE, "max": _WIDE,
        "step_per_min": _whole(0, 2**30), "flat_samples": _whole(0, 100_000),
    }  # fmt: skip


class Node(_Part):
    """One node."""

    reads: ClassVar = {
        "id": _whole(1, 65534), "carrier": _text("bridge|mqtt|lorawan"),
        "interval_s": _SECONDS, "fast_interval_s": _SECONDS, "channels": _parts(Channel, 4),
    }  # fmt: skip


class Station(_Part):
    """One river place."""

    reads: ClassVar = {
        "id": _ID, "sensors": _list(_ID, 1, 3),
        "watch_mm": _MM, "warning_mm": _MM, "alarm_mm": _MM, "alarm_plus_mm": _MM,
        "bounds_mm": _list(_WIDE, 2, 2), "limits_delay_s": _whole(0, 86_400),
        "hysteresis_mm": _whole(0, 10_000), "clear_s": _whole(0, 86_400),
        "rise_support_mm": _whole(1, 100_000), "rise_support_s": _SECONDS,
    }  # fmt: skip

    @property
    def limits_mm(self) -> list[int]:
        """Return the file's own four limits: watch, warning, alarm, alarm+."""
        return [self.watch_mm, self.warning_mm, self.alarm_mm, self.alarm_plus_mm]


class Siren(_Part):
    """One siren and the stations that may sound it; ``supervise`` checks what is wired to it."""

    reads: ClassVar = {
        "id": _ID, "stations": _list(_ID, 1, 100), "output": _OBJECT, "supervision": _OBJECT,
        "key": _or_null(_OBJECT), "max_on_s": _whole(1, 3600), "pause_s": _whole(0, 3600),
        "practice": _keys(silent_test=_keys(**_DAY), drill=_or_null(_keys(**_DRILL))),
    }  # fmt: skip


class Person(_Part):
    """One person who may act."""

    reads: ClassVar = {"name": _text(r".{1,300}"), "pin": _PIN}


_read_site = _keys(
    format=_whole(1, 1), sha256=_text(r"[0-9a-f]{64}"), site=_ID,
    time_zone=_text(r"[A-Za-z0-9_+/-]{1,64}"),
    bridge=_or_null(_part(Bridge)),
    nodes=_parts(Node, 500), stations=_parts(Station, 100), sirens=_parts(Siren, 16),
    people=_parts(Person, 100),
)  # fmt: skip


class Config:
    """The compiled site, by name."""

    def __init__(self, site: dict[str, Any]) -> None:
        """Take what ``_read_site`` returned; check what no field can say alone."""
        self.site, self.sha256, self.time_zone = site["site"], site["sha256"], site["time_zone"]
        self.bridge: Bridge | None = site["bridge"]
        self.nodes: dict[int, Node] = _by("id", site["nodes"])
        self.stations: dict[str, Station] = _by("id", site["stations"])
        self.sirens: dict[str, Siren] = _by("id", site["sirens"])
        self.people: dict[str, Person] = _by("name", site["people"])
        sensors = _by("sensor", [c for node in site["nodes"] for c in node.channels])
        for c in sensors.values():
            _check(c.min < c.max, f"sensor {c.sensor}", "min is not below max")
        for station in self.stations.values():
            _check_station(station, sensors.keys())
        for siren in self.sirens.values():
            known = self.stations.keys() >= set(siren.stations)
            _check(known, f"siren {siren.id}", "needs stations of this file")
            drill = siren.practice["drill"]
            two = set(drill["agreed_by"]) & self.people.keys() if drill else ()
            agreed = not drill or len(two) == 2
            _check(agreed, f"siren {siren.id}", "its drills need two people of this file")
        for person in self.people.values():
            _check(person.name not in (KEY, SCHEDULE), f"person {person.name}", "is no name")
            n, r = (int(number) for number in person.pin.split("$")[1:3])
            _check(128 * n * r <= _PIN_BYTES, f"person {person.name}", "pin takes over 48 MiB")

    def deaf_s(self) -> int:
        """Return how long a sound bridge may hear nothing: by then no reading of any is valid."""
        nodes = [node for node in self.nodes.values() if node.carrier == "bridge"]
        return max((c.validity_s for node in nodes for c in node.channels), default=DAY_S)


class Loaded(NamedTuple, Generic[_T]):
    """A configuration, what was made of it, and why it is not the newest ("": it is)."""

    config: Config
    made: _T
    content: bytes
    error: str


def load(path: Path, make: Callable[[Config], _T]) -> Loaded[_T]:
    """Return the first of the file and its good copy of which ``make`` makes what the guard needs.

    ``make`` may raise ValueError or RuntimeError. Raises ConfigError if neither file will do.
    """
    errors: list[str] = []
    for source in (path, good_copy(path)):
        try:
            content = _read(source)
            config = parse(content)
            return Loaded(config, make(config), content, "".join(errors))
        except (ValueError, RuntimeError) as error:
            errors.append(f"{source.name}: {error}")
    raise ConfigError(f"{path.parent}: {'; '.join(errors)}")


def good_copy(path: Path) -> Path:
    """Return where the last file is kept with which the guard has started."""
    return path.with_name(path.name + ".good")


def parse(content: bytes) -> Config:
    """Check a compiled site file; raise ConfigError naming the first thing that does not hold."""
    try:
        raw = json.loads(content)
        found = digest({name: value for name, value in raw.items() if name != "sha256"})
    except (ValueError, RecursionError, AttributeError) as error:
        raise ConfigError(f"not a JSON object ({error})") from None
    site = _read_site(raw, "")
    _check(site["sha256"] == found, "sha256", "does not match: changed by hand or damaged")
    return Config(site)


def digest(body: Any) -> str:
    """Return the sha256 of the canonical JSON of a value, as of a site without its ``sha256``."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _by(key: str, parts: list[Any]) -> dict[Any, Any]:
    named = {getattr(part, key): part for part in parts}
    _check(len(named) == len(parts), f"{key}s", f"of {list(named)!r:.100} one is named twice")
    return named


def _check_station(station: Station, sensors: Iterable[str]) -> None:
    where, limits, (low, high) = f"station {station.id}", station.limits_mm, station.bounds_mm
    _check(set(sensors) >= set(station.sensors), where, "needs sensors of this file")
    apart = len(set(station.sensors)) == len(station.sensors)
    _check(apart, where, "names a sensor twice: it would vote twice")
    _check(limits == sorted(set(limits)), where, "its four limits must rise")
    _check(low <= limits[0] and limits[3] <= high, where, "its limits must lie in its bounds")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigError(error.strerror or str(error)) from None
    _check(len(content) <= _LIMIT_BYTES, path.name, "larger than 1 MiB")
    return content
