"""Find the runs of consecutive seqs in the journal, within little memory and time.

A year of fifty nodes is some thirty million rows. Nearly all nodes have one run or few, so rows
are counted by SQLite from its index, and only where some are missing is a range cut in two.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from amont_gateway.readings import FOREIGN

Span = tuple[int, int, int, int]  # node, epoch, first seq, last seq

# Foreign rows have times for seqs: nobody wants an acknowledgement of them, and each is a run.
_GROUPS = f"""SELECT node, epoch, min(seq), max(seq), count(*) FROM sample WHERE node < {FOREIGN}
  GROUP BY node, epoch ORDER BY node, epoch"""
_RANGE = """SELECT min(seq), max(seq), count(*) FROM sample
  WHERE node = ? AND epoch = ? AND seq BETWEEN ? AND ?"""
_SEQS = "SELECT seq FROM sample WHERE node = ? AND epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq"
_FEW = 50_000  # rows: quicker looked at one by one than cut further


def spans(connection: Any) -> Iterator[Span]:
    """Yield each run of each node and epoch, in their order; raise sqlite3.Error."""
    for node, epoch, first, last, count in connection.execute(_GROUPS).fetchall():
        begin = end = None
        for low, high in _runs(connection, (node, epoch), (first, last, count)):
            if end is not None and low == end + 1:
                end = high
                continue
            if begin is not None and end is not None:
                yield node, epoch, begin, end
            begin, end = low, high
        if begin is not None and end is not None:
            yield node, epoch, begin, end


def _runs(
    connection: Any, key: tuple[int, int], whole: tuple[int, int, int]
) -> Iterator[tuple[int, int]]:
    """Yield runs of a range that begins and ends with a row; neighbours may touch."""
    waiting = [whole]
    while waiting:
        first, last, count = waiting.pop()
        if not count:
            continue
        if count == last - first + 1:
            yield first, last
        elif count <= _FEW:
            found = connection.execute(_SEQS, (*key, first, last)).fetchall()
            yield from _pieces([seq for (seq,) in found])
        else:
            middle = (first + last) // 2
            for low, high in ((middle + 1, last), (first, middle)):
                waiting.append(connection.execute(_RANGE, (*key, low, high)).fetchone())


def _pieces(seqs: list[int]) -> Iterator[tuple[int, int]]:
    first = 0
    for at, (one, two) in enumerate(pairwise(seqs), 1):
        if two != one + 1:
            yield seqs[first], one
            first = at
    yield seqs[first], seqs[-1]
