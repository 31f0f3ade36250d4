# A node's Duty, an outbox in memory, an air that loses frames, and a guard that commits and
# acknowledges: pure, seeded, on both Pythons. Nothing here sleeps; both clocks are numbers.

import struct

from amont_node import duty as act
from amont_node.config import NodeConfig
from amont_node.delivery import HEALTH, HELLO
from amont_node.duty import Duty
from amont_node.spans import Spans
from amont_wire.counters import ReservedCounter
from amont_wire.messages import Ack

LIFE = 0
FRAME_READINGS = 20  # what a frame holds here
_FRAME = "<IBIII"  # counter, kind, first and last sample, oldest waiting
_PADDING = bytes(34)  # to the longest frame, so that all cost their airtime


def config(**changes) -> NodeConfig:
    data = {
        "schema": 1,
        "id": 17,
        "generation": 1,
        "version": 1,
        "interval_s": 60,
        "fast_interval_s": 10,
        "high_mark": 1000,
        "rise_mark": 100,
        "overlap": 24,
        "airtime_permille": 1000,  # for its own checks
        "channels": [{"index": 0, "quantity": 1, "step": 1, "probe": {"kind": "constant"}}],
        "carrier": {"kind": "radio", "port": 1},
    }
    for name in changes:
        data[name] = changes[name]
    return NodeConfig(data)


class Random:
    def __init__(self, seed: int) -> None:
        self._state = seed & 0x7FFFFFFF

    def below(self, limit: int) -> int:
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % limit


# (counter, (kind, first, last, oldest))
def unpacked(frame: bytes):
    counter, kind, first, last, oldest = struct.unpack_from(_FRAME, frame)
    return counter, (kind, first, last, oldest)


# What the flash keeps over reboots.
class Flash:
    def __init__(self) -> None:
        self.spans = Spans()
        self.stored = {}  # seq: value
        self.limit = 0  # reserved counters

    def reserve(self, limit: int) -> None:
        self.limit = limit


# The guard and the gateway in one: commits what it sees, acknowledges by the rules of the wire.
class Guard:
    def __init__(self, nonce: int = 7) -> None:
        self.nonce = nonce
        self.committed = set()
        self.frames = {}  # counter: what it carried; same counter must mean same bytes
        self.floor = 0
        self.counter = 0

    def take(self, counter: int, frame) -> "tuple[int, Ack]":
        assert self.frames.get(counter, frame) == frame, "counter %d twice" % counter
        self.frames[counter] = frame
        kind, first, last, oldest = frame
        if kind not in (HELLO, HEALTH):
            for seq in range(first, last + 1):
                self.committed.add(seq)
            self.floor = max(self.floor, oldest)
        through = self.floor - 1
        while through + 1 in self.committed:
            through += 1
        bits = 0
        for i in range(40):
            if through + 1 + i in self.committed:
                bits |= 1 << i
        self.counter += 1
        return self.counter, Ack(counter, self.nonce, LIFE, through, bits, 40, 0)


class Node:
    def __init__(self, flash: Flash, settings: NodeConfig, tick_s: int, value=None) -> None:
        self.flash = flash
        self._counter = ReservedCounter(flash.limit, flash.reserve)
        span = flash.spans.get(LIFE)
        following = 0 if span is None else span.last + 1
        self.duty = Duty(settings, flash.spans, LIFE, following, tick_s)
        self._value = value or (lambda tick_s: 500)
        self.dropped_for = []  # acknowledgements that were followed

    # Everything that is due; the frames that went out: [(counter, frame)].
    def wake(self, tick_s: int, link_ms: int, ready: bool = True):
        out = []
        for _ in range(100):
            actions = self.duty.step(tick_s, link_ms, None, ready)
            if not actions:
                return out
            for action in actions:
                self._perform(action, tick_s, link_ms, out)
        raise AssertionError("the duty never rests")

    def _perform(self, action, tick_s: int, link_ms: int, out) -> None:
        if action[0] == act.SAMPLE:
            _, seq, instant_s = action
            value = self._value(instant_s)
            self.flash.stored[seq] = value
            self.flash.spans.add(LIFE, seq)
            self.duty.step(tick_s, link_ms, (act.READING, instant_s, value))
        elif action[0] == act.LOOK:
            seen = self._value(action[1])
            self.duty.step(tick_s, link_ms, (act.LOOKED, action[1], seen))
        elif action[0] == act.REPEAT:
            out.append(unpacked(action[1]))
        elif action[0] == act.SEND:
            plan = action[1]
            first, last = plan.first, plan.last
            if plan.has_samples() and last - first >= FRAME_READINGS:
                if plan.keeps_oldest():
                    last = first + FRAME_READINGS - 1
                else:
                    first = last - FRAME_READINGS + 1
            span = self.flash.spans.get(LIFE)
            oldest = 0 if span is None else span.first
            counter = self._counter.next()
            frame = struct.pack(_FRAME, counter, plan.kind, first, last, oldest) + _PADDING
            out.append(unpacked(frame))
            sent = (act.SENT, plan, counter, frame, first, last, None)
            self.duty.step(tick_s, link_ms, sent)

    def downlink(self, tick_s: int, link_ms: int, counter: int, message) -> None:
        for action in self.duty.step(tick_s, link_ms, (act.DOWNLINK, counter, message)):
            if action[0] == act.ACKED:
                assert self.flash.spans.ack(action[1], action[2], action[3])
