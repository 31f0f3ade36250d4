"""Give the guard its time: one object, passed in, that tests and the demonstration replace."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Protocol

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Domain time and wall time."""

    def monotonic_s(self) -> float:
        """Return domain time, which never goes back."""

    def wall_ms(self) -> int:
        """Return Unix time in milliseconds; it may jump."""


class RealClock:
    """The machine's own clocks. Boot time, because it also runs while the machine is suspended."""

    def __init__(self) -> None:
        """Name this run of the clock after the kernel's boot."""
        self.run = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""

    def monotonic_s(self) -> float:
        """Return seconds since the machine booted."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall_ms(self) -> int:
        """Return Unix time in milliseconds."""
        return time.time_ns() // 1_000_000


def clock_run(clock: Clock) -> str:
    """Return a name for this run of the clock: as long as it is the same, times compare.

    A clock that has no ``run`` (a scaled one, a machine that does not tell its boot) begins a new
    one at each start: then nothing is taken for proved until the nodes have echoed again.
    """
    return str(getattr(clock, "run", "")) or secrets.token_hex(16)
