"""Find leaks in a network that has flow meters and no pressures, block by block of 6 h.

The flows are split into balances and shares (``network_inflow_days``); what a loss would look like
there is explained by leaks that step or grow and are repaired (``network_inflow_fit``). All leaks
that memory reaches are fitted again with each block, so nothing is ever learnt as usual. A leak is
told when it explains much that no other course of the known ones does (``network_inflow_known``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
from amont_gateway.scoring.network_inflow_fit import Fit, Piece, Shape, courses
from amont_gateway.scoring.network_inflow_known import InflowRule, Known, Leak
from amont_gateway.scoring.network_inflow_shapes import births
from amont_gateway.scoring.network_slopes import DAY_H
from amont_gateway.scoring.network_test import Finding, Hour
from amont_gateway.scoring.timeline import HOUR_MS, Floats

__all__ = ["InflowRule", "InflowTest"]

UNIT = 1000.0  # l/h in a m3/h, mm in a m
# Of the alarms in the years that chose the settings, the share that found a leak not yet found:
# abrupt ones that explained at least so much (nats; 67 of 67), and the others (71 of 87).
SURE, SURE_SHARE, LIKELY_SHARE = 12.0, 0.97, 0.82


@dataclass(frozen=True)
class Birth:
    """What may be a leak more: its course, how much it explains (nats), its size in each part."""

    shape: Shape
    gain: float
    size: Floats


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
        self._known = Known(rule)
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
        known = reversed(self._known.leaks)
        return tuple(self._told(one) for one in known if one.shape.end is None)

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
        shapes = self._known.shapes
        sizes = np.array([leak.size[part] for leak in self._known.leaks])
        blocks = courses(shapes, when, self._hours - 1) @ sizes if shapes else np.zeros(len(when))
        return np.asarray(np.repeat(blocks, BLOCK_H).reshape(like.shape))

    # --- what it means ---

    def _judge(self, at_ms: int) -> Finding | None:
        first = self._first_day() * DAY_H
        known = self._known
        known.leaks = [x for x in known.leaks if x.shape.end is None or x.shape.end > first]
        fit = self._fit()
        is_daily = self._hours % DAY_H == BLOCK_H
        if is_daily:
            known.refine(fit)
        leak = self._found(fit, at_ms, is_daily)
        self._known.measure(fit)
        self._measure(fit)
        return None if leak is None else self._told(leak)

    def _found(self, fit: Fit, at_ms: int, is_daily: bool) -> Leak | None:
        """Return a leak that is believed from now on: no course of the known ones does as well."""
        rule = self._rule
        full = len(self._known.leaks) >= rule.most
        first = None if full else self._birth(fit, self._known)
        if first is None or not (is_daily or first.gain >= rule.alarm):
            return None
        more = self._beside(first, fit, at_ms)
        if more is None or more[1] < self._known.explains(fit) + rule.alarm:
            return None
        before = self._known.copy()
        for _ in range(rule.sweeps):
            if not self._known.refine(fit, is_wide=True):
                break
        again = self._birth(fit, self._known)
        other = None if again is None else self._beside(again, fit, at_ms)
        if other is not None and other[1] > more[1]:
            more = other
        gain = more[1] - self._known.explains(fit)
        leak = more[0].leaks[-1]
        if gain < rule.alarm:
            return None
        if fit.now + 1 - leak.shape.start < rule.wait_h:
            self._known = before
            return None
        self._count += 1
        self._known, leak.number, leak.gain = more[0], self._count, gain
        is_sure = leak.shape.is_step and gain >= SURE
        leak.probability = SURE_SHARE if is_sure else LIKELY_SHARE
        return leak

    def _beside(self, birth: Birth, fit: Fit, at_ms: int) -> tuple[Known, float] | None:
        """Return the known leaks and one more, all moved to fit, and how much they explain."""
        more = self._known.copy()
        leak = Leak(0, at_ms, self._hours, birth.shape, birth.gain, birth.size)
        more.leaks.append(leak)
        more.refine(fit)
        return (more, more.explains(fit)) if leak in more.leaks else None

    def _birth(self, fit: Fit, known: Known) -> Birth | None:
        """Return the leak that explains most beside the known ones, if it does enough."""
        tried = fit.tried(known.shapes, births(fit.now, fit.first))
        good = (tried.shown >= self._rule.shown) & ~self._repeats(tried.shapes)
        if not good.any():
            return None
        k = int(np.argmax(np.where(good, tried.gain, -np.inf)))
        young = fit.now + 1 - tried.shapes[k].start < self._rule.wait_h
        if young or tried.gain[k] < self._rule.tease:
            return None
        return Birth(tried.shapes[k], float(tried.gain[k]), tried.size[k])

    def _repeats(self, shapes: list[Shape]) -> NDArray[np.bool_]:
        """Tell which would be a leak that was just told: its first hours fit no course well."""
        rule, start = self._rule, np.array([shape.start for shape in shapes])
        out = np.zeros(len(shapes), np.bool_)
        for leak in self._known.leaks:
            if self._hours - leak.told < rule.young_h:
                out |= np.abs(start - leak.shape.start) < rule.apart_h
                out |= self._hours - leak.told < rule.quiet_h
        return out

    def _measure(self, fit: Fit) -> None:
        """Measure how much larger the errors are than the days' covariance tells."""
        self._slack = []
        for piece, left in zip(fit.pieces, fit.left(self._known.shapes), strict=True):
            unit = piece.by_day(left)[:-1]
            known = np.abs(unit[unit != 0.0])
            spread = 1.4826 * float(np.median(known)) if len(known) else 1.0
            self._slack.append(min(max(1.0, piece.slack * spread**2), 9.0))

    def _told(self, leak: Leak) -> Finding:
        balance = np.asarray(self._balance)
        return Finding(
            at_ms=leak.at_ms,
            since_ms=leak.at_ms - (leak.told - leak.shape.start) * HOUR_MS,
            size_l_h=UNIT * max(0.0, float(leak.size[balance].sum())),
            sensors=(),
            number=leak.number,
            probability=leak.probability,
            score=leak.gain,
            is_abrupt=leak.shape.is_step,
        )
