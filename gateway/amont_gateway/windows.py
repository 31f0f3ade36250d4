"""Hold each sensor's recent readings in memory, for people and for models.

Bounded, ordered by time, rebuilt from the journal at start. A reading that comes late is put in
its place; one with the same time replaces the old. Beside each reading stands the code of the
screening's doubts, zero for none; a good reading that is doubted is read as *suspect*.
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
    SUSPECT,
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
    def __init__(self, most: int = MAX_POINTS) -> None:
        self._most = most
        self.t_ms = array("q")
        self.value = array("q")
        self.quality = array("B")
        self.doubt = array("B")  # causes, docs/models/screening
        self.changes = 0  # rises with each reading put in or taken out
        self.late_until_ms = 0  # of the newest reading that came as backlog; 0: none did

    def put(self, t_ms: int, value: int, quality: int) -> None:
        times = self.t_ms
        self.changes += 1
        if not times or t_ms > times[-1]:
            times.append(t_ms)
            self.value.append(value)
            self.quality.append(quality)
            self.doubt.append(0)
        else:
            self._put_late(t_ms, value, quality)
        if len(times) > self._most + _SLACK:
            for column in (self.t_ms, self.value, self.quality, self.doubt):
                del column[:_SLACK]

    def cut(self, t_ms: int) -> None:
        at = bisect_left(self.t_ms, t_ms + 1)
        self.changes += at < len(self.t_ms)
        for column in (self.t_ms, self.value, self.quality, self.doubt):
            del column[at:]
        if self.late_until_ms > t_ms:
            self.late_until_ms = 0

    def _put_late(self, t_ms: int, value: int, quality: int) -> None:
        at = bisect_left(self.t_ms, t_ms)
        if self.t_ms[at] == t_ms:
            self.value[at], self.quality[at], self.doubt[at] = value, quality, 0
            return
        self.t_ms.insert(at, t_ms)
        self.value.insert(at, value)
        self.quality.insert(at, quality)
        self.doubt.insert(at, 0)

    def judged(self, at: int) -> list[int]:
        """Return the quality codes from ``at`` on, with the doubts in them."""
        pairs = zip(self.quality[at:], self.doubt[at:], strict=True)
        return [said or (SUSPECT if doubt else said) for said, doubt in pairs]

    def put_doubts(self, t_ms: NDArray[np.int64], code: NDArray[np.uint8]) -> list[int]:
        """Set the doubts of readings by their times; return the times where one changed."""
        own = np.frombuffer(self.t_ms, np.int64)  # a view: gone before anything is put in
        place = np.minimum(np.searchsorted(own, t_ms), len(own) - 1)
        here = own[place] == t_ms
        del own
        changed = []
        for at, when, doubt in zip(
            place[here].tolist(), t_ms[here].tolist(), code[here].tolist(), strict=True
        ):
            if self.doubt[at] != doubt:
                self.doubt[at] = doubt
                changed.append(when)
        return changed


class Windows:
    """The live windows of all sensors, safe for use from any thread."""

    def __init__(self, sensors: dict[tuple[int, int, str], str], most: int = MAX_POINTS) -> None:
        """Take which sensor a (node, channel index, quantity name) is, and how many readings."""
        self._lock = threading.Lock()
        self._windows = {sensor: _Window(most) for sensor in sensors.values()}
        self._window_of = {
            (node, index, code): self._windows[sensor]
            for (node, index, name), sensor in sensors.items()
            for code, quantity in QUANTITIES.items()
            if quantity == name
        }
        self.version = 0  # rises with each change
        self.whole = True  # False while they are being filled from the journal

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

    def filled(self) -> None:
        """Note that what the journal holds is in."""
        with self._lock:
            self.whole = True
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
        told, doubt = self._copy(sensor, since_ms)
        suspect = (told.quality == 0) & (doubt > 0)
        return told._replace(quality=np.where(suspect, np.uint8(SUSPECT), told.quality))

    def told(self, sensor: str, since_ms: int = 0) -> Series:
        """Return the same with the qualities that the node told, whatever is doubted."""
        return self._copy(sensor, since_ms)[0]

    def _copy(self, sensor: str, since_ms: int) -> tuple[Series, NDArray[np.uint8]]:
        with self._lock:
            window = self._windows.get(sensor) or _Window()
            at = bisect_left(window.t_ms, since_ms)
            series = Series(
                np.array(window.t_ms[at:], np.int64),
                np.array(window.value[at:], np.int64),
                np.array(window.quality[at:], np.uint8),
            )
            return series, np.array(window.doubt[at:], np.uint8)

    def changes(self) -> dict[str, int]:
        """Return how often each sensor's readings have changed."""
        with self._lock:
            return {name: window.changes for name, window in self._windows.items()}

    def put_doubts(
        self, sensor: str, t_ms: NDArray[np.int64], code: NDArray[np.uint8]
    ) -> list[int]:
        """Set the doubts about readings by their times; return the times where one changed."""
        with self._lock:
            window = self._windows.get(sensor)
            changed = window.put_doubts(t_ms, code) if window and window.t_ms else []
            self.version += bool(changed)
        return changed

    def doubt(self, sensor: str, t_ms: int) -> int:
        """Return what is doubted about the reading of one time, 0 for nothing."""
        with self._lock:
            window = self._windows.get(sensor)
            at = bisect_left(window.t_ms, t_ms) if window else 0
            if window is None or at == len(window.t_ms) or window.t_ms[at] != t_ms:
                return 0
            return window.doubt[at]

    def doubted(self, sensor: str, t_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of each time whether the reading of it is doubted; of unknown ones it is not."""
        with self._lock:
            window = self._windows.get(sensor)
            if window is None or not window.t_ms:
                return np.zeros(len(t_ms), bool)
            own = np.array(window.t_ms, np.int64)
            doubt = np.array(window.doubt, np.uint8)
        place = np.minimum(np.searchsorted(own, t_ms), len(own) - 1)
        return np.asarray((own[place] == t_ms) & (doubt[place] > 0))

    def first_ms(self, sensor: str) -> int | None:
        """Return the time of the oldest reading that is held."""
        with self._lock:
            window = self._windows.get(sensor)
            return window.t_ms[0] if window and window.t_ms else None

    def points(self, sensor: str, since_ms: int, most: int) -> list[tuple[int, int, int]]:
        """Return (t_ms, value, quality) from ``since_ms`` on, thinned to at most ``most``."""
        with self._lock:
            window = self._windows.get(sensor) or _Window()
            at = bisect_left(window.t_ms, since_ms)
            points = list(zip(window.t_ms[at:], window.value[at:], window.judged(at), strict=True))
        step = -(-len(points) // most) or 1
        return points[::-1][::step][::-1]

    def last(self, sensor: str) -> Last | None:
        """Return a sensor's newest reading."""
        with self._lock:
            window = self._windows.get(sensor)
            if window is None or not window.t_ms:
                return None
            return Last(window.t_ms[-1], window.value[-1], window.judged(-1)[0])

    def late_until_ms(self, sensor: str) -> int | None:
        """Return the time of the newest reading that came as backlog."""
        with self._lock:
            window = self._windows.get(sensor)
            return (window.late_until_ms or None) if window else None
