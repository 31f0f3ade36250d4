"""Take sealed frames in and seal acknowledgements out: verify, age, judge, answer.

Nothing here waits and nothing here is trusted before its tag was checked. What is refused is
counted by its reason and costs nothing that was good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from amont_wire.bits import BitReader
from amont_wire.const import (
    DIRECTIONS,
    DOWNLINK,
    MAX_FRAME,
    MIN_FRAME,
    RATE_FAST,
    SAMPLES,
    URGENT,
)
from amont_wire.counters import NEW, OLD
from amont_wire.downlink import MORE_MAX, Ack
from amont_wire.errors import Forged, Malformed, OtherVersion, UnknownType, WireError
from amont_wire.frame import Header
from amont_wire.samples import decode_samples
from amont_wire.uplink import get_head

from .decide import Decision, Judge
from .freshness import Age, Freshness
from .keys import Keyring, NotReserved, UnknownNode
from .messages import BRIDGE, REASONS, SEEN, Committed, Opened

_CLASSES = {OtherVersion: 2, UnknownType: 3, UnknownNode: 4, Forged: 5, Malformed: 7}
_LENGTH, _OLD, _MALFORMED, _DOWNLINK = 1, 6, 7, 8
LIFE_BITS = 12
ACKS_A_MESSAGE = 256  # about 20 ms of sealing; a node that goes without asks again


@dataclass(slots=True)
class Heard:
    """What is known of a node from its newest frames."""

    at_s: float
    epoch: int
    by_bridge: bool


@dataclass(slots=True)
class Batch:
    """What a number of frames came to: for the gateway, and for the sirens."""

    opened: list[Opened] = field(default_factory=list)
    rejected: list[tuple[int, int, int]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)


class Refused(Exception):
    """A frame is refused; ``reason`` is an index into ``messages.REASONS``."""

    def __init__(self, reason: int) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


class Intake:
    """The way of a frame from bytes to a decision, and of a commit to an acknowledgement."""

    def __init__(
        self, keys: Keyring, freshness: Freshness, judge: Judge, counters: Counter[str]
    ) -> None:
        """Share the guard's keys, ages, judgement and counters."""
        self._keys, self._freshness, self._judge = keys, freshness, judge
        self._counters = counters
        self.heard: dict[int, Heard] = {}
        self.changed = False  # windows or bases, since they were stored last

    def take(
        self, batch: Batch, handle: int, frame: bytes, now_s: float, wall_ms: int,
        radio: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """Add to ``batch`` what one frame comes to; ``radio`` (dBm, dB/4) if by the own bridge."""
        try:
            header, body, generation = self._open(frame)
            self._admit(batch, handle, header, body, generation, now_s, wall_ms, radio)
        except Refused as refusal:
            self._counters[str(refusal)] += 1
            node = int.from_bytes(frame[1:3], "little")
            batch.rejected.append((handle, node, refusal.reason))

    def acknowledge(
        self, items: Iterable[Committed], now_s: float
    ) -> list[tuple[int, bytes, bool]]:
        """Seal what the journal holds now: (node, frame, whether by the own bridge)."""
        newest = {(item.node, item.epoch): item for item in items}  # they are cumulative
        self._counters["acknowledgements dropped"] += max(0, len(newest) - ACKS_A_MESSAGE)
        sealed = []
        for item in list(newest.values())[:ACKS_A_MESSAGE]:
            try:
                frame = self._keys.seal(item.node, Ack.TYPE, self._ack(item, now_s).encode())
            except (NotReserved, WireError) as error:
                self._counters[f"no downlink: {type(error).__name__}"] += 1
                continue
            self._counters["acknowledgements"] += 1
            heard = self.heard.get(item.node)
            sealed.append((item.node, frame, heard is not None and heard.by_bridge))
        return sealed

    def _open(self, frame: bytes) -> tuple[Header, bytes, int]:
        if not MIN_FRAME <= len(frame) <= MAX_FRAME:
            raise Refused(_LENGTH)
        if DIRECTIONS.get(frame[0] & 15) == DOWNLINK:
            raise Refused(_DOWNLINK)
        try:
            return self._keys.open(frame)
        except WireError as error:
            raise Refused(_CLASSES.get(type(error), _MALFORMED)) from None

    def _admit(
        self, batch: Batch, handle: int, header: Header, body: bytes, generation: int,
        now_s: float, wall_ms: int, radio: tuple[int, int] | None,
    ) -> None:  # fmt: skip
        node, counter = header.node, header.counter
        try:
            life, tick_s, echo = get_head(BitReader(body))
        except WireError:
            raise Refused(_MALFORMED) from None
        epoch = generation << LIFE_BITS | life
        verdict = self._keys.take(node, generation, counter)
        if verdict == OLD:
            raise Refused(_OLD)
        age, odd = self._freshness.observe(node, epoch, counter, tick_s, echo, now_s)
        if odd:
            self._counters["implausible time"] += 1
        if verdict == NEW:
            self._note(node, epoch, radio is not None, now_s)
            frame = [node, epoch, counter]
            batch.decisions += self._judge_body(header, epoch, body, age, now_s, frame)
        flags = (SEEN if verdict != NEW else 0) | (BRIDGE if radio else 0)
        self._counters["seen again" if verdict != NEW else "opened"] += 1
        rssi_dbm, snr_db4 = radio or (0, 0)
        batch.opened.append(Opened(
            handle, node, epoch, counter, header.type, flags, age.quality,
            wall_ms - int(age.estimate_s * 1000), rssi_dbm, snr_db4, body,
        ))  # fmt: skip

    def _note(self, node: int, epoch: int, by_bridge: bool, now_s: float) -> None:
        self.changed = True
        heard = self.heard.get(node)
        if heard is None or epoch >= heard.epoch:
            self.heard[node] = Heard(now_s, epoch, by_bridge)

    def _judge_body(
        self, header: Header, epoch: int, body: bytes, age: Age, now_s: float, frame: list[int]
    ) -> list[Decision]:
        if header.type not in (SAMPLES, URGENT) or not self._judge.votes(header.node):
            return []  # the gateway decodes it; the guard has no use for it
        try:
            message = decode_samples(body)
        except WireError:
            raise Refused(_MALFORMED) from None
        return self._judge.samples(header.node, epoch, message, age, now_s, frame)

    def _ack(self, item: Committed, now_s: float) -> Ack:
        if item.node not in self._keys.nodes():
            raise UnknownNode(f"node {item.node}")
        bits = item.bits & (1 << MORE_MAX) - 1
        return Ack(
            item.counter, self._freshness.nonce_for(item.node, item.epoch, now_s),
            item.epoch & (1 << LIFE_BITS) - 1, item.through, bits, bits.bit_length(),
            max(min(item.rate, RATE_FAST), self._judge.rate(item.node, now_s)),
        )  # fmt: skip
