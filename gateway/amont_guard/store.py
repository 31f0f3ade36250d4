"""Keep what a restart needs: windows, ages, levels, sirens, limits, practice; lock the folder."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .clock import Clock, clock_run
from .config import digest
from .decide import Judge
from .freshness import Freshness
from .keys import Keyring, read_json
from .practice import Practice
from .thresholds import Thresholds
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

    def __init__(
        self, folder: Path, clock: Clock, writer: Writer, keys: Keyring, freshness: Freshness,
        judge: Judge, thresholds: Thresholds, practice: Practice,
    ) -> None:  # fmt: skip
        """Look at all that must survive a restart."""
        self._folder, self._clock, self._writer = folder, clock, writer
        self._keys, self._freshness, self._judge = keys, freshness, judge
        self._thresholds, self._practice = thresholds, practice
        self._boot = clock_run(clock)
        self.overruled: list[str] = []  # stations whose changed limits the site's file overruled

    def save_windows(self) -> None:
        """Hand replay windows and ages to the disk thread."""
        ages = self._freshness.snapshot()
        self._save("windows.json", windows=self._keys.windows(), freshness=ages)

    def save_state(self) -> None:
        """Hand levels, sirens, limits and practice to the disk thread."""
        now_s = self._clock.monotonic_s()
        limits, tried = self._thresholds.as_dict(int(now_s)), self._practice.as_dict(now_s)
        alarms, kept = self._judge.snapshot(now_s), partial(self._practice.kept, tried)
        self._save("state.json", kept, alarms=alarms, limits=limits, practice=tried)

    def restore(self) -> list[str]:
        """Take everything back; return what was wrong.

        After a reboot nobody knows how long the machine was off (its clock may have stood still):
        what was saved counts as made now, and what sensors read before it is forgotten.
        """
        files: dict[str, dict[str, Callable[[Any, float, bool], object]]] = {
            "windows.json": {
                "windows": lambda saved, *_: self._keys.restore_windows(saved),
                "freshness": lambda saved, _, same: self._freshness.restore(saved if same else {}),
            },
            "state.json": {
                "alarms": self._take_alarms, "limits": self._take_limits,
                "practice": lambda saved, then_s, _: self._practice.restore(saved, then_s),
            },
        }  # fmt: skip
        wrong = []
        for name, parts in files.items():
            try:
                saved = read_json(self._folder / name)
                same = saved["boot"] == self._boot
                then_s = float(saved["at_s"]) if same else self._clock.monotonic_s()
            except (OSError, ValueError, KeyError, TypeError) as error:
                wrong.append(f"{name}: {error!r}")
                continue
            for part, take in parts.items():  # one that is damaged must not cost the others
                try:
                    if saved["sums"][part] != digest(saved[part]):
                        raise ValueError("damaged")
                    take(saved[part], then_s, same)
                except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
                    wrong.append(f"{name}: {part}: {error!r}")
        return wrong

    def _take_alarms(self, saved: dict[str, Any], then_s: float, same: bool) -> None:
        self._judge.restore(saved, then_s, self._clock.monotonic_s(), same)

    def _take_limits(self, saved: dict[str, Any], then_s: float, _same: bool) -> None:
        self.overruled = self._thresholds.restore(saved, int(then_s))
        for station in self._judge.stations:
            self._judge.set_limits(station, self._thresholds.in_force(station))

    def _save(self, name: str, done: Callable[[], None] | None = None, **content: Any) -> None:
        # a damaged digit must not be taken for a limit, a level or a counter
        sums = {part: digest(value) for part, value in content.items()}
        now_s = self._clock.monotonic_s()
        head = {"format": 1, "boot": self._boot, "at_s": now_s, "sums": sums}
        self._writer.put(self._folder / name, json.dumps({**head, **content}).encode(), done)
