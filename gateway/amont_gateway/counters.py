"""Count what happened, by name, from any thread."""

from __future__ import annotations

import threading
from collections import Counter


class Counters:
    """Named counts that only rise.

    They obey conservation: ``frames_opened = frames_stored + frames_malformed + frames_dropped``
    and ``samples_received = samples_committed + samples_repeated + samples_refused``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, n: int = 1) -> None:
        """Raise the count ``name`` by ``n``."""
        with self._lock:
            self._counts[name] += n

    def snapshot(self) -> dict[str, int]:
        """Return a copy of all counts, sorted by name."""
        with self._lock:
            return dict(sorted(self._counts.items()))
