"""Wait longer after each failure, with full jitter, and forget only after a stable minute."""

from __future__ import annotations

import random

STABLE_S = 60.0  # a link that dies every few seconds must keep its long waits


class Backoff:
    """Give the seconds to wait before the next attempt (real time)."""

    def __init__(self, base_s: float, cap_s: float, rng: random.Random | None = None) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._rng = rng or random.Random()
        self._failures = 0

    def next_s(self) -> float:
        """Return a wait between zero and the doubled bound, at most the cap."""
        bound = min(self._cap_s, self._base_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return self._rng.uniform(0.0, bound)

    def lasted(self, seconds: float) -> None:
        """Report how long the link held; a stable one starts over."""
        if seconds >= STABLE_S:
            self._failures = 0
