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
from collections.abc import Callable, Sequence
from typing import NamedTuple

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.foreign_mapping import Reading
from amont_gateway.journal import Journal, JournalUnavailable
from amont_gateway.readings import BACKLOG, FOREIGN, UNSEALED, Sample, pack_channel
from amont_gateway.windows import Windows

MOST_WAITING = 5_000  # messages; a broker stops at far fewer that are not acknowledged
BATCH = 200  # messages a commit
_ASSUMED = 0  # time quality: another maker's clock, which nothing of ours has proved

Acknowledge = Callable[[], None]
Kept = Callable[[str, int, int], None]  # source, readings that were new, repeats


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
        valid_ms: dict[int, int],
    ) -> None:
        """Take how old a reading may be before it counts as late, by the sensor's number."""
        self._journal, self._windows = journal, windows
        self._counters, self._events, self._clock = counters, events, clock
        self._valid_ms = valid_ms
        self._lock = threading.Lock()
        self._waiting: deque[_Message] = deque()
        self.kept: Kept = lambda _source, _new, _repeated: None

    def take(self, source: str, readings: Sequence[Reading], acknowledge: Acknowledge) -> None:
        """Queue a message's readings; from any thread, never waits.

        Without room they are dropped unacknowledged: the broker hands them over once more when
        the connection is made anew, if it keeps them at all.
        """
        with self._lock:
            room = len(self._waiting) < MOST_WAITING
            if room:
                self._waiting.append(_Message(source, readings, acknowledge))
        if not room:
            self._counters.add("foreign_dropped", len(readings))

    def store(self) -> None:
        """Commit what waits and acknowledge it; what cannot be committed waits on."""
        while True:
            with self._lock:
                batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
            if not batch:
                return
            try:
                self._commit(batch)
            except JournalUnavailable:
                self._counters.add("foreign_held")
                return
            with self._lock:
                for _ in batch:
                    self._waiting.popleft()
            for message in batch:
                message.acknowledge()

    def _commit(self, batch: Sequence[_Message]) -> None:
        now_ms = self._clock.wall_ms()
        self._journal.open()
        given = [(m.source, self._sample(r, now_ms)) for m in batch for r in m.readings]
        known = self._journal.channels_of(FOREIGN, {s[1:3] for _, s in given})
        fresh: list[Sample] = []
        counts: dict[str, tuple[int, int]] = {m.source: (0, 0) for m in batch}
        for source, sample in given:
            there = known.setdefault(sample[1:3], sample.channels)
            is_new = there is sample.channels
            new, repeated = counts[source]
            counts[source] = new + is_new, repeated + (not is_new)
            if is_new:
                fresh.append(sample)
            elif there != sample.channels:
                self._counters.add("foreign_conflicts")
                self._events.note("foreign_conflict", source, key=source)
        if fresh:
            self._journal.keep(fresh)
        self._told(counts)
        self._windows.add(fresh)

    def _told(self, counts: dict[str, tuple[int, int]]) -> None:
        for source, (new, repeated) in counts.items():
            self._counters.add("foreign_committed", new)
            self._counters.add("foreign_repeated", repeated)
            self.kept(source, new, repeated)

    def _sample(self, reading: Reading, now_ms: int) -> Sample:
        number = reading.number
        late = now_ms - reading.at_ms > self._valid_ms.get(number, 0)
        flags = UNSEALED | (BACKLOG if late else 0)
        packed = pack_channel(number, reading.quantity, reading.quality, reading.value)
        second = reading.at_ms // 1000
        return Sample(FOREIGN, number, second, reading.at_ms, _ASSUMED, now_ms, flags, packed)
