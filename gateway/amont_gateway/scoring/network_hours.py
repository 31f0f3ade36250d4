"""Hold a network's readings by the hour: the means of what its sensors said, gaps as NaN.

The live windows hold months of a sensor, and fewer the oftener it reads, while a leak may be a
year old. So what lies before them is read from the journal once, at the start, a slice at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from amont_gateway.journal_reader import JournalReader
from amont_gateway.readings import BAD_TIME, QUANTITIES, iter_channels
from amont_gateway.scoring.timeline import GOOD, HOUR_MS, Floats, Times

REACH_H = 240 * 24  # twice what the test remembers, so that it knows an old leak still
REACH_STEP_H = 30 * 24  # the first hour moves in such steps, so that what was judged stays


class Hours:
    """Hourly means of some sensors: ``mean`` (hours, sensors), the first ends at ``begin_ms``."""

    def __init__(self, sensors: tuple[str, ...]) -> None:
        self.sensors = sensors
        self.begin_ms = 0
        self.mean: Floats = np.empty((0, len(sensors)))

    @property
    def end_ms(self) -> Times:
        """Return when each hour ends (hours,)."""
        return np.asarray(self.begin_ms + HOUR_MS * np.arange(len(self.mean)), np.int64)

    def reach(self, begin_ms: int, until_ms: int) -> None:
        """Begin and end with these hours; what lies outside is dropped, what is new is NaN."""
        mean = np.full((max(0, (until_ms - begin_ms) // HOUR_MS + 1), len(self.sensors)), np.nan)
        by = (self.begin_ms - begin_ms) // HOUR_MS
        first, last = max(0, by), min(len(mean), by + len(self.mean))
        if last > first:
            mean[first:last] = self.mean[first - by : last - by]
        self.begin_ms, self.mean = begin_ms, mean

    def put(self, sensor: int, first_ms: int, means: Floats) -> None:
        """Replace a sensor's hours from the one that ends at ``first_ms`` on.

        That one may be cut, for windows forget: it counts only where nothing is known of it.
        """
        at = max(0, (first_ms - self.begin_ms) // HOUR_MS)
        if not len(means) or at >= len(self.mean):
            return
        before = self.mean[at, sensor]
        self.mean[at:, sensor] = means[: len(self.mean) - at]
        if np.isfinite(before):
            self.mean[at, sensor] = before


def hour_end(t_ms: Times) -> Times:
    """Return the end of the hour that each time belongs to; a full hour ends its own."""
    return np.asarray(-(-np.asarray(t_ms, np.int64) // HOUR_MS) * HOUR_MS)


def means(t_ms: Times, value: Floats, first_ms: int, until_ms: int) -> Floats:
    """Return the means of the hours that end from ``first_ms`` to ``until_ms``, NaN for gaps."""
    count = max(0, (until_ms - first_ms) // HOUR_MS + 1)
    place = (hour_end(t_ms) - first_ms) // HOUR_MS
    inside = (place >= 0) & (place < count)
    place, value = place[inside], value[inside]
    known = np.bincount(place, minlength=count)
    total = np.bincount(place, weights=value, minlength=count)
    return np.asarray(np.where(known > 0, total / np.maximum(known, 1), np.nan))


def reach_ms(now_ms: int) -> int:
    """Return the end of the first hour that is looked at."""
    step = REACH_STEP_H * HOUR_MS
    return (now_ms - REACH_H * HOUR_MS) // step * step


class Past(Protocol):
    """What was read before the live windows begin."""

    def read(self, hours: Hours, now_ms: int, for_s: float) -> bool:
        """Go on for about so long; fill ``hours`` and tell it once everything was read."""


class NoPast:
    """A gateway without a journal."""

    def read(self, hours: Hours, now_ms: int, for_s: float) -> bool:
        """Tell that everything was read."""
        del hours, now_ms, for_s
        return True


class JournalPast:
    """The journal's good readings by the hour, as far as they were there at the first look."""

    def __init__(self, journal: Path, sensors: Mapping[tuple[int, int, str], str]) -> None:
        """Take which sensor a (node, channel index, quantity name) is."""
        self._journal = journal
        codes = {name: code for code, name in QUANTITIES.items()}
        self._keys = {(node, index, codes[q]): s for (node, index, q), s in sensors.items()}
        self._last, self._newest = 0, -1
        self._begin_ms = 0
        self._total: Floats = np.empty((0, 0))
        self._count: Floats = np.empty((0, 0))

    def read(self, hours: Hours, now_ms: int, for_s: float) -> bool:
        """Go on for about so long; raise sqlite3.Error if the journal cannot be read."""
        if self._newest < 0 and not self._journal.exists():
            return True
        began, reader = time.monotonic(), JournalReader(self._journal)
        try:
            if self._newest < 0:
                self._newest = reader.last_id()
                self._begin_ms = reach_ms(now_ms)
                shape = ((now_ms - self._begin_ms) // HOUR_MS + 2, len(hours.sensors))
                self._total, self._count = np.zeros(shape), np.zeros(shape)
            while self._last < self._newest and time.monotonic() - began < for_s:
                self._page(reader, hours.sensors)
        finally:
            reader.close()
        if self._last < self._newest:
            return False
        self._fill(hours)
        return True

    def _page(self, reader: JournalReader, sensors: tuple[str, ...]) -> None:
        place = {name: index for index, name in enumerate(sensors)}
        which = {key: place[name] for key, name in self._keys.items() if name in place}
        seen, pairs = reader.after(self._last)
        self._last = seen if seen > self._last else self._newest
        for _, sample in pairs:
            hour = (-(-sample.at_ms // HOUR_MS) * HOUR_MS - self._begin_ms) // HOUR_MS
            if sample.flags & BAD_TIME or not 0 <= hour < len(self._count):
                continue
            for channel, quantity, quality, value in iter_channels(sample.channels):
                sensor = which.get((sample.node, channel, quantity))
                if sensor is not None and quality == GOOD:
                    self._total[hour, sensor] += value
                    self._count[hour, sensor] += 1.0

    def _fill(self, hours: Hours) -> None:
        known = np.flatnonzero(self._count.any(axis=1))
        if len(known):
            rows = slice(int(known[0]), int(known[-1]) + 1)
            total, count = self._total[rows], self._count[rows]
            hours.begin_ms = self._begin_ms + HOUR_MS * rows.start
            hours.mean = np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
        self._total = self._count = np.empty((0, 0))
