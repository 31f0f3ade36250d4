"""Keep the demonstration's scaled time in one small file that every process reads.

The file holds one line, ``real_unix_ms virtual_s speed``. A process on virtual time computes
``virtual_s + (now_real - real_unix_ms) / 1000 * speed``. Changing the speed rewrites the line so
that virtual time goes on without a step. Nodes on MicroPython read the same file, which is why it
is text and why ``virtual_s`` counts from where the nodes' history begins and not from 1970: on
the nodes it is the tick itself.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

REREAD_S = 0.05
# virtual_s at which the demonstration begins; what lies before it comes as the nodes' backlog
HISTORY_S = 40 * 86400


def write_clock(path: Path, virtual_s: float, speed: float) -> None:
    """Set virtual time and speed, atomically."""
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{int(time.time() * 1000)} {virtual_s:.3f} {speed:g}\n")
    os.replace(temporary, path)


def read_clock(path: Path) -> tuple[int, float, float]:
    """Return (real_unix_ms, virtual_s, speed) as last written; raise ValueError if damaged."""
    real_ms, virtual_s, speed = path.read_text().split()
    return int(real_ms), float(virtual_s), float(speed)


def change_speed(path: Path, speed: float) -> None:
    """Go on from the present virtual time at another speed (1 to 3,600)."""
    if not 1 <= speed <= 3600:
        raise ValueError(f"speed {speed:g} is outside 1 to 3600")
    real_ms, virtual_s, old = read_clock(path)
    write_clock(path, virtual_s + (time.time() * 1000 - real_ms) / 1000 * old, speed)


class ScaledClock:
    """A clock that runs faster than life; only the demonstration may build one.

    Its mark ``scaled`` makes the guard refuse every relay but the simulated one. ``epoch_ms`` is
    the date (Unix time, ms) that the demonstration gives to its beginning.
    """

    scaled = True
    shake_s = 60.0  # a new speed reaches the processes up to 50 ms apart: ages shake by so much

    def __init__(self, path: Path, epoch_ms: int) -> None:
        self._path = path
        self._epoch_ms = epoch_ms
        self._last = 0.0
        self._read_at = -1.0
        self._line = read_clock(path)

    @property
    def speed(self) -> float:
        """Return how many virtual seconds pass in a real one."""
        self._refresh()
        return self._line[2]

    def virtual_s(self) -> float:
        """Return virtual seconds, HISTORY_S at the beginning; never goes back."""
        self._refresh()
        real_ms, virtual_s, speed = self._line
        now = virtual_s + (time.time() * 1000 - real_ms) / 1000 * speed
        self._last = max(self._last, now)
        return self._last

    def monotonic_s(self) -> float:
        """Return domain time in seconds."""
        return self.virtual_s()

    def wall_ms(self) -> int:
        """Return the demonstration's own date as Unix time in ms."""
        return self._epoch_ms + int((self.virtual_s() - HISTORY_S) * 1000)

    def sleep_s(self, real_s: float) -> None:
        """Wait in real time."""
        time.sleep(real_s)

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._read_at < REREAD_S:
            return
        self._read_at = now
        try:
            self._line = read_clock(self._path)
        except (OSError, ValueError):
            return  # being replaced: the last line still holds
