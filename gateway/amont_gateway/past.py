"""Read the past from the journal: a station's columns, or what was known at a moment."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from amont_gateway.journal_reader import JournalReader
from amont_gateway.places import Places, Sensor
from amont_gateway.readings import BAD_TIME, QUANTITIES, iter_channels
from amont_gateway.screens import Screens
from amont_gateway.windows import MAX_POINTS, Windows

MAX_READINGS = 1_000_000  # 90 days of two sensors at 16 s: 50 MB for the time of a trial

_TYPES = "qBqBBq"  # of Reading's fields, in an array


class Reading(NamedTuple):
    """One value of one sensor; ``sensor`` is its place in the list that was asked for."""

    at_ms: int
    sensor: int
    value: int
    quality: int
    time_quality: int
    epoch: int


class Past:
    """Readings, oldest first; ``damaged`` rows of the journal are left out."""

    def __init__(self, columns: Sequence[array[int]], damaged: int, cut: bool) -> None:
        self._columns = columns
        self.damaged = damaged
        self.cut = cut  # there were more than is bearable: what came last is missing

    @classmethod
    def nothing(cls) -> Past:
        """Return a past without a reading."""
        return cls([array(code) for code in _TYPES], 0, False)

    def __len__(self) -> int:
        return len(self._columns[0])

    def __iter__(self) -> Iterator[Reading]:
        # a stable sort: a reading that was sent twice in one second stays behind its elder
        order: Any = np.argsort(np.frombuffer(self._columns[0], np.int64), kind="stable")
        at_ms, sensor, value, quality, time_quality, epoch = self._columns
        for i in order.tolist():
            yield Reading(at_ms[i], sensor[i], value[i], quality[i], time_quality[i], epoch[i])


def begins_ms(journal: Path) -> int:
    """Return the time of the oldest reading, 0 if there is none; sqlite3.Error if unreadable."""
    reader = JournalReader(journal)
    try:
        return reader.reach_ms()[0]
    finally:
        reader.close()


def read_past(journal: Path, sensors: Sequence[Sensor], from_ms: int, until_ms: int) -> Past:
    """Return what some sensors read between two times; raise sqlite3.Error if unreadable."""
    codes = {name: code for code, name in QUANTITIES.items()}
    which = {(s.node, s.channel, codes[s.quantity]): i for i, s in enumerate(sensors)}
    columns = [array(code) for code in _TYPES]
    reader = JournalReader(journal)
    cut = False
    try:
        for _, sample in reader.of_nodes({s.node for s in sensors}, from_ms, until_ms):
            if sample.flags & BAD_TIME:
                continue
            for channel, quantity, quality, value in iter_channels(sample.channels):
                i = which.get((sample.node, channel, quantity))
                if i is None:
                    continue
                row = (sample.at_ms, i, value, quality, sample.time_quality, sample.epoch)
                for column, field in zip(columns, row, strict=True):
                    column.append(field)
            if len(columns[0]) >= MAX_READINGS:
                cut = True
                break
    finally:
        reader.close()
    return Past(columns, reader.bad_rows, cut)


def windows_at(
    journal: Path, places: Places, until_ms: int, since_ms: int = 0, most: int = MAX_POINTS
) -> Windows:
    """Return the live windows as they were: what had arrived, doubted as it was then.

    ``since_ms`` leaves older readings out, ``most`` bounds each sensor's. What was received after
    ``until_ms`` is not in them, whatever its own time. Raise sqlite3.Error if unreadable.
    """
    windows = Windows(places.window_keys(), most)
    reader = JournalReader(journal)
    try:
        found = reader.of_nodes([n.id for n in places.nodes], since_ms, until_ms)
        windows.add(sample for _, sample in found if sample.received_ms <= until_ms)
    finally:
        reader.close()
    screens = Screens(places, windows)
    for _ in places.sensors:  # each round screens one sensor at least
        screens.update()
    return windows
