"""Keep the volumes that people imported, batch by batch: ``volumes.db`` in the data folder.

Commands write it while the gateway reads. A row that is there already is passed over; one that
says another volume for days that are there is refused, unless it is to replace them, and then all
of them. What was replaced or taken back stays in the file; what an import replaced counts again
when that import is taken back, the last one first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from amont_gateway.ownership import like_folder
from amont_gateway.yearly.volumes import Entry, Refused, Volumes

FILE = "volumes.db"
_SCHEMA = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    """CREATE TABLE IF NOT EXISTS batch(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL, files TEXT NOT NULL, who TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS volume(
  id INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL REFERENCES batch(id),
  kind TEXT NOT NULL, meter TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
  m3 TEXT NOT NULL, estimated INTEGER NOT NULL, origin TEXT NOT NULL,
  gone_ms INTEGER)""",
)
# Which import replaced a row was not kept at first; the same moment told it, to the millisecond.
_REPLACED_BY = (
    "ALTER TABLE volume ADD COLUMN gone_by INTEGER",
    """UPDATE volume SET gone_by=(SELECT min(b.id) FROM batch b
  WHERE b.at_ms=volume.gone_ms AND b.id>volume.batch) WHERE gone_ms IS NOT NULL""",
)
_ROWS = "SELECT id, kind, meter, first, last, m3, estimated, origin FROM volume"


@dataclass(frozen=True)
class Batch:
    """One import: when, of which files, by whom, and how many of its rows count now."""

    number: int
    at_ms: int
    files: str
    by: str
    rows: int


@dataclass
class Taken:
    """What an import does, or would do: rows by what becomes of them."""

    added: list[Entry] = field(default_factory=list)
    known: list[Entry] = field(default_factory=list)
    replaced: list[Entry] = field(default_factory=list)  # old rows that new ones replace
    refused: list[Refused] = field(default_factory=list)
    batch: int = 0  # 0: nothing was written


class LaterImport(ValueError):
    """An import cannot be taken back before those that came after it on the same days."""

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(f"take back first: {', '.join(map(str, numbers))}")
        self.numbers = tuple(numbers)


def weigh(folder: Path, read: Volumes, replace: bool = False) -> Taken:
    """Return what importing would do; write nothing. Raise sqlite3.Error."""
    there = _rows(folder / FILE)
    return _weighed(there, read, replace)[0]


def take(
    folder: Path, read: Volumes, files: str, by: str, now_ms: int, replace: bool = False
) -> Taken:
    """Import; what is returned is durable. Raise sqlite3.Error or OSError, then nothing is."""
    if not folder.is_dir():
        raise FileNotFoundError(f"no data folder at {folder}")
    with closing(_opened(folder / FILE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        taken, gone = _weighed(_fetched(connection), read, replace)
        if taken.added:
            added = connection.execute(
                "INSERT INTO batch(at_ms, files, who) VALUES (?,?,?)", (now_ms, files, by)
            )
            taken.batch = int(added.lastrowid or 0)
            _mark_gone(connection, gone, now_ms, taken.batch)
            connection.executemany(
                "INSERT INTO volume(batch, kind, meter, first, last, m3, estimated, origin)"
                " VALUES (?,?,?,?,?,?,?,?)",
                [(taken.batch, *_plain(entry)) for entry in taken.added],
            )
        connection.execute("COMMIT")
    return taken


def entries(folder: Path) -> list[Entry]:
    """Return all rows that count, none if nothing was imported. Raise sqlite3.Error."""
    return [entry for _, entry in _rows(folder / FILE)]


def batches(folder: Path) -> list[Batch]:
    """Return the imports, oldest first. Raise sqlite3.Error."""
    if not (folder / FILE).exists():
        return []
    with closing(_opened_to_read(folder / FILE)) as connection:
        found = connection.execute(
            "SELECT b.id, b.at_ms, b.files, b.who, count(v.id) FROM batch b"
            " LEFT JOIN volume v ON v.batch = b.id AND v.gone_ms IS NULL GROUP BY b.id"
        )
        return [Batch(*row) for row in found]


def take_back(folder: Path, batch: int, now_ms: int) -> tuple[int, int]:
    """Take back what an import added; return how many rows go, and how many it had replaced.

    Those count again. Raise LookupError if there is no such import, LaterImport if a later one
    has taken some of its days, sqlite3.Error.
    """
    if not (folder / FILE).exists():
        raise LookupError("nothing was imported")
    with closing(_opened(folder / FILE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        (there,) = connection.execute("SELECT count(*) FROM batch WHERE id=?", (batch,)).fetchone()
        if not there:
            raise LookupError(f"no import {batch}; `volumes list` shows them")
        later = _later(connection, batch)
        if later:
            raise LaterImport(later)
        done = connection.execute(
            "UPDATE volume SET gone_ms=? WHERE batch=? AND gone_ms IS NULL", (now_ms, batch)
        )
        back = connection.execute(
            "UPDATE volume SET gone_ms=NULL, gone_by=NULL WHERE gone_by=?", (batch,)
        )
        connection.execute("COMMIT")
        return done.rowcount, back.rowcount


def _later(connection: sqlite3.Connection, batch: int) -> list[int]:
    """Return the imports that replaced rows of this one or count on days that it would free."""
    found = connection.execute(
        "SELECT gone_by FROM volume WHERE batch=?1 AND gone_by IS NOT NULL"
        " UNION SELECT now.batch FROM volume old JOIN volume now ON now.gone_ms IS NULL"
        " AND now.batch<>?1 AND now.kind=old.kind AND now.meter=old.meter"
        " AND now.first<=old.last AND old.first<=now.last WHERE old.gone_by=?1 ORDER BY 1",
        (batch,),
    )
    return [int(number) for (number,) in found]


def version(folder: Path) -> tuple[int, int]:
    """Return a pair that changes whenever rows come, go or come back. Raise sqlite3.Error."""
    if not (folder / FILE).exists():
        return 0, 0
    with closing(_opened_to_read(folder / FILE)) as connection:
        last, gone = connection.execute(
            "SELECT coalesce(max(id), 0), coalesce(sum(gone_ms), 0) FROM volume"
        ).fetchone()
        return int(last), int(gone)


def _weighed(
    there: Sequence[tuple[int, Entry]], read: Volumes, replace: bool
) -> tuple[Taken, list[int]]:
    """Return what becomes of each row, and the ids of the rows that go."""
    taken, olds = Taken(refused=list(read.refused)), list[tuple[Entry, dict[int, Entry]]]()
    for entry in read.entries:
        others = {number: old for number, old in there if _same_days(entry, old)}
        if any(_plain(old)[:6] == _plain(entry)[:6] for old in others.values()):
            taken.known.append(entry)
        elif others and not replace:
            taken.refused.append(_refused(entry, "kept", next(iter(others.values()))))
        else:
            olds.append((entry, others))
    olds = _whole(olds, taken)
    gone = {number: old for _, others in olds for number, old in others.items()}
    taken.added = [entry for entry, _ in olds]
    taken.replaced = list(gone.values())
    return taken, list(gone)


def _whole(
    olds: list[tuple[Entry, dict[int, Entry]]], taken: Taken
) -> list[tuple[Entry, dict[int, Entry]]]:
    """Return the new rows that leave no day of an old one empty; refuse the others."""
    while True:
        new = [entry for entry, _ in olds]
        good = []
        for entry, others in olds:
            left = next((old for old in others.values() if not _covers(new, old)), None)
            if left is None:
                good.append((entry, others))
            else:
                taken.refused.append(_refused(entry, "part", left))
        if len(good) == len(olds):
            return good
        olds = good  # without those that were refused others may leave days empty


def _covers(new: Iterable[Entry], old: Entry) -> bool:
    """Return whether rows that share no day with each other have all days of an old one."""
    days = 0
    for entry in new:
        if _same_days(entry, old):
            days += (min(entry.last, old.last) - max(entry.first, old.first)).days + 1
    return days == (old.last - old.first).days + 1


def _refused(entry: Entry, reason: str, old: Entry) -> Refused:
    return Refused(entry.where, reason, f"{old.first} - {old.last}: {old.volume_m3} m3")


def _same_days(one: Entry, other: Entry) -> bool:
    same = (one.kind, one.meter) == (other.kind, other.meter)
    return same and one.first <= other.last and other.first <= one.last


def _mark_gone(
    connection: sqlite3.Connection, ids: Iterable[int], now_ms: int, batch: int
) -> None:
    connection.executemany(
        "UPDATE volume SET gone_ms=?, gone_by=? WHERE id=?", [(now_ms, batch, n) for n in ids]
    )


def _plain(entry: Entry) -> tuple[str, str, str, str, str, int, str]:
    volume = format(entry.volume_m3.normalize(), "f")
    span = (entry.first.isoformat(), entry.last.isoformat())
    return (entry.kind, entry.meter, *span, volume, int(entry.estimated), entry.where)


def _rows(path: Path) -> list[tuple[int, Entry]]:
    if not path.exists():
        return []
    with closing(_opened_to_read(path)) as connection:
        return _fetched(connection)


def _fetched(connection: sqlite3.Connection) -> list[tuple[int, Entry]]:
    found = []
    for number, kind, meter, first, last, m3, estimated, origin in connection.execute(
        f"{_ROWS} WHERE gone_ms IS NULL ORDER BY kind, meter, first"
    ):
        try:
            span = (date.fromisoformat(first), date.fromisoformat(last))
            entry = Entry(kind, meter, *span, Decimal(m3), bool(estimated), origin)
        except (ValueError, TypeError, InvalidOperation) as error:
            raise sqlite3.DatabaseError(f"row {number} of {FILE} cannot be read") from error
        found.append((number, entry))
    return found


def _opened(path: Path) -> sqlite3.Connection:
    is_new = not path.exists()
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    try:
        for statement in _SCHEMA:
            connection.execute(statement)
        _know_what_replaced(connection)
        if is_new:
            like_folder(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _know_what_replaced(connection: sqlite3.Connection) -> None:
    """Give a file of an earlier release the column that says which import replaced a row."""
    connection.execute("BEGIN IMMEDIATE")
    columns = {row[1] for row in connection.execute("PRAGMA table_info(volume)")}
    if "gone_by" not in columns:
        for statement in _REPLACED_BY:
            connection.execute(statement)
    connection.execute("COMMIT")


def _opened_to_read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)
