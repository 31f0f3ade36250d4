"""Declare what the gateway keeps of a node's samples: plain types, no I/O.

A sample is one sampling instant of one node, identified by ``(node, epoch, seq)``. It carries
the values of one to four channels, packed as the journal stores them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

# sample flags
BACKLOG = 1  # arrived later than its sensor's validity
URGENT = 2
BRIDGE = 4  # reached the guard over its own bridge
BAD_TIME = 8  # its time is implausible: kept here, shown nowhere
UNSEALED = 16  # a foreign sensor's: no node sealed it, it never votes

# In the journal the node of all foreign sensors: no node has this id, and no frame can name it.
FOREIGN = 65_535

# Before the first release, and far enough ahead: a time outside is a clock that is wrong.
EARLIEST_MS = 1_577_836_800_000  # 2020-01-01
LATEST_AHEAD_MS = 86_400_000  # a sample cannot come from more than a day ahead

QUANTITIES = {
    1: "stage_mm",
    2: "rain_um",
    3: "flow_l_h",
    4: "pressure_pa10",
    5: "volume_l",
    6: "water_temp_cc",
    7: "air_temp_cc",
    8: "battery_mv",
    9: "level_mm",
    10: "range_mm",
}
SUSPECT = 1  # quality code
OUT_OF_RANGE = 2  # quality code
MISSING = 4  # quality code: the value only repeats the one before

# 64 bits: 2^24 steps of 200 do not fit in 32.
_CHANNEL = struct.Struct("<BBBq")
_IDENTITY = struct.Struct("<HIIqBqB")


class Value(NamedTuple):
    """One value of a sample; ``quantity`` and ``quality`` as docs/wire-format.md codes them."""

    channel: int
    quantity: int
    quality: int
    value: int


class Sample(NamedTuple):
    """One sampling instant of one node, as the journal keeps it."""

    node: int
    epoch: int
    seq: int
    at_ms: int
    time_quality: int
    received_ms: int
    flags: int
    channels: bytes


pack_channel = _CHANNEL.pack  # (index, quantity, quality, value)
unpack_channel = _CHANNEL.unpack  # the same of one channel's CHANNEL_BYTES
CHANNEL_BYTES = _CHANNEL.size
iter_channels = _CHANNEL.iter_unpack  # the same, as plain tuples: for inner loops


def pack_channels(channels: Iterable[tuple[int, int, int, int]]) -> bytes:
    """Pack (index, quantity, quality, value) tuples."""
    return b"".join([_CHANNEL.pack(*c) for c in channels])


def unpack_channels(packed: bytes) -> list[Value]:
    """Unpack what ``pack_channels`` made; raise ValueError if it was cut."""
    if len(packed) % _CHANNEL.size:
        raise ValueError(f"{len(packed)} bytes are no whole number of channels")
    return [Value(*fields) for fields in _CHANNEL.iter_unpack(packed)]


pack_identity = _IDENTITY.pack  # all but the channels


def checksum(sample: Sample | tuple[int, int, int, int, int, int, int, bytes]) -> int:
    """Compute the CRC that guards a row: ``integrity_check`` misses four bit flips in ten."""
    return crc32(sample[7], crc32(_IDENTITY.pack(*sample[:7])))
