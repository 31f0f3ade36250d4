"""Feed the database from a cursor on the journal, at the database's own pace, newest first.

Everything goes in the journal's order through one lane, which confirms. When that lane is far
behind, a second one is opened beside it that begins near the journal's end and takes only what
was new when it came; it is asked first, and the other gets a batch that lasts a fraction of a
second in between. So what the database missed never delays what is happening. Each lane keeps
each station's order; a row of the second lane comes again in the first, and a point that is
written twice is there once.

At least once, so once in effect. What the database confirmed less than a moment ago counts as
not confirmed when it fails or when we start again: some servers answer before they are sure.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from msgspec.structs import replace

from amont_gateway.backoff import Backoff
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.database import Away, Denied
from amont_gateway.delivery import Delivery, LineWriter
from amont_gateway.doubts import FILE as DOUBTS
from amont_gateway.doubts import Doubts
from amont_gateway.events import Events
from amont_gateway.history_pace import Pace, Settled
from amont_gateway.journal import Journal
from amont_gateway.journal_holes import Row
from amont_gateway.journal_tail import Tail
from amont_gateway.lines import SensorTags, never_doubted, quality_lines, row_lines
from amont_gateway.quarantine import FILE, Quarantine
from amont_gateway.readings import BAD_TIME
from amont_gateway.view import HistoryState

CONSUMER = "history"
FAR_ROWS = 1_000  # behind by more, the lane of what is new opens
NEAR_ROWS = 500  # so many rows before the journal's end: ten minutes of fifty stations
MAX_VITALS = 20_000  # lines of state waiting; the oldest are dropped and counted
BEAT_S = 20.0  # without a write for so long, the last line is written again: is it still there?
SETTLE_S = 10.0
_IDLE_S = 0.2
_LOOK_S = 2.0  # between looks at what waits
_RETRY_S = 20.0
_AT_MS, _FLAGS = 4, 7  # places in a row of the journal


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
        *,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._site, self._tags, self._doubt = site, tags, doubt
        self._counters, self._events, self._clock = counters, events, clock
        self._quarantine = Quarantine(journal.path.with_name(FILE))
        self._delivery = Delivery(
            CONSUMER, writer, self._quarantine, counters, events, clock.wall_ms
        )
        self._tail = Tail(CONSUMER, journal, events)
        self._settled = Settled(settle_s, time.monotonic)
        self._doubts = Doubts(journal.path.with_name(DOUBTS))
        self._doubts_told: int | None = None  # number of the last change that was written
        self._doubts_seen = -1  # how often doubts had been put when all were written
        # The next batch, the number of the last change of doubts that it knows, and its lines.
        self._ready: tuple[list[Row], int | None, list[str]] | None = None
        self._openings = 0
        self._pace = Pace()
        self._live: int | None = None  # where the lane of what is new stands, if it is open
        self._vitals: deque[str] = deque()
        self._backoff = Backoff(0.5, _RETRY_S)
        self._held_s = time.monotonic()  # when it last began to answer
        self._written_s = -BEAT_S
        self._beat = ""  # the last line written
        self._made = 0
        self._looked_s = -_LOOK_S
        self.state = "away"  # "ok" | "away" | "refused"
        self.status = HistoryState(state="away", since_ms=clock.wall_ms())

    def offer(self, lines: list[str]) -> None:
        """Queue lines of state; they are not durable and wait in a bounded queue."""
        self._vitals.extend(lines)
        excess = len(self._vitals) - MAX_VITALS
        for _ in range(excess):
            self._vitals.popleft()
        if excess > 0:
            self._counters.add("vitals_dropped", excess)

    def doubted(self, changed: Iterable[tuple[str, int, int]]) -> None:
        """Take (sensor, time, code) of readings whose doubts have changed; never waits."""
        self._doubts.take(changed)

    def run(self, stopping: threading.Event) -> None:
        """Feed until told to stop."""
        while not stopping.is_set():
            wait_s = 0.0
            try:
                if not self._round():
                    wait_s = _IDLE_S
            except (Away, Denied) as error:
                self._failed(error)
                wait_s = self._backoff.next_s()
            except sqlite3.Error as error:  # the writer may just be replacing the file
                self._tail.close()
                self._events.note("journal_fault", str(error), key="history")
                wait_s = 1.0
            self._rest(stopping, wait_s)
        self._tail.close()
        self._delivery.close()

    def _round(self) -> bool:
        """Write what is new, then states, then one batch of the rest; tell whether more waits."""
        opened = self._tail.open()
        if opened:
            if self._openings != self._tail.openings:
                self._openings = self._tail.openings
                self._live = None
                self._settled.begin(self._tail.place)
            self._live_lane()
        more = self._offered()
        self._changed_doubts()
        if opened:
            more = self._back_lane() or more
        if time.monotonic() - self._written_s >= BEAT_S and self._beat:
            self._write([self._beat])
        return more

    def _live_lane(self) -> None:
        """Write what came new since the last round, if the other lane is far behind."""
        newest = self._tail.reader.last_id()
        if self._live is None and newest - self._tail.place > FAR_ROWS:
            self._live = newest - NEAR_ROWS
        if self._live is None:
            return
        if self._tail.place >= self._live:
            self._live = None
            return
        if newest - self._live > self._pace.most * 2:
            self._live = newest - NEAR_ROWS  # it cannot keep up: what is newest is worth most
        self._live, rows = self._tail.reader.live(self._live, newest, self._pace.most)
        self._write(self._lines(rows))

    def _lines(self, rows: list[Row]) -> list[str]:
        """Write readings with their doubts, also those that the windows have forgotten."""
        known = self._doubts.were_ever
        times = [row[_AT_MS] for row in rows if not row[_FLAGS] & BAD_TIME] if known else []
        kept = self._doubts.between(min(times), max(times)) if times else {}
        if not kept:
            return row_lines(self._site, self._tags, rows, self._doubt)

        def doubt(sensor: str, t_ms: int) -> int:
            return self._doubt(sensor, t_ms) or kept.get((sensor, t_ms), 0)

        return row_lines(self._site, self._tags, rows, doubt)

    def _prepare(self, most: int) -> None:
        """Read the next batch and make its lines, while the database works on this one."""
        rows = self._tail.read_ahead(most)
        self._ready = (rows, self._doubts_told, self._lines(rows))

    def _prepared(self, rows: list[Row]) -> list[str]:
        """Return a batch's lines, made again if doubts have been written since they were made."""
        ready, self._ready = self._ready, None
        if ready is not None and ready[0] is rows and ready[1] == self._doubts_told:
            return ready[2]
        return self._lines(rows)

    def _changed_doubts(self) -> None:
        """Write changed qualities over the points that history holds."""
        self._doubts.flush(self._clock.wall_ms())
        if self._doubts_told is None:
            self._doubts_told = self._doubts.told(CONSUMER)
        puts = self._doubts.puts
        if puts == self._doubts_seen:
            return
        changes = self._doubts.after(self._doubts_told, self._pace.most)
        if changes:
            self._write(quality_lines(self._site, self._tags, changes))
            self._doubts_told = changes[-1].number
            self._doubts.tell(CONSUMER, self._doubts_told)
        else:
            self._doubts_seen = puts

    def _offered(self) -> bool:
        """Write lines of state, which are put back if that fails; tell whether more wait."""
        count = min(len(self._vitals), self._pace.most)
        vitals = [self._vitals.popleft() for _ in range(count)]
        try:
            self._write(vitals)
        except (Away, Denied, sqlite3.Error):
            self._vitals.extendleft(reversed(vitals))
            raise
        return bool(self._vitals)

    def _back_lane(self) -> bool:
        """Write one batch of what was not written yet, and confirm what has settled."""
        tail, most, began_s = self._tail, self._pace.rows, time.monotonic()
        before = tail.place
        rows = tail.read_rows(most)
        try:
            ahead = partial(self._prepare, most) if tail.full else None
            self._write(self._prepared(rows), self._in_between, ahead)
        except BaseException:
            tail.place = before
            raise
        if rows:
            self._pace.took(time.monotonic() - began_s, len(rows))
            self._counters.add("history_samples", len(rows))
        tail.confirm(self._settled.reached(tail.place))
        return tail.full

    def _in_between(self) -> None:
        """Keep what is new from waiting for a batch that is being halved."""
        if self._live is not None:
            self._live_lane()

    def _write(
        self,
        lines: list[str],
        between: Callable[[], None] = lambda: None,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        if not lines:
            return
        self._delivery.write(lines, "", between, meanwhile)
        self._beat, self._written_s = lines[-1], time.monotonic()
        if self._delivery.made > self._made:
            self._made = self._delivery.made
            self._tell_emptied()
        if self.state != "ok":
            self._became("ok")
            self._held_s = self._written_s
            self._events.note("history_ok")

    def _tell_emptied(self) -> None:
        """Say that the database is new although it had confirmed rows: those are gone from it."""
        if self._tail.open() and self._tail.reader.cursor(CONSUMER):
            self._counters.add("history_emptied")
            self._events.note("history_emptied")

    def _failed(self, error: Exception) -> None:
        self._counters.add("history_failures")
        denied = isinstance(error, Denied)
        self._events.note("history_refused" if denied else "history_away", str(error))
        if self.state == "ok":
            self._backoff.lasted(time.monotonic() - self._held_s)
            self._tail.place = self._settled.failed()
        self._pace.failed()
        self._live = None
        self._became("refused" if denied else "away", str(error))

    def _became(self, state: str, reason: str = "") -> None:
        if state != self.state:
            self.state, self._looked_s = state, -_LOOK_S
            since_ms = self._clock.wall_ms()
        else:
            since_ms = self.status.since_ms
        self.status = replace(self.status, state=state, since_ms=since_ms, reason=reason)

    def _rest(self, stopping: threading.Event, seconds: float) -> None:
        """Wait, and look now and then at what waits."""
        until_s = time.monotonic() + seconds
        while True:
            if time.monotonic() - self._looked_s >= _LOOK_S:
                self._look()
            left_s = until_s - time.monotonic()
            if left_s <= 0 or stopping.wait(min(left_s, _LOOK_S)):
                return

    def _look(self) -> None:
        self._looked_s = time.monotonic()
        waiting, since_ms = 0, None
        try:
            if self._tail.open():
                waiting = max(0, self._tail.reader.last_id() - self._tail.place)
                since_ms = self._tail.reader.waiting_since_ms(self._tail.place)
            quarantined = self._quarantine.count()
            self._doubts.flush(self._clock.wall_ms())
        except sqlite3.Error:  # told where it hinders the work
            return
        self.status = replace(
            self.status,
            waiting=waiting,
            waiting_since_ms=since_ms,
            quarantined=quarantined,
            written=self._counters.snapshot().get("history_lines", 0),
        )
