"""Make rounds of what is worked out from time to time, on one thread."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import structlog

from amont_gateway.backoff import Backoff
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.database import Away, Denied
from amont_gateway.events import Events

_log = structlog.get_logger("amont.gateway")

_PAUSE_S = 0.5  # real time between looks at who is due
_LEAST_S = 2.0  # real time between two rounds of a part, however fast the domain's clock runs
_REST_S = 5.0  # real time, at most, of a part of which more waits
_CAP_S = 60.0  # real time: a database that is away is asked again so often, about


class Outlet(Protocol):
    """Where a part's lines go; ``delivery.Delivery`` is one."""

    def write(self, lines: Sequence[str], store: str = "") -> object:
        """Write lines to one of the databases; raise Away or Denied if it takes none now."""

    def close(self) -> None:
        """Forget the connection."""


class Part(Protocol):
    """Something that works out lines and writes them itself."""

    def step(self) -> bool:
        """Make one round; tell whether the next is due at once.

        Raise Away or Denied if the database takes nothing now, sqlite3.Error if a file cannot be
        read; the next round makes up for it.
        """

    def close(self) -> None:
        """Give up files and connections; the next round opens them again."""


class Due(NamedTuple):
    """A part, what it is called in counters and events, and the domain time between rounds."""

    name: str
    part: Part
    every_s: float


class _Done(NamedTuple):
    more: bool  # waits already


class Rounds:
    """The parts, each at its own pace; none holds up another for long, or takes readings with it.

    A part of which more waits rests as long as it worked, so that half of the time is others'.
    """

    def __init__(
        self,
        parts: Sequence[Due],
        counters: Counters,
        events: Events,
        clock: Clock,
        real_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = tuple(parts)
        self._counters, self._events, self._clock = counters, events, clock
        self._real_s = real_s
        self._due_s = {due.name: -math.inf for due in parts}  # domain time
        self._due_real_s = {due.name: -math.inf for due in parts}
        self._waits = {due.name: Backoff(1.0, _CAP_S) for due in parts}

    def run(self, stopping: threading.Event) -> None:
        """Make rounds until told to stop."""
        while not stopping.wait(_PAUSE_S):
            for due in self._parts:
                now_s, real_s = self._clock.monotonic_s(), self._real_s()
                is_due = now_s >= self._due_s[due.name] and real_s >= self._due_real_s[due.name]
                if is_due and not stopping.is_set():
                    self._make(due, now_s, real_s)
        for due in self._parts:
            due.part.close()

    def _make(self, due: Due, now_s: float, real_s: float) -> None:
        """Make a part's round, and set when the next is due."""
        done = self._done(due)
        if done is None:  # it failed
            self._counters.add(f"{due.name}_failures")
            wait_s = _LEAST_S + self._waits[due.name].next_s()
        else:
            self._waits[due.name] = Backoff(1.0, _CAP_S)
            wait_s = min(_REST_S, self._real_s() - real_s) if done.more else _LEAST_S
        is_over = done is not None and not done.more
        self._due_s[due.name] = now_s + due.every_s if is_over else -math.inf
        self._due_real_s[due.name] = self._real_s() + wait_s

    def _done(self, due: Due) -> _Done | None:
        """Make a part's round; None if it failed, whatever the reason."""
        try:
            return _Done(due.part.step())
        except (Away, Denied):  # history says so to people
            return None
        except sqlite3.Error as error:  # the writer may just be replacing the file
            due.part.close()
            self._events.note("journal_fault", str(error), key=due.name)
        except Exception as error:  # a mistake of ours: readings and sirens go on
            _log.error("round_failed", part=due.name, exc_info=True)
            due.part.close()
            said = f"{due.name}: {type(error).__name__}: {error}"[:200]
            self._events.note("round_fault", said, key=due.name)
        return None
