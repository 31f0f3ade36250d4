"""Reach the files of a board: a narrow interface, and the one kind that exists so far.

``virtual:FOLDER`` is the file system of a simulated board. A serial port (raw REPL) is another
class with the same three methods.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from amont_provision.texts import Refused

PRIVATE = 0o600


class Port(Protocol):
    """The file system of one board."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole and durably; raise OSError."""

    def remove(self, name: str) -> None:
        """Remove a file if it is there; raise OSError."""


class VirtualPort:
    """A simulated board: a folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        path = self._folder / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole and durably, readable by its owner only."""
        replace(self._folder / name, content)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        (self._folder / name).unlink(missing_ok=True)


def open_port(text: str) -> Port:
    """Return the port that ``virtual:FOLDER`` names; raise Refused."""
    kind, _, rest = text.partition(":")
    if kind != "virtual" or not rest:
        raise Refused("port-unknown", port=text)
    folder = Path(rest)
    if not folder.is_dir():
        raise Refused("port-missing", port=text)
    return VirtualPort(folder)


def replace(path: Path, content: bytes) -> None:
    """Write a file beside its final name, make it durable, then rename; mode 0600 throughout."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
