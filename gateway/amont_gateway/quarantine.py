"""Keep the lines that the database refused, each with its reason, until a person decides.

``quarantine.db`` lies beside the journal, so that neither the storer nor a person's command ever
waits for the other. A line is durable here before its consumer moves on. Bounded: the oldest goes
first, for a reading can be had again from the journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

FILE = "quarantine.db"
MAX_LINES = 50_000  # about 10 MB
_TIMEOUT_S = 5.0

_SCHEMA = (
    "PRAGMA journal_mode=DELETE",  # it is read often: in WAL mode each look makes two files
    "PRAGMA synchronous=FULL",
    """CREATE TABLE IF NOT EXISTS refused(
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, consumer TEXT NOT NULL,
  store TEXT NOT NULL, line TEXT NOT NULL, reason TEXT NOT NULL, UNIQUE(store, line))""",
)
_COLUMNS = "id, at_ms, consumer, store, line, reason"
# A line that is refused again keeps its id; when and why are of the last time.
_ADD = """INSERT INTO refused(at_ms, consumer, store, line, reason) VALUES (?,?,?,?,?)
  ON CONFLICT(store, line) DO UPDATE SET at_ms = excluded.at_ms, reason = excluded.reason"""
_CUT = """DELETE FROM refused WHERE id IN (SELECT id FROM refused ORDER BY id
  LIMIT max(0, (SELECT count(*) FROM refused) - ?))"""


class Refused(NamedTuple):
    """A line that was refused: when, of which consumer, for which store, and why."""

    at_ms: int
    consumer: str
    store: str  # suffix of the database's name
    line: str
    reason: str


class Entry(NamedTuple):
    """A refused line as it is kept; ``id`` names it for people."""

    id: int
    at_ms: int
    consumer: str
    store: str
    line: str
    reason: str


class Quarantine:
    """The refused lines; every call opens the file for itself and may raise sqlite3.Error."""

    def __init__(self, path: Path, most: int = MAX_LINES) -> None:
        """Keep them at ``path``; nothing is made before something is added."""
        self.path = path
        self._most = most

    def add(self, refused: Sequence[Refused]) -> int:
        """Keep lines durably; return how many of the oldest had to go for them."""
        with self._writing() as connection:
            connection.executemany(_ADD, refused)
            return connection.execute(_CUT, (self._most,)).rowcount

    def entries(self, ids: Iterable[int] = (), most: int = MAX_LINES) -> list[Entry]:
        """Return the entries with some ids, or the newest ones; oldest first."""
        wanted = tuple(ids)
        where = f"WHERE id IN ({','.join('?' * len(wanted))}) " if wanted else ""
        ask = f"SELECT {_COLUMNS} FROM refused {where}ORDER BY id DESC LIMIT ?"
        with self._reading() as connection:
            rows = connection.execute(ask, (*wanted, most)).fetchall() if connection else []
        return [Entry(*row) for row in reversed(rows)]

    def count(self) -> int:
        """Return how many lines are kept."""
        with self._reading() as connection:
            if connection is None:
                return 0
            (count,) = connection.execute("SELECT count(*) FROM refused").fetchone()
            return int(count)

    def mend(self, entry_id: int, line: str) -> None:
        """Put a mended line in the place of a refused one; what is the same goes together."""
        with self._writing() as connection:
            same = "DELETE FROM refused WHERE id != ? AND line = ? AND store IN"
            store = "(SELECT store FROM refused WHERE id = ?)"
            connection.execute(f"{same} {store}", (entry_id, line, entry_id))
            connection.execute("UPDATE refused SET line = ? WHERE id = ?", (line, entry_id))

    def remove(self, ids: Iterable[int]) -> int:
        """Forget entries; return how many there were."""
        with self._writing() as connection:
            before = connection.total_changes
            connection.executemany("DELETE FROM refused WHERE id = ?", [(n,) for n in ids])
            return connection.total_changes - before

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=_TIMEOUT_S)
        try:
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()  # what was not committed is undone

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        if not self.path.exists():
            yield None
            return
        connection = sqlite3.connect(self.path, timeout=_TIMEOUT_S)
        try:
            yield connection
        finally:
            connection.close()
