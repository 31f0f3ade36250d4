"""Count how long a node is on the air, in calm and in flood, and what arrives. Pure; seeded.

Calm follows from the node's rhythm, the wire's own frames and how often a frame is sent again.
The hour of a flood is played with the very accounts that the node keeps of its airtime
(amont_wire.airtime), for what may not be sent waits, and a formula would not show for how long.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from functools import cache
from math import exp
from random import Random
from typing import NamedTuple

from amont_provision import framesizes
from amont_wire.airtime import URGENT, USUAL, Airtime, Lora
from amont_wire.const import MAX_FRAME

DAY_S, HOUR_S = 86_400, 3_600
LAW_PERMILLE = 10  # of each hour, band g1; a node keeps to it on every channel
SHARE_S = HOUR_S * LAW_PERMILLE / 1000
BACKLOG_S = SHARE_S / 4  # what of it old readings may use, and
USUAL_S = SHARE_S / 2  # new ones (docs/policy.md)
ANSWERS_S = SHARE_S * 3 / 4  # what a bridge may use for usual answers
TRIES = 3  # of a frame that nobody answers
ALERTS, ALERT_S = 24, 10  # samples told at once: after the alarm's mark, and as the guard asks
ANSWER_S = 5  # after which a frame is sent again; then twice as long, at most
ANSWER_MOST_S = 900
URGENT_SOON = 4  # repetitions of an urgent frame before the time between them grows
URGENT_WAY_S = 20  # after which it is tried again where there was no airtime
SCARCE_OVERLAP = 6  # readings that are told again when airtime is scarce
RUNS = 8  # of a flood, each with other luck


@dataclass(frozen=True)
class Rhythm:
    """How often a node speaks; ``alarms``: its marks send urgent frames."""

    quantities: tuple[str, ...]
    interval_s: int
    frame_samples: int
    fast_interval_s: int
    health_s: int
    alarms: bool

    @property
    def frames_day(self) -> float:
        """Return frames of samples on a calm day."""
        return DAY_S / (self.interval_s * self.frame_samples)

    @property
    def fast_frames(self) -> int:
        """Return frames of samples in an hour of flood."""
        return HOUR_S // self.fast_interval_s


@dataclass(frozen=True)
class Air:
    """How a carrier's frames are on the air, and how many of them are lost and answered.

    ``loss``: share of frames that are not heard, either way; ``flood_loss``: while all nodes send
    at once. ``answered``: share of those heard that the other side may answer.
    """

    sf: int
    preamble: int
    overhead_bytes: int = 0
    loss: float = 0.0
    flood_loss: float = 0.0
    calm_answered: float = 1.0
    flood_answered: float = 1.0
    repeats: bool = True

    def on_air_s(self, size: int) -> float:
        """Return the time on air of one frame."""
        return Airtime(self.lora, LAW_PERMILLE, MAX_FRAME).frame_ms(size) / 1000

    @property
    def lora(self) -> Lora:
        """Return the same for the accounts of airtime."""
        return Lora(self.sf, self.preamble, self.overhead_bytes)

    def tries(self) -> float:
        """Return how often a usual frame goes out, on the average.

        What nobody has answered after TRIES goes to the backlog, and out of it as often again.
        """
        if not self.repeats:
            return 1.0
        unanswered = 1 - (1 - self.loss) ** 2 * self.calm_answered
        return sum(unanswered**i for i in range(TRIES)) * (1 + unanswered**TRIES)


class Load(NamedTuple):
    """Seconds on the air: a calm day, its worst hour, an hour of flood; and how fast that is.

    ``fast_s``: how far apart frames of new samples leave in a flood, on the average.
    ``urgent_s``: until the first urgent frame was heard, the average over floods.
    """

    day_s: float
    calm_hour_s: float
    flood_hour_s: float
    fast_s: float
    urgent_s: float


def load(rhythm: Rhythm, air: Air) -> Load:
    """Return what a node sends."""
    fresh = rhythm.frame_samples
    usual = framesizes.samples(rhythm.quantities, 2 * fresh, rhythm.interval_s)
    longest = framesizes.full(rhythm.quantities, fresh, rhythm.interval_s)
    health_s = air.on_air_s(framesizes.health_size())
    day_s = rhythm.frames_day * air.tries() * air.on_air_s(usual.size)
    day_s += DAY_S / rhythm.health_s * health_s
    # The worst hour without a flood: each frame as long as it gets, and in vain.
    each_hour = max(1.0, rhythm.frames_day / 24)
    worst_s = each_hour * (TRIES if air.repeats else 1) * air.on_air_s(longest.size) + health_s
    # Rounded, so that nodes alike are played once.
    loss, answered = round(air.flood_loss, 2), round(air.flood_answered, 2)
    flood = _floods(rhythm, replace(air, loss=0.0, flood_loss=loss, flood_answered=answered))
    return Load(day_s, min(worst_s, USUAL_S), flood.used_s, flood.fast_s, flood.urgent_s)


class Flood(NamedTuple):
    """An hour of flood: airtime used, how far apart new samples leave, how late the alarm is."""

    used_s: float
    fast_s: float
    urgent_s: float


@cache
def _floods(rhythm: Rhythm, air: Air) -> Flood:
    """Return the mean of some floods; of the airtime the most."""
    runs = [_Hour(rhythm, air, Random(seed)).run() for seed in range(RUNS)]
    return Flood(
        max(run.used_s for run in runs),
        sum(run.fast_s for run in runs) / RUNS,
        sum(run.urgent_s for run in runs) / RUNS,
    )


@dataclass
class _Frame:
    """A frame that goes out until it is answered; ``size`` is 0 until it went out first."""

    who: int
    size: int = 0
    tries: int = 0


class _Hour:
    """One hour: the first mark is crossed at its beginning, the alarm's in its middle."""

    def __init__(self, rhythm: Rhythm, air: Air, random: Random) -> None:
        self._rhythm, self._air, self._random = rhythm, air, random
        self._airtime = Airtime(air.lora, LAW_PERMILLE, MAX_FRAME)
        self._queue: list[tuple[int, int, _Frame]] = []  # second, order, what is due then
        self._queued = self._fresh = self._sent = 0
        self._silent = False
        self._newest: _Frame | None = None  # of the urgent ones: it ends those before
        self._urgent_s: int | None = None

    def run(self) -> Flood:
        for second in range(0, HOUR_S, self._rhythm.fast_interval_s):
            first = second == 0 and self._rhythm.alarms
            self._due(second, _Frame(URGENT if first else USUAL))
        if self._rhythm.alarms:
            for alert in range(ALERTS):
                self._due(HOUR_S // 2 + alert * ALERT_S, _Frame(URGENT))
        while self._queue:
            second, _, frame = heapq.heappop(self._queue)
            self._take(second, frame)
        late_s = HOUR_S if self._urgent_s is None else self._urgent_s
        used_s = self._airtime.used_ms(HOUR_S - 1) / 1000
        return Flood(used_s, HOUR_S / max(1, self._sent), late_s)

    def _due(self, second: int, frame: _Frame) -> None:
        if second < HOUR_S:
            self._queued += 1
            heapq.heappush(self._queue, (second, self._queued, frame))

    def _take(self, second: int, frame: _Frame) -> None:
        """Send a frame, new or again; what may not be sent goes with the next sample."""
        if frame.tries and frame.who == URGENT and frame is not self._newest:
            return
        self._fresh += not frame.tries
        if frame.who == URGENT:
            self._newest = frame
        if not self._airtime.allows(second, frame.who):
            if frame.who == URGENT:
                frame.tries = max(1, frame.tries)
                self._due(second + self._after(URGENT_WAY_S), frame)
            return
        if not frame.size:
            frame.size, self._fresh = self._new_size(second), 0
            self._sent += 1
        self._airtime.sent(second, frame.size, frame.who)
        heard = self._random.random() >= self._air.flood_loss
        if heard and frame.who == URGENT and self._urgent_s is None:
            self._urgent_s = second
        back = (1 - self._air.flood_loss) * self._air.flood_answered
        if heard and self._random.random() < back:
            self._silent = False
            return
        frame.tries += 1
        self._again(second, frame)

    def _again(self, second: int, frame: _Frame) -> None:
        doublings = frame.tries - 1
        if frame.who == URGENT:
            doublings = max(0, doublings - URGENT_SOON)
        elif not self._air.repeats or self._silent or frame.tries >= TRIES:
            self._silent = True
            return
        pause_s = min(ANSWER_S << min(doublings, 10), ANSWER_MOST_S)
        self._due(second + self._after(pause_s), frame)

    def _after(self, pause_s: int) -> int:
        return pause_s + self._random.randrange(pause_s // 2 + 1)

    def _new_size(self, second: int) -> int:
        older = SCARCE_OVERLAP if self._airtime.scarce(second) else framesizes.OVERLAP
        fast_s = self._rhythm.fast_interval_s
        quantities = self._rhythm.quantities
        return framesizes.samples(quantities, max(1, self._fresh) + older, fast_s, True).size


def collisions(others_s: float) -> float:
    """Return the share of frames that meet another one, of senders who do not listen first.

    ``others_s``: seconds an hour that all others send. Pure ALOHA (Abramson 1970): a frame is
    lost if another begins within one length before or after its beginning. Channels and spreading
    factors do not help: one receiver follows one frame at a time. That the stronger of two often
    comes through is left out, so this is the worse side.
    """
    return 1 - exp(-2 * others_s / HOUR_S)


def lost_readings(loss: float, fresh: int, carried: int, burst: float | None = None) -> float:
    """Return the share of readings that no frame brings, if nothing is ever sent again.

    Each frame holds ``fresh`` new readings and older ones, ``carried`` in all. Losses come in
    runs of ``burst`` frames on the average (Gilbert 1960); without it they are independent.
    """
    if loss <= 0 or loss >= 1:
        return max(0.0, min(1.0, loss))
    follows = loss if burst is None else 1 - 1 / burst
    times = [(carried - 1 - at) // fresh + 1 for at in range(min(fresh, carried))]
    return sum(loss * follows ** (n - 1) for n in times) / len(times)


def recovered(rhythm: Rhythm, air: Air) -> float:
    """Return the share of readings that arrive in the end where the node hears its answers.

    What overlap leaves is sent again from the outbox, as the backlog's share of airtime allows.
    """
    frame = framesizes.full(rhythm.quantities, rhythm.frame_samples, rhythm.interval_s)
    lost = lost_readings(air.loss, rhythm.frame_samples, frame.readings)
    through = (1 - air.loss) ** 2 * air.calm_answered
    frames_day = 24 * BACKLOG_S / air.on_air_s(frame.size) * through
    needed_day = lost * DAY_S / rhythm.interval_s
    return 1 - lost * max(0.0, 1 - frames_day * frame.readings / max(needed_day, 1e-9))
