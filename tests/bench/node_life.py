"""One node's pure duty in virtual time: a value over the seconds, an air that loses, a guard."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amont_node import duty as act
from amont_node import kept
from amont_node.config import NodeConfig
from amont_node.delivery import BACKLOG, REGULAR, URGENT
from amont_node.duty import Duty
from amont_node.spans import Spans
from amont_wire.const import MAX_FRAME
from amont_wire.messages import Ack

LIFE = 0
FRAME_READINGS = 20  # about what 51 bytes hold
Value = Callable[[int], int]


@dataclass(frozen=True)
class Told:
    """A frame that went out: when, its kind, the samples in it, how long it is."""

    tick_s: int
    kind: int
    first: int
    last: int
    size: int


class NodeLife:
    """A node's duty, stepped only when it asks for it, as a board that sleeps would."""

    def __init__(self, settings: dict[str, Any], value: Value, seed: int, loss: float) -> None:
        self.config = NodeConfig(settings)
        self.chance = random.Random(seed)
        self.loss, self._value = loss, value
        self.spans = Spans()
        self.samples: list[tuple[int, int]] = []  # (tick, value) by seq
        self.told: list[Told] = []
        self.tick_s = 0
        self.duty = Duty(self.config, self.spans, LIFE, 0, 0)
        self.wakes = 0
        self._counter = self._answer = 0
        self._frames: dict[bytes, Told] = {}
        self.committed: set[int] = set()

    def run(self, until_s: int, event: tuple[Any, ...] | None = None) -> None:
        """Let time pass; ``event`` comes first."""
        if event is not None:
            self._step(event)
            self._wake()
        while True:
            due_s, due_ms = self.duty.due(self.tick_s * 1000)
            following = min(due_s, until_s if due_ms is None else -(-due_ms // 1000))
            self.tick_s = max(self.tick_s + 1, following)
            if self.tick_s > until_s:
                self.tick_s = until_s
                return
            self._wake()

    def forget(self) -> None:
        """Lose the memory but for what was kept, as a board that is off between two wakes."""
        memory = json.loads(json.dumps(kept.keep(self.duty)))
        self.duty = Duty(self.config, self.spans, LIFE, len(self.samples), self.tick_s)
        assert kept.recall(self.duty, self.tick_s, self.tick_s * 1000, memory, True)

    def reboot(self, knows: bool) -> None:
        """Boot anew: all is lost but the hour on the air, or even that with the flash."""
        memory = json.loads(json.dumps(kept.keep(self.duty))) if knows else None
        self.duty = Duty(self.config, self.spans, LIFE, len(self.samples), self.tick_s)
        assert not kept.recall(self.duty, self.tick_s, self.tick_s * 1000, memory, False)

    def _step(self, event: tuple[Any, ...] | None = None) -> list[Any]:
        actions: list[Any] = self.duty.step(self.tick_s, self.tick_s * 1000, event)
        return actions

    def _wake(self) -> None:
        self.wakes += 1
        for _ in range(100):
            actions = self._step()
            if not actions:
                return
            for action in actions:
                self._perform(action)
        raise AssertionError("the duty never rests")

    def _perform(self, action: tuple[Any, ...]) -> None:
        if action[0] == act.SAMPLE:
            value = self._value(action[2])
            self.samples.append((action[2], value))
            self.spans.add(LIFE, action[1])
            self._step((act.READING, action[2], value))
        elif action[0] == act.LOOK:
            self._step((act.LOOKED, action[1], self._value(action[1])))
        elif action[0] == act.SEND:
            self._send(action[1])
        elif action[0] == act.REPEAT:
            self._uplink(action[1], self._frames[action[1]])

    def _send(self, plan: Any) -> None:
        first, last = plan.first, min(plan.last, len(self.samples) - 1)
        if plan.has_samples() and first > last:
            self._step((act.FAILED, plan))
            return
        if plan.has_samples() and last - first >= FRAME_READINGS:
            if plan.keeps_oldest():
                last = first + FRAME_READINGS - 1
            else:
                first = last - FRAME_READINGS + 1
        self._counter += 1
        size = min(MAX_FRAME, 29 + max(0, last - first) // 2)
        frame = self._counter.to_bytes(4, "little") + bytes(size - 4)
        self._frames[frame] = Told(self.tick_s, plan.kind, first, last, size)
        self._step((act.SENT, plan, self._counter, frame, first, last, None))
        self._uplink(frame, self._frames[frame])

    def _uplink(self, frame: bytes, told: Told) -> None:
        self.told.append(Told(self.tick_s, told.kind, told.first, told.last, told.size))
        if self.chance.random() < self.loss:
            return
        if told.kind in (REGULAR, URGENT, BACKLOG):
            self.committed.update(range(told.first, told.last + 1))
        through = -1
        while through + 1 in self.committed:
            through += 1
        self._answer += 1
        counter = int.from_bytes(frame[:4], "little")
        if self.chance.random() >= self.loss:
            ack = Ack(counter, 7, LIFE, through, 0, 0, 0)
            for action in self._step((act.DOWNLINK, self._answer, ack)):
                if action[0] == act.ACKED:
                    assert self.spans.ack(*action[1:])
