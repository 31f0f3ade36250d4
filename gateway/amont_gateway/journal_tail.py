"""Follow the journal as one of its consumers: read on, confirm, begin again where it was.

A consumer that exists holds back the journal's retention until it has confirmed; one that was
switched off does not. Rows are read in the order in which they were committed, which is each
node's own. Any method may raise sqlite3.Error; ``close`` and go on.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from amont_gateway.events import Events
from amont_gateway.journal import Journal
from amont_gateway.journal_holes import Row
from amont_gateway.journal_reader import JournalReader, as_samples
from amont_gateway.readings import Sample

BATCH_ROWS = 2_000


class _Batch(NamedTuple):
    """What was read from one place to another."""

    begin: int
    end: int
    rows: list[Row]
    full: bool  # more may wait


class Tail:
    """One consumer's place in the journal, for one thread."""

    def __init__(self, consumer: str, journal: Journal, events: Events) -> None:
        """Stand where the consumer confirmed last; nothing is opened before ``open``."""
        self.consumer = consumer
        self.place = 0  # id of the last row that was read
        self.openings = 0  # rises when ``place`` was set to where it was confirmed
        self._journal = journal
        self._events = events
        self._reader: JournalReader | None = None
        self._incarnation = -1
        self._ahead: _Batch | None = None
        self.full = False  # whether the last ``read`` got as many rows as were wanted
        journal.expect(consumer)

    def open(self) -> bool:
        """Open the journal, anew if it was replaced; False while there is none."""
        if self._incarnation != self._journal.incarnation:
            self.close()
        if self._reader is None:
            if not self._journal.path.exists():
                return False
            self._incarnation = self._journal.incarnation
            reader = self._journal.reader()
            try:
                self.place = reader.cursor(self.consumer)
            except sqlite3.OperationalError as error:
                reader.close()
                if "no such table" not in str(error):
                    raise
                return False  # it is just being made
            self._reader = reader
            self.openings += 1
        return True

    def read(self, most: int = BATCH_ROWS) -> list[Sample]:
        """Return the next sound samples and step behind them; empty at the end."""
        return as_samples(self.read_rows(most))

    def read_rows(self, most: int = BATCH_ROWS) -> list[Row]:
        """Return the same as rows; what ``read_ahead`` has read already is returned as it is."""
        batch, self._ahead = self._ahead, None
        if batch is None or batch.begin != self.place:
            batch = self._batch(most)
        self.place, self.full = batch.end, batch.full
        return batch.rows

    def read_ahead(self, most: int = BATCH_ROWS) -> list[Row]:
        """Return what the next ``read_rows`` will return, and stay where we are."""
        self._ahead = self._batch(most)
        return self._ahead.rows

    def _batch(self, most: int) -> _Batch:
        begin = end = self.place
        rows: list[Row] = []
        full = True
        while full and not rows:
            bad, before = self.reader.bad_rows, end
            end, rows = self.reader.rows_after(before, most)
            bad = self.reader.bad_rows - bad
            self._tell_bad(bad, end)
            full = len(rows) + bad == most
        return _Batch(begin, end, rows, full)

    def confirm(self, place: int | None = None) -> None:
        """Remember, durably before long, that all up to a place is done; by default ``place``."""
        done = self.place if place is None else place
        self._journal.move_cursor(self.consumer, done, self._incarnation)

    @property
    def reader(self) -> JournalReader:
        """Return the open reader."""
        if self._reader is None:
            raise ValueError("not open")
        return self._reader

    def close(self) -> None:
        """Close the reader; the next ``open`` begins where it was confirmed."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._ahead = None

    def _tell_bad(self, rows: int, through: int) -> None:
        if rows:
            self._events.note("journal_row", f"id <= {through}", n=rows)
