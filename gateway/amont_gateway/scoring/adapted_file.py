"""Read ``adapted.json``: what a site's own past has taught, of its stations and of its zones.

``amont-models adapt`` writes the file beside the site's state. Each part is believed only if it
was made for the very model that runs, and if every number in it is one; a part that is refused
does not take the other one down.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from amont_gateway.scoring.model_files import ModelError, read_bounded

FILE = "adapted.json"
FORMAT = 1
MAX_BYTES = 4 * 1024 * 1024
_Learnt = TypeVar("_Learnt")


def read_whole(path: Path) -> dict[str, Any] | None:
    """Return what a file holds, None if there is none; ModelError if it is damaged."""
    if not path.exists():
        return None
    try:
        said = json.loads(read_bounded(path, MAX_BYTES))
    except ValueError as error:
        raise ModelError(f"{FILE}: {type(error).__name__}: {error}"[:200]) from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ModelError(f"{FILE}: format is not {FORMAT}")
    return said


class Learnt(Generic[_Learnt]):
    """One part of the file, by place; read again when the file or what it was made for changes."""

    def __init__(self, path: Path | None, read: Callable[[Path, str], dict[str, _Learnt]]) -> None:
        """Take the file's place, whether it is there or not, None for never; and how to read."""
        self._path = path
        self._read = read
        self._known: tuple[str, tuple[int, int, int] | None] | None = None
        self.places: dict[str, _Learnt] = {}
        self.fault: str | None = None  # why a file that is there is not used

    def renewed(self, made_for: str) -> bool:
        """Look at the file, for the model ``made_for`` names; return whether anything changed."""
        known = (made_for, self._stamp())
        if known == self._known:
            return False
        self._known = known
        try:
            self.places, self.fault = {}, None
            if self._path is not None:
                self.places = self._read(self._path, made_for)
        except ModelError as error:
            self.fault = str(error)
        return True

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = None if self._path is None else self._path.stat()
        except OSError:
            return None
        return None if found is None else (found.st_ino, found.st_size, found.st_mtime_ns)
