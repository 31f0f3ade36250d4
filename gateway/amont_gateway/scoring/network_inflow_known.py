"""Keep the leaks that were told: look for better shapes as more is known, repairs too.

One leak is moved at a time, the others being fitted beside it. Before a new leak is told the known
ones are tried in quite other shapes, they change their ends, others are what was repaired, and one
goes where another explains both: what any course of the known leaks explains is no new one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from amont_gateway.scoring.network_inflow_fit import Fit, FitRule, Shape, ended
from amont_gateway.scoring.network_inflow_shapes import anywhere, is_fit, later, neighbours
from amont_gateway.scoring.network_slopes import DAY_H
from amont_gateway.scoring.timeline import Floats

NEAR_H = 48  # repairs so near each other are one question
GROUPS = 6  # of leaks, those that are as large as what was repaired
SETTLED_H = 15 * DAY_H  # a repair so long ago is looked at once a week
YOUNG_H = 15 * DAY_H  # a leak told so lately may be part of another


@dataclass(frozen=True)
class InflowRule:
    """Settings, chosen on simulated years; gains are in nats."""

    keep_days: int = 150
    first_days: int = 14
    alarm: float = 5.0  # by which a leak more explains better than any course of the known ones
    tease: float = 4.0  # beside the known ones as they are, from which that is looked at
    shown: float = 3.0  # of which the balances must say
    forget: float = 3.0  # below which a leak was none
    wait_h: int = 9  # a younger leak is seen, so that nothing older is taken for it, not told
    late_h: int = 6  # before it was told a leak had begun
    young_h: int = 48  # a leak told so lately
    apart_h: int = 30  # takes what begins so near it
    quiet_h: int = 12  # and silences everything for so long
    better: float = 1.5  # by which another shape must win
    alone: float = 1.0  # that a leak must explain beside others in other shapes
    sweeps: int = 3
    most: int = 20  # leaks known at once: more is a meter that was changed, and costs ever more
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
    probability: float = math.nan  # as it was told


class Known:
    """The leaks that were told and that memory reaches, as they are explained now."""

    def __init__(self, rule: InflowRule) -> None:
        """Begin without any."""
        self._rule = rule
        self.leaks: list[Leak] = []

    def copy(self) -> Known:
        """Return the same leaks, to be moved on trial."""
        other = Known(self._rule)
        other.leaks = [replace(leak) for leak in self.leaks]
        return other

    def explains(self, fit: Fit) -> float:
        """Return how much they explain together (nats)."""
        return fit.evidence(self.shapes)

    def measure(self, fit: Fit) -> None:
        """Take their sizes as of now."""
        for leak, size in zip(self.leaks, fit.sizes(self.shapes), strict=True):
            leak.size = size

    @property
    def shapes(self) -> list[Shape]:
        """Return their shapes."""
        return [leak.shape for leak in self.leaks]

    def refine(self, fit: Fit, is_wide: bool = False) -> bool:
        """Look for better shapes, repairs too, one leak after the other; tell if any changed."""
        changed = False
        for leak in list(self.leaks):
            if self._is_settled(leak, fit) and not _is_turn(leak, fit):
                continue
            latest = leak.told - self._rule.late_h
            shapes = neighbours(leak.shape, fit.now, fit.first)
            if is_wide:
                shapes += anywhere(leak.shape, leak.told, fit.now, fit.first)
            shapes = [s for s in shapes if s.start <= latest or s is shapes[0]]
            others = [one.shape for one in self.leaks if one is not leak]
            tried = fit.tried(others, shapes)
            k = tried.best()
            leak.gain = float(tried.gain[0])
            if tried.gain[k] > tried.gain[0] + self._rule.better:
                leak.shape, leak.gain, changed = tried.shapes[k], float(tried.gain[k]), True
            if leak.gain < self._rule.forget and leak.shape.start > fit.first + 2 * DAY_H:
                self.leaks.remove(leak)
                changed = True
        if is_wide:
            changed |= self._swap(fit)
            changed |= self._regroup(fit)
            changed |= self._drop(fit)
        return changed

    def _is_settled(self, leak: Leak, fit: Fit) -> bool:
        end = leak.shape.end
        return end is not None and fit.now - end > SETTLED_H

    def _swap(self, fit: Fit) -> bool:
        """Let two leaks change their ends where that explains more."""
        leaks = [x for x in self.leaks if not self._is_settled(x, fit)]
        had, changed = fit.evidence([x.shape for x in self.leaks]), False
        for k, one in enumerate(leaks):
            for other in leaks[:k]:
                was = one.shape, other.shape
                if was[0].end == was[1].end:
                    continue
                new = ended(was[0], was[1].end), ended(was[1], was[0].end)
                if not all(is_fit(x, fit.now, fit.first) for x in new):
                    continue
                one.shape, other.shape = new
                has = fit.evidence([x.shape for x in self.leaks])
                if has > had + self._rule.better:
                    had, changed = has, True
                else:
                    one.shape, other.shape = was
        return changed

    def _regroup(self, fit: Fit) -> bool:
        """Let others be what was repaired at a time, where as much went and more is explained."""
        had, changed = self.explains(fit), False
        recent = {x.shape.end for x in self.leaks if not self._is_settled(x, fit)} - {None}
        for end in sorted(one for one in recent if one is not None):
            now = [x for x in self.leaks if x.shape.start + DAY_H < end and _lasts(x, end)]
            gone = [x for x in now if x.shape.end is not None]
            if not gone or len(now) > 10:
                continue
            best = None
            for group in _alike(now, gone):
                shapes = self._regrouped(fit, now, group, end)
                has = fit.evidence(shapes)
                if has > had + self._rule.better:
                    had, best = has, shapes
            if best is not None:
                changed = True
                for leak, shape in zip(self.leaks, best, strict=True):
                    leak.shape = shape
        return changed

    def _regrouped(
        self, fit: Fit, now: list[Leak], group: tuple[Leak, ...], end: int
    ) -> list[Shape]:
        """Return all shapes if of those ``now`` a group ends; the others when that is likely."""
        shapes = self.shapes
        again = []
        for k, leak in enumerate(self.leaks):
            if leak in group:
                shapes[k] = ended(leak.shape, end)
            elif leak in now and leak.shape.end is not None:
                shapes[k] = ended(leak.shape, None)
                again.append(k)
        for k in again:
            tried = fit.tried([*shapes[:k], *shapes[k + 1 :]], later(shapes[k], end, fit.now))
            shapes[k] = tried.shapes[tried.best()]
        return shapes

    def _drop(self, fit: Fit) -> bool:
        """Let a leak go where another, of another shape, explains nearly as much alone."""
        had, changed = fit.evidence([x.shape for x in self.leaks]), False
        for leak in [x for x in self.leaks if fit.now - x.told < YOUNG_H]:
            rest = [x for x in self.leaks if x is not leak]
            for one in rest:
                if self._is_settled(one, fit):
                    continue
                others = [x.shape for x in rest if x is not one]
                shapes = [one.shape, *anywhere(one.shape, one.told, fit.now, fit.first)]
                shapes = [s for s in shapes if s.start <= one.told - self._rule.late_h]
                if not shapes:
                    continue
                tried = fit.tried(others, shapes)
                shape = tried.shapes[tried.best()]
                has = fit.evidence([*others, shape])
                if has > had - self._rule.alone:
                    one.shape, had, changed = shape, has, True
                    self.leaks.remove(leak)
                    break
        return changed


def _is_turn(leak: Leak, fit: Fit) -> bool:
    return fit.now // DAY_H % 7 == leak.number % 7


def _lasts(leak: Leak, end: int) -> bool:
    """Tell whether a leak was there at a time, or was repaired about then."""
    return leak.shape.end is None or abs(leak.shape.end - end) <= NEAR_H


def _alike(now: list[Leak], gone: list[Leak]) -> list[tuple[Leak, ...]]:
    """Return the groups of leaks that together are most like those that went."""
    aim = np.sum([leak.size for leak in gone], axis=0)

    def off(group: tuple[Leak, ...]) -> float:
        return float(np.abs(np.sum([leak.size for leak in group], axis=0) - aim).sum())

    groups = [g for count in (1, 2, 3) for g in combinations(now, count) if set(g) != set(gone)]
    return sorted(groups, key=off)[:GROUPS]
