"""Turn an opened frame into samples, or into what its node says of itself."""

from __future__ import annotations

from typing import NamedTuple

from amont_gateway.readings import (
    BACKLOG,
    BAD_TIME,
    BRIDGE,
    URGENT,
    Sample,
    is_plausible,
    pack_channels,
)
from amont_guard import messages
from amont_wire import const
from amont_wire.messages import Health, Hello, Samples, decode

_TIME_BITS = 53  # far beyond any date, far below what the journal's integers hold


class Uplink(NamedTuple):
    """One frame, decoded: samples oldest first, or a report."""

    frame: messages.Opened
    samples: list[Sample]
    newest_seq: int  # -1: the frame carries no samples
    backlog: int
    fast: bool
    report: Health | Hello | None


def decode_frame(frame: messages.Opened, now_ms: int, valid_ms: int) -> Uplink:
    """Decode the body of an authentic frame.

    Samples older than ``valid_ms`` at ``now_ms`` are marked as backlog, impossible times as such.
    Raise ``amont_wire.errors.WireError`` if the body does not follow the format.
    """
    body = decode(frame.type, frame.body)
    if isinstance(body, Samples):
        samples = _samples(frame, body, now_ms, valid_ms)
        return Uplink(frame, samples, body.seq, body.backlog, body.fast, None)
    if isinstance(body, Health | Hello):
        return Uplink(frame, [], -1, 0, False, body)
    raise ValueError(f"message type {frame.type} does not come from a node")


def _samples(frame: messages.Opened, body: Samples, now_ms: int, valid_ms: int) -> list[Sample]:
    always = (URGENT if frame.type == const.URGENT else 0) | (
        BRIDGE if frame.flags & messages.BRIDGE else 0
    )
    if abs(frame.frame_ms) >> _TIME_BITS:
        raise ValueError(f"time {frame.frame_ms} ms")
    # ticks and Unix time run alike: the frame's own tick happened at frame_ms
    origin_ms = frame.frame_ms - body.tick_s * 1000
    samples = []
    for seq, tick_s, channels in body.rows():
        at_ms = origin_ms + tick_s * 1000
        flags = always
        if now_ms - at_ms > valid_ms:
            flags |= BACKLOG
        if not is_plausible(at_ms, now_ms):
            flags |= BAD_TIME
        packed = pack_channels([(i, quantity, q, v) for i, quantity, v, q in channels])
        samples.append(
            Sample(frame.node, frame.epoch, seq, at_ms, frame.time_quality, now_ms, flags, packed)
        )
    return samples
