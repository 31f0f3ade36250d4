"""Hold each sensor's recent readings in memory, for people and for models.

Bounded, ordered by time, rebuilt from the journal at start. A reading that comes late is put in
its place; one with the same time replaces the old.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway.readings import (
    BACKLOG,
    BAD_TIME,
    MISSING,
    QUANTITIES,
    Sample,
    iter_channels,
)

MAX_POINTS = 15_000  # five months of 15-minute readings: what the leak test looks back on
_SLACK = 1_500  # trimmed in steps, so that trimming costs little


class Series(NamedTuple):
    """A copy of a sensor's readings, oldest first: Unix ms, value, quality code."""

    t_ms: NDArray[np.int64]
    value: NDArray[np.int64]
    quality: NDArray[np.uint8]


class Last(NamedTuple):
    """A sensor's newest reading by time."""

    t_ms: int
    value: int
    quality: int


class _Window:
    def __init__(self) -> None:
        self.t_ms = array("q")
        self.value = array("q")
        self.quality = array("B")
        self.late_until_ms = 0  # of the newest reading that came as backlog; 0: none did

    def put(self, t_ms: int, value: int, quality: int) -> None:
        times = self.t_ms
        if not times or t_ms > times[-1]:
            times.append(t_ms)
            self.value.append(value)
            self.quality.append(quality)
        else:
            self._put_late(t_ms, value, quality)
        if len(times) > MAX_POINTS + _SLACK:
            for column in (self.t_ms, self.value, self.quality):
                del column[:_SLACK]

    def cut(self, t_ms: int) -> None:
        at = bisect_left(self.t_ms, t_ms + 1)
        for column in (self.t_ms, self.value, self.quality):
            del column[at:]
        if self.late_until_ms > t_ms:
            self.late_until_ms = 0

    def _put_late(self, t_ms: int, value: int, quality: int) -> None:
        at = bisect_left(self.t_ms, t_ms)
        if self.t_ms[at] == t_ms:
            self.value[at], self.quality[at] = value, quality
            return
        self.t_ms.insert(at, t_ms)
        self.value.insert(at, value)
        self.quality.insert(at, quality)


class Windows:
    """The live windows of all sensors, safe for use from any thread."""

    def __init__(self, sensors: dict[tuple[int, int, str], str]) -> None:
        """Take which sensor a (node, channel index, quantity name) is."""
        self._lock = threading.Lock()
        self._windows = {sensor: _Window() for sensor in sensors.values()}
        self._window_of = {
            (node, index, code): self._windows[sensor]
            for (node, index, name), sensor in sensors.items()
            for code, quantity in QUANTITIES.items()
            if quantity == name
        }
        self.version = 0  # rises with each change

    def add(self, samples: Iterable[Sample]) -> None:
        """Put in samples; channels that belong to no sensor and impossible times are left out."""
        find = self._window_of.get
        with self._lock:
            for node, _, _, at_ms, _, _, flags, channels in samples:
                if flags & BAD_TIME:
                    continue
                for index, quantity, quality, value in iter_channels(channels):
                    window = find((node, index, quantity))
                    if window is None or quality == MISSING:
                        continue
                    window.put(at_ms, value, quality)
                    if flags & BACKLOG and at_ms > window.late_until_ms:
                        window.late_until_ms = at_ms
            self.version += 1

    def forget_after(self, t_ms: int) -> None:
        """Leave out what is dated later: a clock that was ahead and went back."""
        with self._lock:
            for window in self._windows.values():
                window.cut(t_ms)
            self.version += 1

    def sensors(self) -> list[str]:
        """Return the names of all sensors."""
        return list(self._windows)

    def series(self, sensor: str, since_ms: int = 0) -> Series:
        """Return a copy of a sensor's readings from ``since_ms`` on; empty if unknown."""
        with self._lock:
            window = self._windows.get(sensor) or _Window()
            at = bisect_left(window.t_ms, since_ms)
            return Series(
                np.array(window.t_ms[at:], np.int64),
                np.array(window.value[at:], np.int64),
                np.array(window.quality[at:], np.uint8),
            )

    def points(self, sensor: str, since_ms: int, most: int) -> list[tuple[int, int, int]]:
        """Return (t_ms, value, quality) from ``since_ms`` on, thinned to at most ``most``."""
        with self._lock:
            window = self._windows.get(sensor) or _Window()
            at = bisect_left(window.t_ms, since_ms)
            points = list(
                zip(window.t_ms[at:], window.value[at:], window.quality[at:], strict=True)
            )
        step = -(-len(points) // most) or 1
        return points[::-1][::step][::-1]

    def last(self, sensor: str) -> Last | None:
        """Return a sensor's newest reading."""
        with self._lock:
            window = self._windows.get(sensor)
            if window is None or not window.t_ms:
                return None
            return Last(window.t_ms[-1], window.value[-1], window.quality[-1])

    def late_until_ms(self, sensor: str) -> int | None:
        """Return the time of the newest reading that came as backlog."""
        with self._lock:
            window = self._windows.get(sensor)
            return (window.late_until_ms or None) if window else None
