"""Explain a network's blocks of hours by what is usual and by changes that once were found.

What is left of each pressure is, block by block, a daily course, plus for every change a vector
over the sensors times a course in time: a step, or growth with the square of time that may have
ended. All vectors are fitted again whenever a block is added, so nothing is ever learnt as usual:
a change is explained or it is still there to be found. What remains is weighed by the covariance
of the sensors' noise: leaks at different places then point in very different directions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from amont_gateway.scoring.network_slopes import mean_of
from amont_gateway.scoring.timeline import Floats, Times

BLOCK_H = 6
A_DAY = 24 // BLOCK_H
FLOW_FLOOR = 0.05
BASE_RIDGE = 2.0  # blocks' worth, against a daily course that follows the flow
TINY = 1e-9


@dataclass(eq=False)
class Leak:
    """A leak that is open, or a sensor that went astray, and how the sensors have moved."""

    number: int
    start: int  # block in which it began
    found: int
    at_ms: int
    since_ms: int
    score: float
    abrupt: bool
    sensors: tuple[int, ...]
    is_fault: bool = False
    change: Floats = field(default_factory=lambda: np.empty(0))  # in m, all its terms
    faded: Floats = field(default_factory=lambda: np.empty(0))  # of terms older than memory
    size_l_h: float = math.nan
    faded_l_h: float = 0.0


@dataclass(eq=False)
class Term:
    """One change: a step at block ``start``, or growth from there that may have ended."""

    start: int
    end: int | None  # None: a step, or still growing
    is_ramp: bool
    owner: Leak | None
    change: Floats  # vector over the sensors (m)
    power: float  # its length in spreads of a block, squared
    size_l_h: float = 0.0

    def course(self, when: Times) -> Floats:
        """Return its share of the full change at each block."""
        if not self.is_ramp:
            return np.asarray(when >= self.start, np.float64)
        return ramp(when, self.start, int(when[-1]) if self.end is None else self.end)

    def settled_at(self) -> float:
        """Return the block from which it stays as it is."""
        if not self.is_ramp:
            return self.start
        return math.inf if self.end is None else self.end


def ramp(when: Times, start: int, end: int) -> Floats:
    """Return growth with the square of time from 0 at ``start`` to 1 at ``end``."""
    return np.asarray(np.clip((when - start) / max(end - start, 1), 0.0, 1.0) ** 2)


class Noise:
    """The covariance of what a block leaves when nothing happens, and lengths measured by it."""

    def __init__(self, left: Floats, ridge: float, floor_m: float) -> None:
        """Learn from differences over a day, large ones counting less; ``left`` is (n, s)."""
        sensors = left.shape[1]
        moved = (left[A_DAY:] - left[:-A_DAY]) / math.sqrt(2.0)
        weight = np.ones(len(moved))
        for _ in range(3):
            cov = (moved * weight[:, None]).T @ moved / max(float(weight.sum()), TINY)
            own = np.diag(np.diag(cov))
            cov = (len(moved) * cov + ridge * own) / (len(moved) + ridge)
            cov += floor_m**2 * np.eye(sensors)
            weight = np.minimum(
                1.0, 2.0 / np.maximum(_length2(moved, np.asarray(np.linalg.inv(cov))), TINY)
            )
        inverse: Floats = np.asarray(np.linalg.inv(cov))
        self.inverse = inverse / max(1.0, float(np.median(_length2(left, inverse))))
        self.root = np.asarray(np.linalg.cholesky(self.inverse))
        self.alone = np.asarray(np.sqrt(np.diag(self.inverse)))

    def white(self, change: Floats) -> Floats:
        """Return vectors in spreads, as long as they are far from chance."""
        return np.asarray(change @ self.root)


def _length2(rows: Floats, inverse: Floats) -> Floats:
    """Return squared lengths a sensor: 1 in the middle for pure noise."""
    return np.asarray(np.einsum("ij,jk,ik->i", rows, inverse, rows) / rows.shape[1])


class Fit:
    """Least squares of all sensors on one table of courses, with ridges; then what is left."""

    def __init__(
        self,
        when: Times,
        left: Floats,
        flow: Floats,
        terms: Sequence[Term],
        flow_share: float,
    ) -> None:
        """Fit blocks ``when`` (n,): ``left`` (n, s) with gaps, ``flow`` (n,) inflow, any unit."""
        self.when, self._share = when, flow_share
        flow = flow / max(float(flow.mean()), TINY)
        self.weight = np.asarray(np.sqrt(np.maximum(flow, FLOW_FLOOR)))
        self._over = flow - 1.0
        self._table, ridge = self._courses(terms, left.shape[1])
        self._solve = np.asarray(np.linalg.inv(self._table.T @ self._table + np.diag(ridge)))
        known = np.isfinite(left)
        self.filled = np.where(known, left, np.nan_to_num(mean_of(left)))
        for _ in range(1 if known.all() else 3):
            found = self._solve @ (self._table.T @ self.filled)
            self.filled = np.where(known, left, self._table @ found)
        self.left = self.filled - self._table @ found
        for index, term in enumerate(terms):
            term.change = np.asarray(found[2 * A_DAY + 2 * index])

    def _courses(self, terms: Sequence[Term], sensors: int) -> tuple[Floats, Floats]:
        """Return the table (n, k) and its ridges: a change is larger when more flows."""
        base = np.stack([self.when % A_DAY == k for k in range(A_DAY)], 1).astype(np.float64)
        columns = [base, base * self._over[:, None]]
        ridge = [1e-6] * A_DAY + [BASE_RIDGE] * A_DAY
        for term in terms:
            course = term.course(self.when)
            columns.append(np.stack((course * self.weight, course * self._over), 1))
            ridge += [1e-3, sensors / (self._share**2 * max(term.power, 1e-3))]
        return np.concatenate(columns, 1), np.asarray(ridge)

    def changes(self, courses: Floats, without: Times | None = None) -> tuple[Floats, Floats]:
        """Return what each course (n, c) would explain: vectors (c, s) and their weights (c,).

        A weight is the number of blocks that a vector rests on. ``without`` names for each
        course one block that is left out, the one within which a step may lie.
        """
        columns = courses * self.weight[:, None]
        seen = self._table.T @ columns
        weight = (columns**2).sum(axis=0) - (seen * (self._solve @ seen)).sum(axis=0)
        total = columns.T @ self.left
        if without is not None:
            rows = self._table[without]
            own = 1.0 - np.einsum("ij,jk,ik->i", rows, self._solve, rows)
            shared = columns[without, np.arange(len(without))]
            shared = shared - np.einsum("ij,jk,ki->i", rows, self._solve, seen)
            share = shared / np.maximum(own, 1e-3)
            weight = weight - shared * share
            total = total - share[:, None] * self.left[without]
        return np.asarray(total / np.maximum(weight, TINY)[:, None]), np.asarray(weight)


def normal_score(total: float, freedom: int) -> float:
    """Return how unlikely a sum of ``freedom`` squares is, as a score of the normal law."""
    part = 2.0 / (9.0 * freedom)
    return float((np.cbrt(max(total, TINY) / freedom) - (1.0 - part)) / math.sqrt(part))
