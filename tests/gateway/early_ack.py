"""The planted fault: acknowledge on receipt, commit some time later, as most gateways do."""

from __future__ import annotations

import time

from amont_gateway.readings import Sample
from amont_gateway.storer import Storer

LATE_S = 0.3


class EarlyStorer(Storer):
    _held: list[Sample]
    _since_s: float

    def store(self, frames):
        self._held = getattr(self, "_held", [])
        self._since_s = getattr(self, "_since_s", time.monotonic())
        uplinks = [u for u in map(self._decode, frames) if u is not None]
        self._journal.open()
        fresh = list(self._fresh(uplinks).values())
        self._journal.ledger.add(fresh)
        self._held += fresh
        self._confirm(uplinks)
        if time.monotonic() - self._since_s > LATE_S:
            self._commit(self._held)
            self._held, self._since_s = [], time.monotonic()
