"""Turn an opened frame into samples, or into what its node says of itself."""

from __future__ import annotations

from typing import NamedTuple

from amont_gateway.readings import (
    BACKLOG,
    BAD_TIME,
    BRIDGE,
    EARLIEST_MS,
    LATEST_AHEAD_MS,
    URGENT,
    Sample,
    pack_channel,
)
from amont_guard import messages
from amont_wire import const
from amont_wire.messages import Health, Hello, Progress, Samples, decode

_new = tuple.__new__  # a third of the time that Sample(...) takes
_TIME_BITS = 53  # far beyond any date, far below what the journal's integers hold


class Uplink(NamedTuple):
    """One frame, decoded: samples oldest first, or a report."""

    frame: messages.Opened
    samples: list[Sample]
    newest_seq: int  # -1: the frame carries no samples
    backlog: int
    fast: bool
    report: Health | Hello | Progress | None


def decode_frame(frame: messages.Opened, now_ms: int, valid_ms: int) -> Uplink:
    """Decode the body of an authentic frame.

    Samples older than ``valid_ms`` at ``now_ms`` are marked as backlog, impossible times as such.
    Raise ``amont_wire.errors.WireError`` if the body does not follow the format.
    """
    body = decode(frame.type, frame.body)
    if isinstance(body, Samples):
        samples = _samples(frame, body, now_ms, valid_ms)
        return Uplink(frame, samples, body.seq, body.backlog, body.fast, None)
    if isinstance(body, Health | Hello | Progress):
        return Uplink(frame, [], -1, 0, False, body)
    raise ValueError(f"message type {frame.type} does not come from a node")


def _samples(frame: messages.Opened, body: Samples, now_ms: int, valid_ms: int) -> list[Sample]:
    always = (URGENT if frame.type == const.URGENT else 0) | (
        BRIDGE if frame.flags & messages.BRIDGE else 0
    )
    if abs(frame.frame_ms) >> _TIME_BITS:
        raise ValueError(f"time {frame.frame_ms} ms")
    # ticks and Unix time run alike: the frame's own tick happened at frame_ms
    count, step_ms = body.count, body.interval_s * 1000
    at_ms = frame.frame_ms - body.lag_s * 1000 - (count - 1) * step_ms
    late_ms, seq = now_ms - valid_ms, body.seq - count + 1
    node, epoch, quality = frame.node, frame.epoch, frame.time_quality
    samples = []
    for packed in _packed(body):  # this loop bounds the gateway's rate, hence its plainness
        flags = always | BACKLOG if at_ms < late_ms else always
        if not EARLIEST_MS <= at_ms <= now_ms + LATEST_AHEAD_MS:
            flags |= BAD_TIME
        samples.append(_new(Sample, (node, epoch, seq, at_ms, quality, now_ms, flags, packed)))
        seq += 1
        at_ms += step_ms
    return samples


def _packed(body: Samples) -> list[bytes]:
    """Return each sample's channels as the journal stores them, oldest first."""
    columns = [
        [pack_channel(c.index, c.quantity, q, v) for v, q in zip(c.values, c.quality, strict=True)]
        for c in body.channels
    ]
    return (
        columns[0] if len(columns) == 1 else [b"".join(row) for row in zip(*columns, strict=True)]
    )
