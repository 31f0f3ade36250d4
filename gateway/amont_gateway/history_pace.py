"""Choose how much is written at once, and how far back to begin again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

_LEAST_ROWS, _FIRST_ROWS, _MOST_ROWS = 50, 500, 4_000
_QUICK_S, _SLOW_S = 0.1, 0.3  # a batch may take so long: what is new waits for it


class Pace:
    """How many rows a batch has, so that each takes a fraction of a second at any server."""

    def __init__(self) -> None:
        self.rows = _FIRST_ROWS
        self.most = _FIRST_ROWS  # for what goes first

    def took(self, seconds: float, rows: int) -> None:
        """Learn from a batch that was written."""
        if seconds > _SLOW_S:
            self.rows = max(_LEAST_ROWS, self.rows // 2)
        elif seconds < _QUICK_S and rows >= self.rows:
            self.rows = min(_MOST_ROWS, self.rows * 2)

    def failed(self) -> None:
        """Ask less of a server that failed: perhaps the batch was too much for it."""
        self.rows = max(_LEAST_ROWS, self.rows // 2)


class Settled:
    """How far the database has held what it confirmed for long enough to believe it.

    A server that fails again and again is believed sooner each time, so that work gets on.
    """

    def __init__(self, settle_s: float, real_s: Callable[[], float]) -> None:
        self._settle_s, self._wait_s = settle_s, settle_s
        self._real_s = real_s
        self._failed_s = real_s()
        self._done = 0
        self._fresh: deque[tuple[float, int]] = deque()  # when which place was confirmed

    def begin(self, place: int) -> None:
        """Start from a place that was believed before."""
        self._done = place
        self._fresh.clear()

    def reached(self, place: int) -> int:
        """Take the place that was confirmed now; return the one that has settled."""
        if place > (self._fresh[-1][1] if self._fresh else self._done):
            self._fresh.append((self._real_s(), place))
        if self._settle() and self._real_s() - self._failed_s >= self._settle_s:
            self._wait_s = self._settle_s
        return self._done

    def failed(self) -> int:
        """Return where to begin again; believe sooner from now on."""
        self._settle()
        self._fresh.clear()
        self._failed_s = self._real_s()
        self._wait_s /= 2
        return self._done

    def _settle(self) -> bool:
        before_s = self._real_s() - self._wait_s
        settled = False
        while self._fresh and self._fresh[0][0] <= before_s:
            self._done, settled = self._fresh.popleft()[1], True
        return settled
