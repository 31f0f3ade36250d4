"""Tell the time: domain time for ages and readings, real time for waiting."""

from __future__ import annotations

import time
from typing import Protocol

JUMP_S = 30.0  # a step of the clock worth telling


class Clock(Protocol):
    """What every process gets; only a demonstration passes a scaled one."""

    def monotonic_s(self) -> float:
        """Return domain time that never goes back."""

    def wall_ms(self) -> int:
        """Return Unix time in ms; it may jump."""

    def sleep_s(self, real_s: float) -> None:
        """Wait in real time, never scaled."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic_s(self) -> float:
        """Return seconds since some start."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Return Unix time in ms."""
        return time.time_ns() // 1_000_000

    def sleep_s(self, real_s: float) -> None:
        """Sleep."""
        time.sleep(real_s)


class Steps:
    """Notice that the wall clock stepped against the clock that never goes back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_s = clock.wall_ms() / 1000 - clock.monotonic_s()

    def look(self) -> float:
        """Return the seconds of a step since the last look, 0.0 if there was none."""
        before_s, wall_s = self._clock.monotonic_s(), self._clock.wall_ms() / 1000
        if self._clock.monotonic_s() - before_s > 1.0:
            return 0.0  # held up between the two readings; look again next time
        step_s = wall_s - before_s - self._offset_s
        if abs(step_s) < JUMP_S:
            return 0.0
        self._offset_s += step_s
        return step_s
