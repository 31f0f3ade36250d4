"""A node for tests: real frames, an outbox that drops only what a sealed ack covers.

Its flash (``outbox``, reserved counter, life) survives ``restart``; what it keeps in RAM does not.
"""

from __future__ import annotations

import time
from collections import deque

from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.errors import WireError
from amont_wire.frame import Opener, Sealer
from amont_wire.messages import Ack, Channel, Samples, decode

READINGS = 24
IN_FLIGHT = 6  # unanswered frames; a node believes answers to its last 8 only
PATIENCE_S = 1.0


class SimNode:
    def __init__(
        self,
        node: int,
        secret: bytes,
        *,
        generation: int = 1,
        quantity: int = 3,
        interval_s: int = 1,
    ) -> None:
        self.node, self.secret, self.generation = node, secret, generation
        self.quantity, self.interval_s = quantity, interval_s
        self.outbox: dict[int, dict[int, int]] = {}  # life -> seq -> value, unacknowledged
        self.dropped: set[tuple[int, int]] = set()  # (life, seq) that an ack covered
        self.life = 0
        self._reserved = 0
        self.acks = 0
        self.restart()

    def restart(self, *, lost_clock: bool = True) -> None:
        """Lose the RAM; with the clock lost a new life begins."""
        if lost_clock:
            self.life += 1
            self.seq = -1
            self.outbox[self.life] = {}
        key = (self.secret, self.node, self.generation)
        counter = ReservedCounter(self._reserved, self._reserve)
        self._sealer = Sealer(*key, const.UPLINK, counter)
        self._opener = Opener(*key, const.DOWNLINK)
        self._sent: deque[int] = deque(maxlen=8)
        self._cursors: dict[int, int] = {}
        self._oldest: dict[int, tuple[int, float]] = {}  # per life: seq, since when it is that
        self._taken = 0
        self._unanswered: list[int] = []
        self._asked_s = 0.0
        self._turn = 0

    def _reserve(self, limit: int) -> None:
        self._reserved = limit

    def sample(self, value: int) -> None:
        self.seq += 1
        self.outbox[self.life][self.seq] = value

    @property
    def unacknowledged(self) -> int:
        return sum(len(kept) for kept in self.outbox.values())

    def frame(self, type: int = const.SAMPLES) -> bytes | None:
        """Seal newest or oldest samples in turn; None if all is acknowledged."""
        if len(self._unanswered) >= IN_FLIGHT:
            if time.monotonic() - self._asked_s < PATIENCE_S:
                return None
            self._unanswered.clear()
        self._turn += 1
        lives = [life for life, kept in sorted(self.outbox.items()) if kept]
        if not lives:
            return None
        life = lives[0] if self._turn % 2 else lives[-1]
        kept = sorted(self.outbox[life])
        if self._turn % 4 >= 2:
            body, _ = self._body(life, kept, _last_run(kept))
        else:
            body = self._next_body(life, kept)
        counter, sealed = self._sealer.seal(type, body)
        self._sent.append(counter)
        self._unanswered.append(counter)
        self._asked_s = time.monotonic()
        return sealed

    def _body(self, life: int, kept: list[int], seqs: list[int]) -> tuple[bytes, int]:
        """Return a body of these samples, and how many of the newest it really carries."""
        tick_s = (kept[-1] + 1) * self.interval_s
        return Samples(
            life=life,
            tick_s=tick_s,
            seq=seqs[-1],
            lag_s=tick_s - (seqs[-1] + 1) * self.interval_s,
            interval_s=self.interval_s,
            backlog=kept[-1] - kept[0],
            fast=False,
            channels=[Channel(0, self.quantity, 1, [self.outbox[life][seq] for seq in seqs])],
        ).encode_trimmed()

    def _next_body(self, life: int, kept: list[int]) -> bytes:
        """Walk the backlog oldest first, and again from the start when that is overdue.

        A frame that was lost leaves a hole at the oldest end, and acknowledgements hardly reach
        beyond a hole: as the firmware does, go back to it after a while. A body that is full
        drops its oldest samples, which here would leave holes that no frame ever fills: so the
        run is cut at its other end until all of it is carried.
        """
        oldest, since_s = self._oldest.get(life, (-1, 0.0))
        if oldest != kept[0] or time.monotonic() - since_s > PATIENCE_S:
            self._oldest[life] = (kept[0], time.monotonic())
            if oldest == kept[0]:
                self._cursors[life] = kept[0]
        waiting = [seq for seq in kept if seq >= self._cursors.get(life, 0)] or kept
        run = [seq for i, seq in enumerate(waiting[:READINGS]) if seq == waiting[0] + i]
        body, carried = self._body(life, kept, run)
        while carried < len(run):
            run = run[:carried]
            body, carried = self._body(life, kept, run)
        self._cursors[life] = run[-1] + 1
        return body

    def take(self, frame: bytes) -> bool:
        """Take a downlink as a node does; True if it was an ack for us."""
        try:
            header, body = self._opener.open(frame)
            message = decode(header.type, body)
        except WireError:
            return False
        if header.counter <= self._taken or message.answers not in self._sent:
            return False
        self._taken = header.counter
        self._unanswered = [c for c in self._unanswered if c > message.answers]
        if not isinstance(message, Ack):
            return False
        self.acks += 1
        kept = self.outbox.get(message.life, {})
        for seq in [seq for seq in kept if message.covers(seq)]:
            del kept[seq]
            self.dropped.add((message.life, seq))
        return True


def _last_run(seqs: list[int]) -> list[int]:
    """Return the newest consecutive seqs, at most one frame's worth."""
    run = [seqs[-1]]
    for seq in reversed(seqs[:-1]):
        if seq != run[-1] - 1 or len(run) == READINGS:
            break
        run.append(seq)
    return run[::-1]
