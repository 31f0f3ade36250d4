"""Keep everything slow off the loop: one thread owns the disk, another checks PINs.

The loop hands over and never waits. What is handed over is bounded: of a file only the newest
content waits, audit lines wait in a ring of ``AUDIT_RING_BYTES``. A disk that hangs, is full or is
read-only is a fault that ``faults`` names; the work is kept and tried again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .audit import AuditLog

AUDIT_RING_BYTES = 512 * 1024
HUNG_S = 5.0  # longer than any healthy card's worst fsync that we know of (about 2 s)
RETRY_S = 1.0


class Disk:
    """The two ways in which the guard writes; tests put a failing one in its place."""

    def replace(self, path: Path, content: bytes) -> None:
        """Put ``content`` at ``path`` durably: old or new after a power cut, never half."""
        part = path.with_suffix(path.suffix + ".part")
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write_all(fd, content)
            os.fsync(fd)
        finally:
            os.close(fd)
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def append(self, path: Path, at: int, content: bytes) -> None:
        """Write ``content`` durably at offset ``at``, cutting off what a failed try left there."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.ftruncate(fd, at)
            os.lseek(fd, at, os.SEEK_SET)
            _write_all(fd, content)
            os.fsync(fd)
        finally:
            os.close(fd)


class Writer:
    """The one disk thread."""

    def __init__(self, audit: AuditLog, disk: Disk | None = None) -> None:
        """Take the audit log that this thread alone appends to."""
        self._audit = audit
        self._disk = disk or Disk()
        self._ready = threading.Condition()
        self._files: dict[Path, tuple[bytes, Callable[[], None] | None]] = {}
        self._ring: deque[dict[str, Any]] = deque()
        self._ring_bytes = 0
        self._lost = 0  # audit records dropped since the last one that was written
        self._stopping = False
        self._busy_since: float | None = None
        self.dropped = 0  # audit records dropped since the start
        self.error = ""
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

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
            self._ring_bytes += _size(record)
            while self._ring_bytes > AUDIT_RING_BYTES:
                self._ring_bytes -= _size(self._ring.popleft())
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
        return not (self._thread.is_alive() or self._files or self._ring)

    def _run(self) -> None:
        while True:
            with self._ready:
                if self.error and not self._stopping:
                    self._ready.wait(RETRY_S)
                else:
                    self._ready.wait_for(lambda: self._files or self._ring or self._stopping)
                stopping = self._stopping
            self._busy_since = time.monotonic()
            self.error = self._write_all_that_waits()
            self._busy_since = None
            if stopping and (self.error or not (self._files or self._ring)):
                return

    def _write_all_that_waits(self) -> str:
        jobs: list[Callable[[], None]] = [partial(self._write_file, p) for p in list(self._files)]
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
        while self._ring:
            with self._ready:
                records, lost = list(self._ring), self._lost
            head = [{"kind": "lost", "count": lost}] if lost else []
            self._audit.append(head + records, self._disk.append)
            with self._ready:
                for record in records:
                    if self._ring and self._ring[0] is record:
                        self._ring_bytes -= _size(self._ring.popleft())
                self._lost -= lost


class Worker:
    """A thread for the few slow sums (scrypt); takes at most ``limit`` at a time."""

    def __init__(self, limit: int = 8) -> None:
        """Bound what may wait."""
        self._jobs: deque[Callable[[], None]] = deque()
        self._limit = limit
        self._wake = threading.Semaphore(0)
        threading.Thread(target=self._run, name="sums", daemon=True).start()

    def submit(self, job: Callable[[], None]) -> bool:
        """Queue a job; return False if too many wait."""
        if len(self._jobs) >= self._limit:
            return False
        self._jobs.append(job)
        self._wake.release()
        return True

    def _run(self) -> None:
        while True:
            self._wake.acquire()
            self._jobs.popleft()()


def _size(record: dict[str, Any]) -> int:
    return len(str(record))


def _write_all(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
