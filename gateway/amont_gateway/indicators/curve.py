"""Turn a meter's readings into the water that has passed since any moment, and how much is known.

A flow that was read stands for the time since the reading before it, if that is at most two of
the meter's intervals ago; else for one interval. A counter that was read twice tells what passed
between, however long that was: only *when* it passed is not known where the two are far apart.
Nothing is filled in here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HOUR_MS = 3_600_000
REACH = 2  # intervals: one reading that was lost is bridged by the next

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


class Curve(NamedTuple):
    """Cumulated litres and known ms at breakpoints in Unix ms, all rising, straight between."""

    t_ms: Floats
    litres: Floats
    known_ms: Floats

    def between(self, edges_ms: Floats | Times) -> tuple[Floats, Floats]:
        """Return litres and known ms in each of the spans that ``edges_ms`` (n + 1) divide."""
        if not len(self.t_ms):
            return np.zeros(len(edges_ms) - 1), np.zeros(len(edges_ms) - 1)
        litres = np.interp(edges_ms, self.t_ms, self.litres)
        known_ms = np.interp(edges_ms, self.t_ms, self.known_ms)
        return np.diff(litres), np.diff(known_ms)


NOTHING = Curve(np.empty(0), np.empty(0), np.empty(0))


def flow_curve(t_ms: Times, flow_l_h: Floats, interval_ms: int) -> Curve:
    """Return the curve of a flow's good readings, oldest first."""
    if not len(t_ms):
        return NOTHING
    end = t_ms.astype(np.float64)
    gap = np.diff(end, prepend=-np.inf)
    length = np.where(gap <= REACH * interval_ms, gap, float(interval_ms))
    return _curve(end - length, end, flow_l_h * length / HOUR_MS, length)


def counter_curve(
    t_ms: Times, total_l: Floats, interval_ms: int, day_ms: tuple[int, int]
) -> Curve:
    """Return the curve of a counter's good readings, oldest first.

    Of two readings that are far apart only those within ``day_ms`` say something here: what
    passed between them passed that day. A counter that fell was changed or has started anew;
    what passed meanwhile is not known.
    """
    if len(t_ms) < 2:
        return NOTHING
    start, end = t_ms[:-1].astype(np.float64), t_ms[1:].astype(np.float64)
    passed = np.diff(total_l)
    near = end - start <= REACH * interval_ms
    inside = (start >= day_ms[0]) & (end <= day_ms[1])
    told = (passed >= 0) & (near | inside)
    start, end = start[told], end[told]
    return _curve(start, end, passed[told], end - start)


def _curve(start: Floats, end: Floats, litres: Floats, known_ms: Floats) -> Curve:
    """Return the curve of spans that do not overlap, each with what passed in it."""
    t_ms = np.stack((start, end), axis=1).ravel()
    steps = (np.stack((np.zeros(len(x)), x), axis=1).ravel().cumsum() for x in (litres, known_ms))
    return Curve(t_ms, *steps)
