"""Record decisions and people in files in which each line vouches for all before it.

A line is the JSON of a record with its number ``n``, to which ``"h": sha256(previous h || JSON)``
is added at the end. Whoever changes, removes, inserts or reorders lines must redo all later ones;
heads that somebody else keeps (the witness file: ``{"at_ms","n","head"}`` a line) show that too,
and a cut-off end. ``audit.jsonl`` grows to 1 MiB, then becomes ``audit-<its first n>.jsonl``; the
chain goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "audit.jsonl"
SEGMENT_BYTES = 1 << 20
_LINE_BYTES = 1 << 20  # a file without line ends must not fill the memory
_START = "0" * 64
_HEAD_BYTES = len(b',"h":""}\n') + 64


@dataclass(slots=True)
class Verdict:
    """What ``verify`` found; lines are counted over all segments, from 1."""

    lines: int = 0
    last: str = _START  # the hash of the newest line
    size_bytes: int = 0  # whole lines of the newest segment
    torn_bytes: int = 0  # and an unfinished one at its end: what a power cut leaves
    first: int = 1  # line of that segment
    broken_line: int | None = None  # the first that does not follow from those before
    witnessed: int = 0  # up to this line the witnessed heads are the file's
    missing: int = 0  # the newest line that was witnessed and is not there (any more)

    @property
    def ok(self) -> bool:
        """Tell whether each line follows from those before, and no witnessed one is gone."""
        return self.broken_line is None and not self.missing

    def take(self, line: bytes, heads: dict[int, str]) -> None:
        """Check one line against those before, as far as they are known, and against heads."""
        body = line[:-_HEAD_BYTES] + b"}"
        head = line[6 - _HEAD_BYTES : -3].decode(errors="replace")
        expected, n = self.lines + 1, _number(body)
        follows = n == expected and (not self.last or seal(self.last, body)[0] == line)
        if not follows or heads.get(n, head) != head:
            self.broken_line = self.broken_line or expected
        elif n in heads and self.broken_line is None:
            self.witnessed = n
        self.lines, self.last = max(n, expected), head


def seal(last: str, body: bytes) -> tuple[bytes, str]:
    """Return the line of a JSON object that comes after the hash ``last``, and its own hash."""
    head = hashlib.sha256(last.encode() + body).hexdigest()
    return body[:-1] + b',"h":"%s"}\n' % head.encode(), head


def verify(folder: Path, witness: Path | None = None, newest: int = 0) -> Verdict:
    """Check a folder's audit, or its ``newest`` segments; raise OSError if it cannot be read."""
    older = [(path.stem.removeprefix("audit-"), path) for path in folder.glob("audit-*.jsonl")]
    closed = sorted((int(first), path) for first, path in older if first.isdecimal())
    found, heads = Verdict(), _heads(witness)
    if newest and len(closed) >= newest:
        closed = closed[1 - newest :]
        found.lines, found.last = closed[0][0] - 1, ""
    for _, path in closed:
        _read(found, path, heads)
        if found.torn_bytes:  # it was whole when it was closed
            found.broken_line = found.broken_line or found.lines + 1
    found.first, found.size_bytes, found.torn_bytes = found.lines + 1, 0, 0
    if (folder / NAME).exists():
        _read(found, folder / NAME, heads)
    found.missing = max((n for n in heads if n > found.lines), default=0)
    return found


class AuditLog:
    """The open end of the audit; only the disk thread appends."""

    def __init__(self, path: Path) -> None:
        """Check what is there, quickly, and go on after its last whole line.

        What cannot be read is left alone and keeps no siren from starting: then every ``append``
        fails as the reading did.
        """
        self.path = path
        self._unread: OSError | None = None
        try:
            self.found = verify(path.parent, newest=2)
        except OSError as error:
            self.found, self._unread = Verdict(broken_line=1), error
        self._at, self._first = self.found.size_bytes, self.found.first
        self.head = (self.found.lines, self.found.last)  # of the newest durable line

    def append(
        self, records: Iterable[dict[str, Any]], write: Callable[[Path, int, bytes], None]
    ) -> None:
        """Number, chain and write; after an OSError nothing has moved, try the same again."""
        if self._unread:
            raise self._unread
        (n, last), lines = self.head, []
        for record in records:
            n += 1
            text = json.dumps({**record, "n": n}, separators=(",", ":"), ensure_ascii=False)
            # half a character must not end the disk thread
            line, last = seal(last, text.encode("utf-8", "surrogatepass"))
            lines.append(line)
        content = b"".join(lines)
        if self._at and self._at + len(content) > SEGMENT_BYTES:
            os.truncate(self.path, self._at)  # what a failed write left
            self.path.rename(self.path.with_name(f"audit-{self._first}.jsonl"))
            self._at, self._first = 0, self.head[0] + 1
        write(self.path, self._at, content)
        self._at, self.head = self._at + len(content), (n, last)


def _read(found: Verdict, path: Path, heads: dict[int, str]) -> None:
    found.first, found.size_bytes = found.lines + 1, 0
    with path.open("rb") as file:
        while (line := file.readline(_LINE_BYTES)).endswith(b"\n"):
            found.take(line, heads)
            found.size_bytes += len(line)
        found.torn_bytes = os.fstat(file.fileno()).st_size - found.size_bytes


def _number(body: bytes) -> int:
    try:
        n = json.loads(body)["n"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return -1
    return n if type(n) is int else -1


def _heads(witness: Path | None) -> dict[int, str]:
    # What others kept, by line; "" where they differ, which no line matches.
    heads: dict[int, str] = {}
    for line in witness.read_bytes().splitlines() if witness else []:
        try:
            kept = json.loads(line)
            n, head = int(kept["n"]), str(kept["head"])
        except (ValueError, TypeError, KeyError):
            continue  # a torn line witnesses nothing
        heads[n] = head if heads.get(n, head) == head else ""
    return heads
