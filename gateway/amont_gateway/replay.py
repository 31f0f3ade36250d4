"""Write a span of the journal to the database once more: what it has lost, it has again.

Idempotent, for a point that is written twice is there once; restful, so that what is new goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from amont_gateway.backoff import Backoff
from amont_gateway.database import Away
from amont_gateway.delivery import Delivery
from amont_gateway.doubts import Doubts
from amont_gateway.journal_reader import JournalReader
from amont_gateway.lines import SensorTags, sample_lines
from amont_gateway.readings import Sample

BATCH_ROWS = 1_000
PATIENCE_S = 120.0  # of waiting for a database that is away, until somebody should look


@dataclass
class Replayed:
    """What a replay did; ``place`` is the id of the last row that is done."""

    place: int = 0
    rows: int = 0  # within the span
    lines: int = 0  # written
    refused: int = 0  # lines, set aside
    bad_rows: int = 0  # damaged, left out
    lost: int = 0  # rows of the journal, of whatever time, that cannot be read
    through_ms: int = 0  # of the last row done


class Replay:
    """One replay, from the journal's rows of a span of time to the database."""

    def __init__(
        self,
        reader: JournalReader,
        delivery: Delivery,
        site: str,
        tags: SensorTags,
        doubts: Doubts,
        *,
        sleep_s: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reader, self._delivery = reader, delivery
        self._site, self._tags, self._doubts = site, tags, doubts
        self._sleep_s = sleep_s
        self.done = Replayed()

    def run(
        self, since_ms: int, until_ms: int, tell: Callable[[Replayed, int], None] | None = None
    ) -> Replayed:
        """Write the readings of a span, in the journal's order; ``tell`` hears of each batch.

        It gets what is done and the journal's last id. Raise Away if the database stays away,
        Denied, or sqlite3.Error.
        """
        last = self._reader.ends()[1]
        while self.done.place < last:
            began_s = time.monotonic()
            seen, samples = self._reader.span(self.done.place, since_ms, until_ms, BATCH_ROWS)
            if samples:
                self._write(samples)
                self.done.rows += len(samples)
                self.done.through_ms = max(s.at_ms for s in samples)
            self.done.place = seen
            self.done.bad_rows, self.done.lost = self._reader.bad_rows, self._reader.lost
            if tell is not None:
                tell(self.done, last)
            if samples:
                self._sleep_s(time.monotonic() - began_s)  # half the time is others'
        return self.done

    def _write(self, samples: list[Sample]) -> None:
        """Write one batch, again and again while the database is away."""
        doubt = self._doubts.among(s.at_ms for s in samples)
        lines = sample_lines(self._site, self._tags, samples, doubt)
        backoff, waited_s = Backoff(0.5, 10.0), 0.0
        while True:
            try:
                taken = self._delivery.write(lines)
                self.done.lines += taken
                self.done.refused += len(lines) - taken
                return
            except Away:
                if waited_s >= PATIENCE_S:
                    raise
                wait_s = backoff.next_s()
                waited_s += wait_s
                self._sleep_s(wait_s)
