"""Tell a frame that a second receiver heard from a node's own repetition of it.

All receivers hear one transmission at one time. So the same bytes by another receiver within
``SAME_S`` are the same transmission: told apart by their bytes alone, before anything is opened.
By a receiver that has heard them already they are a repetition, which the node waits to have
answered. The first hearing is passed on at once; a later one can only better its signal.
"""

from __future__ import annotations

from typing import NamedTuple

SAME_S = 2.0  # a node repeats no sooner (it listens for 2.6 s); serial lines take tenths
KEPT = 256  # transmissions; more in two seconds than three channels can carry


class Signal(NamedTuple):
    """How well a transmission was heard, at best, and by how many receivers."""

    rssi_dbm: int
    snr_db4: int
    receivers: int


class _Heard:
    """One transmission."""

    __slots__ = ("at_s", "best", "by")

    def __init__(self, at_s: float, by: int, best: Signal) -> None:
        self.at_s, self.by, self.best = at_s, by, best


class Hearings:
    """The transmissions of the last seconds, by their bytes; bounded."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self._kept: dict[bytes, _Heard] = {}  # in the order of their first hearing

    def first(
        self, frame: bytes, receiver: int, rssi_dbm: int, snr_db4: int, real_s: float
    ) -> bool:
        """Take one hearing; return whether it is the first of a transmission."""
        heard, mine = self._kept.get(frame), 1 << receiver
        if heard is None or real_s - heard.at_s > SAME_S or heard.by & mine:
            self._kept.pop(frame, None)
            self._kept[frame] = _Heard(real_s, mine, Signal(rssi_dbm, snr_db4, 1))
            if len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
            return True
        heard.by |= mine
        best = max(heard.best, Signal(rssi_dbm, snr_db4, 0), key=_strength)
        heard.best = best._replace(receivers=heard.best.receivers + 1)
        return False

    def best(self, frame: bytes) -> Signal:
        """Return how well a transmission that was just heard was heard at best."""
        return self._kept[frame].best

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)


def _strength(signal: Signal) -> int:
    # below the noise the RSSI is the noise's own
    return 4 * signal.rssi_dbm + min(0, signal.snr_db4)
