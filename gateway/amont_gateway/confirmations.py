"""Measure how long a siren's contact takes to follow the guard's command."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

LATEST_MS = 60_000  # later it did not follow that command


class Confirmations:
    """The last delay of each siren, from the guard's own times; for use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._commanded: dict[str, tuple[int, bool]] = {}  # when, and on or off
        self._took_ms: dict[str, int] = {}

    def audit(self, record: Mapping[str, Any]) -> None:
        """Take one of the guard's records: when a relay was switched."""
        kinds = [a.get("kind") for a in record.get("actions") or () if isinstance(a, dict)]
        at_ms, siren = record.get("at_ms"), str(record.get("siren"))
        if not isinstance(at_ms, int) or not {"relay on", "relay off"} & set(kinds):
            return
        with self._lock:
            self._commanded[siren] = at_ms, "relay on" in kinds

    def state(self, state: Mapping[str, Any]) -> None:
        """Take the guard's state: what each contact reads back."""
        at_ms = state.get("at_ms")
        if not isinstance(at_ms, int):
            return
        with self._lock:
            for said in (x for x in state.get("sirens") or () if isinstance(x, dict)):
                siren = str(said.get("id"))
                sent_ms, on = self._commanded.get(siren, (at_ms + 1, False))
                if said.get("confirmed") is on and 0 <= at_ms - sent_ms <= LATEST_MS:
                    self._took_ms[siren] = at_ms - sent_ms
                    del self._commanded[siren]

    def took_ms(self, siren: str) -> int | None:
        """Return how long the last command took to be confirmed; None: not known."""
        with self._lock:
            return self._took_ms.get(siren)
