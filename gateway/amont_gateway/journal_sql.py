"""State the journal's SQL once, so that the power-cut bench runs exactly what is served."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

FORMAT = 1  # rows of node 65535 are foreign sensors': an older gateway leaves them alone
ALL = (1 << 63) - 1  # an id above all others
LATE_MS = 86_400_000
LATE = f"abs(received_ms - at_ms) >= {LATE_MS}"

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS sample(
  id INTEGER PRIMARY KEY,
  node INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, time_quality INTEGER NOT NULL, received_ms INTEGER NOT NULL,
  flags INTEGER NOT NULL, channels BLOB NOT NULL, crc INTEGER NOT NULL,
  UNIQUE(node, epoch, seq))""",
    "CREATE TABLE IF NOT EXISTS cursor(name TEXT PRIMARY KEY, id INTEGER NOT NULL)",
    # Few rows: what came a day late or more, or while a clock was wrong by as much.
    f"CREATE INDEX IF NOT EXISTS sample_late ON sample(at_ms) WHERE {LATE}",
    f"PRAGMA user_version={FORMAT}",
)
# In this order: each must answer with the value beside it, or nothing is acknowledged.
DURABLE = (("PRAGMA journal_mode=WAL", "PRAGMA journal_mode", "wal"),
           ("PRAGMA synchronous=FULL", "PRAGMA synchronous", 2))  # fmt: skip
# A statement of many rows notes what it changes, to undo it; beyond 64 KiB that went to the card.
TUNING = ("PRAGMA journal_size_limit=67108864", "PRAGMA wal_autocheckpoint=4000",
          "PRAGMA temp_store=MEMORY")  # fmt: skip

_INTO = """INSERT INTO sample(
  node, epoch, seq, at_ms, time_quality, received_ms, flags, channels, crc)
  VALUES """
_ROW = "(?,?,?,?,?,?,?,?,?)"
# Rows a statement. Each step of SQLite gives the interpreter's lock away and has to get it back,
# so with the other threads at work many rows a step take half the time of one (measured).
_ROWS = (200, 20, 1)
_INSERT = {n: _INTO + ",".join([_ROW] * n) + " ON CONFLICT DO NOTHING" for n in _ROWS}
INSERT = _INSERT[1]
# A cursor never goes back, even if an old value arrives late.
MOVE_CURSOR = """INSERT INTO cursor(name, id) VALUES (?, ?)
  ON CONFLICT(name) DO UPDATE SET id = max(id, excluded.id)"""
# Looks at the oldest rows only, however many there are. The newest row always stays: as long as it
# does, no id is given twice, and AUTOINCREMENT would write a page more with each commit.
RETIRE = """DELETE FROM sample WHERE id IN (SELECT id FROM (
  SELECT id, received_ms FROM sample WHERE id <= ? ORDER BY id LIMIT ?) WHERE received_ms < ?)
  AND id < (SELECT max(id) FROM sample)"""

_COLUMNS = "id, node, epoch, seq, at_ms, time_quality, received_ms, flags, channels, crc"
AFTER = f"SELECT {_COLUMNS} FROM sample WHERE id > ? ORDER BY id LIMIT ?"
BETWEEN = f"SELECT {_COLUMNS} FROM sample WHERE id > ? AND id <= ? ORDER BY id"
# What is new: not what a node had kept for longer than its sensor's validity (flag 1).
LIVE = (
    f"SELECT {_COLUMNS} FROM sample WHERE id > ? AND id <= ? AND flags & 1 = 0 ORDER BY id LIMIT ?"
)
CHANNELS = "SELECT channels FROM sample WHERE node = ? AND epoch = ? AND seq = ?"
NEWEST = """SELECT at_ms, channels FROM sample WHERE node = ? AND epoch = ?
  ORDER BY seq DESC LIMIT 1"""
SPAN = f"""SELECT {_COLUMNS} FROM sample
  WHERE id > ? AND at_ms BETWEEN ? AND ? ORDER BY id LIMIT ?"""
TAIL = f"SELECT {_COLUMNS} FROM sample ORDER BY id DESC LIMIT ?"
OF_NODES = (
    f"SELECT {_COLUMNS} FROM sample WHERE id > ? AND id <= ? AND at_ms BETWEEN ? AND ?"
    " AND +node IN ({nodes}) ORDER BY id"
)
# The same beyond the ids where a time's rows stand that came in time: the index is asked, not ids.
OF_NODES_LATE = (
    f"SELECT {_COLUMNS} FROM sample WHERE +id > ? AND +id <= ? AND at_ms BETWEEN ? AND ?"
    f" AND {LATE} AND +node IN ({{nodes}}) ORDER BY id"
)
TIMELY = f"SELECT id, received_ms FROM sample WHERE id >= ? AND NOT {LATE} ORDER BY id LIMIT 1"
RECEIVED = "SELECT id, received_ms FROM sample WHERE id >= ? ORDER BY id LIMIT 1"


def insert(connection: Any, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows inside the caller's transaction; those already there are left as they are."""
    at = 0
    for count in _ROWS:
        while len(rows) - at >= count:
            connection.execute(_INSERT[count], list(chain.from_iterable(rows[at : at + count])))
            at += count
