"""Find leaks in a network that has flow meters and no pressures, block by block of 6 h.

The flows are split into balances and shares (``network_inflow_days``); what a loss would look like
there is explained by leaks that step or grow and are repaired (``network_inflow_fit``). All leaks
that memory reaches are fitted again with each block, so nothing is ever learnt as usual. A leak is
told when it explains much that no other course of the known ones does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.network_inflow_days import (
    A_DAY,
    BLOCK_H,
    Course,
    Memory,
    Part,
    Said,
    Ways,
)
from amont_gateway.scoring.network_inflow_fit import Fit, FitRule, Piece, Shape, courses, ended
from amont_gateway.scoring.network_slopes import DAY_H
from amont_gateway.scoring.network_test import Finding, Hour
from amont_gateway.scoring.timeline import HOUR_MS, Floats

UNIT = 1000.0  # l/h in a m3/h, mm in a m


@dataclass(frozen=True)
class InflowRule:
    """Settings, chosen on simulated years; gains are in nats."""

    keep_days: int = 150
    first_days: int = 14
    alarm: float = 9.0
    shown: float = 3.0  # of which the balances must say
    forget: float = 3.0  # below which a leak was none
    wait_h: int = 9  # a younger leak is seen, so that nothing older is taken for it, not told
    young_h: int = 48  # a leak told so lately
    apart_h: int = 30  # takes what begins so near it
    quiet_h: int = 12  # and silences everything for so long
    better: float = 3.0  # by which another shape must win
    fit: FitRule = field(default_factory=FitRule)


@dataclass(eq=False)
class Leak:
    """A leak that was told, as it is explained now."""

    number: int
    at_ms: int
    told: int  # hour
    shape: Shape
    gain: float
    size: Floats  # m3/h in each part
    course: Floats = field(default_factory=lambda: np.empty(0))


class Usual:
    """What a day's look has learnt; the newest day is looked at again with each block."""

    def __init__(self, ways: Ways, found: list[Part], usual: list[Course]) -> None:
        """Take each part and its course."""
        self._ways, self._parts, self._courses = ways, found, usual
        self._said = [Said(course) for course in usual]

    def renew(self, memory: Memory) -> None:
        """Take the newest day again, the last of those in ``memory``."""
        for part, course, said in zip(
            self._ways.parts(memory), self._courses, self._said, strict=True
        ):
            course.renew(part.value[-1])
            said.renew(course)

    def each(self) -> Iterator[tuple[Part, Course, Said]]:
        """Yield each part, its course and what its blocks say."""
        return zip(self._parts, self._courses, self._said, strict=True)


class InflowTest:
    """The test; ``step`` takes the hours in order, absent ones as NaN."""

    def __init__(self, rule: InflowRule, inlets: int, inner: int, levels: int) -> None:
        self._rule = rule
        self._width = (inlets, inner, levels)
        self._rows = np.empty((0, DAY_H, inlets + inner + levels))
        self._hours = self._count = 0
        self._leaks: list[Leak] = []
        self._slack: list[float] = []
        self._usual: Usual | None = None
        self._balance: list[bool] = []

    @property
    def ready(self) -> bool:
        """Return whether enough is learnt to judge."""
        return self._hours > self._rule.first_days * DAY_H

    @property
    def suspects(self) -> bool:
        """Return whether a change has shown itself that is not confirmed yet."""
        return False

    @property
    def open_leaks(self) -> int:
        """Return how many leaks are believed to be open."""
        return len(self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return the leaks believed to be open, newest first, with their size as of now."""
        return tuple(self._told(one) for one in reversed(self._leaks) if one.shape.end is None)

    def step(self, hour: Hour) -> Finding | None:
        """Take one more hour; return a leak when it is first believed."""
        at = self._hours % DAY_H
        if at == 0:
            new = np.full((1, *self._rows.shape[1:]), np.nan)
            self._rows = np.concatenate((self._rows, new))[-self._rule.keep_days :]
        row = np.concatenate((hour.inflow_l_h, hour.inner_l_h, hour.level_mm)) / UNIT
        self._rows[-1, at] = np.where(np.isfinite(row), row, np.nan)
        self._hours += 1
        if self._hours % BLOCK_H or not self.ready:
            return None
        return self._judge(hour.end_ms)

    # --- what the flows say ---

    def _first_day(self) -> int:
        return (self._hours - 1) // DAY_H + 1 - len(self._rows)

    def _memory(self, days: int | None = None) -> Memory:
        inlets, inner, _ = self._width
        rows = self._rows if days is None else self._rows[-days:]
        first = self._first_day() + len(self._rows) - len(rows)
        edges = (inlets, inlets + inner)
        return Memory(first, *np.split(rows, edges, axis=2))

    def _fit(self) -> Fit:
        """Return what the blocks say; what is usual is learnt once a day."""
        if self._usual is None or self._hours % DAY_H == BLOCK_H:
            self._usual = self._learn()
        else:
            self._usual.renew(self._memory(2))
        rule, pieces = self._rule.fit, []
        for j, (part, course, said) in enumerate(self._usual.each()):
            slack = self._slack[j] if j < len(self._slack) else 1.0
            pieces.append(Piece(course, said, part, rule, slack))
        return Fit(pieces, self._first_day(), self._hours - 1, rule)

    def _learn(self) -> Usual:
        memory = self._memory()
        ways = Ways(memory)
        found = ways.parts(memory)
        self._balance = [part.is_balance for part in found]
        courses = [
            Course(part, self._loss(j, part.value), memory.days) for j, part in enumerate(found)
        ]
        return Usual(ways, found, courses)

    def _loss(self, part: int, like: Floats) -> Floats:
        """Return what is believed to leak in a part, by the hour (d, 24)."""
        when = self._first_day() * A_DAY + np.arange(len(like) * A_DAY)
        shapes = [leak.shape for leak in self._leaks]
        sizes = np.array([leak.size[part] for leak in self._leaks])
        blocks = courses(shapes, when, self._hours - 1) @ sizes if shapes else np.zeros(len(when))
        return np.asarray(np.repeat(blocks, BLOCK_H).reshape(like.shape))

    # --- what it means ---

    def _judge(self, at_ms: int) -> Finding | None:
        first = self._first_day() * DAY_H
        self._leaks = [x for x in self._leaks if x.shape.end is None or x.shape.end > first]
        fit = self._fit()
        if self._hours % DAY_H == BLOCK_H:
            self._refine(fit)
        best = self._birth(fit)
        if best is None:
            return None
        if self._refine(fit):
            best = self._birth(fit)
            if best is None:
                return None
        shape, gain, size = best
        self._count += 1
        leak = Leak(self._count, at_ms, self._hours, shape, gain, size)
        self._leaks.append(leak)
        self._refine(fit)
        return self._told(leak)

    def _birth(self, fit: Fit) -> tuple[Shape, float, Floats] | None:
        """Return the leak that explains most beside the known ones, if it does enough."""
        tried = fit.tried([leak.shape for leak in self._leaks], births(fit.now, fit.first))
        good = (tried.shown >= self._rule.shown) & ~self._repeats(tried.shapes)
        if not good.any():
            return None
        k = int(np.argmax(np.where(good, tried.gain, -np.inf)))
        young = fit.now + 1 - tried.shapes[k].start < self._rule.wait_h
        if young or tried.gain[k] < self._rule.alarm:
            return None
        return tried.shapes[k], float(tried.gain[k]), tried.size[k]

    def _repeats(self, shapes: list[Shape]) -> NDArray[np.bool_]:
        """Tell which would be a leak that was just told: its first hours fit no course well."""
        rule, start = self._rule, np.array([shape.start for shape in shapes])
        out = np.zeros(len(shapes), np.bool_)
        for leak in self._leaks:
            if self._hours - leak.told < rule.young_h:
                out |= np.abs(start - leak.shape.start) < rule.apart_h
                out |= self._hours - leak.told < rule.quiet_h
        return out

    def _refine(self, fit: Fit) -> bool:
        """Look for better shapes, repairs too, one leak after the other; tell if any changed."""
        changed = False
        for leak in list(self._leaks):
            others = [one.shape for one in self._leaks if one is not leak]
            tried = fit.tried(others, neighbours(leak.shape, fit.now, fit.first))
            k = tried.best()
            leak.gain = float(tried.gain[0])
            if tried.gain[k] > tried.gain[0] + self._rule.better:
                leak.shape, leak.gain, changed = tried.shapes[k], float(tried.gain[k]), True
            if leak.gain < self._rule.forget and leak.shape.start > fit.first + 2 * DAY_H:
                self._leaks.remove(leak)
                changed = True
        sizes = fit.sizes([leak.shape for leak in self._leaks])
        for leak, size in zip(self._leaks, sizes, strict=True):
            leak.size = size
        self._measure(fit)
        return changed

    def _measure(self, fit: Fit) -> None:
        """Measure how much larger the errors are than the days' covariance tells."""
        self._slack = []
        for piece, left in zip(fit.pieces, fit.left([x.shape for x in self._leaks]), strict=True):
            weight = piece.weight.reshape(-1, A_DAY)
            day = (left.reshape(-1, A_DAY) * weight).sum(axis=1)
            unit = (day / np.sqrt(np.maximum(weight.sum(axis=1), 1e-9)))[:-1]
            spread = 1.4826 * float(np.median(np.abs(unit)))
            self._slack.append(min(max(1.0, spread**2), 9.0))

    def _told(self, leak: Leak) -> Finding:
        balance = np.asarray(self._balance)
        return Finding(
            at_ms=leak.at_ms,
            since_ms=leak.at_ms - (leak.told - leak.shape.start) * HOUR_MS,
            size_l_h=UNIT * max(0.0, float(leak.size[balance].sum())),
            sensors=(),
            number=leak.number,
            probability=math.nan,
            score=leak.gain,
            is_abrupt=leak.shape.is_step,
        )


def births(now: int, first: int) -> list[Shape]:
    """Return the shapes of leaks that may have begun lately; ``now`` and ``first`` are hours."""
    ages = [*range(1, 48, 2), *range(48, 97, 6), *range(108, 241, 12), *range(264, 481, 24)]
    steps = [Shape(now + 1 - age, now + 1 - age) for age in ages]
    ramps = [Shape(now - DAY_H * days, None) for days in RAMP_DAYS]
    return [s for s in [*steps, *ramps] if s.start > first + 2 * DAY_H]


RAMP_DAYS = (4, 6, 8, 11, 15, 20, 26, 34, 44, 56, 70, 85)
MOVES = (-360, -180, -90, -48, -24, -12, -6, -3, -1, 1, 3, 6, 12, 24, 48, 90, 180, 360)


def neighbours(shape: Shape, now: int, first: int) -> list[Shape]:
    """Return a leak's shape, then others that may explain it better."""
    start, peak, end = shape.start, shape.peak, shape.end
    ends = [now - age for age in (*range(5, 72, 3), *range(72, 241, 12))]
    out = [ended(shape, one) for one in ends]
    if end is not None:
        lasting = Shape(start, None if peak == end else peak)
        out += [lasting, Shape(start, peak)]
        out += [ended(shape, end + by) for by in MOVES if abs(by) <= 48]
    if shape.is_step:
        out += [Shape(start + by, start + by, end) for by in MOVES if abs(by) <= 90]
        for back in (480, 240, 120, 48, 0):
            out += [Shape(start - back, start + on, end) for on in (48, 144, 360)]
            out.append(ended(Shape(start - back, None), end))
    else:
        top = peak or now
        out += [Shape(start + by, peak, end) for by in MOVES]
        out += [Shape(start, top + by, end) for by in MOVES]
        out += [
            Shape(start + by, top + on, end)
            for by in (-180, -48, 48, 180)
            for on in (-180, -48, 48, 180)
        ]
        out.append(ended(Shape(start, None), end))
        step = max(6, (top - start) // 24)
        out += [Shape(at, at, end) for at in range(start + step, top + 48, step)]
    return [shape, *(s for s in dict.fromkeys(out) if s != shape and _is_fit(s, now, first))]


def _is_fit(shape: Shape, now: int, first: int) -> bool:
    """Tell whether a shape can be: long enough, and not older than memory."""
    end = now + 1 if shape.end is None else shape.end
    peak = end if shape.peak is None else shape.peak
    grows = shape.is_step or shape.start + DAY_H <= peak <= end
    return grows and first + 2 * DAY_H < shape.start < min(end, now) - 6 and end <= now + 1
