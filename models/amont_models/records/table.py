"""What every loader gives: readings of one quantity in one unit, in UTC, with their real gaps.

A *channel* is one sensor's readings; a *record* is the channels that came from one place, who is
linked to whom, and whose they are. Values are never altered, except for the unit; a value that is
known to be absent is NaN with quality MISSING.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Codes = NDArray[np.int8]

# Quality codes as on the wire (docs/wire-format.md); what a record itself says of a reading.
GOOD, SUSPECT, OUT_OF_RANGE, FAULT, MISSING = range(5)

# The one unit in which each quantity is held here and handed to the gateway's code.
UNITS: Mapping[str, str] = {
    "stage": "mm",
    "discharge": "m3s",
    "rain": "mm",  # fallen since the reading before
    "rain_forecast": "mm",  # the same, as it was foretold six hours or longer before its time
    "inflow": "l_h",
    "flow": "l_h",  # inside a network: a pump, a boundary; no inflow of its own
    "pressure": "kpa",
    "level": "mm",  # of a tank
    "depth": "mm",  # of water on a street
    "distance": "mm",  # from a sensor down to the water
    "temperature": "c",
    "battery": "mv",
}
KINDS = ("river", "zone", "network", "sensor", "street")


class DataError(Exception):
    """A record is not there, is not ours to read, or is not what it should be."""


@dataclass(frozen=True)
class Channel:
    """Readings of one quantity by one sensor, oldest first.

    ``t_ms`` int64[n] Unix ms in UTC, strictly rising: when the value was known, so a mean or sum
    over an hour carries the hour's end. ``value`` float64[n] in ``unit``; ``quality`` int8[n].
    """

    name: str
    quantity: str
    t_ms: Times
    value: Floats
    quality: Codes

    def __post_init__(self) -> None:
        """Hold what the rest relies on; DataError says what is wrong."""
        where = f"{self.name} {self.quantity}"
        if self.quantity not in UNITS:
            raise DataError(f"{where}: no such quantity; choose one of {', '.join(UNITS)}")
        if not len(self.t_ms) == len(self.value) == len(self.quality):
            raise DataError(f"{where}: times, values and qualities differ in number")
        if len(self.t_ms) > 1 and not (np.diff(self.t_ms) > 0).all():
            raise DataError(f"{where}: times must rise")

    @property
    def unit(self) -> str:
        """Return the unit of the values."""
        return UNITS[self.quantity]

    @property
    def step_ms(self) -> int:
        """Return the usual time between readings in ms; 0 for fewer than two."""
        return int(np.median(np.diff(self.t_ms))) if len(self.t_ms) > 1 else 0

    def between(self, start_ms: int, end_ms: int) -> Channel:
        """Return the part with start_ms <= t_ms < end_ms."""
        first, last = np.searchsorted(self.t_ms, (start_ms, end_ms))
        part = slice(int(first), int(last))
        parts = (self.t_ms[part], self.value[part], self.quality[part])
        return Channel(self.name, self.quantity, *parts)

    def known(self) -> Channel:
        """Return the readings that have a value, whatever their quality."""
        keep = np.isfinite(self.value)
        parts = (self.t_ms[keep], self.value[keep], self.quality[keep])
        return Channel(self.name, self.quantity, *parts)


def channel(
    name: str, quantity: str, t_ms: Times, value: Floats, quality: Codes | None = None
) -> Channel:
    """Return a channel whose quality is good where there is a value, unless told otherwise."""
    number = np.asarray(value, dtype=np.float64)
    said = np.zeros(len(number), np.int8) if quality is None else np.asarray(quality, np.int8)
    code = np.where(np.isfinite(number), said, MISSING).astype(np.int8)
    return Channel(name, quantity, np.asarray(t_ms, np.int64), number, code)


@dataclass(frozen=True)
class Source:
    """Whose a record is: what people must be told when they use it."""

    title: str
    origin: str
    licence: str
    citation: str


@dataclass(frozen=True)
class Site:
    """A station, zone or network of a record: what is linked to it, what splits and marks it.

    ``rain`` names the rain gauges whose readings belong to it, best first; ``upstream`` the
    stations above it. What is learnt of a station comes from its part before ``train_until_ms``;
    its mark is a percentile of that part, or ``mark_above_median_mm`` over its median.
    """

    name: str
    rain: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    train_until_ms: int | None = None
    mark_above_median_mm: float | None = None


@dataclass(frozen=True)
class Label:
    """Something known to have happened at a site: a leak, a fault; times in Unix ms."""

    site: str
    kind: str
    start_ms: int
    end_ms: int
    peak_ms: int | None = None
    size: float | None = None  # leaks: l/h
    where: str = ""


@dataclass(frozen=True)
class Record:
    """Channels of one kind of place: ``river``, ``zone``, ``network``, ``sensor``, ``street``."""

    name: str
    kind: str
    source: Source
    channels: tuple[Channel, ...]
    sites: tuple[Site, ...] = ()
    labels: tuple[Label, ...] = ()
    raw: bool = False  # telemetry that nobody has checked: its faults are no water
    time_zone: str = "UTC"  # of the people there: nights and holidays are theirs
    holidays: str = ""  # their country, ISO 3166, two letters; none: holidays are not known
    nothing_happened: bool = False  # known to have had no leak; else without labels nobody knows

    def __post_init__(self) -> None:
        """Hold that names are unique; DataError says what is wrong."""
        if self.kind not in KINDS:
            raise DataError(f"{self.name}: kind {self.kind!r} is none of {', '.join(KINDS)}")
        keys = [(one.name, one.quantity) for one in self.channels]
        for key in keys:
            if keys.count(key) > 1:
                raise DataError(f"{self.name}: {' '.join(key)} is there more than once")

    def find(self, name: str, *quantities: str) -> Channel | None:
        """Return the first channel of ``name`` that has one of ``quantities``, in that order."""
        for quantity in quantities:
            for one in self.channels:
                if one.name == name and one.quantity == quantity:
                    return one
        return None

    def of(self, quantity: str) -> tuple[Channel, ...]:
        """Return all channels of one quantity."""
        return tuple(one for one in self.channels if one.quantity == quantity)
