"""Read one day of all sensors from the journal, as columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway.journal_reader import JournalReader
from amont_gateway.places import Sensor
from amont_gateway.readings import BAD_TIME, QUANTITIES, iter_channels

_TYPES = "HqqBq"  # sensor, time, value, quality, received


class Readings(NamedTuple):
    """One sensor's readings, by time: Unix ms, value in units of the wire, quality, Unix ms."""

    t_ms: NDArray[np.int64]
    value: NDArray[np.int64]
    quality: NDArray[np.uint8]
    received_ms: NDArray[np.int64]

    def between(self, begin_ms: int, end_ms: int) -> Readings:
        """Return those of [begin, end)."""
        first, last = np.searchsorted(self.t_ms, (begin_ms, end_ms)).tolist()
        return Readings(
            self.t_ms[first:last],
            self.value[first:last],
            self.quality[first:last],
            self.received_ms[first:last],
        )


NO_READINGS = Readings(
    np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.int64)
)


class Sensors:
    """Which sensor a (node, channel, quantity code) is."""

    def __init__(self, sensors: Iterable[Sensor]) -> None:
        codes = {name: code for code, name in QUANTITIES.items()}
        self.all = tuple(sensors)
        self.by_key: Mapping[tuple[int, int, int], int] = {
            (s.node, s.channel, codes[s.quantity]): at for at, s in enumerate(self.all)
        }
        self.nodes = sorted({s.node for s in self.all})


def read_day(
    reader: JournalReader, sensors: Sensors, begin_ms: int, end_ms: int, until_id: int
) -> dict[str, Readings]:
    """Return each sensor's readings of [begin, end) in rows up to ``until_id``, by its id.

    Of two readings of one time the one that came last counts, as in the database. Raise
    sqlite3.Error if the journal cannot be read.
    """
    columns = [array(code) for code in _TYPES]
    which, values = sensors.by_key.get, tuple(columns)
    for _, sample in reader.of_nodes(sensors.nodes, begin_ms, end_ms - 1, until_id):
        if sample.flags & BAD_TIME:
            continue
        for channel, quantity, quality, value in iter_channels(sample.channels):
            at = which((sample.node, channel, quantity))
            if at is not None:
                row = (at, sample.at_ms, value, quality, sample.received_ms)
                for column, cell in zip(values, row, strict=True):
                    column.append(cell)
    return _by_sensor(sensors, [np.frombuffer(c, dtype=c.typecode) for c in columns])


def _by_sensor(sensors: Sensors, columns: list[NDArray[np.int64]]) -> dict[str, Readings]:
    sensor, t_ms, value, quality, received_ms = columns
    order = np.lexsort((t_ms, sensor))  # stable: rows of one time stay as they arrived
    sensor, t_ms = sensor[order], t_ms[order]
    newest = np.ones(len(order), bool)
    newest[:-1] = (sensor[1:] != sensor[:-1]) | (t_ms[1:] != t_ms[:-1])
    order = order[newest]
    sensor, t_ms = sensor[newest], t_ms[newest]
    edges = np.searchsorted(sensor, np.arange(len(sensors.all) + 1))
    found = {}
    for at, place in enumerate(sensors.all):
        part = slice(edges[at], edges[at + 1])
        if part.stop > part.start:
            rows = order[part]
            found[place.id] = Readings(
                np.asarray(t_ms[part], np.int64),
                np.asarray(value[rows], np.int64),
                np.asarray(quality[rows], np.uint8),
                np.asarray(received_ms[rows], np.int64),
            )
    return found
