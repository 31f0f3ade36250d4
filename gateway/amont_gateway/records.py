"""Keep what the guard tells of its decisions, durably, so that an incident can be explained later.

The guard's own chained file is the truth and stays where only the guard may read. This is the
gateway's copy, with what the gateway saw besides (``seen``): what each siren's contact confirmed,
which limits were in force, what was forecast, when the guard was not heard. Bounded; the oldest
goes first.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from amont_gateway.counters import Counters
from amont_gateway.ownership import like_folder

FILE = "records.db"
MAX_RECORDS = 50_000  # years of a quiet river; 17 MB
MAX_WAITING = 10_000
LATEST_MS = 253_402_214_400_000  # the last day of the year 9999
_ROUND_S = 0.25
_RETRY_S = 5.0
_BUSY_S, _BUSY_PAUSE_S = 5.0, 0.02
_PRUNE = 1_000  # rows at a time

_SCHEMA = (
    "PRAGMA synchronous=FULL",  # a few records a day: none of them may be lost to a power cut
    """CREATE TABLE IF NOT EXISTS record(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS record_kind ON record(kind, id)",
    "CREATE INDEX IF NOT EXISTS record_at ON record(at_ms)",
)

_INSERT = "INSERT INTO record(at_ms, kind, content) VALUES (?,?,?)"

Record = dict[str, Any]


class Records:
    """Take records from any thread without waiting; one thread writes them."""

    def __init__(self, folder: Path, counters: Counters, note: Callable[[str, str], None]) -> None:
        """Keep them in ``folder``; nothing is opened before ``run``."""
        self.path = folder / FILE
        self._counters = counters
        self._note = note
        self._waiting: deque[Record] = deque()
        self._wake = threading.Event()
        self._connection: sqlite3.Connection | None = None

    def take(self, record: Record) -> None:
        """Queue a record; one that finds no room is counted and lost here, not at the guard."""
        if len(self._waiting) >= MAX_WAITING:
            self._counters.add("records_dropped")
            return
        self._waiting.append(record)
        self._wake.set()

    def run(self, stopping: threading.Event) -> None:
        """Write what waits until told to stop, then once more."""
        while not stopping.is_set():
            self._wake.wait(_ROUND_S)
            self._wake.clear()
            if not self._write_all():
                stopping.wait(_RETRY_S)
        self._write_all()
        self._close()

    def _write_all(self) -> bool:
        waiting = list(self._waiting)
        if not waiting:
            return True
        try:
            self._append(waiting)
        except sqlite3.Error as error:
            self._failed(error)
            return False
        for _ in waiting:
            self._waiting.popleft()
        return True

    def _append(self, records: list[Record]) -> None:
        connection = self._connection = self._connection or _open(self.path)
        rows = [_row(record) for record in records]
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(_INSERT, rows)
            (last,) = connection.execute("SELECT max(id) FROM record").fetchone()
            connection.execute(
                "DELETE FROM record WHERE id IN"
                " (SELECT id FROM record WHERE id <= ? ORDER BY id LIMIT ?)",
                (last - MAX_RECORDS, _PRUNE),
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    def _failed(self, error: sqlite3.Error) -> None:
        self._close()
        self._note("records_fault", str(error))
        if type(error) is sqlite3.DatabaseError:  # not a database, or a malformed one
            aside = self.path.with_name(f"{FILE}.damaged-{int(time.time())}")
            with contextlib.suppress(OSError):
                self.path.rename(aside)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def append(path: Path, record: Record) -> int:
    """Write one record over a connection of one's own, durably; return its id.

    For another process than the gateway: it waits a few seconds for it. Raise sqlite3.Error.
    """
    is_new = not path.exists()
    connection = _open(path)
    try:
        if is_new:
            like_folder(path)
        return int(connection.execute(_INSERT, _row(record)).lastrowid or 0)
    finally:
        connection.close()


def _row(record: Record) -> tuple[int, str, str]:
    at_ms, kind = int(record.get("at_ms") or 0), str(record.get("kind"))
    return at_ms, kind, json.dumps(record, ensure_ascii=True)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S)
    try:
        _enter_wal(connection)
        for statement in _SCHEMA:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Enter WAL, again if somebody else just does: SQLite then refuses at once, timeout or not."""
    until_s = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until_s:
                raise
            time.sleep(_BUSY_PAUSE_S)


class RecordReader:
    """A read-only connection of one's own."""

    def __init__(self, path: Path) -> None:
        """Open; raise sqlite3.Error if there is nothing to open."""
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)

    def of_kinds(self, kinds: Iterable[str], after_id: int = 0) -> Iterator[tuple[int, Record]]:
        """Yield (id, record) of some kinds above an id, as they came."""
        wanted = tuple(kinds)
        marks = ",".join("?" * len(wanted))
        yield from self._rows(f"id > ? AND kind IN ({marks}) ORDER BY id", (after_id, *wanted))

    def between(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, Record]]:
        """Yield (id, record) of a span of time, as they came."""
        yield from self._rows("at_ms BETWEEN ? AND ? ORDER BY id", (from_ms, until_ms))

    def last_before(self, kind: str, at_ms: int, most: int = 50) -> list[Record]:
        """Return the newest records of a kind until a time, newest first."""
        where = "kind = ? AND at_ms <= ? ORDER BY id DESC LIMIT ?"
        return [record for _, record in self._rows(where, (kind, at_ms, most))]

    def last_id(self) -> int:
        """Return the newest record's id, 0 if there is none."""
        (last,) = self._connection.execute("SELECT max(id) FROM record").fetchone()
        return int(last or 0)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _rows(self, where: str, values: tuple[object, ...]) -> Iterator[tuple[int, Record]]:
        found = self._connection.execute(f"SELECT id, content FROM record WHERE {where}", values)
        for record_id, content in found:
            record = _parsed(content)
            if record is not None:
                yield record_id, record


def _parsed(content: object) -> Record | None:
    """Return a record that a calendar can place; one damaged row must not hide the others."""
    try:
        record = json.loads(content) if isinstance(content, str) else None
    except ValueError:
        return None
    at_ms = record.get("at_ms") if isinstance(record, dict) else None
    return record if type(at_ms) is int and 0 <= at_ms < LATEST_MS else None
