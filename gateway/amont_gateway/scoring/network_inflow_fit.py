"""Explain what a network's flows say by leaks: steps or growth, and repairs that undo them whole.

All leaks that memory reaches are weighed at once, and again with every look: a leak is a course in
time and one size in each part of the flows. One leak is judged at a time, the others being fitted
beside it: how much better does another start, shape or repair explain the blocks than nothing?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from amont_gateway.scoring.network_inflow_days import (
    A_DAY,
    BLOCK_H,
    WEEK,
    Course,
    Part,
    Said,
    waves,
)
from amont_gateway.scoring.network_slopes import DAY_H
from amont_gateway.scoring.timeline import Floats, Times

TINY = 1e-9
FAR = 1 << 40


@dataclass(frozen=True)
class Shape:
    """A leak's course; times are hours. ``peak`` is None while it grows, its start for a step."""

    start: int
    peak: int | None
    end: int | None = None

    @property
    def is_step(self) -> bool:
        """Return whether it was there at once."""
        return self.peak == self.start


@dataclass(frozen=True)
class FitRule:
    """What sizes are likely (spreads in m3/h), and what each freedom of a shape costs (nats)."""

    spread: float = 12.0
    share: float = 0.45  # of a leak that shifts between inlets: its spread
    offset: float = 1.0  # how far the usual week may be off, in its own errors
    drift: float = 0.5  # of a share, by the season
    floor: float = 0.3  # error of a block of a balance
    stored_floor: float = 1.2  # of one with tanks in it
    share_floor: float = 0.5
    repair: float = 4.0
    peak: float = 2.0
    ramp: float = 0.5


class Piece:
    """One part of the flows, ready to be explained."""

    def __init__(
        self, course: Course, said: Said, part: Part, rule: FitRule, slack: float
    ) -> None:
        """Take what the blocks say; errors count as larger, ``slack`` times their square."""
        self.begun, self.is_balance = said.begun, part.is_balance
        self.value, weight = said.value.ravel(), said.weight.ravel()
        floor = rule.floor if part.is_balance else rule.share_floor
        floor = rule.stored_floor if part.is_stored else floor
        self.weight = weight / (slack * (1.0 + floor**2 * weight))
        days = len(said.value)
        slow = np.repeat(waves(days), A_DAY, axis=0)
        season, loose = slow * said.season.reshape(-1, 1), [1e-6] * slow.shape[1]
        if not part.is_balance:
            season, loose = slow[:, 1:], [rule.drift**-2] * (slow.shape[1] - 1)
        known = self.weight[self.weight > 0.0]
        tight = course.weeks * (float(known.mean()) if len(known) else 1.0) / rule.offset**2
        week = course.weekday_blocks()[:, None] == np.arange(WEEK * A_DAY)
        self._base = np.concatenate((np.ones((len(slow), 1)), season, week), 1)
        weighed = self._base * self.weight[:, None]
        ridge = np.diag([1e-6, *loose] + [tight] * (WEEK * A_DAY))
        self._gram = self._base.T @ weighed + ridge
        root = np.asarray(np.linalg.inv(np.linalg.cholesky(self._gram)))
        self._seen = root @ weighed.T
        self._rest = self.weight * self.value - self._seen.T @ (self._seen @ self.value)

    def sums(self, columns: Floats) -> tuple[Floats, Floats, Floats]:
        """Return, of columns (n, c): what the base sees, their pulls and own sums."""
        seen = self._seen @ columns
        own = np.einsum("nc,n,nc->c", columns, self.weight, columns) - (seen**2).sum(axis=0)
        return seen, columns.T @ self._rest, own

    def left(self, columns: Floats, sizes: Floats) -> Floats:
        """Return what remains of the blocks beside leaks of these sizes and the base."""
        rest = self.value - columns @ sizes
        base = np.linalg.solve(self._gram, self._base.T @ (self.weight * rest))
        return np.asarray(rest - self._base @ base)

    def beside(self, columns: Floats, spread: Floats) -> Beside:
        """Fit leaks together; ``spread`` (k,) is how large each is likely to be."""
        seen, pull, _ = self.sums(columns)
        heavy = columns * self.weight[:, None]
        gram = columns.T @ heavy - seen.T @ seen + np.diag(spread**-2)
        inverse = np.asarray(np.linalg.inv(gram))
        return Beside(inverse, inverse @ pull, seen, heavy)


@dataclass(frozen=True)
class Beside:
    """Leaks fitted together in one piece: their covariance, sizes, and what the base sees."""

    inverse: Floats
    size: Floats
    seen: Floats
    heavy: Floats


@dataclass(frozen=True)
class Tried:
    """Shapes for one leak: how much each explains (nats), and its sizes (shapes, parts)."""

    shapes: list[Shape]
    gain: Floats
    size: Floats
    shown: Floats  # of the gain, what the balances say

    def best(self) -> int:
        """Return which explains most."""
        return int(np.argmax(self.gain))


class Fit:
    """One look: the pieces, balances first, and leaks beside each other."""

    def __init__(self, pieces: Sequence[Piece], first_day: int, now: int, rule: FitRule) -> None:
        """Take the pieces from ``first_day`` on; ``now`` is the newest hour that is known."""
        self.pieces, self._rule = pieces, rule
        self.first, self.now = first_day * DAY_H, now
        self._when = first_day * A_DAY + np.arange(len(pieces[0].value), dtype=np.int64)

    def columns(self, shapes: Sequence[Shape]) -> list[Floats]:
        """Return each shape's share of its size in each block, for each piece."""
        if not shapes:
            return [np.empty((len(self._when), 0)) for _ in self.pieces]
        start, span, end = spans(shapes, self.now)
        plain = courses(shapes, self._when, self.now)
        abrupt = [self._day(start, k) for k in np.flatnonzero(span == 0).tolist()]
        repaired = [self._day(end, k) for k in np.flatnonzero(end < FAR).tolist()]
        out = []
        for piece in self.pieces:
            own = plain.copy()
            for k, row, hour in abrupt:
                if row >= 0:
                    own[row : row + A_DAY, k] = piece.begun[hour]
            for k, row, hour in repaired:
                if row >= 0:
                    was = np.interp(end[k], [start[k], start[k] + max(span[k], 1)], [0.0, 1.0])
                    size = was**2 if span[k] else 1.0
                    own[row : row + A_DAY, k] = size * (1.0 - piece.begun[hour])
            out.append(own)
        return out

    def _day(self, hours: Times, k: int) -> tuple[int, int, int]:
        """Return k, the row at which the day of its hour begins or -1, and the hour of day."""
        hour = int(hours[k])
        row = (hour // DAY_H * DAY_H - self.first) // BLOCK_H
        return k, row if 0 <= row < len(self._when) else -1, hour % DAY_H

    def _spread(self, piece: Piece, total: Floats) -> Floats:
        """Return how large leaks are likely to be in a piece; shares are of what leaks."""
        if piece.is_balance:
            return np.full(len(total), self._rule.spread)
        return np.asarray(self._rule.share * (np.maximum(total, 0.0) + 1.0))

    def sizes(self, shapes: Sequence[Shape]) -> Floats:
        """Return the sizes (shapes, parts) of leaks fitted together."""
        out = np.zeros((len(shapes), len(self.pieces)))
        if shapes:
            total = np.zeros(len(shapes))
            for j, (piece, columns) in enumerate(
                zip(self.pieces, self.columns(shapes), strict=True)
            ):
                out[:, j] = piece.beside(columns, self._spread(piece, total)).size
                total = total + out[:, j] * piece.is_balance
        return out

    def left(self, shapes: Sequence[Shape]) -> list[Floats]:
        """Return what remains of each piece beside leaks of these shapes."""
        sizes, columns = self.sizes(shapes), self.columns(shapes)
        return [p.left(columns[j], sizes[:, j]) for j, p in enumerate(self.pieces)]

    def tried(self, others: Sequence[Shape], shapes: list[Shape]) -> Tried:
        """Return how much each shape of one leak more would explain beside ``others``."""
        count = len(shapes)
        size, gain, total = (
            np.zeros((count, len(self.pieces))),
            self._cost(shapes),
            np.zeros(count),
        )
        theirs, moved = np.zeros(len(others)), np.zeros((len(others), count))
        shown = np.zeros(count)
        blur = np.full(len(others), TINY)
        mine, known = self.columns(shapes), self.columns(others)
        for j, piece in enumerate(self.pieces):
            seen, pull, own = piece.sums(mine[j])
            shift = np.zeros((0, count))
            if others:
                beside = piece.beside(known[j], self._spread(piece, theirs))
                cross = beside.heavy.T @ mine[j] - beside.seen.T @ seen
                shift = beside.inverse @ cross
                pull, own = pull - cross.T @ beside.size, own - (cross * shift).sum(axis=0)
            spread = self._spread(piece, total)
            full = np.maximum(own, 0.0) + spread**-2
            size[:, j] = pull / full
            gain += 0.5 * pull**2 / full - 0.5 * np.log(full * spread**2)
            if piece.is_balance:
                shown += 0.5 * np.maximum(size[:, j], 0.0) ** 2 * full
                total = total + size[:, j]
                gain -= 0.5 * np.minimum(size[:, j], 0.0) ** 2 * full
                if others:
                    theirs, moved = theirs + beside.size, moved + shift * size[:, j]
                    blur += np.diag(beside.inverse)
        was = np.minimum(theirs, 0.0) ** 2
        would = np.minimum(theirs[:, None] - moved, 0.0) ** 2
        gain -= 0.5 * ((would - was[:, None]) / blur[:, None]).sum(axis=0)
        return Tried(shapes, gain, size, shown)

    def _cost(self, shapes: Sequence[Shape]) -> Floats:
        rule = self._rule
        return -np.array([
            (rule.repair if shape.end is not None else 0.0)
            + (0.0 if shape.is_step else rule.ramp)
            + (rule.peak if not shape.is_step and shape.peak is not None else 0.0)
            for shape in shapes
        ])  # fmt: skip


def spans(shapes: Sequence[Shape], now: int) -> tuple[Times, Times, Times]:
    """Return starts, hours of growth (0 for steps) and ends (FAR for none)."""
    start = np.array([shape.start for shape in shapes], np.int64)
    peak = np.array([now + 1 if shape.peak is None else shape.peak for shape in shapes], np.int64)
    end = np.array([FAR if shape.end is None else shape.end for shape in shapes], np.int64)
    return start, np.maximum(peak - start, 0), end


def courses(shapes: Sequence[Shape], when: Times, now: int) -> Floats:
    """Return each shape's share of its size in each block of 6 h (n, shapes).

    Growth goes with the square of time, from 0 at its start to 1 at its peak, or now.
    """
    start, span, end = spans(shapes, now)
    hour = (BLOCK_H * when + BLOCK_H // 2)[:, None]
    course = np.clip((hour - start) / np.maximum(span, 1), 0.0, 1.0) ** 2
    course[:, span == 0] = (hour > start)[:, span == 0]
    return np.asarray(course * (hour < end))


def ended(shape: Shape, end: int | None) -> Shape:
    """Return a shape that ends there; growth ends at the latest with it."""
    peak = shape.peak
    if end is not None and not shape.is_step and (peak is None or peak > end):
        peak = end
    return replace(shape, end=end, peak=peak)
