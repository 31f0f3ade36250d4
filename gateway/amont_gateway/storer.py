"""Commit what the guard opened, then confirm it: the readings' promise in one thread.

Opened frames wait in a bounded queue. A batch is decoded, repeats are left out, the rest becomes
one commit, and only then does the guard hear of it. When the journal cannot commit, the batch is
dropped and counted: nodes keep what was not confirmed and send it again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.decode import Uplink, decode_frame
from amont_gateway.events import Events
from amont_gateway.guard_link import GuardLink
from amont_gateway.journal import Journal, JournalUnavailable
from amont_gateway.nodes import Nodes
from amont_gateway.readings import BAD_TIME, Sample
from amont_gateway.windows import Windows
from amont_guard.messages import Committed, Opened
from amont_wire.const import URGENT

COMMIT_MS = 2_000  # spares the card: half a kilobyte a reading instead of sixteen
COMMIT_FRAMES = 100
MAX_WAITING = 20_000  # frames
VALID_MS = 2_700_000  # of a node whose sensors' validity is not known
_TICK_S = 1.0

Fresh = dict[tuple[int, int, int], Sample]


class Storer:
    """The only writer of the journal."""

    def __init__(
        self,
        journal: Journal,
        link: GuardLink,
        windows: Windows,
        nodes: Nodes,
        counters: Counters,
        events: Events,
        clock: Clock,
        *,
        commit_ms: int = COMMIT_MS,
        commit_frames: int = COMMIT_FRAMES,
        valid_ms: dict[int, int] | None = None,
        rate_of: Callable[[int], int] = lambda _node: 0,
        beside: Callable[[], None] = lambda: None,
    ) -> None:
        """Take what else the journal's one thread has to store in each round."""
        self._journal = journal
        self._link = link
        self._windows = windows
        self._nodes = nodes
        self._counters = counters
        self._events = events
        self._clock = clock
        self._commit_s = commit_ms / 1000
        self._commit_frames = commit_frames
        self._valid_ms = valid_ms or {}
        self._rate_of = rate_of
        self._beside = beside
        self._waiting: deque[Opened] = deque()
        self._urgent = False
        self._wake = threading.Condition()

    def take(self, frames: list[Opened]) -> None:
        """Queue opened frames; called from the guard's reader, never waits."""
        with self._wake:
            room = max(0, MAX_WAITING - len(self._waiting))
            self._waiting.extend(frames[:room])
            self._urgent = self._urgent or any(f.type == URGENT for f in frames[:room])
            self._wake.notify()
        self._counters.add("frames_opened", len(frames))
        if room < len(frames):
            self._counters.add("frames_dropped", len(frames) - room)
            self._events.note("overload", str(len(frames) - room), n=len(frames) - room)

    def run(self, stopping: threading.Event) -> None:
        """Store until told to stop, then store what still waits."""
        self._tick()
        ticked = time.monotonic()
        while not stopping.is_set():
            self.store(self._collect())
            self._beside()
            if time.monotonic() - ticked >= _TICK_S:
                ticked = time.monotonic()
                self._tick()
        self.store(list(self._waiting))
        self._beside()
        self._journal.close()

    def store(self, frames: list[Opened]) -> None:
        """Commit one batch and confirm it."""
        if not frames:
            return
        uplinks = [u for u in map(self._decode, frames) if u is not None]
        try:
            self._journal.open()
            fresh = self._fresh(uplinks)
            if fresh:
                self._commit(list(fresh.values()))
        except JournalUnavailable:
            self._counters.add("frames_refused", len(uplinks))
            return
        self._counters.add("frames_stored", len(uplinks))
        self._confirm(uplinks)
        self._windows.add(fresh.values())

    def _collect(self) -> list[Opened]:
        """Wait for a batch: full, urgent, or as old as a commit may be."""
        with self._wake:
            if not self._waiting:
                self._wake.wait(_TICK_S / 2)
            if not self._waiting:
                return []
            deadline = time.monotonic() + self._commit_s
            while len(self._waiting) < self._commit_frames and not self._urgent:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._wake.wait(left)
            size = min(len(self._waiting), self._commit_frames)
            batch = [self._waiting.popleft() for _ in range(size)]
            self._urgent = any(f.type == URGENT for f in self._waiting) if self._urgent else False
            return batch

    def _decode(self, frame: Opened) -> Uplink | None:
        now_ms = self._clock.wall_ms()
        try:
            valid_ms = self._valid_ms.get(frame.node, VALID_MS)
            uplink = decode_frame(frame, now_ms, valid_ms)
        except ValueError as error:  # WireError is one
            self._counters.add("frames_malformed")
            self._events.note("frame_body", str(error), node=frame.node)
            return None
        self._nodes.heard(uplink, self._clock.monotonic_s(), now_ms)
        return uplink

    def _fresh(self, uplinks: list[Uplink]) -> Fresh:
        """Return the samples that neither the journal nor this batch has yet."""
        fresh: Fresh = {}
        received, now_s = 0, self._clock.monotonic_s()
        for uplink in uplinks:
            samples = uplink.samples
            if not samples:
                continue
            received += len(samples)
            before = len(fresh)
            known = self._journal.ledger.of(uplink.frame.node, uplink.frame.epoch)
            overlap = known.touches(samples[0].seq, samples[-1].seq)
            for sample in samples:
                if not overlap or sample.seq not in known:
                    fresh.setdefault(sample[:3], sample)
            new = len(fresh) - before
            self._nodes.trends.sent(uplink.frame.node, len(samples), len(samples) - new, now_s)
        self._counters.add("samples_received", received)
        self._counters.add("samples_repeated", received - len(fresh))
        return fresh

    def _commit(self, samples: list[Sample]) -> None:
        began = time.perf_counter()
        try:
            self._journal.append(samples)
        except JournalUnavailable:
            self._counters.add("samples_refused", len(samples))
            raise
        self._counters.add("samples_committed", len(samples))
        self._counters.add("commits")
        self._counters.add("commit_us", int((time.perf_counter() - began) * 1e6))
        for sample in samples:
            if sample.flags & BAD_TIME:
                self._events.note("time_implausible", str(sample.at_ms), node=sample.node)

    def _confirm(self, uplinks: list[Uplink]) -> None:
        """Tell the guard what is durable: once per node and epoch, for the newest counter."""
        newest: dict[tuple[int, int], int] = {}
        for uplink in uplinks:
            frame, key = uplink.frame, (uplink.frame.node, uplink.frame.epoch)
            newest[key] = max(frame.counter, newest.get(key, 0))
            if uplink.newest_seq >= 0:
                self._journal.ledger.of(*key).heard(uplink.newest_seq, uplink.backlog)
        items = []
        for (node, epoch), counter in newest.items():
            through, bits = self._journal.ledger.of(node, epoch).answer()
            items.append(Committed(node, epoch, through, self._rate_of(node), bits, counter))
        self._link.send_committed(items)

    def _tick(self) -> None:
        try:
            self._journal.tick(self._clock.wall_ms())
        except JournalUnavailable:
            self._counters.add("journal_retries")
