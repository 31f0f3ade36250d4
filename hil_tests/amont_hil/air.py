"""The air between nodes and bridges, in virtual time: who sends what, when, and who hears it.

Event-driven and seeded: the same seed gives the same trace. Instants are whole microseconds from
the beginning. A place is a number: 0 is the bridge, any other a node. What the air does to a frame
is decided here and in ``air_links`` and ``air_receivers``; what is sent, and when, decide the real
``amont_node`` and ``amont_bridge`` (``air_node``, ``air_bridge``).

Sources: Croce et al., "Impact of LoRa imperfect orthogonality", IEEE Communications Letters 22(4),
2018 (isolation between spreading factors, measured); Bor et al., "Do LoRa low-power wide-area
networks scale?", MSWiM 2016 (what of a preamble has to be free of others); Goursaud and Gorce,
"Dedicated networks for IoT", EAI Transactions on IoT, 2015 (6 dB between equal spreading factors).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, log10
from typing import Any, Protocol

from amont_node.radio import Modulation
from amont_wire.airtime import time_on_air_ms

CAPTURE_DB = 6.0  # a frame outlives others of its own spreading factor that are weaker by this
# Row: the frame's own spreading factor; column: the other's, 7 to 12: how far in dB the frame has
# to be above the other (below, where negative).
ISOLATION_DB = {
    7: (CAPTURE_DB, -8, -9, -9, -9, -9),
    8: (-11, CAPTURE_DB, -11, -12, -13, -13),
    9: (-15, -13, CAPTURE_DB, -13, -14, -15),
    10: (-19, -18, -17, CAPTURE_DB, -17, -18),
    11: (-22, -22, -21, -20, CAPTURE_DB, -20),
    12: (-25, -25, -25, -24, -23, CAPTURE_DB),
}
LOCK_SYMBOLS = 5  # of the preamble: what a receiver needs to lock on, so free of others
SYNC_SYMBOLS4 = 17  # quarters: sync word and start of frame
_KEPT_US = 5_000_000  # no frame is longer

Level = Callable[[int, int, int], float]  # from, to, at_us: the loss in dB


class Events:
    """What happens when: in order of time, and at one instant in the order in which it was put."""

    def __init__(self) -> None:
        """Begin at instant 0."""
        self.now_us = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, at_us: int, do: Callable[..., None], *what: Any) -> None:
        """Do it at ``at_us``, at once if that has passed."""
        self._count += 1
        heapq.heappush(self._heap, (max(at_us, self.now_us), self._count, do, what))

    def run(self, until_us: int) -> None:
        """Let time pass."""
        while self._heap and self._heap[0][0] <= until_us:
            self.now_us, _, do, what = heapq.heappop(self._heap)
            do(*what)
        self.now_us = max(self.now_us, until_us)


@dataclass(slots=True, eq=False)
class Transmission:
    """One frame on the air."""

    number: int
    sender: int
    modulation: Modulation
    frame: bytes
    begin_us: int
    heard_dbm: dict[int, float] = field(default_factory=dict)  # by place
    fates: dict[int, str] = field(default_factory=dict)  # by place of who should hear it

    @property
    def symbol_us(self) -> int:
        """Return how long one symbol is."""
        return (1000 << self.modulation.sf) // self.modulation.bw_khz

    @property
    def airtime_us(self) -> int:
        """Return how long all of it is."""
        return airtime_us(len(self.frame), self.modulation)

    @property
    def end_us(self) -> int:
        """Return when it is over."""
        return self.begin_us + self.airtime_us

    @property
    def lock_by_us(self) -> int:
        """Return when a receiver has to be there at the latest."""
        return self.begin_us + (self.modulation.preamble - LOCK_SYMBOLS) * self.symbol_us


def airtime_us(size: int, m: Modulation) -> int:
    """Return how long a frame of so many bytes is on the air."""
    return time_on_air_ms(size, m.sf, m.bw_khz, m.cr, m.preamble) * 1000


class Listener(Protocol):
    """Whoever may hear: told of each frame that begins; it asks the air what became of it."""

    place: int

    def begins(self, sent: Transmission) -> None:
        """Take notice of a frame whose first symbol is on the air now."""


class Air:
    """All frames on the air, and what they do to each other."""

    def __init__(self, events: Events, loss_db: Level) -> None:
        """Let ``loss_db(from, to, at_us)`` say what is lost between two places."""
        self.events, self._loss_db = events, loss_db
        self.listeners: list[Listener] = []  # of nodes' frames
        self.nodes: set[Listener] = set()  # that listen to the bridge now
        self.sent: list[Transmission] = []  # all, in order of their beginning
        self._recent: dict[int, list[Transmission]] = {}  # by frequency

    def send(self, sender: int, m: Modulation, frame: bytes, at_us: int) -> int:
        """Put a frame on the air at ``at_us``; return when it is over."""
        sent = Transmission(0, sender, m, frame, at_us)
        self.events.at(at_us, self._begin, sent)
        return sent.end_us

    def _begin(self, sent: Transmission) -> None:
        sent.begin_us, sent.number = self.events.now_us, len(self.sent)
        self.sent.append(sent)
        recent = self._recent.setdefault(sent.modulation.freq_khz, [])
        recent[:] = [o for o in recent if o.begin_us > sent.begin_us - _KEPT_US]
        recent.append(sent)
        if sent.modulation.inverted:
            for node in sorted(self.nodes, key=lambda node: node.place):
                node.begins(sent)
            return
        for listener in self.listeners:
            listener.begins(sent)

    def level_dbm(self, sent: Transmission, place: int) -> float:
        """Return how strong a frame is at a place: the same from its first symbol to its last."""
        if place not in sent.heard_dbm:
            loss_db = self._loss_db(sent.sender, place, sent.begin_us)
            sent.heard_dbm[place] = sent.modulation.power_dbm - loss_db
        return sent.heard_dbm[place]

    def survives(self, sent: Transmission, place: int) -> bool:
        """Tell whether a frame that ``place`` has locked on outlives all others on its channel."""
        powers_mw: dict[float, float] = {}  # of others that overlap, by what isolates from them
        from_us, until_us, m = sent.lock_by_us, sent.end_us, sent.modulation
        for other in self._recent.get(m.freq_khz, ()):
            apart = other.begin_us >= until_us or other.end_us <= from_us
            if apart or other is sent or other.sender == place:
                continue
            row = ISOLATION_DB[m.sf]
            if other.modulation.inverted == m.inverted:
                limit_db = row[other.modulation.sf - 7]
            else:  # a chirp that runs the other way is as strange as another spreading factor
                limit_db = max(db for db in row if db < 0)
            power_mw = 10 ** (self.level_dbm(other, place) / 10)
            powers_mw[limit_db] = powers_mw.get(limit_db, 0.0) + power_mw
        own_dbm = self.level_dbm(sent, place)
        return all(own_dbm - _dbm(power) >= limit for limit, power in powers_mw.items())

    def used_us(self, sender: int) -> list[tuple[int, int]]:
        """Return (begin, length) of all that one place has sent."""
        return [(s.begin_us, s.airtime_us) for s in self.sent if s.sender == sender]


def _dbm(power_mw: float) -> float:
    return 10 * log10(power_mw) if power_mw > 0 else -inf
