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
from amont_gateway.readings import BAD_TIME, Sample, checksum, pack_identity

_PAGE = 2_000
_CACHE_KIB = 256
_LAST_ID = 2**63 - 1  # of any row that there can be


@dataclass
class Check:
    """What a full examination of the journal found."""

    rows: int = 0
    bad_rows: list[int] = field(default_factory=list)
    integrity: str = "ok"

    @property
    def ok(self) -> bool:
        """Tell whether every row and the file itself are sound."""
        return self.integrity == "ok" and not self.bad_rows


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
    """A read-only connection; ``bad_rows`` counts skipped rows whose checksum failed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bad_rows = 0
        uri = f"file:{path}?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
        # rows are read once, in their order: the usual 2 MB for each of several readers are wasted
        self._connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")

    def after(self, sample_id: int, limit: int = _PAGE) -> tuple[int, list[tuple[int, Sample]]]:
        """Return the last id looked at and the sound (id, sample) pairs above ``sample_id``."""
        rows = self._connection.execute(sql.AFTER, (sample_id, limit)).fetchall()
        last = rows[-1][0] if rows else sample_id
        return last, [pair for row in rows if (pair := self._sound(row)) is not None]

    def samples_after(self, sample_id: int, limit: int) -> tuple[int, list[Sample]]:
        """Return the same without ids, in half the time."""
        with _no_search_for_cycles():
            rows = self._connection.execute(sql.AFTER, (sample_id, limit)).fetchall()
            return rows[-1][0] if rows else sample_id, self._all_sound(rows)

    def live(self, sample_id: int, through: int, limit: int) -> tuple[int, list[Sample]]:
        """Return the same of rows up to an id that were new when they came, no node's backlog."""
        rows = self._connection.execute(sql.LIVE, (sample_id, through, limit)).fetchall()
        last = rows[-1][0] if len(rows) == limit else through
        return last, self._all_sound(rows)

    def span(
        self, sample_id: int, from_ms: int, until_ms: int, limit: int = _PAGE
    ) -> tuple[int, list[Sample]]:
        """Return the same of rows whose time lies within, whatever the clock said meanwhile."""
        newest = self.last_id()
        rows = self._connection.execute(sql.SPAN, (sample_id, from_ms, until_ms, limit)).fetchall()
        last = rows[-1][0] if len(rows) == limit else max(newest, sample_id)
        return last, self._all_sound(rows)

    def count_span(self, from_ms: int, until_ms: int) -> int:
        """Count the rows whose time lies within."""
        ask = "SELECT count(*) FROM sample WHERE at_ms BETWEEN ? AND ?"
        (count,) = self._connection.execute(ask, (from_ms, until_ms)).fetchone()
        return int(count)

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
        """Count rows, tell the newest and oldest ones and the consumers' cursors."""
        ask = self._connection.execute
        rows, last = ask("SELECT count(*), coalesce(max(id), 0) FROM sample").fetchone()
        cursors = dict(ask("SELECT name, id FROM cursor").fetchall())
        oldest_ms = self.waiting_since_ms(0)
        return {"rows": rows, "last_id": last, "oldest_ms": oldest_ms, "cursors": cursors}

    def samples(self) -> Iterator[tuple[int, Sample]]:
        """Yield every sound sample in the order of the journal."""
        last = 0
        while True:
            seen, pairs = self.after(last)
            yield from pairs
            if seen == last:
                return
            last = seen

    def check(self) -> Check:
        """Examine the file and each row's checksum."""
        found = Check()
        try:
            (found.integrity,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
            for row in self._connection.execute(sql.AFTER, (0, -1)):
                found.rows += 1
                if self._sound(row) is None:
                    found.bad_rows.append(row[0])
        except sqlite3.DatabaseError as error:
            found.integrity = str(error)
        return found

    def mode(self) -> str:
        """Return the file's journal mode; "wal" is the only right one."""
        (mode,) = self._connection.execute("PRAGMA journal_mode").fetchone()
        return str(mode)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _all_sound(self, rows: list[tuple[Any, ...]]) -> list[Sample]:
        """Return the sound ones of many rows: as a rule all are, and that is quickly seen."""
        new, pack = tuple.__new__, pack_identity
        try:
            found = [
                new(Sample, (node, epoch, seq, at_ms, quality, received_ms, flags, channels))
                for _, node, epoch, seq, at_ms, quality, received_ms, flags, channels, crc in rows
                if crc
                == crc32(
                    channels, crc32(pack(node, epoch, seq, at_ms, quality, received_ms, flags))
                )
            ]
        except Exception:  # whatever a damaged row holds: it is found below
            found = []
        if len(found) == len(rows):
            return found
        return [pair[1] for row in rows if (pair := self._sound(row)) is not None]

    def _sound(self, row: tuple[Any, ...]) -> tuple[int, Sample] | None:
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
