"""Explain what a network's flows say by leaks: steps or growth, and repairs that undo them whole.

All leaks that memory reaches are weighed at once, and again with every look: a leak is a course in
time and one size in each part of the flows. One leak is judged at a time, the others being fitted
beside it: how much better does another start, shape or repair explain the blocks than nothing?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.network_inflow_days import (
    A_DAY,
    BLOCK_H,
    UNKNOWN,
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
BRIEF_H = 5 * DAY_H


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

    spread: float = 6.0
    share: float = 0.45  # of a leak that shifts between inlets: its spread
    offset: float = 1.0  # how far the usual week may be off, in its own errors
    season: float = 0.1  # by how much use changes in its first slow wave; half as much in the next
    drift: float = 0.5  # of a share, by the season
    floor: float = 0.3  # error of a block of a balance
    stored_floor: float = 0.4  # of one with tanks in it
    share_floor: float = 0.7
    repair: float = 4.0
    peak: float = 2.0
    ramp: float = 0.5
    brief: float = 4.0  # more, for a leak that was soon repaired


class Piece:
    """One part of the flows, ready to be explained."""

    def __init__(
        self, course: Course, said: Said, part: Part, rule: FitRule, slack: float
    ) -> None:
        """Take what the blocks say; errors count as larger, ``slack`` times their square."""
        self.late, self.is_balance, self.slack = said.late, part.is_balance, slack
        self.value, days = said.value.ravel(), len(said.value)
        floor = rule.floor if part.is_balance else rule.share_floor
        floor = rule.stored_floor if part.is_stored else floor
        error = slack * (said.error + floor**2 * np.eye(A_DAY))
        self._root = np.linalg.inv(np.linalg.cholesky(error))
        slow = np.repeat(waves(days), A_DAY, axis=0)
        season = slow * said.season.reshape(-1, 1)
        loose = [1e-6] + [(k / rule.season) ** 2 for k in range(1, slow.shape[1])]
        if not part.is_balance:
            season, loose = slow[:, 1:], [rule.drift**-2] * (slow.shape[1] - 1)
        own = 1.0 / np.diagonal(error, axis1=1, axis2=2)
        known = own[own > 2.0 / UNKNOWN]
        tight = course.weeks * (float(known.mean()) if len(known) else 1.0) / rule.offset**2
        week = course.weekday_blocks()[:, None] == np.arange(WEEK * A_DAY)
        self._base = np.concatenate((np.ones((len(slow), 1)), season, week), 1)
        white = self.white(self._base)
        ridge = np.diag([1e-6, *loose] + [tight] * (WEEK * A_DAY))
        self._gram = white.T @ white + ridge
        self._white_base = white
        self._seen = np.asarray(np.linalg.inv(np.linalg.cholesky(self._gram))) @ white.T
        told = self.white(self.value[:, None])[:, 0]
        self._rest = told - self._seen.T @ (self._seen @ told)

    def white(self, columns: Floats) -> Floats:
        """Return columns (n, c) in errors that are alike and know nothing of each other."""
        days = columns.reshape(-1, A_DAY, columns.shape[1])
        return np.asarray((self._root @ days).reshape(columns.shape))

    def sums(self, columns: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return white columns (n, c), what the base sees of them, their pulls and own sums."""
        white = self.white(columns)
        seen = self._seen @ white
        own = np.einsum("nc,nc->c", white, white) - np.einsum("nc,nc->c", seen, seen)
        return white, seen, self._rest @ white, own

    def left(self, columns: Floats, sizes: Floats) -> Floats:
        """Return what remains of the blocks beside leaks of these sizes and the base."""
        rest = self.value - columns @ sizes
        told = self._white_base.T @ self.white(rest[:, None])[:, 0]
        return np.asarray(rest - self._base @ np.linalg.solve(self._gram, told))

    def by_day(self, left: Floats) -> Floats:
        """Return what remains as losses of whole days, in their errors (d,)."""
        loss = self.white(np.ones((len(left), 1))).reshape(-1, A_DAY)
        told = self.white(left[:, None]).reshape(-1, A_DAY)
        size = np.sqrt(np.maximum((loss**2).sum(axis=1), TINY))
        return np.asarray((loss * told).sum(axis=1) / size)

    def beside(self, columns: Floats, spread: Floats) -> Beside:
        """Fit leaks together; ``spread`` (k,) is how large each is likely to be."""
        white, seen, pull, _ = self.sums(columns)
        gram = white.T @ white - seen.T @ seen + np.diag(spread**-2)
        inverse = np.asarray(np.linalg.inv(gram))
        return Beside(inverse, inverse @ pull, pull, seen, white)


@dataclass(frozen=True)
class Beside:
    """Leaks fitted together in one piece: covariance, sizes, pulls, what the base sees."""

    inverse: Floats
    size: Floats
    pull: Floats
    seen: Floats
    white: Floats


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
        was = np.clip((end - start) / np.maximum(span, 1), 0.0, 1.0) ** 2
        was[span == 0] = 1.0
        begun, gone = self._blocks(start, span == 0), self._blocks(end, end < FAR)
        out = []
        for piece in self.pieces:
            own, late = plain.copy(), piece.late.ravel()
            row, which = begun
            own[row, which] = late[start[which] - self.first]
            row, which = gone
            own[row, which] = was[which] * (1.0 - late[end[which] - self.first])
            out.append(own)
        return out

    def _blocks(self, at: Times, where: NDArray[np.bool_]) -> tuple[Times, Times]:
        """Return the block of each hour that is remembered and ``where``, and which these are."""
        row = (at - self.first) // BLOCK_H
        which = np.flatnonzero(where & (at >= self.first) & (row < len(self._when)))
        return row[which], which

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

    def evidence(self, shapes: Sequence[Shape]) -> float:
        """Return how much leaks of these shapes explain together (nats)."""
        if not shapes:
            return 0.0
        total, blur = np.zeros(len(shapes)), np.full(len(shapes), TINY)
        gain = float(self._cost(shapes).sum())
        for piece, columns in zip(self.pieces, self.columns(shapes), strict=True):
            spread = self._spread(piece, total)
            found = piece.beside(columns, spread)
            _, less = np.linalg.slogdet(found.inverse)
            gain += 0.5 * float(found.pull @ found.size) + 0.5 * float(less)
            gain -= float(np.log(spread).sum())
            if piece.is_balance:
                total, blur = total + found.size, blur + np.diag(found.inverse)
        return gain - 0.5 * float((np.minimum(total, 0.0) ** 2 / blur).sum())

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
            white, seen, pull, own = piece.sums(mine[j])
            shift = np.zeros((0, count))
            if others:
                beside = piece.beside(known[j], self._spread(piece, theirs))
                cross = beside.white.T @ white - beside.seen.T @ seen
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
            + (rule.brief if shape.end is not None and shape.end - shape.start < BRIEF_H else 0.0)
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
