"""Keep scaled time from running away from nodes that the machine has no time for.

At 800 times life's speed a third of a second without a processor is five fast samples: the guard
would rightly take such a node for lost, and two of them in rising water for danger. So time goes
no further than four fifths of the way to where a reading grows too old, and waits there for the
next one. A node that stays silent in real time as well is lost indeed: time goes on without it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from amont_demo.clock import let_run, read_clock

LOOK_S = 0.02  # real seconds; a fast sample comes each 75 ms at 800 times life's speed
PATIENCE_S = 30.0  # real seconds that time waits for a node
_EVER = float("inf")


class Sensor(Protocol):
    """What the guard knows of a station's sensor (``amont_watch.vote.SensorState``)."""

    id: str
    value: int | None
    good_s: int
    lasts_s: int


class Lockstep:
    """Let the clock in a file run as far as the sensors' last readings reach."""

    def __init__(
        self,
        path: Path,
        sensors: Iterable[Sensor],
        real_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know the clock's file and the sensors; nothing is written before ``look``."""
        self._path, self._sensors, self._real_s = path, list(sensors), real_s
        self._until_s = _EVER
        self._stood_since_s: float | None = None  # real
        self._given_up: dict[str, int] = {}  # by sensor, its last reading's time

    def look(self) -> None:
        """Move the end of time on to what the sensors' readings allow now."""
        self._give_up()
        ends = [_end_s(s) for s in self._sensors if self._counts(s)]
        until_s = min(ends, default=_EVER)
        if until_s != self._until_s:
            self._until_s = until_s
            let_run(self._path, until_s)

    def follow(self, over: threading.Event) -> None:
        """Look until ``over``, on a thread beside the guard's own."""
        while not over.wait(LOOK_S):
            self.look()

    def _counts(self, sensor: Sensor) -> bool:
        told = sensor.value is not None
        return told and self._given_up.get(sensor.id) != sensor.good_s

    def _give_up(self) -> None:
        line = read_clock(self._path)
        if not line.stands():
            self._stood_since_s = None
        elif self._stood_since_s is None:
            self._stood_since_s = self._real_s()
        elif self._real_s() - self._stood_since_s >= PATIENCE_S:
            late = [s for s in self._sensors if self._counts(s) and _end_s(s) <= line.until_s]
            self._given_up.update({s.id: s.good_s for s in late})
            self._stood_since_s = None


def _end_s(sensor: Sensor) -> float:
    return sensor.good_s + sensor.lasts_s * 4 // 5
