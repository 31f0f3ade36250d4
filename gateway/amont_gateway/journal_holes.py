"""Read a damaged journal around its holes: what stands behind one is as good as ever."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import Any

from amont_gateway import journal_sql as sql

Row = tuple[Any, ...]
TRIES = 200_000  # of ranges that did not come whole; some seconds, then holes are not halved
_UNREADABLE = (10, 11, 26)  # SQLite primary result codes: the disk, the file's form, no database
_INDEX = "sqlite_autoindex_sample_1"  # that of UNIQUE: it knows ids whose rows are gone

# Each looks at one page; both in one question would look at all of them.
_ENDS = "SELECT (SELECT min(id) FROM sample), (SELECT max(id) FROM sample)"


def is_damage(error: sqlite3.Error) -> bool:
    """Tell an error of what is stored from one of the asking, such as a lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNREADABLE


def ends(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the first and the last id, (0, 0) if there is none.

    Where their own pages are lost, the index and the consumers' cursors say how far it went.
    Raise sqlite3.Error if nothing tells.
    """
    try:
        first, last = connection.execute(_ENDS).fetchone()
        return (first, last) if last else (0, 0)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        known = _known_ids(connection)
        if not known:
            raise
        return min(known), max(known)


def _known_ids(connection: sqlite3.Connection) -> list[int]:
    """Return the least and the greatest id of each source that can be read."""
    known: list[int] = []
    for query in (
        "SELECT min(id) FROM sample",
        "SELECT max(id) FROM sample",
        "SELECT max(id) FROM cursor",
        f"SELECT id FROM sample INDEXED BY {_INDEX} ORDER BY node, epoch, seq",
        f"SELECT id FROM sample INDEXED BY {_INDEX} ORDER BY node DESC, epoch DESC, seq DESC",
    ):
        with suppress(sqlite3.DatabaseError):
            for (found,) in connection.execute(query):
                if isinstance(found, int) and 0 < found < sql.ALL:
                    known = [min(known[0], found), max(known[1], found)] if known else [found] * 2
    return known


class Around:
    """Rows by ranges of ids; what of a range does not come is tried in halves, down to one id."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tries = TRIES

    def rows(self, above: int, through: int) -> list[Row]:
        """Return what can be read of the ids above one and through another, in their order."""
        found: list[Row] = []
        ranges = [(above, through)]
        while ranges:
            low, high = ranges.pop()
            got = self._read(low, high)
            found += got
            at = got[-1][0] if got else low
            if at == high or (high - low == 1) or not self._tries:
                continue
            self._tries -= 1
            middle = (at + high) // 2
            ranges.append((middle, high))
            if middle > at:
                ranges.append((at, middle))
        return found

    def _read(self, low: int, high: int) -> list[Row]:
        """Return the rows before the first that cannot be read; ids that go back are left out."""
        got: list[Row] = []
        last = low
        try:
            for row in self._connection.execute(sql.BETWEEN, (low, high)):
                if last < row[0] <= high:
                    got.append(row)
                    last = row[0]
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        return got
