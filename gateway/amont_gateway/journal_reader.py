"""Read the journal over a connection of one's own; the writer is never blocked."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from amont_gateway import journal_sql as sql
from amont_gateway.journal_holes import Around, Row, ends, is_damage
from amont_gateway.readings import BAD_TIME, Sample, checksum, pack_identity

_PAGE = 2_000
_CACHE_KIB = 256
_LAST_ID = 2**63 - 1  # of any row that there can be


@dataclass
class Check:
    """What a full examination of the journal found."""

    rows: int = 0  # that can be read, the bad ones among them
    bad_rows: list[int] = field(default_factory=list)  # ids of those whose checksum failed
    lost: int = 0  # that were there and cannot be read
    integrity: str = "ok"

    @property
    def ok(self) -> bool:
        """Tell whether every row and the file itself are sound."""
        return self.integrity == "ok" and not self.bad_rows and not self.lost


def as_samples(rows: Iterable[Row]) -> list[Sample]:
    """Return what rows hold, without their ids and checksums."""
    new = tuple.__new__
    return [new(Sample, row[1:9]) for row in rows]


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Among thousands of rows Python would search a dozen times, longer than it reads them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class JournalReader:
    """A read-only connection; ``bad_rows`` counts skipped rows whose checksum failed.

    ``samples``, ``span``, ``count_span`` and ``check`` go on behind what is damaged; ``lost``
    counts the ids there whose rows did not come. All others raise sqlite3.DatabaseError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bad_rows = 0
        self.lost = 0
        self._around: Around | None = None  # from the first damage on
        self._ends: tuple[int, int] | None = None  # as of then
        uri = f"file:{path}?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
        # rows are read once, in their order: the usual 2 MB for each of several readers are wasted
        self._connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")

    def after(self, sample_id: int, limit: int = _PAGE) -> tuple[int, list[tuple[int, Sample]]]:
        """Return the last id looked at and the sound (id, sample) pairs above ``sample_id``."""
        rows = self._connection.execute(sql.AFTER, (sample_id, limit)).fetchall()
        last = rows[-1][0] if rows else sample_id
        return last, [pair for row in rows if (pair := self._sound(row)) is not None]

    def rows_after(self, sample_id: int, limit: int) -> tuple[int, list[Row]]:
        """Return the same as sound rows, in a third of the time."""
        with _no_search_for_cycles():
            rows = self._connection.execute(sql.AFTER, (sample_id, limit)).fetchall()
            return rows[-1][0] if rows else sample_id, self._all_sound(rows)

    def live(self, sample_id: int, through: int, limit: int) -> tuple[int, list[Row]]:
        """Return the same of rows up to an id that were new when they came, no node's backlog."""
        rows = self._connection.execute(sql.LIVE, (sample_id, through, limit)).fetchall()
        last = rows[-1][0] if len(rows) == limit else through
        return last, self._all_sound(rows)

    def span(
        self, sample_id: int, from_ms: int, until_ms: int, limit: int = _PAGE
    ) -> tuple[int, list[Sample]]:
        """Return the same of rows whose time lies within, whatever the clock said meanwhile."""
        newest = self.ends()[1]
        span = (sample_id, from_ms, until_ms, limit)
        rows = self._if_whole(sql.SPAN, span)
        if rows is not None:
            last = rows[-1][0] if len(rows) == limit else max(newest, sample_id)
            return last, as_samples(self._all_sound(rows))
        last, rows = self._around_holes(sample_id, limit)
        found = as_samples(self._all_sound(rows))
        return last, [s for s in found if from_ms <= s.at_ms <= until_ms]

    def count_span(self, from_ms: int, until_ms: int) -> int:
        """Count the rows whose time lies within."""
        ask = "SELECT count(*) FROM sample WHERE at_ms BETWEEN ? AND ?"
        counted = self._if_whole(ask, (from_ms, until_ms))
        if counted is not None:
            return int(counted[0][0])
        count, place, newest = 0, 0, self.ends()[1]
        while place < newest:
            place, samples = self.span(place, from_ms, until_ms)
            count += len(samples)
        return count

    def ends(self) -> tuple[int, int]:
        """Return the first and the last id, as far as anything in the file tells; else 0."""
        found = self._ends or ends(self._connection)
        if self._around is not None:
            self._ends = found
        return found

    def waiting_since_ms(self, sample_id: int) -> int | None:
        """Return when the first row above an id was received, None if there is none."""
        row = self._connection.execute(sql.RECEIVED, (sample_id + 1,)).fetchone()
        return int(row[1]) if row else None

    def tail(self, count: int) -> list[tuple[int, Sample]]:
        """Return the newest ``count`` samples, oldest first."""
        rows = self._connection.execute(sql.TAIL, (count,)).fetchall()
        return [pair for row in reversed(rows) if (pair := self._sound(row)) is not None]

    def last_id(self) -> int:
        """Return the newest row's id, 0 if there is none."""
        (last,) = self._connection.execute("SELECT max(id) FROM sample").fetchone()
        return last or 0

    def reach_ms(self) -> tuple[int, int]:
        """Return the times of the oldest and the newest reading; (0, -1) if there is none."""
        ask = "SELECT min(at_ms), max(at_ms) FROM sample WHERE flags & ? = 0"
        first, last = self._connection.execute(ask, (BAD_TIME,)).fetchone()
        return (0, -1) if first is None else (first, last)

    def of_nodes(
        self, nodes: Iterable[int], from_ms: int, until_ms: int, until_id: int = _LAST_ID
    ) -> Iterator[tuple[int, Sample]]:
        """Yield the sound samples of some nodes whose time lies within, as they arrived."""
        wanted = tuple(nodes)
        first = self._received_before(from_ms - sql.LATE_MS)
        last = min(until_id, max(first, self._received_before(until_ms + sql.LATE_MS) + 1))
        marks = ",".join("?" * len(wanted))
        for query, above, through in (
            (sql.OF_NODES, first, last),
            (sql.OF_NODES_LATE, last, until_id),
        ):
            span = (above, through, from_ms, until_ms)
            for row in self._connection.execute(query.format(nodes=marks), (*span, *wanted)):
                pair = self._sound(row)
                if pair is not None:
                    yield pair

    def _received_before(self, received_ms: int) -> int:
        """Return an id below all that was received from then on, among the rows in time."""
        low, high = 0, self.last_id()
        while low < high:
            middle = (low + high) // 2
            row = self._connection.execute(sql.TIMELY, (middle,)).fetchone()
            if row is not None and row[1] < received_ms:
                low = max(row[0], middle + 1)
            else:
                high = middle
        return max(0, low - 1)

    def cursor(self, name: str) -> int:
        """Return how far a consumer got, 0 if it never ran."""
        row = self._connection.execute("SELECT id FROM cursor WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def summary(self) -> dict[str, Any]:
        """Count rows, tell the newest and oldest ones and the consumers' cursors.

        Raise sqlite3.DatabaseError if a page of the rows or of their index is damaged.
        """
        ask = self._connection.execute
        rows, last = ask("SELECT count(*), coalesce(max(id), 0) FROM sample").fetchone()
        ask("SELECT count(*) FROM sample NOT INDEXED").fetchone()  # looks at each page of rows
        cursors = dict(ask("SELECT name, id FROM cursor").fetchall())
        oldest_ms = self.waiting_since_ms(0)
        return {"rows": rows, "last_id": last, "oldest_ms": oldest_ms, "cursors": cursors}

    def samples(self) -> Iterator[tuple[int, Sample]]:
        """Yield every sound sample that can be read, in the order of the journal."""
        for rows in self._pages():
            yield from (pair for row in rows if (pair := self._sound(row)) is not None)

    def check(self) -> Check:
        """Examine the file and each row's checksum."""
        found = Check()
        try:
            (said,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
            found.integrity = said.splitlines()[-1]
        except sqlite3.DatabaseError as error:
            found.integrity = str(error)
        lost_before = self.lost
        try:
            for rows in self._pages():
                found.rows += len(rows)
                found.bad_rows += [row[0] for row in rows if self._sound(row) is None]
        except sqlite3.DatabaseError as error:
            found.integrity = str(error)
        found.lost = self.lost - lost_before
        return found

    def _pages(self) -> Iterator[list[Row]]:
        place, newest = 0, self.ends()[1]
        while place < newest:
            rows = self._if_whole(sql.AFTER, (place, _PAGE))
            if rows is None:
                place, rows = self._around_holes(place, _PAGE)
            else:
                place = rows[-1][0] if rows else newest
            yield rows

    def _if_whole(self, query: str, values: tuple[int, ...]) -> list[Row] | None:
        """Return a query's rows, None if the file is known or now found to be damaged."""
        if self._around is None:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._around = Around(self._connection)
        return None

    def _around_holes(self, sample_id: int, ids: int) -> tuple[int, list[Row]]:
        """Return the last id tried and what can be read of so many ids from the next on."""
        assert self._around is not None
        first, newest = self.ends()
        above = max(sample_id, first - 1)
        last = min(above + ids, newest)
        rows = self._around.rows(above, last)
        self.lost += max(0, last - above - len(rows))
        return max(last, sample_id), rows

    def mode(self) -> str:
        """Return the file's journal mode; "wal" is the only right one."""
        (mode,) = self._connection.execute("PRAGMA journal_mode").fetchone()
        return str(mode)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _all_sound(self, rows: list[Row]) -> list[Row]:
        """Return the sound ones of many rows: as a rule all are, and that is quickly seen."""
        pack = pack_identity
        try:
            for _, node, epoch, seq, at_ms, quality, received_ms, flags, channels, crc in rows:
                head = pack(node, epoch, seq, at_ms, quality, received_ms, flags)
                if crc != crc32(channels, crc32(head)):
                    break
            else:
                return rows
        except Exception:  # whatever a damaged row holds: it is found below
            pass
        return [row for row in rows if self._sound(row) is not None]

    def _sound(self, row: Row) -> tuple[int, Sample] | None:
        sample = Sample(*row[1:9])
        try:
            good = checksum(sample) == row[9]
        except (TypeError, ValueError, ArithmeticError):
            good = False
        except Exception as error:  # struct.error is no ValueError
            good = not error
        if good:
            return row[0], sample
        self.bad_rows += 1
        return None
