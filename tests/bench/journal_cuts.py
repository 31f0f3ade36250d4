"""Cut the power at every write of the journal and look whether an acknowledged sample is gone.

A recording VFS notes each write, truncation and sync that SQLite makes while it runs the
journal's own SQL (``amont_gateway.journal_sql``: pragmas, schema, insert, cursor, retention).
The disk is then rebuilt as a power cut could have left it at each of those moments: everything
synced is there; of what was not, any part may be, in any order, the last of it torn at 512 bytes.

Shared with production: every statement and the row checksum. Not shared: the connection is
APSW's, with the SQLite that it brings, not the interpreter's ``sqlite3``; the automatic
checkpoint comes after 16 pages instead of 4,000, so that many cuts fall into checkpoints; and
the model believes what a sync says, which a cheap card may not deserve.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from amont_gateway import journal_sql as sql
from amont_gateway.readings import Sample, checksum, pack_channels

SECTOR = 512
COMMITS = 60
VARIANTS = 5  # disks tried for each moment, besides the two extremes
T_MS = 1_800_000_000_000


@dataclass
class Op:
    """One thing done to a file; ``data`` None is a truncation to ``at``."""

    file: str
    at: int
    data: bytes | None


@dataclass
class Moment:
    """The disk between two operations, and which samples were acknowledged by then."""

    durable: dict[str, bytes]
    pending: list[Op]
    need: frozenset[int]


@dataclass
class Tally:
    """What was found."""

    cuts: int = 0
    lost: int = 0
    damaged: int = 0
    moments: int = 0
    reasons: list[str] = field(default_factory=list)


class Disk:
    """What is durable, and what is only in the machine's memory."""

    def __init__(self) -> None:
        self.durable: dict[str, bytes] = {}
        self.pending: list[Op] = []
        self.moments: list[Moment] = []
        self.acknowledged: set[int] = set()

    def note(self, op: Op) -> None:
        self.pending.append(op)
        self.mark()

    def sync(self, file: str) -> None:
        mine = [op for op in self.pending if op.file == file]
        self.pending = [op for op in self.pending if op.file != file]
        self.durable[file] = apply(self.durable.get(file, b""), mine)
        self.mark()

    def delete(self, file: str) -> None:
        self.pending = [op for op in self.pending if op.file != file]
        self.durable.pop(file, None)
        self.mark()

    def mark(self) -> None:
        self.moments.append(
            Moment(dict(self.durable), list(self.pending), frozenset(self.acknowledged))
        )


class RecordingVFS(apsw.VFS):
    def __init__(self, name: str, disk: Disk) -> None:
        self.disk = disk
        super().__init__(name, "")

    def xOpen(self, name, flags):
        return RecordingFile(self.disk, name, flags)

    def xDelete(self, name, sync_directory):
        super().xDelete(name, sync_directory)
        self.disk.delete(Path(name).name)


class RecordingFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name, flags) -> None:
        self._disk = disk
        path = name if isinstance(name, str) else name.filename()
        self._name = Path(path).name
        super().__init__("", name, flags)

    def xWrite(self, data, offset):
        super().xWrite(data, offset)
        self._disk.note(Op(self._name, offset, bytes(data)))

    def xTruncate(self, size):
        super().xTruncate(size)
        self._disk.note(Op(self._name, size, None))

    def xSync(self, flags):
        super().xSync(flags)
        self._disk.sync(self._name)


def apply(content: bytes, ops: list[Op]) -> bytes:
    """Return a file after these operations."""
    made = bytearray(content)
    for op in ops:
        if op.data is None:
            del made[op.at :]
            made.extend(bytes(op.at - len(made)))
            continue
        if len(made) < op.at:
            made.extend(bytes(op.at - len(made)))
        made[op.at : op.at + len(op.data)] = op.data
    return bytes(made)


def sample_of(seq: int) -> Sample:
    channels = pack_channels([(0, 1, 0, seq * 31 % 4000), (1, 7, 0, seq % 300)])
    return Sample(17, 4097, seq, T_MS + seq * 60_000, 0, T_MS + seq, 0, channels)


def record(folder: Path, rng: random.Random, synchronous: str) -> list[Moment]:
    """Run the journal's statements and return every moment of the disk."""
    disk = Disk()
    name = f"recording-{rng.getrandbits(32)}"
    vfs = RecordingVFS(name, disk)
    connection = apsw.Connection(str(folder / "journal.db"), vfs=name)
    for set_it, ask, wanted in sql.DURABLE:
        connection.execute(set_it).fetchall()
        assert connection.execute(ask).fetchall() == [(wanted,)]
    for statement in (*sql.TUNING, *sql.SCHEMA):
        connection.execute(statement).fetchall()
    connection.execute("PRAGMA wal_autocheckpoint=16").fetchall()
    connection.execute(f"PRAGMA synchronous={synchronous}").fetchall()
    seq = 0
    for commit in range(COMMITS):
        size = rng.choice((1, 2, 5, 24, 100))
        samples = [sample_of(s) for s in range(seq, seq + size)]
        connection.execute("BEGIN IMMEDIATE")
        sql.insert(connection, [(*s, checksum(s)) for s in samples])
        connection.execute(sql.MOVE_CURSOR, ("history", max(0, seq - 200)))
        connection.execute("COMMIT")
        disk.acknowledged |= set(range(seq, seq + size))
        disk.mark()
        seq += size
        if commit % 10 == 9:
            retire(connection, disk, seq)
    connection.close()
    vfs.unregister()
    return disk.moments


def retire(connection: apsw.Connection, disk: Disk, seq: int) -> None:
    """Delete what history has confirmed; those rows need not come back after a cut."""
    disk.acknowledged -= set(range(max(0, seq - 400)))
    (confirmed,) = connection.execute("SELECT min(id) FROM cursor").fetchone()
    connection.execute(sql.RETIRE, (min(confirmed, max(0, seq - 400)), 5_000, T_MS * 2))
    disk.mark()


def disks(moment: Moment, rng: random.Random) -> Iterator[dict[str, bytes]]:
    """Yield the disks that a cut at this moment could leave."""
    files = {op.file for op in moment.pending}
    yield moment.durable
    yield _with(moment, files, lambda ops: ops)
    for _ in range(VARIANTS):
        yield _with(moment, files, lambda ops: _some(ops, rng))


def _with(moment: Moment, files: set[str], choose) -> dict[str, bytes]:
    made = dict(moment.durable)
    for file in files:
        ops = choose([op for op in moment.pending if op.file == file])
        if ops or file in made:
            made[file] = apply(made.get(file, b""), ops)
    return made


def _some(ops: list[Op], rng: random.Random) -> list[Op]:
    """Keep a random part of the operations; tear one of them at a sector."""
    kept = [op for op in ops if rng.random() < 0.5]
    if kept and kept[-1].data and rng.random() < 0.5:
        last = kept[-1]
        sectors = len(last.data) // SECTOR
        kept[-1] = Op(last.file, last.at, last.data[: SECTOR * rng.randint(0, sectors)])
    return kept


def examine(folder: Path, disk: dict[str, bytes], need: frozenset[int]) -> str:
    """Open the disk as the gateway would; return what is wrong, or nothing."""
    for old in folder.iterdir():
        old.unlink()
    for name, content in disk.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    connection = sqlite3.connect(folder / "journal.db")
    try:
        found = set()
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                return "damaged: quick_check"
            for row in connection.execute(sql.AFTER, (0, -1)):
                if checksum(row[1:9]) != row[9] or Sample(*row[1:9]) != sample_of(row[3]):
                    return f"damaged: row {row[0]}"
                found.add(row[3])
    except sqlite3.DatabaseError as error:
        if need or "no such table" not in str(error):
            return f"damaged: {error}"
    finally:
        connection.close()
    missing = need - found
    return f"lost: {len(missing)} of {len(need)}" if missing else ""


def run(cuts: int, seed: int, synchronous: str = "FULL") -> Tally:
    """Try ``cuts`` cuts, spread over all moments of as many recordings as it takes."""
    rng = random.Random(seed)
    tally = Tally()
    shm = Path("/dev/shm")
    place = shm if shm.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as work, tempfile.TemporaryDirectory() as source:
        while tally.cuts < cuts:
            with tempfile.TemporaryDirectory(dir=source) as recording:
                moments = record(Path(recording), rng, synchronous)
            wanted = -(-(cuts - tally.cuts) // (VARIANTS + 2))
            for moment in rng.sample(moments, min(wanted, len(moments))):
                tally.moments += 1
                for disk in disks(moment, rng):
                    _count(tally, examine(Path(work), disk, moment.need))
    return tally


def _count(tally: Tally, wrong: str) -> None:
    tally.cuts += 1
    tally.lost += wrong.startswith("lost")
    tally.damaged += wrong.startswith("damaged")
    if wrong and len(tally.reasons) < 5:
        tally.reasons.append(wrong)
