"""Keep foreign readings in the journal, and only then tell the broker that they are taken.

No node's outbox stands behind them: until the commit the broker's session is all that keeps them.
A reading's identity is its sensor and the second of its time. What is in the journal already is a
repeat; with another value at the same second the first one stays, and the other is counted.

In the journal they are rows of node ``FOREIGN``, which no frame can name, with the flag
``UNSEALED``; ``epoch`` and the channel are the sensor's number, ``seq`` is the Unix second.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.foreign_mapping import Reading, Refusal
from amont_gateway.foreign_totals import Rule, Total, kept, row, went_back
from amont_gateway.journal import Journal, JournalUnavailable
from amont_gateway.places import Sensor
from amont_gateway.readings import (
    BACKLOG,
    FOREIGN,
    UNSEALED,
    Sample,
    pack_channel,
    unpack_channels,
)
from amont_gateway.windows import Windows

MOST_WAITING = 20_000  # readings; mosquitto stops at 20 messages not acknowledged, of 500 each
BATCH = 1_000  # readings a commit, or those of one message
_ASSUMED = 0  # time quality: another maker's clock, which nothing of ours has proved

Acknowledge = Callable[[], None]
Kept = Callable[[str, int, int], None]  # source, readings that were new, repeats
Refused = Callable[[str, Refusal], None]


class _Message(NamedTuple):
    source: str
    readings: Sequence[Reading]
    acknowledge: Acknowledge


class ForeignStore:
    """What waits for a commit: filled by connections, emptied by the journal's one thread."""

    def __init__(
        self,
        journal: Journal,
        windows: Windows,
        counters: Counters,
        events: Events,
        clock: Clock,
        sensors: Iterable[Sensor],
    ) -> None:
        """Take the foreign sensors: how old a reading may be, and its bounds."""
        self._journal, self._windows = journal, windows
        self._counters, self._events, self._clock = counters, events, clock
        mine = list(sensors)
        self._valid_ms = {s.channel: s.validity_s * 1000 for s in mine}
        self._rules = {s.channel: Rule(s.interval_s, *s.quality[:2]) for s in mine}
        self._lock = threading.Lock()
        self._waiting: deque[_Message] = deque()
        self._size = 0  # readings that wait
        self._owing: set[str] = set()  # sources of which messages found no room
        self._wrong: list[tuple[str, Refusal]] = []  # of this batch: told once it is committed
        self.kept: Kept = lambda _source, _new, _repeated: None
        self.refused: Refused = lambda _source, _refusal: None

    def take(self, source: str, readings: Sequence[Reading], acknowledge: Acknowledge) -> None:
        """Queue a message's readings; from any thread, never waits.

        Without room they are dropped unacknowledged: the broker hands them over once more when
        the connection is made anew, if it keeps them at all; see ``owing``.
        """
        with self._lock:
            room = self._size + len(readings) <= MOST_WAITING
            if room:
                self._waiting.append(_Message(source, readings, acknowledge))
                self._size += len(readings)
            else:
                self._owing.add(source)
        if not room:
            self._counters.add("foreign_dropped", len(readings))

    def owing(self) -> set[str]:
        """Return once, when nothing waits any more, the sources whose messages found no room."""
        with self._lock:
            if self._waiting or not self._owing:
                return set()
            owing, self._owing = self._owing, set()
        return owing

    def store(self) -> None:
        """Commit what waits and acknowledge it; what cannot be committed waits on."""
        while batch := self._next():
            try:
                self._commit(batch)
            except JournalUnavailable:
                self._counters.add("foreign_held")
                return
            with self._lock:
                for message in batch:
                    self._waiting.popleft()
                    self._size -= len(message.readings)
            for message in batch:
                message.acknowledge()

    def _next(self) -> list[_Message]:
        """Return the first messages that wait, of a batch's readings together; one at least."""
        batch: list[_Message] = []
        size = 0
        with self._lock:
            for message in self._waiting:
                size += len(message.readings)
                if batch and size > BATCH:
                    break
                batch.append(message)
        return batch

    def _commit(self, batch: Sequence[_Message]) -> None:
        now_ms = self._clock.wall_ms()
        self._journal.open()
        given = [(m.source, r) for m in batch for r in m.readings]
        there = self._journal.channels_of(FOREIGN, {_key(r) for _, r in given})
        fresh: list[Sample] = []
        totals: dict[int, Total | None] = {}  # the newest of each sensor
        self._wrong = []
        counts: dict[str, tuple[int, int]] = {m.source: (0, 0) for m in batch}
        # in the order of time, so that each total meets the one before it
        for source, reading in sorted(given, key=lambda one: one[1].at_ms):
            new, repeated = counts[source]
            if _key(reading) in there:
                counts[source] = new, repeated + 1
                self._compare(source, reading, there[_key(reading)])
                continue
            packed = self._packed(source, reading, totals)
            if packed is not None:
                there[_key(reading)] = packed
                fresh.append(self._sample(reading, packed, now_ms))
                counts[source] = new + 1, repeated
        if fresh:
            self._journal.keep(fresh)
        self._told(counts)
        for source, refusal in self._wrong:
            self.refused(source, refusal)
        self._windows.add(fresh)

    def _compare(self, source: str, reading: Reading, there: bytes) -> None:
        """Tell of another value at the second of one that is there; that one stays."""
        if unpack_channels(there)[-1].value != reading.value:
            self._counters.add("foreign_conflicts")
            self._events.note("foreign_conflict", source, key=source)

    def _packed(
        self, source: str, reading: Reading, totals: dict[int, Total | None]
    ) -> bytes | None:
        """Return what the journal keeps of a new reading; None: it is in a newer total already."""
        number = reading.number
        if not reading.total:
            return pack_channel(number, reading.quantity, reading.quality, reading.value)
        if number not in totals:
            newest = self._journal.newest_of(FOREIGN, number)
            totals[number] = None if newest is None else kept(*newest)
        total, before = Total(reading.at_ms, reading.value), totals[number]
        if before is not None and total.at_ms <= before.at_ms:
            self._wrong.append((source, Refusal("overtaken", reading.sensor)))
            return None
        if went_back(total, before):
            refusal = Refusal("reset", reading.sensor, str(reading.value))
            self._wrong.append((source, refusal))
        totals[number] = total
        return row(number, reading.quantity, total, before, self._rules[number])

    def _told(self, counts: dict[str, tuple[int, int]]) -> None:
        for source, (new, repeated) in counts.items():
            self._counters.add("foreign_committed", new)
            self._counters.add("foreign_repeated", repeated)
            self.kept(source, new, repeated)

    def _sample(self, reading: Reading, packed: bytes, now_ms: int) -> Sample:
        number, second = _key(reading)
        late = now_ms - reading.at_ms > self._valid_ms.get(number, 0)
        flags = UNSEALED | (BACKLOG if late else 0)
        return Sample(FOREIGN, number, second, reading.at_ms, _ASSUMED, now_ms, flags, packed)


def _key(reading: Reading) -> tuple[int, int]:
    return reading.number, reading.at_ms // 1000
