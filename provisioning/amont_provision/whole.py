"""Write a file whole and durably, or leave the one before it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

PRIVATE, READABLE = 0o600, 0o644


def replace(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file beside its final name, make it durable, then rename; raise OSError.

    The name beside is always the same: what a killed writer left there, which may hold a key, does
    not outlive the next one. Nobody but its owner can read it before it has its mode.
    """
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        beside.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
