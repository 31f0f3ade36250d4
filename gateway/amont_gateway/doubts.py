"""Keep which readings the screening doubts, so that history tells it however late it writes them.

The live windows forget after some days and at each start; what history writes after a long
outage, and what it writes again from the journal, must carry the same qualities. ``doubts.db``
lies beside the journal. Each change has a number that rises, by which a consumer goes on.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FILE = "doubts.db"
KEEP_MS = 400 * 86_400_000  # as long as the journal
_TIMEOUT_S = 5.0
_MAX_WAITING = 200_000  # while the disk takes nothing; the oldest go first
_BATCH = 5_000

_SCHEMA = (
    "PRAGMA journal_mode=DELETE",  # it is read often: in WAL mode each look makes two files
    "PRAGMA synchronous=NORMAL",  # the newest are found again from the windows
    """CREATE TABLE IF NOT EXISTS doubt(
  sensor TEXT NOT NULL, t_ms INTEGER NOT NULL, code INTEGER NOT NULL, change INTEGER NOT NULL,
  PRIMARY KEY(sensor, t_ms)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS doubt_change ON doubt(change)",
    "CREATE INDEX IF NOT EXISTS doubt_time ON doubt(t_ms)",
    "CREATE TABLE IF NOT EXISTS told(consumer TEXT PRIMARY KEY, change INTEGER NOT NULL)",
)
_PUT = """INSERT INTO doubt(sensor, t_ms, code, change) VALUES (?,?,?,?)
  ON CONFLICT(sensor, t_ms) DO UPDATE SET code = excluded.code, change = excluded.change
  WHERE code != excluded.code"""
_TOLD = """INSERT INTO told(consumer, change) VALUES (?,?)
  ON CONFLICT(consumer) DO UPDATE SET change = excluded.change"""


class Change(NamedTuple):
    """A reading whose doubt has changed: ``code`` names its causes as ``screening`` does."""

    number: int
    sensor: str
    t_ms: int
    code: int


class Doubts:
    """The doubts of all sensors, for any thread; every call may raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        """Keep them at ``path``; nothing is made before something is put."""
        self._path = path
        self.puts = 0  # rises when something may be new in the file
        self._waiting: deque[tuple[str, int, int]] = deque(maxlen=_MAX_WAITING)

    def take(self, changed: Iterable[tuple[str, int, int]]) -> None:
        """Queue (sensor, time, code) of readings, without waiting; ``flush`` keeps them."""
        self._waiting.extend(changed)

    def flush(self, now_ms: int) -> None:
        """Keep what was taken; it waits on if that fails."""
        while self._waiting:
            part = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]
            try:
                self.put(part, now_ms)
            except sqlite3.Error:
                self._waiting.extendleft(reversed(part))
                raise

    def put(self, changed: Iterable[tuple[str, int, int]], now_ms: int) -> None:
        """Keep (sensor, time, code) of readings; forget what is older than the journal."""
        with self._open() as connection:
            (last,) = connection.execute(
                "SELECT max(ifnull((SELECT max(change) FROM doubt), 0),"
                " ifnull((SELECT max(change) FROM told), 0))"
            ).fetchone()
            rows = [(*row, last + n) for n, row in enumerate(changed, 1)]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_PUT, rows)
            connection.execute("DELETE FROM doubt WHERE t_ms < ?", (now_ms - KEEP_MS,))
            connection.execute("COMMIT")
        self.puts += 1

    def between(self, from_ms: int, until_ms: int) -> dict[tuple[str, int], int]:
        """Return the code of each (sensor, time) in a span of time that is doubted."""
        ask = "SELECT sensor, t_ms, code FROM doubt WHERE t_ms BETWEEN ? AND ? AND code != 0"
        if not self._path.exists():
            return {}
        with self._open() as connection:
            return {(s, t): c for s, t, c in connection.execute(ask, (from_ms, until_ms))}

    def of(self, sensor: str, from_ms: int, until_ms: int) -> list[int]:
        """Return the times of a sensor's doubted readings in a span of time."""
        ask = "SELECT t_ms FROM doubt WHERE sensor = ? AND t_ms BETWEEN ? AND ? AND code != 0"
        if not self._path.exists():
            return []
        with self._open() as connection:
            return [t for (t,) in connection.execute(ask, (sensor, from_ms, until_ms))]

    def doubted(self, sensor: str, t_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of each time whether the sensor's reading of it is doubted."""
        if not len(t_ms):
            return np.zeros(0, bool)
        times = self.of(sensor, int(t_ms.min()), int(t_ms.max()))
        return np.isin(t_ms, np.array(times, np.int64))

    @property
    def were_ever(self) -> bool:
        """Tell, quickly, whether there was ever any."""
        return self._path.exists()

    def among(self, times_ms: Iterable[int]) -> Callable[[str, int], int]:
        """Return a function that gives the code of a (sensor, time) among some times."""
        times = list(times_ms)
        known = self.between(min(times), max(times)) if times else {}
        return lambda sensor, t_ms: known.get((sensor, t_ms), 0)

    def after(self, change: int, most: int) -> list[Change]:
        """Return the changes after a number, in their order."""
        ask = (
            "SELECT change, sensor, t_ms, code FROM doubt WHERE change > ? ORDER BY change LIMIT ?"
        )
        if not self._path.exists():
            return []
        with self._open() as connection:
            return [Change(*row) for row in connection.execute(ask, (change, most))]

    def told(self, consumer: str) -> int:
        """Return the number of the last change that a consumer has passed on."""
        if not self._path.exists():
            return 0
        with self._open() as connection:
            ask = "SELECT change FROM told WHERE consumer = ?"
            row = connection.execute(ask, (consumer,)).fetchone()
        return int(row[0]) if row else 0

    def tell(self, consumer: str, change: int) -> None:
        """Remember the number of the last change that a consumer has passed on."""
        with self._open() as connection:
            connection.execute(_TOLD, (consumer, change))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=_TIMEOUT_S)
        try:
            for statement in _SCHEMA:
                connection.execute(statement)
            yield connection
        finally:
            connection.close()
