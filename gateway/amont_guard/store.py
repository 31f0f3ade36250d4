"""Keep what a restart needs: replay windows, ages, levels and sirens; and the folder's lock."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any

from .clock import Clock, clock_run
from .decide import Judge
from .freshness import Freshness
from .keys import Keyring, read_json
from .writer import Writer


class InUse(RuntimeError):
    """Another guard works in this folder."""


def lock(folder: Path) -> int:
    """Return a descriptor that holds the folder for this process; raise InUse or OSError."""
    try:
        folder.chmod(0o700)
    except OSError as error:
        if error.errno != errno.EROFS:  # on a read-only disk the siren must still start
            raise
    held = os.open(folder, os.O_RDONLY)  # the folder itself: a read-only disk takes no new file
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise InUse(f"{folder}: another guard works here") from None
    return held


class Store:
    """The files of the state folder that the guard writes and reads back."""

    def __init__(self, folder: Path, writer: Writer, clock: Clock) -> None:
        """Work in ``folder``."""
        self._folder, self._writer, self._clock = folder, writer, clock
        self._boot = clock_run(clock)

    def save_windows(self, keys: Keyring, freshness: Freshness) -> None:
        """Hand replay windows and ages to the disk thread."""
        self._save("windows.json", windows=keys.windows(), freshness=freshness.snapshot())

    def save_state(self, judge: Judge) -> None:
        """Hand levels and sirens to the disk thread."""
        self._save("state.json", **judge.snapshot(self._clock.monotonic_s()))

    def restore_windows(self, keys: Keyring, freshness: Freshness) -> str:
        """Take windows and, in the same run of the clock, ages back; return what was wrong."""

        def take(saved: dict[str, Any]) -> None:
            keys.restore_windows(saved["windows"])
            if saved["boot"] == self._boot:
                freshness.restore(saved["freshness"])

        return self._restore("windows.json", take)

    def restore_state(self, judge: Judge) -> str:
        """Take levels and sirens back; return what was wrong.

        After a reboot nobody knows how long the machine was off (its clock may have stood still),
        so what sensors read before it is forgotten, and only the levels are kept.
        """

        def take(saved: dict[str, Any]) -> None:
            same = saved["boot"] == self._boot
            now_s = self._clock.monotonic_s()
            judge.restore(saved, float(saved["at_s"]) if same else now_s, now_s, same)

        return self._restore("state.json", take)

    def _save(self, name: str, **content: Any) -> None:
        head = {"format": 1, "boot": self._boot, "at_s": self._clock.monotonic_s()}
        self._writer.put(self._folder / name, json.dumps({**head, **content}).encode())

    def _restore(self, name: str, take: Any) -> str:
        path = self._folder / name
        try:
            if path.exists():
                take(read_json(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return f"{name}: {error!r}"
        return ""
