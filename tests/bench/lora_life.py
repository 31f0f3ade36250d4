"""A node's pure duty with real frames over a slow, lossy air, in virtual time.

What ``node_life`` guesses is real here: the bodies are those that ``amont_node.frames`` makes of
a recorded river, and the guard acknowledges as ``amont_gateway`` does, with the gaps in bits. The
air loses frames alone or in bursts, each way by itself, and may hear nothing for days.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from tests.bench.node_life import LIFE, NodeLife, Told

from amont_node import duty as act
from amont_node import frames
from amont_node.delivery import BACKLOG, REGULAR, URGENT
from amont_node.outbox import Record
from amont_wire import const
from amont_wire.downlink import MORE_MAX
from amont_wire.messages import Ack
from amont_wire.samples import decode_samples

BESIDE = const.HEADER + const.TAG
OTHER_BODY = 16  # of a health message or a hello, about


class Air:
    """Frames lost in one direction: ``loss`` in the mean, in bursts of ``burst`` frames."""

    def __init__(self, loss: float, burst: float, seed: int) -> None:
        """Begin in the good state; a burst of 1/(1 - loss) is chance alone."""
        self._chance = random.Random(seed)
        self._ends = 1.0 / max(burst, 1.0)
        self._begins = 0.0 if loss in (0.0, 1.0) else self._ends * loss / (1 - loss)
        self._bad = loss == 1.0
        self._stays_bad = loss == 1.0

    def loses(self) -> bool:
        """Tell whether the next frame is lost."""
        if not self._stays_bad:
            draw = self._chance.random()
            self._bad = draw >= self._ends if self._bad else draw < self._begins
        return self._bad


def alone(loss: float) -> float:
    """Return the mean burst of losses that know nothing of each other."""
    return 1 / (1 - loss)


class LoraLife(NodeLife):
    """A node whose frames are real, from a series of values by their order in time."""

    def __init__(
        self, settings: dict[str, Any], values: Sequence[int], up: Air, down: Air, seed: int
    ) -> None:
        """Give reading number n the n-th value, or the last one where they end."""
        interval_s = settings["interval_s"]
        last = len(values) - 1
        super().__init__(
            settings, lambda tick_s: values[min(last, round(tick_s / interval_s))], seed, 0.0
        )
        self.up, self.down = up, down
        self.away: range = range(0)  # seconds in which no gateway hears
        self.bodies: list[tuple[int, int, int]] = []  # kind, bytes, readings of each new frame

    def _send(self, plan: Any) -> None:
        if plan.has_samples():
            last = min(plan.last, len(self.samples) - 1)
            if plan.first > last:
                self._step((act.FAILED, plan))
                return
            made = self._frame(plan, last)
            first, last, size = made.first, made.last, len(made.body)
            self._agrees(made)
        else:
            first = last = 0
            size = OTHER_BODY
        self._counter += 1
        self.bodies.append((plan.kind, size, last - first + 1))
        frame = self._counter.to_bytes(4, "little") + bytes(size + BESIDE - 4)
        told = Told(self.tick_s, plan.kind, first, last, len(frame))
        self._frames[frame] = told
        self._step((act.SENT, plan, self._counter, frame, first, last, None))
        self._uplink(frame, told)

    def _frame(self, plan: Any, last: int) -> frames.Frame:
        mask = 0
        for channel in self.config.channels:
            mask |= 1 << channel.index
        records = [
            Record(LIFE, seq, self.samples[seq][0], mask, [self.samples[seq][1]] * 4, 0)
            for seq in range(plan.first, last + 1)
        ]
        waiting = last - self.spans.get(LIFE).first
        return frames.build(
            self.config, records, plan.keeps_oldest(), self.tick_s, waiting, False, None
        )

    # What the bench counts as carried has to be what the other end reads.
    def _agrees(self, made: frames.Frame) -> None:
        told = decode_samples(made.body)
        count = made.last - made.first + 1
        values = [value for _, value in self.samples[made.first : made.last + 1]]
        if told.seq != made.last or told.channels[0].values != values or len(values) != count:
            raise AssertionError(f"seq {made.first} to {made.last} came out as {told.seq}")

    def _uplink(self, frame: bytes, told: Told) -> None:
        self.told.append(Told(self.tick_s, told.kind, told.first, told.last, told.size))
        if self.tick_s in self.away or self.up.loses():
            return
        if told.kind in (REGULAR, URGENT, BACKLOG):
            self.committed.update(range(told.first, told.last + 1))
        self._answer += 1
        if self.down.loses():
            return
        through = self._through()
        bits = sum(1 << i for i in range(MORE_MAX) if through + 1 + i in self.committed)
        ack = Ack(
            int.from_bytes(frame[:4], "little"), 7, LIFE, through, bits, bits.bit_length(), 0
        )
        for action in self._step((act.DOWNLINK, self._answer, ack)):
            if action[0] == act.ACKED:
                assert self.spans.ack(*action[1:])

    def _through(self) -> int:
        through = getattr(self, "_known", -1)
        while through + 1 in self.committed:
            through += 1
        self._known = through
        return through


def settings(interval_s: int, sf: int = 9, **more: Any) -> dict[str, Any]:
    """Return a river node's configuration as enrolment writes it, without marks."""
    return {
        "schema": 1, "id": 7, "generation": 1, "interval_s": interval_s,
        "fast_interval_s": min(60, interval_s), "frame_samples": 4,
        "carrier": {"kind": "radio", "lora": {"sf": sf}},
        "channels": [{"index": 0, "quantity": 1, "probe": {"kind": "constant"}}],
    } | more  # fmt: skip
