"""Keep what was measured by day, nights and leaks durably: ``indicators.db``.

The journal forgets after its retention; a yearly report and what is usual may not. One thread of
the gateway writes; commands read over connections of their own. What is kept is a function of
the journal, so that a file that was lost is made again as far back as the journal reaches; only
leaks are not in the journal.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from amont_gateway.indicators.leaks import Leak
from amont_gateway.indicators.meter_day import MeterDay, merged, unpacked
from amont_gateway.readings import Sample, checksum

FILE = "indicators.db"
_SCHEMA = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit a round, every few minutes
    """CREATE TABLE IF NOT EXISTS meter_day(
  sensor TEXT NOT NULL, day INTEGER NOT NULL, packed BLOB NOT NULL,
  PRIMARY KEY(sensor, day)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS night(
  zone TEXT NOT NULL, day INTEGER NOT NULL, flow_l_h REAL, pressure_kpa REAL,
  PRIMARY KEY(zone, day)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS leak(
  place TEXT NOT NULL, number INTEGER NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY(place, number)) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS state(name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)


class Night(NamedTuple):
    """A zone's minimum night flow and the mean pressure beside it; None: not known."""

    flow_l_h: float | None
    pressure_kpa: float | None


class Kept:
    """What is kept, over a connection of one's own. Any method may raise sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def meter_days(self, sensor: str, first: int, last: int) -> dict[int, MeterDay]:
        """Return a meter's days by number; a row that cannot be read is left out."""
        found = {}
        rows = self._connection.execute(
            "SELECT day, packed FROM meter_day WHERE sensor=? AND day BETWEEN ? AND ?",
            (sensor, first, last),
        )
        for day, packed in rows:
            with contextlib.suppress(ValueError):
                found[day] = unpacked(packed)
        return found

    def nights(self, zone: str, first: int, last: int) -> dict[int, Night]:
        """Return a zone's nights by day number."""
        rows = self._connection.execute(
            "SELECT day, flow_l_h, pressure_kpa FROM night WHERE zone=? AND day BETWEEN ? AND ?",
            (zone, first, last),
        )
        return {day: Night(flow, pressure) for day, flow, pressure in rows}

    def leaks(self) -> list[Leak]:
        """Return all leaks; a row that cannot be read is left out."""
        rows = self._connection.execute("SELECT content FROM leak ORDER BY place, number")
        return [leak for (content,) in rows if (leak := _leak(content)) is not None]

    def first_day(self, sensor: str | None = None) -> int | None:
        """Return the number of the first day that is kept, of one meter or of all."""
        where, values = ("", ()) if sensor is None else (" WHERE sensor=?", (sensor,))
        asked = f"SELECT min(day) FROM meter_day{where}"
        (day,) = self._connection.execute(asked, values).fetchone()
        return None if day is None else int(day)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Store(Kept):
    """The one connection that writes."""

    def __init__(self, folder: Path) -> None:
        """Open or make the file; ``is_new`` says that nothing is in it yet."""
        self.path = folder / FILE
        self.is_new = not self.path.exists()
        try:
            connection = _opened(self.path)
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:  # busy, full, read-only: not damaged
                raise
            self._set_aside()
            self.is_new = True
            connection = _opened(self.path)
        super().__init__(connection)

    def save(
        self,
        days: Mapping[tuple[str, int], MeterDay],
        nights: Mapping[tuple[str, int], Night],
        leaks: Iterable[Leak] = (),
    ) -> None:
        """Keep days by (sensor, day number), nights by (zone, day number), and leaks, at once."""
        rows = [
            (sensor, day, row.packed())
            for (sensor, day), row in days.items()
            if row.is_told or self.meter_days(sensor, day, day)  # before the first there is none
        ]
        dark = [(zone, day, *night) for (zone, day), night in nights.items()]
        told = [(leak.place, leak.number, _plain(leak)) for leak in leaks]
        if not rows and not dark and not told:
            return
        with _transaction(self._connection) as write:
            write.executemany("INSERT OR REPLACE INTO meter_day VALUES (?,?,?)", rows)
            write.executemany("INSERT OR REPLACE INTO night VALUES (?,?,?,?)", dark)
            write.executemany("INSERT OR REPLACE INTO leak VALUES (?,?,?)", told)

    def journal_began_ms(self, row_id: int, first: Sample) -> int:
        """Return since when the journal has all rows, given its first: 0 for ever.

        Rows before that are past retention, or were lost with a journal that was replaced.
        """
        known = dict(self._connection.execute("SELECT name, value FROM state"))
        mark = checksum(first) if row_id == 1 else known.get("first_row", -1)
        if known.get("first_row", mark) != mark:
            known["began_ms"] = first.received_ms
        if known.get("first_row") != mark:
            rows = [("first_row", mark), ("began_ms", known.get("began_ms", 0))]
            with _transaction(self._connection) as write:
                write.executemany("INSERT OR REPLACE INTO state VALUES (?,?)", rows)
        return max(int(known.get("began_ms", 0)), first.received_ms if row_id > 1 else 0)

    def complete(
        self, days: dict[tuple[str, int], MeterDay], nights: dict[tuple[str, int], Night]
    ) -> None:
        """Put in what is kept of the same days and nights, where that knows more."""
        for (sensor, day), row in days.items():
            if (old := self.meter_days(sensor, day, day).get(day)) is not None:
                days[sensor, day] = merged(old, row)
        for (zone, day), night in nights.items():
            old_night = self.nights(zone, day, day).get(day, night)
            if old_night.flow_l_h is not None:
                nights[zone, day] = old_night

    def _set_aside(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            file = self.path.with_name(FILE + suffix)
            with contextlib.suppress(FileNotFoundError):
                file.rename(file.with_name(f"{FILE}.damaged-{int(time.time())}{suffix}"))


def open_to_read(folder: Path) -> Kept:
    """Return what is kept for a command to read; raise sqlite3.Error if there is no file."""
    uri = f"file:{folder / FILE}?mode=ro"
    return Kept(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0))


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("PRAGMA quick_check(1)").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection):  # type: ignore[no-untyped-def]
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _plain(leak: Leak) -> str:
    return json.dumps({**leak.__dict__, "sizes": {str(k): v for k, v in leak.sizes.items()}})


def _leak(content: str) -> Leak | None:
    try:
        plain = json.loads(content)
        sizes = {int(day): (size, chance) for day, (size, chance) in plain.pop("sizes").items()}
        return Leak(**plain, sizes=sizes)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
