"""Remember what people should know: bounded, repeats counted instead of listed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import structlog

from amont_gateway import texts
from amont_gateway.counters import Counters
from amont_gateway.view import Event, Text

MAX_EVENTS = 200  # distinct ones; the oldest goes first, its count stays in the counters

_log = structlog.get_logger("amont.gateway")


class Events:
    """The latest events; the same kind from the same node is one line with a count."""

    def __init__(self, counters: Counters, now_ms: Callable[[], int]) -> None:
        self._counters = counters
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self.version = 0
        self._events: OrderedDict[tuple[str, int | None, str], Event] = OrderedDict()

    def note(
        self,
        kind: str,
        detail: str | Text = "",
        *,
        node: int | None = None,
        key: str = "",
        n: int = 1,
    ) -> None:
        """Count an event of ``texts.EVENTS``; ``key`` keeps apart what must not be one line."""
        severity, text = texts.word(kind, node, detail)
        self._counters.add(f"event_{kind}", n)
        first = self._remember((kind, node, key), kind, severity, text, n)
        if first:
            _log.info(kind, severity=severity, node=node, detail=text["en"])

    def latest(self) -> list[Event]:
        """Return the events, newest first."""
        with self._lock:
            return list(reversed(self._events.values()))

    def _remember(
        self, key: tuple[str, int | None, str], kind: str, severity: str, text: Text, n: int
    ) -> bool:
        with self._lock:
            self.version += 1
            old = self._events.pop(key, None)
            count = n + (old.count if old else 0)
            self._events[key] = Event(
                at_ms=self._now_ms(), kind=kind, severity=severity, text=text, count=count
            )
            if len(self._events) > MAX_EVENTS:
                self._events.popitem(last=False)
        return old is None
