"""Estimate how old a frame is, so that a recording or a late delivery is never taken for live.

A node's clock differs from the guard's by a constant, but for drift: ``base`` = guard time -
tick. Each arrival bounds it from above, ``base <= arrival - tick``, for a frame takes time to
arrive; the lowest one seen is ``high``. The age that it gives is an estimate: never too old,
perhaps too young.

Only an echo gives a bound from below. A frame that echoes a nonce with its age says at which tick
the node received it; the node cannot have received it before the guard issued it:
``base > issued - (tick - echo_age) - 1``, ``low`` for short. The age that ``low`` gives is never
too young, however long somebody withheld the frame, and so only it lets a reading sound a siren.

A nonce is 32 random bits of this start of the guard. Until it is echoed each downlink to the node
carries a fresh one, because the later the issue, the tighter the bound.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

from .messages import ASSUMED, PROVED, UNKNOWN

DRIFT_PPM = 500  # a watch crystal in the cold (-110) with the guard's own, and room
TOLERANCE_S = 2.0  # ticks are whole seconds; serial lines and threads take tenths
LATE_S = 60.0  # no live frame is on its way longer
RENEW_S = 6 * 3600.0  # by then drift has cost 11 s of bound: ask for a new echo
REUSE_S = 5.0  # what the bound may lose, so that a busy node does not see a nonce per frame
_NONCES = 32  # per node: covers an echo that is at least 160 s on its way
_EPOCHS = 4  # per node: its life now, and what its outbox still holds of lives before


@dataclass(frozen=True, slots=True)
class Age:
    """How old a frame is: an estimate, what it may be at most, and how far that is proved."""

    estimate_s: float
    upper_s: float
    quality: int


@dataclass(slots=True)
class _Base:
    """What is known of one (node, epoch)."""

    high: float
    high_at_s: float
    counter: int
    tick_s: int
    low: float | None = None
    low_at_s: float = 0.0
    late_s: float = 0.0  # of the newest frame: one that comes late may be a clock that fell back
    jumped: bool = False
    first: int = 0  # counters below it belong to the time before a jump: nothing is known of them
    over: bool = False  # a later life is known: what is left of this one all bears its last tick

    def bounds(self, now_s: float) -> tuple[float, float]:
        """Return low (-inf: none) and high, with the drift since each was found."""
        low = -inf if self.low is None else self.low - _drift(now_s - self.low_at_s)
        return low, self.high + _drift(now_s - self.high_at_s)

    def settled(self, now_s: float) -> bool:
        """Tell whether no new echo is needed; a downlink that came late leaves them far apart."""
        low, high = self.bounds(now_s)
        return high - low <= LATE_S and now_s - self.low_at_s < RENEW_S and self.late_s < LATE_S

    def quality(self) -> int:
        """Return how far the ages that this gives are proved."""
        if self.low is not None:
            return PROVED
        return UNKNOWN if self.jumped else ASSUMED

    def age(self, offset: float, now_s: float) -> Age:
        """Return the age of a frame that arrived ``offset`` after its tick."""
        low, high = self.bounds(now_s)
        estimate = max(0.0, offset - high)
        upper = estimate if self.low is None else max(0.0, offset - low)
        return Age(estimate, upper, self.quality())


class Freshness:
    """The bounds of all nodes and epochs, and the nonces that prove them."""

    def __init__(self, tolerance_s: float = TOLERANCE_S) -> None:
        """Know nothing yet; a clock that shakes more than a machine's needs more tolerance."""
        self._tolerance_s = tolerance_s
        self._bases: dict[tuple[int, int], _Base] = {}
        self._nonces: dict[int, list[tuple[int, float]]] = {}  # per node: nonce, when issued

    def nonce_for(self, node: int, epoch: int, now_s: float) -> int:
        """Return the nonce that a downlink sealed now carries."""
        issued, base = self._nonces.setdefault(node, []), self._bases.get((node, epoch))
        young = bool(issued) and now_s - issued[-1][1] < REUSE_S
        if not issued or not (young or (base is not None and base.settled(now_s))):
            issued.append((secrets.randbits(32), now_s))
            del issued[:-_NONCES]
        return issued[-1][0]

    def observe(
        self, node: int, epoch: int, counter: int, tick_s: int, echo: tuple[int, int] | None,
        now_s: float,
    ) -> tuple[Age, str]:  # fmt: skip
        """Take an authentic new frame that arrived at ``now_s``; return its age and what is odd.

        ``echo`` is (nonce, echo_age_s). A tick that cannot be (ahead of the proved bound, or
        behind an earlier frame's) means that the node's clock jumped: what was known is forgotten.
        """
        offset = now_s - tick_s
        fresh = _Base(offset, now_s, counter, tick_s)
        base = self._bases.get((node, epoch)) or self._add(node, epoch, fresh)
        if counter < base.first:
            return Age(0.0, inf, UNKNOWN), "made before the node's clock jumped"
        proved = self._proved(node, tick_s, echo)
        odd = self._jump(base, counter, tick_s, proved, now_s)
        if odd:
            fresh.jumped, fresh.first, fresh.over = True, counter, base.over
            self._bases[node, epoch] = fresh
            self._nonces.pop(node, None)  # their echoes would mix ticks of both sides of the jump
            return fresh.age(offset, now_s), odd
        low, high = base.bounds(now_s)
        if counter >= base.counter:
            base.counter, base.tick_s, base.late_s = counter, tick_s, offset - high
        if offset < high:
            base.high, base.high_at_s, high = offset, now_s, offset
        if -inf < proved <= high + self._tolerance_s:
            base.low, base.low_at_s = max(low, proved), now_s
        return base.age(offset, now_s), ""

    def look(self, node: int, epoch: int, counter: int, tick_s: int, now_s: float) -> Age:
        """Return the age of a frame that came before: it teaches nothing, whoever sends it."""
        base = self._bases.get((node, epoch))
        if base is None or counter < base.first:
            return Age(0.0, inf, UNKNOWN)
        return base.age(now_s - tick_s, now_s)

    def quality(self, node: int, epoch: int) -> int:
        """Return how far the ages of a node's epoch are proved."""
        base = self._bases.get((node, epoch))
        return UNKNOWN if base is None else base.quality()

    def snapshot(self) -> dict[str, Any]:
        """Return what is worth keeping over a restart of the process."""
        return {f"{node}/{epoch}": asdict(base) for (node, epoch), base in self._bases.items()}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take a snapshot of the same boot of the machine back; raise ValueError, TypeError."""
        bases = {}
        for name, fields in stored.items():
            node, epoch = name.split("/")
            bases[int(node), int(epoch)] = _Base(**fields)
        self._bases = bases

    def _add(self, node: int, epoch: int, base: _Base) -> _Base:
        mine = sorted(key for key in self._bases if key[0] == node)
        for key in mine:
            self._bases[key].over |= key[1] < epoch
            base.over |= key[1] > epoch
        if len(mine) >= _EPOCHS:
            del self._bases[mine[0]]
        self._bases[node, epoch] = base
        return base

    def _jump(self, base: _Base, counter: int, tick_s: int, proved: float, now_s: float) -> str:
        low, high = base.bounds(now_s)
        if now_s - tick_s < low - self._tolerance_s:
            return f"tick {tick_s} is ahead of the proved bound"
        behind = tick_s < base.tick_s - self._tolerance_s
        if behind and counter > base.counter and not base.over:
            return f"tick {tick_s} is behind an earlier frame"
        if counter >= base.counter and proved > high + self._tolerance_s:
            return f"tick {tick_s} fell back, or its echo is older than the nonce"
        return ""

    def _proved(self, node: int, tick_s: int, echo: tuple[int, int] | None) -> float:
        # The bound that an echo gives, -inf without one that is ours.
        nonce, age_s = echo or (-1, 0)
        issued_s = dict(self._nonces.get(node, ())).get(nonce, -inf)
        return issued_s - (tick_s - age_s) - 1 - _drift(age_s)


def _drift(elapsed_s: float) -> float:
    return max(0.0, elapsed_s) * DRIFT_PPM / 1_000_000
