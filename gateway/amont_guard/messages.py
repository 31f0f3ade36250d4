"""Encode and decode what guard and gateway say to each other over the Unix socket.

The socket is SOCK_SEQPACKET, so one datagram is one message: a kind byte, then the payload.
Frames travel in binary batches because thousands arrive a second; everything that a person
may want to read (state, audit, actions) is JSON. All integers are little endian.
Message sizes are bounded by ``MAX_MESSAGE``; a malformed message raises ``MessageError`` and
the receiver counts it and goes on.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_MESSAGE = 60_000  # below the default SO_SNDBUF, so that one message always fits

# gateway -> guard
RAW = 1  # sealed frames as they came from MQTT or LoRaWAN
COMMITTED = 2  # what the journal now holds, per node and epoch
# JSON: {"station","level": "none" | "watch" | "warning","until_s","model"}, until_s in seconds
# from now; can raise a watch or a warning, no more
ADVICE = 3
ACTION = 4  # JSON: {"id","kind","person","pin","siren","minutes","issued_ms"}
HELLO = 5  # JSON: {"format":1}; the guard answers with STATE

# guard -> gateway
OPENED = 16  # opened frames
REJECTED = 17  # raw frames that the guard refused, with the reason
DOWNLINK = 18  # a sealed downlink for a node that the guard cannot reach by its own bridge
STATE = 19  # JSON: everything that people see of the guard, on change and each second
EVENT = 20  # JSON: one audit record
RESULT = 21  # JSON: {"id","ok","code","text"}: the answer to an ACTION

# OPENED flags
SEEN = 1  # authentic duplicate: acknowledge again, never judged
BRIDGE = 2  # came over the guard's own bridge: carries the full promise

# OPENED time quality
PROVED, ASSUMED, UNKNOWN = 0, 1, 2

REASONS = (
    "",
    "too short or too long",
    "other format version",
    "unknown message type",
    "unknown node",
    "wrong key or damaged",
    "older than the replay window",
    "malformed body",
    "downlink type from outside",
    "implausible time",
)

_RAW = struct.Struct("<IH")
_OPENED = struct.Struct("<IHIIBBBqhbB")
_REJECTED = struct.Struct("<IHB")
_COMMITTED = struct.Struct("<HIiBQI")
_DOWNLINK = struct.Struct("<HB")


class MessageError(ValueError):
    """A message on the socket that does not follow this module."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One authentic frame.

    ``frame_ms`` is the guard's estimate of the Unix time (ms) at which the node made the frame;
    how far to trust it is ``time_quality``. ``handle`` is the sender's handle of a RAW frame, 0
    for the bridge.
    """

    handle: int
    node: int
    epoch: int
    counter: int
    type: int
    flags: int
    time_quality: int
    frame_ms: int
    rssi_dbm: int
    snr_db4: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """What the journal holds of one node's epoch after a frame.

    ``through`` is the highest seq below which nothing is missing (-1: none); ``bits`` bit i means
    that through + 1 + i is committed too; ``counter`` is the uplink counter being answered.
    """

    node: int
    epoch: int
    through: int
    rate: int
    bits: int
    counter: int


def encode_raw(frames: Iterable[tuple[int, bytes]]) -> bytes:
    """Encode (handle, sealed frame) pairs into one RAW message."""
    return bytes([RAW]) + b"".join(_RAW.pack(h, len(f)) + f for h, f in frames)


def decode_raw(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the (handle, sealed frame) pairs of a RAW message."""
    at = 1
    while at < len(payload):
        (handle, size), at = _unpack(_RAW, payload, at)
        yield handle, _take(payload, at, size)
        at += size


def encode_opened(frames: Iterable[Opened]) -> bytes:
    """Encode opened frames into one OPENED message."""
    return bytes([OPENED]) + b"".join(
        _OPENED.pack(
            f.handle, f.node, f.epoch, f.counter, f.type, f.flags, f.time_quality,
            f.frame_ms, f.rssi_dbm, f.snr_db4, len(f.body),
        ) + f.body
        for f in frames
    )  # fmt: skip


def decode_opened(payload: bytes) -> Iterator[Opened]:
    """Yield the frames of an OPENED message."""
    at = 1
    while at < len(payload):
        fields, at = _unpack(_OPENED, payload, at)
        size = fields[-1]
        yield Opened(*(*fields[:-1], _take(payload, at, size)))
        at += size


def encode_rejected(frames: Iterable[tuple[int, int, int]]) -> bytes:
    """Encode (handle, node or 0, index into REASONS) triples."""
    return bytes([REJECTED]) + b"".join(_REJECTED.pack(*f) for f in frames)


def decode_rejected(payload: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the (handle, node, reason) triples of a REJECTED message."""
    at = 1
    while at < len(payload):
        (handle, node, reason), at = _unpack(_REJECTED, payload, at)
        yield handle, node, reason


def encode_committed(items: Iterable[Committed]) -> bytes:
    """Encode what became durable."""
    return bytes([COMMITTED]) + b"".join(
        _COMMITTED.pack(c.node, c.epoch, c.through, c.rate, c.bits, c.counter) for c in items
    )


def decode_committed(payload: bytes) -> Iterator[Committed]:
    """Yield the items of a COMMITTED message."""
    at = 1
    while at < len(payload):
        fields, at = _unpack(_COMMITTED, payload, at)
        yield Committed(*fields)


def encode_downlinks(items: Iterable[tuple[int, bytes]]) -> bytes:
    """Encode (node, sealed frame) pairs for the gateway to carry."""
    return bytes([DOWNLINK]) + b"".join(_DOWNLINK.pack(n, len(f)) + f for n, f in items)


def decode_downlinks(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the (node, sealed frame) pairs of a DOWNLINK message."""
    at = 1
    while at < len(payload):
        (node, size), at = _unpack(_DOWNLINK, payload, at)
        yield node, _take(payload, at, size)
        at += size


def encode_json(kind: int, value: dict[str, Any]) -> bytes:
    """Encode one of the JSON kinds; raise MessageError if it would not fit."""
    message = bytes([kind]) + json.dumps(value, separators=(",", ":")).encode()
    if len(message) > MAX_MESSAGE:
        raise MessageError(f"message of {len(message)} bytes, at most {MAX_MESSAGE}")
    return message


def decode_json(payload: bytes) -> dict[str, Any]:
    """Decode one of the JSON kinds."""
    try:
        value = json.loads(payload[1:])
    except (ValueError, RecursionError) as error:
        raise MessageError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise MessageError("not a JSON object")
    return value


def _unpack(layout: struct.Struct, payload: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    if at + layout.size > len(payload):
        raise MessageError(f"cut off at byte {at} of {len(payload)}")
    return layout.unpack_from(payload, at), at + layout.size


def _take(payload: bytes, at: int, size: int) -> bytes:
    if at + size > len(payload):
        raise MessageError(f"cut off at byte {at} of {len(payload)}")
    return payload[at : at + size]
