"""Know which samples are committed, to answer nodes and to drop repeats early.

Per node and epoch a sorted list of closed seq ranges. It is rebuilt from the journal at start
and changed only after a commit, so it never claims more than the disk holds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from amont_gateway.readings import Sample

BITS = 63  # the acknowledgement carries at most so many bits above ``through``


class Ranges:
    """The committed seqs of one node and epoch."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        self._floor = 0  # nothing below it will ever be sent again

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._first, seq) - 1
        return at >= 0 and seq <= self._last[at]

    def touches(self, first: int, last: int) -> bool:
        """Tell whether any of the seqs ``first`` to ``last`` is committed."""
        at = bisect_right(self._first, last) - 1
        return at >= 0 and self._last[at] >= first

    def add(self, first: int, last: int) -> None:
        """Mark the seqs ``first`` to ``last`` as committed."""
        start = bisect_right(self._first, first)
        if start and self._last[start - 1] >= first - 1:
            start -= 1
            first = self._first[start]
        end = start
        while end < len(self._first) and self._first[end] <= last + 1:
            last = max(last, self._last[end])
            end += 1
        self._first[start:end] = [first]
        self._last[start:end] = [last]

    def heard(self, newest_seq: int, backlog: int) -> None:
        """Learn from a frame what its node still keeps.

        The node keeps nothing older than the newest seq of its outbox minus ``backlog``, and that
        seq is at least the frame's own. No other frame may be used for it: frames come late, and
        the newest seq of an outbox falls when an acknowledgement covers the newest first.
        """
        self._floor = max(self._floor, newest_seq - backlog)

    def answer(self) -> tuple[int, int]:
        """Return ``(through, bits)`` as ``messages.Committed`` defines them."""
        through = self._floor - 1
        at = bisect_right(self._first, self._floor) - 1
        if at >= 0 and self._last[at] > through:
            through = self._last[at]
        bits = 0
        for first, last in zip(self._first[at + 1 :], self._last[at + 1 :], strict=True):
            low = first - through - 1
            if low >= BITS:
                break
            high = min(last - through - 1, BITS - 1)
            bits |= ((1 << (high - low + 1)) - 1) << low
        return through, bits

    def __len__(self) -> int:
        return sum(self._last) - sum(self._first) + len(self._first)


class Ledger:
    """The committed seqs of every node and epoch."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[int, int], Ranges] = {}

    def of(self, node: int, epoch: int) -> Ranges:
        """Return the ranges of one node and epoch, empty if it is new."""
        key = (node, epoch)
        ranges = self._ranges.get(key)
        if ranges is None:
            ranges = self._ranges[key] = Ranges()
        return ranges

    def add(self, samples: Iterable[Sample]) -> None:
        """Mark samples as committed; runs of consecutive ones cost as much as one."""
        run: tuple[int, int, int, int] | None = None
        for node, epoch, seq, *_ in samples:
            if run is not None and run[:2] == (node, epoch) and seq == run[3] + 1:
                run = (node, epoch, run[2], seq)
                continue
            if run is not None:
                self.of(run[0], run[1]).add(run[2], run[3])
            run = (node, epoch, seq, seq)
        if run is not None:
            self.of(run[0], run[1]).add(run[2], run[3])

    def load(self, spans: Iterable[tuple[int, int, int, int]]) -> None:
        """Replace everything by (node, epoch, first seq, last seq) spans of the journal."""
        self._ranges.clear()
        for node, epoch, first, last in spans:
            self.of(node, epoch).add(first, last)
