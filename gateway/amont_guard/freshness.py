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

    def high_now(self, now_s: float) -> float:
        return self.high + _drift(now_s - self.high_at_s)

    def low_now(self, now_s: float) -> float | None:
        return None if self.low is None else self.low - _drift(now_s - self.low_at_s)

    def settled(self, now_s: float) -> bool:
        low = self.low_now(now_s)
        if low is None or self.high_now(now_s) - low > LATE_S:  # its downlink came late
            return False
        return now_s - self.low_at_s < RENEW_S and self.late_s < LATE_S

    def prove(self, low: float, now_s: float) -> None:
        mine = self.low_now(now_s)
        self.low, self.low_at_s = (low if mine is None else max(low, mine)), now_s
        self.jumped = False


class Freshness:
    """The bounds of all nodes and epochs, and the nonces that prove them."""

    def __init__(self, tolerance_s: float = TOLERANCE_S) -> None:
        """Know nothing yet; a clock that shakes more than a machine's needs more tolerance."""
        self._tolerance_s = tolerance_s
        self._bases: dict[tuple[int, int], _Base] = {}
        self._nonces: dict[int, list[tuple[int, float]]] = {}  # per node: nonce, when issued

    def nonce_for(self, node: int, epoch: int, now_s: float) -> int:
        """Return the nonce that a downlink sealed now carries."""
        issued = self._nonces.setdefault(node, [])
        base = self._bases.get((node, epoch))
        if not issued or not (
            (base is not None and base.settled(now_s)) or now_s - issued[-1][1] < REUSE_S
        ):
            issued.append((secrets.randbits(32), now_s))
            del issued[:-_NONCES]
        return issued[-1][0]

    def observe(
        self, node: int, epoch: int, counter: int, tick_s: int, echo: tuple[int, int] | None,
        now_s: float,
    ) -> tuple[Age, str]:  # fmt: skip
        """Take an authentic frame that arrived at ``now_s``; return its age and what is odd.

        ``echo`` is (nonce, echo_age_s). A tick that cannot be (ahead of the proved bound, or
        behind an earlier frame's) means that the node's clock jumped: what was known is forgotten.
        """
        offset, base = now_s - tick_s, self._bases.get((node, epoch))
        if base is None:
            base = self._add(node, epoch, _Base(offset, now_s, counter, tick_s))
        if counter < base.first:
            return Age(0.0, inf, UNKNOWN), "made before the node's clock jumped"
        low = None if echo is None else self._bound(node, tick_s, echo)
        odd = self._jump(base, counter, tick_s, low, now_s)
        if odd:
            base = _Base(
                offset, now_s, counter, tick_s, jumped=True, first=counter, over=base.over
            )
            self._bases[node, epoch] = base
            self._nonces.pop(node, None)  # their echoes would mix ticks of both sides of the jump
            return self._age(base, offset, now_s), odd
        if counter >= base.counter:
            base.counter, base.tick_s = counter, tick_s
            base.late_s = offset - base.high_now(now_s)
        if offset < base.high_now(now_s):
            base.high, base.high_at_s = offset, now_s
        if low is not None and low <= base.high_now(now_s) + self._tolerance_s:
            base.prove(low, now_s)
        return self._age(base, offset, now_s), ""

    def quality(self, node: int, epoch: int) -> int:
        """Return how far the ages of a node's epoch are proved."""
        base = self._bases.get((node, epoch))
        if base is None or base.jumped:
            return UNKNOWN
        return ASSUMED if base.low is None else PROVED

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

    def _jump(
        self, base: _Base, counter: int, tick_s: int, bound: float | None, now_s: float
    ) -> str:
        low = base.low_now(now_s)
        if low is not None and now_s - tick_s < low - self._tolerance_s:
            return f"tick {tick_s} is ahead of the proved bound"
        behind = tick_s < base.tick_s - self._tolerance_s
        if behind and counter > base.counter and not base.over:
            return f"tick {tick_s} is behind an earlier frame"
        if bound is None or counter < base.counter:
            return ""
        if bound > base.high_now(now_s) + self._tolerance_s:
            return f"tick {tick_s} fell back, or its echo is older than the nonce"
        return ""

    def _bound(self, node: int, tick_s: int, echo: tuple[int, int]) -> float | None:
        nonce, echo_age_s = echo
        for known, issued_s in self._nonces.get(node, ()):
            if known == nonce:
                return issued_s - (tick_s - echo_age_s) - 1 - _drift(echo_age_s)
        return None

    def _age(self, base: _Base, offset: float, now_s: float) -> Age:
        estimate = max(0.0, offset - base.high_now(now_s))
        low = base.low_now(now_s)
        if low is None:
            return Age(estimate, estimate, UNKNOWN if base.jumped else ASSUMED)
        return Age(estimate, max(0.0, offset - low), PROVED)


def _drift(elapsed_s: float) -> float:
    return max(0.0, elapsed_s) * DRIFT_PPM / 1_000_000
