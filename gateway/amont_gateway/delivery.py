"""Deliver one consumer's lines to the database, and set aside what it refuses.

Refused lines are found by halving; they go into quarantine with the server's reason, the rest is
written. What raises Away or Denied is to be delivered again, whole: a point that is written twice
is there once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from amont_gateway.counters import Counters
from amont_gateway.database import BadLines
from amont_gateway.events import Events
from amont_gateway.quarantine import Quarantine, Refused

BATCH_LINES = 4_000


class LineWriter(Protocol):
    """Where lines go; ``influx.InfluxWriter`` is one."""

    def write(
        self,
        lines: Sequence[str],
        store: str = "",
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Write lines to one of the databases; raise Away, Denied or BadLines.

        ``meanwhile`` may be called once while the database works.
        """

    def close(self) -> None:
        """Forget the connection."""


class Delivery:
    """One consumer's way to the databases, for one thread.

    Counts ``<consumer>_lines`` (written), ``<consumer>_quarantined`` and ``quarantine_dropped``.
    """

    def __init__(
        self,
        consumer: str,
        writer: LineWriter,
        quarantine: Quarantine,
        counters: Counters,
        events: Events,
        now_ms: Callable[[], int],
    ) -> None:
        self._consumer, self._writer, self._quarantine = consumer, writer, quarantine
        self._counters, self._events, self._now_ms = counters, events, now_ms

    def write(
        self,
        lines: Sequence[str],
        store: str = "",
        between: Callable[[], None] = lambda: None,
        meanwhile: Callable[[], None] | None = None,
    ) -> int:
        """Write lines in their order; return how many were not refused.

        ``between`` is called between the requests of lines that are being halved, ``meanwhile``
        once while the database works. Raise Away, Denied, or sqlite3.Error if the quarantine
        cannot be written, and what ``meanwhile`` raises.
        """
        refused: list[tuple[str, str]] = []
        for start in range(0, len(lines), BATCH_LINES):
            part = lines[start : start + BATCH_LINES]
            refused += self.offer(part, store, between, meanwhile)
            meanwhile = None
        if refused:
            self._set_aside(refused, store)
        written = len(lines) - len(refused)
        self._counters.add(f"{self._consumer}_lines", written)
        return written

    def offer(
        self,
        lines: Sequence[str],
        store: str = "",
        between: Callable[[], None] = lambda: None,
        meanwhile: Callable[[], None] | None = None,
    ) -> list[tuple[str, str]]:
        """Write lines; return those that were refused, each with the server's reason.

        Raise Away or Denied.
        """
        parts, refused = ([lines] if lines else []), []
        while parts:
            part = parts.pop()
            do, meanwhile = meanwhile, None
            try:
                self._writer.write(part, store, *(() if do is None else (do,)))
            except BadLines as error:
                if len(part) == 1:
                    refused.append((part[0], str(error)))
                else:
                    parts += [part[len(part) // 2 :], part[: len(part) // 2]]
                between()
        return refused

    @property
    def made(self) -> int:
        """Return how many databases were made because they were not there, or no more."""
        return int(getattr(self._writer, "made", 0))

    def close(self) -> None:
        """Forget the connection."""
        self._writer.close()

    def _set_aside(self, refused: list[tuple[str, str]], store: str) -> None:
        now_ms = self._now_ms()
        dropped = self._quarantine.add(
            [Refused(now_ms, self._consumer, store, line, reason) for line, reason in refused]
        )
        self._counters.add(f"{self._consumer}_quarantined", len(refused))
        self._events.note("history_quarantine", refused[0][1], key=self._consumer, n=len(refused))
        if dropped > 0:
            self._counters.add("quarantine_dropped", dropped)
