"""Keep the demonstration's scaled time in one small file that every process reads.

The file holds one line, ``real_unix_ms virtual_s speed [until_s]``. A process on virtual time
computes ``virtual_s + (now_real - real_unix_ms) / 1000 * speed``, and stops at ``until_s``.
Changing the speed or the end rewrites the line so that virtual time goes on without a step. Nodes
on MicroPython read the same file, which is why it is text and why ``virtual_s`` counts from where
the nodes' history begins and not from 1970: on the nodes it is the tick itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REREAD_S = 0.05
# virtual_s at which the demonstration begins; what lies before it comes as the nodes' backlog
HISTORY_S = 40 * 86400


class Line(NamedTuple):
    """What the file says: at ``real_ms`` (Unix) it was ``virtual_s``; it stops at ``until_s``."""

    real_ms: int
    virtual_s: float
    speed: float
    until_s: float = float("inf")

    def now_s(self) -> float:
        """Return virtual seconds now."""
        return min(self._onward_s(), self.until_s)

    def stands(self) -> bool:
        """Tell whether time has come to the end and waits."""
        return self._onward_s() >= self.until_s

    def _onward_s(self) -> float:
        return self.virtual_s + (time.time() * 1000 - self.real_ms) / 1000 * self.speed


def write_clock(path: Path, virtual_s: float, speed: float, until_s: float = float("inf")) -> None:
    """Set virtual time, speed and where time stops, atomically."""
    _write(path, Line(int(time.time() * 1000), virtual_s, speed, until_s))


def read_clock(path: Path) -> Line:
    """Return the line as last written; raise ValueError if damaged."""
    real_ms, virtual_s, speed, *until_s = path.read_text().split()
    if len(until_s) > 1:
        raise ValueError(f"{path}: more than four words")
    return Line(int(real_ms), float(virtual_s), float(speed), *map(float, until_s))


def change_speed(path: Path, speed: float) -> None:
    """Go on from the present virtual time at another speed (1 to 3,600)."""
    if not 1 <= speed <= 3600:
        raise ValueError(f"speed {speed:g} is outside 1 to 3600")
    with _alone(path):
        old = read_clock(path)
        write_clock(path, old.now_s(), speed, old.until_s)


def let_run(path: Path, until_s: float) -> None:
    """Let time run up to ``until_s``; where it stood it goes on without a step."""
    with _alone(path):
        old = read_clock(path)
        if old.stands():
            write_clock(path, old.until_s, old.speed, max(until_s, old.until_s))
        else:
            _write(path, old._replace(until_s=max(until_s, old.now_s())))


def _write(path: Path, line: Line) -> None:
    end = "" if line.until_s == float("inf") else f" {line.until_s:.3f}"
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{line.real_ms} {line.virtual_s:.3f} {line.speed:g}{end}\n")
    os.replace(temporary, path)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    # The guard's process, the page and the terminal all rewrite the line.
    with path.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


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
        return self._line.speed

    def virtual_s(self) -> float:
        """Return virtual seconds, HISTORY_S at the beginning; never goes back."""
        self._refresh()
        self._last = max(self._last, self._line.now_s())
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
