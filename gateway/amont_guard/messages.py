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
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

MAX_MESSAGE = 60_000  # below the default SO_SNDBUF, so that one message always fits

# gateway -> guard
RAW = 1  # sealed frames as they came from MQTT or LoRaWAN
COMMITTED = 2  # what the journal now holds, per node and epoch
# JSON: {"station","level": "none" | "watch" | "warning","until_s","model"}, until_s in seconds
# from now; can raise a watch or a warning, no more
ADVICE = 3
# JSON: {"id","kind","person","pin","siren" | "station","minutes","limits_mm","issued_ms"}
ACTION = 4
HELLO = 5  # JSON: {"format":1}; the guard answers with STATE
UPDATE = 6  # parts of a release for a node that asks; it checks the whole under its own key

# guard -> gateway
OPENED = 16  # opened frames
REJECTED = 17  # raw frames that the guard refused, with the reason
DOWNLINK = 18  # a sealed downlink for a node that the guard cannot reach by its own bridge
STATE = 19  # JSON: everything that people see of the guard, on change and each second
EVENT = 20  # JSON: one audit record
RESULT = 21  # JSON: {"id","ok","code"}: the answer to an ACTION

# OPENED flags
SEEN = 1  # authentic duplicate: acknowledge again, never judged
BRIDGE = 2  # came over the guard's own bridge: carries the full promise

# OPENED time quality
PROVED, ASSUMED, UNKNOWN = 0, 1, 2

REASONS = (
    "", "too short or too long", "other format version", "unknown message type", "unknown node",
    "wrong key or damaged", "older than the replay window", "malformed body",
    "downlink type from outside", "implausible time",
)  # fmt: skip

Item = TypeVar("Item", bound=tuple[Any, ...])


class MessageError(ValueError):
    """A message on the socket that does not follow this module."""


class Opened(NamedTuple):
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


class Committed(NamedTuple):
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


class Chunk(NamedTuple):
    """A part of a node's update image; ``counter`` is the uplink counter being answered."""

    node: int
    epoch: int
    counter: int
    release: int
    offset: int
    data: bytes


def _batch(
    kind: int, layout: str, make: Callable[[Iterable[Any]], Item], ends_in_bytes: bool
) -> tuple[Callable[[Iterable[Item]], bytes], Callable[[bytes], Iterator[Item]]]:
    """Return encoder and decoder of a kind; bytes at an item's end follow their length."""
    fields = struct.Struct(layout)

    def pack(item: Item) -> bytes:
        if not ends_in_bytes:
            return fields.pack(*item)
        tail: bytes = item[-1]
        return fields.pack(*item[:-1], len(tail)) + tail

    def encode(items: Iterable[Item]) -> bytes:
        return bytes([kind]) + b"".join(map(pack, items))

    def decode(message: bytes) -> Iterator[Item]:
        at = 1
        while at < len(message):
            end = at + fields.size
            item = fields.unpack_from(message, at) if end <= len(message) else ()
            if item and ends_in_bytes:
                start, end = end, end + item[-1]
                item = (*item[:-1], message[start:end])
            if end > len(message):
                raise MessageError(f"cut off at byte {at} of {len(message)}")
            yield make(item)
            at = end

    return encode, decode


encode_raw, decode_raw = _batch(RAW, "<IH", tuple, True)  # handle, sealed frame
encode_opened, decode_opened = _batch(OPENED, "<IHIIBBBqhbB", Opened._make, True)
encode_rejected, decode_rejected = _batch(REJECTED, "<IHB", tuple, False)  # handle, node, reason
encode_committed, decode_committed = _batch(COMMITTED, "<HIiBQI", Committed._make, False)
encode_update, decode_update = _batch(UPDATE, "<HIIHIB", Chunk._make, True)
encode_downlinks, decode_downlinks = _batch(DOWNLINK, "<HB", tuple, True)  # node, sealed frame


def encode_json(kind: int, value: dict[str, Any]) -> bytes:
    """Encode one of the JSON kinds; raise MessageError if it would not fit."""
    message = bytes([kind]) + json.dumps(value, separators=(",", ":")).encode()
    if len(message) > MAX_MESSAGE:
        raise MessageError(f"message of {len(message)} bytes, at most {MAX_MESSAGE}")
    return message


def decode_json(message: bytes) -> dict[str, Any]:
    """Decode one of the JSON kinds."""
    try:
        value = json.loads(message[1:])
    except (ValueError, RecursionError) as error:
        raise MessageError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise MessageError("not a JSON object")
    return value
