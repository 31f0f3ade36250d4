"""Keep files by their SHA-256, so that what was fetched once is there without a network.

A lock file says which files are meant: JSON, ``{"schema": 1, "<kind>": {...}}``. It may be shared
between laptops; the cache is filled again from where the lock says that a file came from. What is
read from the cache is hashed again: a damaged disk is a missing file, never another firmware.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from amont_provision.texts import Flaw, Refused
from amont_provision.whole import READABLE, replace

SCHEMA = 1
LOCK_BYTES_MAX = 1_000_000


def usual_folder() -> Path:
    """Return where this person's cache is."""
    named = os.environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else Path.home() / ".cache") / "amont"


class Cache:
    """A folder of files named by their hash; made when the first one is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or usual_folder()

    def keep(self, content: bytes) -> str:
        """Store bytes whole and durably; return their SHA-256 in hex. Raise OSError."""
        digest = sha256(content).hexdigest()
        if self.find(digest) is None:
            write_whole(self._path(digest), content)
        return digest

    def find(self, digest: str) -> bytes | None:
        """Return the bytes with that SHA-256, None if they are not kept or not sound."""
        try:
            content = self._path(digest).read_bytes()
        except OSError:
            return None
        return content if sha256(content).hexdigest() == digest else None

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest


def read_lock(path: Path, kind: str) -> dict[str, Any]:
    """Return one kind of a lock file's entries, {} if there is no file; raise Refused."""
    try:
        with path.open("rb") as file:
            content = file.read(LOCK_BYTES_MAX)
    except FileNotFoundError:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    entries = value.get(kind, {}) if isinstance(value, dict) else None
    if value is None or not isinstance(entries, dict) or value.get("schema") != SCHEMA:
        raise Refused("lock-damaged", path=path, why=Flaw("flaw-form"))
    return entries


def write_lock(path: Path, kind: str, entries: dict[str, Any]) -> None:
    """Replace a lock file, sorted so that changes read well; raise OSError."""
    value = {"schema": SCHEMA, kind: entries}
    write_whole(path, json.dumps(value, indent=1, sort_keys=True).encode() + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that others may read, making its folders; raise OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, content, READABLE)
