"""Witness the head of the guard's audit: whoever later cuts off its end is found out.

Each line of the guard's audit vouches for all before it, but nothing in the file itself shows that
its newest lines are missing. The gateway, another process and another user, therefore writes down
each hour and at each event of a siren how many lines there are and what the newest one's hash is.
``amont-guard verify --witness`` compares.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FILE = "witness.jsonl"
EVERY_S = 3600.0
_SOON_S = 5.0  # events of a siren come in swarms; the newest head stands for all of them
_RETRY_S = 5.0
_ROUND_S = 0.25
_TAIL_BYTES = 1_000
MAX_BYTES = 16 << 20  # a century of hours; beyond, the elder half is put aside


class Witness:
    """Write heads down on a thread of its own; the guard's states come from another."""

    def __init__(
        self, folder: Path, note: Callable[[str, str], None], real_s: Callable[[], float]
    ) -> None:
        """Write in ``folder``; ``real_s`` is a clock that never goes back."""
        self._path = folder / FILE
        self._note = note
        self._real_s = real_s
        self._wake = threading.Event()
        self._head: tuple[int, int, str] | None = None  # at_ms, n, head: the newest that came
        self._written: tuple[int, str] | None = None
        self._next_s = 0.0

    def take(self, state: Mapping[str, Any]) -> None:
        """Take the head that a STATE message tells; never waits."""
        audit = state.get("audit")
        if not isinstance(audit, dict):
            return
        lines, head, at_ms = audit.get("lines"), audit.get("head"), state.get("at_ms")
        if type(lines) is not int or not isinstance(head, str) or type(at_ms) is not int:
            return
        before = self._head[1] if self._head else self._written[0] if self._written else 0
        if lines < before:
            self._note("audit_shrank", f"{before} → {lines}")
            self._next_s = 0.0
        self._head = (at_ms, lines, head)
        self._wake.set()

    def siren_event(self) -> None:
        """Write the next head soon."""
        self._next_s = min(self._next_s, self._real_s() + _SOON_S)

    def run(self, stopping: threading.Event) -> None:
        """Write until told to stop, then the newest head once more."""
        self._recall()
        while not stopping.is_set():
            self._wake.wait(_ROUND_S)
            self._wake.clear()
            if self._real_s() >= self._next_s and not self.write():
                stopping.wait(_RETRY_S)
        self.write()

    def write(self) -> bool:
        """Write the newest head if it is new; False if the disk refused."""
        head = self._head
        if head is None or head[1:] == self._written:
            return True
        line = {"at_ms": head[0], "n": head[1], "head": head[2]}
        try:
            self._append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        except OSError as error:
            self._note("witness_fault", error.strerror or str(error))
            return False
        self._written, self._next_s = head[1:], self._real_s() + EVERY_S
        return True

    def _recall(self) -> None:
        """Go on after the newest head of an earlier run."""
        with contextlib.suppress(OSError):
            for line in self._path.read_bytes()[-_TAIL_BYTES:].splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):  # cut at either end
                    head = json.loads(line)
                    self._written = (int(head["n"]), str(head["head"]))

    def _append(self, line: bytes) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            size = os.fstat(fd).st_size
            if size and not _ends_whole(self._path, size):
                line = b"\n" + line  # a power cut left half a line
            os.write(fd, line)
            os.fsync(fd)
        finally:
            os.close(fd)
        if size > MAX_BYTES:
            self._path.replace(self._path.with_name(f"{FILE}.{int(time.time())}"))


def _ends_whole(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"
