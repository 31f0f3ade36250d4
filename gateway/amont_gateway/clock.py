"""Tell the time: domain time for ages and readings, real time for waiting."""

from __future__ import annotations

import time
from typing import Protocol


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
