"""Feed the database from a cursor on the journal, at the database's own pace.

At least once, and the same point overwrites itself, so once in effect. A database that hangs or
is away delays nothing else: what it has not confirmed stays in the journal. A line that it
refuses is found by halving, set aside with the server's reason, and the rest goes on.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from amont_gateway.backoff import Backoff
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.database import Away, BadLines, Denied
from amont_gateway.events import Events
from amont_gateway.journal import Journal
from amont_gateway.journal_reader import JournalReader
from amont_gateway.lines import SensorTags, never_doubted, sample_lines
from amont_gateway.readings import Sample

CONSUMER = "history"
BATCH_SAMPLES = 2_000
MAX_VITALS = 20_000  # lines of state waiting; the oldest are dropped and counted
_IDLE_S = 0.5


class LineWriter(Protocol):
    """Where lines go; ``influx.InfluxWriter`` is one."""

    def write(self, lines: list[str]) -> None:
        """Write lines; raise Away, Denied or BadLines."""

    def close(self) -> None:
        """Forget the connection."""


class History:
    """The journal's first consumer, run by one thread."""

    def __init__(
        self,
        site: str,
        tags: SensorTags,
        journal: Journal,
        writer: LineWriter,
        counters: Counters,
        events: Events,
        clock: Clock,
        doubt: Callable[[str, int], int] = never_doubted,
    ) -> None:
        self._doubt = doubt
        self._site = site
        self._tags = tags
        self._journal = journal
        self._writer = writer
        self._counters = counters
        self._events = events
        self._clock = clock
        self._backoff = Backoff(0.5, 30.0)
        self._vitals: deque[str] = deque()
        self._reader: JournalReader | None = None
        self._incarnation = -1
        self._last = 0
        self.state = "away"  # "ok" | "away"

    def offer(self, lines: list[str]) -> None:
        """Queue lines of state; they are not durable and wait in a bounded queue."""
        self._vitals.extend(lines)
        excess = len(self._vitals) - MAX_VITALS
        for _ in range(excess):
            self._vitals.popleft()
        if excess > 0:
            self._counters.add("vitals_dropped", excess)

    def run(self, stopping: threading.Event) -> None:
        """Feed until told to stop."""
        while not stopping.is_set():
            began = time.monotonic()
            try:
                busy = self._step()
            except (Away, Denied) as error:
                self._away(error)
                stopping.wait(self._backoff.next_s())
                continue
            except sqlite3.Error as error:  # the writer may just be replacing the file
                self._close_reader()
                self._events.note("journal_fault", str(error), key="history")
                busy = False
            self._backoff.lasted(time.monotonic() - began + _IDLE_S)
            if not busy:
                stopping.wait(_IDLE_S)
        self._close_reader()
        self._writer.close()

    def _step(self) -> bool:
        """Write one batch of samples and one of vitals; tell whether more may wait."""
        seen, samples = self._next_samples()
        self._write(sample_lines(self._site, self._tags, samples, self._doubt))
        if seen > self._last:
            self._last = seen
            self._journal.move_cursor(CONSUMER, seen, self._incarnation)
            self._counters.add("history_samples", len(samples))
        vitals = [self._vitals.popleft() for _ in range(min(len(self._vitals), BATCH_SAMPLES))]
        try:
            self._write(vitals)
        except (Away, Denied):
            self._vitals.extendleft(reversed(vitals))
            raise
        return len(samples) == BATCH_SAMPLES

    def _next_samples(self) -> tuple[int, list[Sample]]:
        """Return the next batch after the cursor, opening the journal anew if it was replaced."""
        if self._incarnation != self._journal.incarnation:
            self._close_reader()
            self._incarnation = self._journal.incarnation
        if self._reader is None:
            if not self._journal.path.exists():
                return self._last, []
            self._reader = self._journal.reader()
            self._last = self._reader.cursor(CONSUMER)
        bad = self._reader.bad_rows
        seen, pairs = self._reader.after(self._last, BATCH_SAMPLES)
        if self._reader.bad_rows > bad:
            self._events.note("journal_row", f"id <= {seen}", n=self._reader.bad_rows - bad)
        return seen, [sample for _, sample in pairs]

    def _write(self, lines: list[str]) -> None:
        """Write lines, halving on a refusal until the refused ones stand alone."""
        if not lines:
            return
        try:
            self._writer.write(lines)
        except BadLines as error:
            if len(lines) == 1:
                self._set_aside(lines[0], str(error))
                return
            middle = len(lines) // 2
            self._write(lines[:middle])
            self._write(lines[middle:])
            return
        self._counters.add("history_lines", len(lines))
        if self.state != "ok":
            self.state = "ok"
            self._events.note("history_ok")

    def _set_aside(self, line: str, reason: str) -> None:
        self._counters.add("history_quarantined")
        self._events.note("history_quarantine", reason)
        if not self._journal.quarantine(self._clock.wall_ms(), CONSUMER, line, reason):
            self._counters.add("quarantine_dropped")

    def _away(self, error: Exception) -> None:
        self.state = "away"
        self._counters.add("history_failures")
        kind = "history_refused" if isinstance(error, Denied) else "history_away"
        self._events.note(kind, str(error))

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
