"""Keep every sample durably: the one writer of ``journal.db``.

All methods but ``expect`` and ``move_cursor`` belong to one thread, the storer's.
A sample is durable when ``append`` returns. Whatever stops that (full disk, read-only disk,
I/O error, damaged file) raises ``JournalUnavailable``; the caller then acknowledges nothing,
nodes keep their samples, and a later call tries again by itself.

What it keeps: every row until it is older than the retention and every consumer has confirmed
it. When the disk comes near its mark, confirmed rows go once they are older than ``KEPT_MS``, and
those past the retention go even if a consumer never came for them: a reading of today is worth
more. The file does not shrink; the pages that are free in it are filled again first.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from amont_gateway import journal_sql as sql
from amont_gateway.journal_reader import JournalReader
from amont_gateway.journal_spans import spans
from amont_gateway.ledger import Ledger
from amont_gateway.readings import Sample, checksum

MARK_BYTES = 32 << 20  # below this much free disk nothing is accepted any more
BALLAST_BYTES = 8 << 20  # freed so that old rows can be deleted on a full disk
RETIRE_ROWS = 5_000
RETIRE_EVERY_MS = 60_000
STEP_MS = 3_600_000  # a clock that differs from the machine's own count by more was set
CALM_S = 86_400.0  # nothing is retired so long after: by a clock in 2080 all is past retention
KEPT_MS = 90 * 86_400_000  # never retired for want of room: limits are tried on them
PRESSED = 4  # marks: with less room, rows are retired before their time
CURSOR_S = 30.0  # a cursor that is lost costs so much sent twice; storing it costs 4 KiB

Key = tuple[int, int]  # epoch, seq

_FULL, _READ_ONLY, _DAMAGED = (13,), (8, 14), (11, 26)  # SQLite primary result codes


class JournalUnavailable(Exception):
    """The journal cannot promise durability now; ``state`` says why."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


def free_bytes(folder: Path) -> int:
    """Return the bytes that an ordinary process may still write to this disk."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


class Journal:
    """The journal's only write connection, with its ledger of committed seqs."""

    def __init__(
        self,
        path: Path,
        *,
        mark_bytes: int = MARK_BYTES,
        ballast_bytes: int = BALLAST_BYTES,
        retention_ms: int | None = None,
        measure_free: Callable[[Path], int] = free_bytes,
        monotonic_s: Callable[[], float] = time.monotonic,
        note: Callable[[str, str], None] = lambda _kind, _detail: None,
        cursor_s: float = CURSOR_S,
    ) -> None:
        self.path = path
        self.ledger = Ledger()
        self.state = "ok"  # "ok" | "full" | "read-only" | "fault"
        self.incarnation = 0  # rises when a damaged file was replaced: readers open again
        self._mark_bytes = mark_bytes
        self._ballast = path.with_name("ballast")
        self._ballast_bytes = ballast_bytes
        self._retention_ms = retention_ms
        self._measure_free = measure_free
        self._monotonic_s = monotonic_s
        self._note = note
        self._cursor_s = cursor_s
        self._retired_ms = 0
        self._seen: tuple[int, float] | None = None  # wall clock and monotonic, last time
        self._calm_until_s = 0.0
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._cursors: dict[str, int] = {}  # not stored yet
        self._stored: dict[str, int] = {}  # since the start
        self._consumers: set[str] = set()
        self._stored_s = monotonic_s()

    def open(self) -> None:
        """Open or create the file, assert its pragmas, rebuild the ledger."""
        if self._connection is not None:
            return
        try:
            self._connection = self._connect()
            self.ledger.load(spans(self._connection))
        except sqlite3.Error as error:
            self._fail(error)

    def append(self, samples: Sequence[Sample]) -> None:
        """Commit samples in one transaction; those already there are left as they are."""
        self.keep(samples)
        self.ledger.add(samples)

    def keep(self, samples: Sequence[Sample]) -> None:
        """Do the same for samples that no node waits to have acknowledged."""
        self.open()
        self._require_room()
        self._transact([(*s, checksum(s)) for s in samples])

    def channels_of(self, node: int, keys: Iterable[tuple[int, int]]) -> dict[Key, bytes]:
        """Return what the rows of a node hold that are there, by (epoch, seq)."""
        self.open()
        assert self._connection is not None
        found: dict[Key, bytes] = {}
        try:
            for key in keys:
                row = self._connection.execute(sql.CHANNELS, (node, *key)).fetchone()
                if row is not None:
                    found[key] = row[0]
        except sqlite3.Error as error:
            self._fail(error)
        return found

    def newest_of(self, node: int, epoch: int) -> tuple[int, bytes] | None:
        """Return the time and the channels of a node's row with the greatest seq of an epoch."""
        self.open()
        assert self._connection is not None
        try:
            found = self._connection.execute(sql.NEWEST, (node, epoch)).fetchone()
        except sqlite3.Error as error:
            self._fail(error)
        return None if found is None else (found[0], found[1])

    def tick(self, now_ms: int) -> None:
        """Store cursors now and then, retire rows, and find out whether a fault has passed."""
        self.open()
        self._retire(now_ms)
        self._require_room()
        if self.state != "ok" or (self._cursors and self._cursors_are_due()):
            self._transact([])

    def expect(self, consumer: str) -> None:
        """Hold back (from any thread) the retention until this consumer has confirmed, too."""
        with self._lock:
            self._consumers.add(consumer)

    def move_cursor(self, name: str, sample_id: int, incarnation: int = 0) -> None:
        """Remember (from any thread) how far a consumer got; stored with the next commit.

        ``incarnation`` says of which file: ids of one that was moved aside mean nothing here.
        """
        with self._lock:
            if incarnation != self.incarnation:
                return
            if sample_id > max(self._stored.get(name, 0), self._cursors.get(name, 0)):
                self._cursors[name] = sample_id

    def close(self) -> None:
        """Store what is pending and close; safe to call when the disk is gone."""
        if self._connection is None:
            return
        try:
            self._transact([])
        except JournalUnavailable:
            return
        self._disconnect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=5.0)
        try:
            for set_it, ask, wanted in sql.DURABLE:
                connection.execute(set_it)
                (got,) = connection.execute(ask).fetchone()
                if got != wanted:
                    raise sqlite3.OperationalError(f"{ask} is {got!r}, {wanted!r} is needed")
            for statement in (*sql.TUNING, *sql.SCHEMA):
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _transact(self, rows: Sequence[tuple[object, ...]]) -> None:
        store = not rows or self._cursors_are_due()
        with self._lock:
            cursors = dict(self._cursors) if store else {}
        connection = self._connection
        assert connection is not None
        try:
            connection.execute("BEGIN IMMEDIATE")
            sql.insert(connection, rows)
            connection.executemany(sql.MOVE_CURSOR, list(cursors.items()))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(error)
        with self._lock:
            for name, sample_id in cursors.items():
                self._stored[name] = sample_id
                if self._cursors.get(name) == sample_id:
                    del self._cursors[name]
        if store:
            self._stored_s = self._monotonic_s()
        self._recovered()

    def _cursors_are_due(self) -> bool:
        return self._monotonic_s() - self._stored_s >= self._cursor_s

    def _require_room(self) -> None:
        free, room = self._room()
        if room < self._mark_bytes or free < self._mark_bytes // 2:
            raise self._unavailable(
                "full", f"{free >> 10} KiB free, mark {self._mark_bytes >> 10}"
            )
        if free > self._mark_bytes + 2 * self._ballast_bytes:
            self._lay_ballast()

    def _room(self) -> tuple[int, int]:
        """Return the bytes free on the disk, and with those that are free in the file itself."""
        try:
            free = self._measure_free(self.path.parent)
        except OSError as error:
            raise self._unavailable("fault", str(error)) from error
        if free >= PRESSED * self._mark_bytes or self._connection is None:
            return free, free
        try:
            (pages,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            (size,) = self._connection.execute("PRAGMA page_size").fetchone()
        except sqlite3.Error as error:
            self._fail(error)
        return free, free + pages * size

    def _retire(self, now_ms: int) -> None:
        """Delete rows that need not be kept any longer: see this module's words."""
        if self._retention_ms is None or self._connection is None:
            return
        if self._clock_was_set(now_ms):
            return
        pressed = self._room()[1] < PRESSED * self._mark_bytes
        if not pressed and abs(now_ms - self._retired_ms) < RETIRE_EVERY_MS:
            return
        self._retired_ms = now_ms
        past_ms = now_ms - self._retention_ms
        try:
            if self.state == "full":
                self._ballast.unlink(missing_ok=True)
            confirmed = self._confirmed()
            if self._delete(confirmed, past_ms):
                self._note("journal_retired", "")
            if pressed and self._delete(confirmed, now_ms - min(KEPT_MS, self._retention_ms)):
                self._note("journal_retired_early", "")
            if pressed and self._delete(sql.ALL, past_ms):
                self._note("journal_lost", "")
        except (sqlite3.Error, OSError) as error:
            self._fail(error)

    def _confirmed(self) -> int:
        """Return the id up to which every consumer that is there has confirmed."""
        assert self._connection is not None
        stored: dict[str, int] = dict(self._connection.execute("SELECT name, id FROM cursor"))
        with self._lock:
            return min((stored.get(name, 0) for name in self._consumers), default=sql.ALL)

    def _delete(self, through_id: int, before_ms: int) -> int:
        assert self._connection is not None
        limit = (through_id, RETIRE_ROWS, before_ms)
        return self._connection.execute(sql.RETIRE, limit).rowcount

    def _clock_was_set(self, now_ms: int) -> bool:
        mono_s = self._monotonic_s()
        if self._seen is not None:
            passed_ms = (mono_s - self._seen[1]) * 1000
            if abs(now_ms - self._seen[0] - passed_ms) > STEP_MS:
                self._calm_until_s = mono_s + CALM_S
        self._seen = (now_ms, mono_s)
        return mono_s < self._calm_until_s

    def _lay_ballast(self) -> None:
        if not self._ballast_bytes or self._ballast.exists():
            return
        try:
            with self._ballast.open("wb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, self._ballast_bytes)
        except OSError as error:  # the journal itself may still work
            self._note("journal_ballast", str(error))

    def _fail(self, error: sqlite3.Error | OSError) -> None:
        """Close, name the fault, and raise; damaged files are moved aside first."""
        self._disconnect()
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            self._move_aside(str(error))
            raise self._unavailable("fault", f"{error}; moved aside") from error
        state = "full" if code in _FULL else "read-only" if code in _READ_ONLY else "fault"
        raise self._unavailable(state, str(error)) from error

    def _unavailable(self, state: str, reason: str) -> JournalUnavailable:
        if state != self.state:
            self._note(f"journal_{state.replace('-', '_')}", reason)
        self.state = state
        return JournalUnavailable(state, reason)

    def _recovered(self) -> None:
        if self.state != "ok":
            self.state = "ok"
            self._note("journal_ok", "")

    def _move_aside(self, reason: str) -> None:
        """Keep the damaged file for people; what it held was acknowledged and may be salvaged."""
        n = 1
        while (target := self.path.with_name(f"{self.path.name}.damaged-{n}")).exists():
            n += 1
        for suffix in ("-wal", "-shm", ""):
            source = self.path.with_name(self.path.name + suffix)
            if source.exists():
                source.rename(target.with_name(target.name + suffix))
        with self._lock:
            self.incarnation += 1
            self._cursors.clear()
            self._stored.clear()
        self._note("journal_damaged", f"{reason} -> {target.name}")

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                self._note("journal_fault", str(error))

    def reader(self) -> JournalReader:
        """Open a read-only connection of the caller's own."""
        return JournalReader(self.path)
