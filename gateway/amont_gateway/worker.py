"""Run named threads; a bug in one of them ends the process, so that its supervisor restarts it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger("amont.gateway")


class Crew:
    """The gateway's threads: started once, stopped together."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.failed: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def start(self, name: str, run: Callable[[], None]) -> None:
        """Start ``run`` as the thread ``name``; it must return soon after ``stopping`` is set."""
        thread = threading.Thread(target=self._run, args=(name, run), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, name: str, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            self.failed = error
            _log.critical("thread_failed", thread=name, exc_info=True)
            self.stopping.set()

    def join(self, timeout_s: float) -> list[str]:
        """Stop all threads and return the names of those still running after the time."""
        self.stopping.set()
        for thread in self._threads:
            thread.join(timeout_s)
        return [t.name for t in self._threads if t.is_alive()]
