"""Record decisions and people in a file in which each line vouches for all before it.

A line is the canonical JSON of the record with ``h = sha256(previous h || canonical record)``.
Whoever changes, removes or inserts a line must redo every later one; cutting off the end is not
seen, which is why each line is also handed to the gateway as it is made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START = "0" * 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ``verify`` found: whole lines, their bytes, the last hash, the first bad line."""

    lines: int
    size_bytes: int
    last: str
    torn_bytes: int = 0  # an unfinished line at the end: what a power cut leaves
    broken_line: int | None = None

    @property
    def ok(self) -> bool:
        """Tell whether every whole line vouches for the one before."""
        return self.broken_line is None


def canonical(record: dict[str, Any]) -> bytes:
    """Return the one JSON form of a record."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")  # half a character must not end the disk thread


def chain(last: str, record: dict[str, Any]) -> str:
    """Return the hash of ``record`` after ``last``."""
    return hashlib.sha256(last.encode() + canonical(record)).hexdigest()


def verify(path: Path) -> Verdict:
    """Check a whole audit file; an absent one is empty and sound. Raise OSError if unreadable."""
    lines, size, last, broken = 0, 0, _START, None
    if not path.exists():
        return Verdict(0, 0, last)
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return Verdict(lines, size, last, len(line), broken)
            lines, size = lines + 1, size + len(line)
            claimed = _claimed(line, last)
            if claimed is None:
                broken = broken or lines
            last = claimed or hashlib.sha256(line).hexdigest()
    return Verdict(lines, size, last, 0, broken)


class AuditLog:
    """The open end of an audit file; only the disk thread appends."""

    def __init__(self, path: Path) -> None:
        """Verify what is there and go on after its last whole line."""
        self.path = path
        self.found = verify(path)
        self._at, self._last = self.found.size_bytes, self.found.last

    def append(
        self, records: Iterable[dict[str, Any]], write: Callable[[Path, int, bytes], None]
    ) -> None:
        """Chain and write records; after an OSError nothing has moved, try the same again."""
        last, lines = self._last, []
        for record in records:
            last = chain(last, record)
            lines.append(canonical({**record, "h": last}) + b"\n")
        content = b"".join(lines)
        write(self.path, self._at, content)
        self._at, self._last = self._at + len(content), last


def _claimed(line: bytes, last: str) -> str | None:
    try:
        record = json.loads(line)
        claimed = str(record.pop("h"))
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    return claimed if chain(last, record) == claimed else None
