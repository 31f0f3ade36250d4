"""Keep what a restart needs: replay windows, ages, levels and sirens; and the folder's lock."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .clock import Clock, clock_run
from .keys import read_json
from .writer import Writer

# saved content, the time at which it was made, and whether that is in this run of the clock
Take = Callable[[dict[str, Any], float, bool], None]


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

    def save(self, name: str, done: Callable[[], None] | None = None, **content: Any) -> None:
        """Hand a file to the disk thread, which calls ``done`` once it is durable."""
        head = {"format": 1, "boot": self._boot, "at_s": self._clock.monotonic_s()}
        self._writer.put(self._folder / name, json.dumps({**head, **content}).encode(), done)

    def restore(self, name: str, *takes: Take) -> list[str]:
        """Give a file's content to each of ``takes``; return what was wrong.

        After a reboot nobody knows how long the machine was off (its clock may have stood still):
        then what was saved counts as made now.
        """
        wrong = []
        try:
            saved = read_json(self._folder / name)
            same = saved["boot"] == self._boot
            then_s = float(saved["at_s"]) if same else self._clock.monotonic_s()
        except (OSError, ValueError, KeyError, TypeError) as error:
            return [f"{name}: {error!r}"]
        for take in takes:  # one bad part must not cost the others
            try:
                take(saved, then_s, same)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                wrong.append(f"{name}: {error!r}")
        return wrong
