"""Take sealed frames in and seal acknowledgements out: verify, age, judge, answer.

Nothing here waits and nothing here is trusted before its tag was checked. What is refused is
counted by its reason and costs nothing that was good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from amont_wire.bits import BitReader
from amont_wire.const import (
    DIRECTIONS,
    DOWNLINK,
    HEALTH,
    HELLO,
    MAX_FRAME,
    MIN_FRAME,
    PROGRESS,
    RATE_FAST,
    SAMPLES,
    URGENT,
)
from amont_wire.counters import NEW, OLD
from amont_wire.downlink import MORE_MAX, Ack, Config, UpdateChunk
from amont_wire.errors import Forged, OtherVersion, UnknownType, WireError
from amont_wire.samples import decode_samples
from amont_wire.uplink import get_head

from .decide import Decision, Judge
from .freshness import Freshness
from .hearings import Signal
from .keys import Keyring, NotReserved, UnknownNode
from .messages import BRIDGE, REASONS, SEEN, Chunk, Committed, Opened
from .pending import Pending

LIFE_BITS = 12
ACKS_A_MESSAGE = 256  # about 20 ms of sealing; a node that goes without asks again
CHUNKS = 8  # of an update, for each uplink that reports: the gateway can wear no node out


class TooOld(WireError):
    """Below the replay window."""


_LENGTH, _MALFORMED, _DOWNLINK = 1, 7, 8
_REASONS = {OtherVersion: 2, UnknownType: 3, UnknownNode: 4, Forged: 5, TooOld: 6}


class Heard(NamedTuple):
    """What is known of a node from its newest frames."""

    epoch: int
    by_bridge: bool
    frame: bytes  # the newest one that was opened


@dataclass(slots=True)
class Batch:
    """What a number of frames came to: for the gateway, and for the sirens."""

    opened: list[Opened] = field(default_factory=list)
    rejected: list[tuple[int, int, int]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)


class Intake:
    """The way of a frame from bytes to a decision, and of a commit to an acknowledgement."""

    def __init__(
        self, keys: Keyring, freshness: Freshness, judge: Judge, counters: Counter[str],
        pending: Pending,
    ) -> None:  # fmt: skip
        """Share the guard's keys, ages, judgement, counters and what nodes should hold."""
        self._keys, self._freshness, self._judge = keys, freshness, judge
        self._counters, self._pending = counters, pending
        self._chunks: dict[int, tuple[int, int]] = {}  # node: counter, chunks that may answer it
        self.heard: dict[int, Heard] = {}
        self._best: dict[int, tuple[bytes, Signal]] = {}  # node: frame, how well it was heard
        self.changed = False  # windows or bases, since they were stored last

    def take(
        self, batch: Batch, handle: int, frame: bytes, now_s: float, wall_ms: int,
        radio: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """Add to ``batch`` what one frame comes to; ``radio`` (dBm, dB/4) if by the own bridge."""
        try:
            header, body, generation = self._keys.open(frame)
            node, counter = header.node, header.counter
            life, tick_s, echo = get_head(BitReader(body))
            verdict = self._keys.take(node, generation, counter)
            if verdict == OLD:
                raise TooOld(f"counter {counter}")
            # the gateway decodes the others; the guard has no use for them
            votes = header.type in (SAMPLES, URGENT) and self._judge.votes(node)
            samples = decode_samples(body) if votes and verdict == NEW else None
        except WireError as error:
            reason = _why(frame, error)
            self._counters[REASONS[reason]] += 1
            batch.rejected.append((handle, _node(frame), reason))
            return
        epoch = generation << LIFE_BITS | life
        if verdict == NEW:
            age, odd = self._freshness.observe(node, epoch, counter, tick_s, echo, now_s)
        else:
            age, odd = self._freshness.look(node, epoch, counter, tick_s, now_s), ""
        self._counters["implausible time"] += bool(odd)
        self._counters["opened" if verdict == NEW else "seen again"] += 1
        if verdict == NEW:
            self.changed = True
            if node not in self.heard or epoch >= self.heard[node].epoch:
                self.heard[node] = Heard(epoch, radio is not None, frame)
            if header.type in (HELLO, HEALTH):
                self._pending.reports.append((node, header.type, body))
            if header.type in (HELLO, HEALTH, PROGRESS):
                self._chunks[node] = (counter, CHUNKS)
        elif radio and self.opened(frame):  # a broker was faster, but the bridge can answer
            self.heard[node] = self.heard[node]._replace(by_bridge=True)
        if samples:
            batch.decisions += self._judge.samples(
                node, epoch, samples, age, now_s, [node, epoch, counter]
            )
        flags = (BRIDGE if radio else 0) | (0 if verdict == NEW else SEEN)
        made_ms = wall_ms - int(age.estimate_s * 1000)
        batch.opened.append(Opened(
            handle, node, epoch, counter, header.type, flags, age.quality, made_ms,
            *(radio or (0, 0)), body,
        ))  # fmt: skip

    def opened(self, frame: bytes) -> bool:
        """Tell whether this is the newest frame of its node: these very bytes were opened."""
        heard = self.heard.get(_node(frame))
        return heard is not None and heard.frame == frame

    def heard_again(self, again: Mapping[bytes, Signal]) -> None:
        """Keep the best signal of each node's newest frame, where further receivers heard it."""
        for frame, best in again.items():
            if self.opened(frame):
                self._best[_node(frame)] = frame, best

    def signals(self) -> list[dict[str, int]]:
        """Return how well the newest frames were heard that several receivers heard."""
        return [
            {"id": node, **best._asdict()}
            for node, (frame, best) in self._best.items()
            if self.heard[node].frame == frame
        ]

    def acknowledge(
        self, items: Iterable[Committed], now_s: float
    ) -> list[tuple[int, bytes, bool]]:
        """Seal what the journal holds now: (node, frame, whether by the own bridge)."""
        newest = {(item.node, item.epoch): item for item in items}  # they are cumulative
        self._counters["acknowledgements dropped"] += max(0, len(newest) - ACKS_A_MESSAGE)
        sealed = []
        for item in list(newest.values())[:ACKS_A_MESSAGE]:
            acked = self._seal(item.node, partial(self._ack, item, now_s))
            self._counters["acknowledgements"] += len(acked)
            wanted = self._pending.due(item.node, now_s) if acked else None
            if wanted:
                head = (item.counter, self._freshness.nonce_for(item.node, item.epoch, now_s))
                acked += self._seal(item.node, partial(Config, *head, *wanted))
            sealed += acked
        return sealed

    def update(self, items: Iterable[Chunk], now_s: float) -> list[tuple[int, bytes, bool]]:
        """Seal parts of a release, and nothing else, for a node that has just reported."""
        sealed = []
        for item in items:
            counter, left = self._chunks.get(item.node, (0, 0))
            if counter != item.counter or not left:
                self._counters["update not asked for"] += 1
                continue
            self._chunks[item.node] = (counter, left - 1)
            head = (counter, self._freshness.nonce_for(item.node, item.epoch, now_s))
            sealed += self._seal(
                item.node, partial(UpdateChunk, *head, item.release, item.offset, item.data)
            )
        return sealed

    def _seal(
        self, node: int, make: Callable[[], Ack | Config | UpdateChunk]
    ) -> list[tuple[int, bytes, bool]]:
        try:
            message = make()
            frame = self._keys.seal(node, message.TYPE, message.encode())
        except (NotReserved, WireError) as error:
            self._counters[f"no downlink: {type(error).__name__}"] += 1
            return []
        heard = self.heard.get(node)
        return [(node, frame, heard is not None and heard.by_bridge)]

    def _ack(self, item: Committed, now_s: float) -> Ack:
        if item.node not in self._keys.nodes():
            raise UnknownNode(f"node {item.node}")
        bits = item.bits & (1 << MORE_MAX) - 1
        return Ack(
            item.counter, self._freshness.nonce_for(item.node, item.epoch, now_s),
            item.epoch & (1 << LIFE_BITS) - 1, item.through, bits, bits.bit_length(),
            max(min(item.rate, RATE_FAST), self._judge.rate(item.node, now_s)),
        )  # fmt: skip


def _node(frame: bytes) -> int:
    return int.from_bytes(frame[1:3], "little")


def _why(frame: bytes, error: WireError) -> int:
    if not MIN_FRAME <= len(frame) <= MAX_FRAME:
        return _LENGTH
    if DIRECTIONS.get(frame[0] & 15) == DOWNLINK:
        return _DOWNLINK
    return _REASONS.get(type(error), _MALFORMED)
