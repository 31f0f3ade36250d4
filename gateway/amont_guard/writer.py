"""Keep everything slow off the loop: one thread owns the disk, others check PINs and log.

The loop hands over and never waits. What is handed over is bounded: of a file only the newest
content waits, audit records wait in a ring. A disk that hangs, is full or is read-only is a fault
that ``faults`` names; the work is kept and tried again.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .audit import AuditLog

AUDIT_RING = 512  # records of at most about 1 KiB: half a MiB
HUNG_S = 5.0  # longer than any healthy card's worst fsync that we know of (about 2 s)
RETRY_S = 1.0


class Disk:
    """The two ways in which the guard writes; tests put a failing one in its place."""

    def replace(self, path: Path, content: bytes) -> None:
        """Put ``content`` at ``path`` durably: old or new after a power cut, never half."""
        part = path.with_suffix(path.suffix + ".part")
        self.append(part, 0, content)
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def append(self, path: Path, at: int, content: bytes) -> None:
        """Write ``content`` durably at offset ``at``, cutting off what a failed try left there."""
        with open(path, "wb", opener=_create) as file:
            file.truncate(at)
            file.seek(at)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


class Writer:
    """The one disk thread."""

    def __init__(self, audit: AuditLog, disk: Disk | None = None) -> None:
        """Take the audit log that this thread alone appends to."""
        self._audit = audit
        self._disk = disk or Disk()
        self._ready = threading.Condition()
        self._files: dict[Path, tuple[bytes, Callable[[], None] | None]] = {}
        self._ring: deque[dict[str, Any]] = deque()
        self._taken: list[dict[str, Any]] = []  # from the ring, not yet written
        self._lost = 0  # audit records dropped since the last that was taken
        self._stopping = False
        self._busy_since: float | None = None
        self.dropped = 0  # audit records dropped since the start
        self.error = ""
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self.start = self._thread.start

    def put(self, path: Path, content: bytes, done: Callable[[], None] | None = None) -> None:
        """Write a whole file; ``done`` is called from the disk thread once it is durable.

        A newer content of the same path replaces one that still waits; only the newest's
        ``done`` is called, because a content always includes what its elder said.
        """
        with self._ready:
            self._files[path] = (content, done)
            self._ready.notify()

    def record(self, record: dict[str, Any]) -> None:
        """Append an audit record; the oldest waiting ones give way when the ring is full."""
        with self._ready:
            self._ring.append(record)
            if len(self._ring) > AUDIT_RING:
                self._ring.popleft()
                self._lost += 1
                self.dropped += 1
            self._ready.notify()

    def faults(self) -> list[str]:
        """Name what is wrong with the disk now."""
        since = self._busy_since
        hung = since is not None and time.monotonic() - since > HUNG_S
        return ["hung"] * hung + [self.error] * bool(self.error)

    def stop(self, timeout_s: float) -> bool:
        """Write what waits, end the thread; return whether everything was written in time."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        self._thread.join(timeout_s)
        return not (self._thread.is_alive() or self._waits())

    def _waits(self) -> bool:
        return bool(self._files or self._ring or self._taken)

    def _run(self) -> None:
        while True:
            with self._ready:
                if self.error and not self._stopping:
                    self._ready.wait(RETRY_S)
                else:
                    self._ready.wait_for(lambda: self._waits() or self._stopping)
                stopping = self._stopping
            self._busy_since = time.monotonic()
            self.error = self._write_all_that_waits()
            self._busy_since = None
            if stopping and (self.error or not self._waits()):
                return

    def _write_all_that_waits(self) -> str:
        # Files first, and of the audit what was recorded before this turn began: what a record
        # tells of is on the disk before the record is.
        with self._ready:
            paths = list(self._files)
            if not self._taken:
                head = [{"kind": "lost", "count": self._lost}] if self._lost else []
                self._taken, self._lost = head + list(self._ring), 0
                self._ring.clear()
        jobs: list[Callable[[], None]] = [partial(self._write_file, path) for path in paths]
        errors = []
        for job in [*jobs, self._write_audit]:
            try:  # one bad path must not hold up the others
                job()
            except OSError as error:
                errors.append(error.strerror or str(error))
        return errors[0] if errors else ""

    def _write_file(self, path: Path) -> None:
        taken = self._files[path]
        self._disk.replace(path, taken[0])
        with self._ready:
            if self._files[path] is taken:
                del self._files[path]
        if taken[1]:
            taken[1]()

    def _write_audit(self) -> None:
        if self._taken:
            self._audit.append(self._taken, self._disk.append)
            self._taken = []


class Worker:
    """A thread for what is slow but needs no disk; takes at most ``limit`` jobs at a time."""

    def __init__(self, limit: int = 8, counters: Counter[str] | None = None) -> None:
        """Bound what may wait; jobs that end in an error are counted in ``counters``."""
        self._counters: Counter[str] = Counter() if counters is None else counters
        self._jobs: queue.Queue[Callable[[], None]] = queue.Queue(limit)
        threading.Thread(target=self._run, name="worker", daemon=True).start()

    def submit(self, job: Callable[[], None]) -> bool:
        """Queue a job; return False if too many wait."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while True:
            try:
                self._jobs.get()()
            except Exception:  # one bad job must not keep the next ones from being done
                self._counters["jobs failed"] += 1


def _create(path: str, _flags: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
