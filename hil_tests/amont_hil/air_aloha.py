"""An anchor for the air: nodes without our rules, on the same links and the same kind of receiver.

Pure ALOHA: each sample makes a frame of its own, each frame is sent when it is made and again
after a fixed time until it is answered, eight times at most; nothing is urgent, and no airtime is
counted. The bridge answers each frame as soon as it may.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from amont_node.radio import Modulation

from .air import Air, Events, Transmission
from .air_bridge import Plan, preamble
from .air_links import BRIDGE, Spot
from .air_receivers import Radio

FRAME_BYTES = 27  # what one of our frames with one reading has
ANSWER_BYTES = 27
RETRY_US, TRIES = 5_000_000, 8
_ANSWER_AFTER_US = 50_000


@dataclass
class AlohaNode:
    """What waits to be answered, in order; one frame is on its way at a time."""

    spot: Spot
    turn: int
    waiting: deque[int] = field(default_factory=deque)  # seqs
    tries: int = 0
    busy: bool = False


class Aloha:
    """Nodes and bridge; ``heard(node, seq)`` is called when a frame arrives first."""

    def __init__(self, air: Air, plan: Plan, spots: list[Spot], radios: list[Radio]) -> None:
        """Take over the bridge's receivers."""
        self._air, self._plan, self._radios = air, plan, radios
        self._events: Events = air.events
        self.nodes = {spot.node: AlohaNode(spot, spot.node) for spot in spots}
        self.arrived: dict[tuple[int, int], int] = {}  # (node, seq): when
        self._sending_until_us = 0
        self.given_up = 0

    def sample(self, node: int, seq: int) -> None:
        """Make a frame of a sample."""
        one = self.nodes[node]
        one.waiting.append(seq)
        if not one.busy:
            one.busy, one.tries = True, 0
            self._send(one, one.waiting[0])

    def heard(self, sent: Transmission) -> None:
        """Take a frame at the bridge, and answer it."""
        seq = int.from_bytes(sent.frame[:4], "little")
        self.arrived.setdefault((sent.sender, seq), self._events.now_us)
        self._events.at(self._events.now_us + _ANSWER_AFTER_US, self._answer, sent, seq)

    def _send(self, one: AlohaNode, seq: int) -> None:
        if not one.waiting or one.waiting[0] != seq:
            return
        if one.tries >= TRIES:
            self.given_up += 1
            self._next(one)
            return
        one.tries += 1
        khz = self._plan.channels_khz[one.turn % len(self._plan.channels_khz)]
        one.turn += 1
        m = Modulation(khz, one.spot.sf, 125, 5, preamble(self._plan, one.spot.sf))
        frame = seq.to_bytes(4, "little") + bytes(FRAME_BYTES - 4)
        self._air.send(one.spot.node, m, frame, self._events.now_us)
        self._events.at(self._events.now_us + RETRY_US, self._send, one, seq)

    def _answer(self, sent: Transmission, seq: int) -> None:
        if self._events.now_us < self._sending_until_us:
            return
        was = sent.modulation
        m = Modulation(was.freq_khz, was.sf, 125, 5, 8, self._plan.power_dbm, True)
        end_us = self._air.send(BRIDGE, m, bytes(ANSWER_BYTES), self._events.now_us)
        self._sending_until_us = end_us
        for radio in self._radios:
            radio.send_begins(end_us)
        self._events.at(end_us, self._answered, sent.sender, seq, end_us)

    def _answered(self, node: int, seq: int, at_us: int) -> None:
        one = self.nodes[node]
        passes = not self._radios[0].links.is_bad(BRIDGE, node, at_us)
        if passes and one.waiting and one.waiting[0] == seq:
            self._next(one)

    def _next(self, one: AlohaNode) -> None:
        one.waiting.popleft()
        one.tries, one.busy = 0, bool(one.waiting)
        if one.busy:
            self._send(one, one.waiting[0])
