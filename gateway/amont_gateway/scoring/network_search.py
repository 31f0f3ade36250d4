"""Search what is left of a network's pressures for the change that explains most of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amont_gateway.scoring.network_fit import Fit, Noise, normal_score, ramp
from amont_gateway.scoring.timeline import Floats

STEP_AGES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 28, 34, 40, 52, 64, 80)  # blocks
RAMP_AGES = (16, 24, 32, 44, 60, 80, 104, 136, 176, 224, 280, 340)
LEAST = 0.3  # blocks that a change must rest on
RAMP_LEAST = 8  # blocks
STEP_REACH, RAMP_REACH, RAMP_STRIDE = 5, 24, 4


@dataclass(frozen=True)
class Change:
    """What is new: since which block, its vector, and how sure it is."""

    start: int
    is_ramp: bool
    vector: Floats  # m
    gain: float
    rival: float  # the best gain of the other shape
    score: float


@dataclass(frozen=True)
class _Tried:
    starts: list[int]
    vectors: Floats
    gains: Floats

    def best(self) -> int:
        return int(np.argmax(self.gains))


class Search:
    """One look at a fit."""

    def __init__(self, fit: Fit, noise: Noise, wander: float) -> None:
        self._fit, self._noise, self._wander = fit, noise, wander
        self._now = int(fit.when[-1])
        self._freedom = fit.left.shape[1]

    def find(self, alarm: float, gradual: float, fresh: int) -> Change | None:
        """Return the change that explains most, if its score reaches ``alarm``.

        A step that is older than ``fresh`` blocks must beat growth by ``gradual``.
        """
        steps = self._steps([self._now + 1 - age for age in STEP_AGES])
        ramps = self._ramps([self._now - age for age in RAMP_AGES])
        top = max((t.gains.max() for t in (steps, ramps) if t.starts), default=0.0)
        if normal_score(float(top), self._freedom) < alarm:
            return None
        if steps.starts:
            near = steps.starts[steps.best()]
            steps = self._steps(list(range(near - STEP_REACH, near + STEP_REACH + 1)))
        if ramps.starts:
            near = ramps.starts[ramps.best()]
            around = range(near - RAMP_REACH, near + RAMP_REACH + 1, RAMP_STRIDE)
            ramps = self._ramps(list(around))
        return self._choose(steps, ramps, alarm, gradual, fresh)

    def _choose(
        self, steps: _Tried, ramps: _Tried, alarm: float, gradual: float, fresh: int
    ) -> Change | None:
        step = float(steps.gains.max()) if steps.starts else 0.0
        growth = float(ramps.gains.max()) if ramps.starts else 0.0
        is_old = bool(steps.starts) and self._now - steps.starts[steps.best()] > fresh
        is_ramp = growth > step - (gradual if is_old else 0.0)
        tried, gain, rival = (ramps, growth, step) if is_ramp else (steps, step, growth)
        if not tried.starts:
            return None
        k, score = tried.best(), normal_score(gain, self._freedom)
        if score < alarm:
            return None
        return Change(tried.starts[k], is_ramp, tried.vectors[k], gain, rival, score)

    def _steps(self, starts: list[int]) -> _Tried:
        """Try steps; the block before each is left out: the change may lie within it."""
        when = self._fit.when
        starts = [s for s in dict.fromkeys(starts) if when[3] < s <= self._now]
        if not starts:
            return self._none()
        before = np.searchsorted(when, starts) - 1
        return self._try(starts, [(when >= s).astype(np.float64) for s in starts], before)

    def _ramps(self, starts: list[int]) -> _Tried:
        when = self._fit.when
        starts = [s for s in starts if when[0] < s < self._now - RAMP_LEAST]
        if not starts:
            return self._none()
        return self._try(starts, [ramp(when, s, self._now) for s in starts], None)

    def _none(self) -> _Tried:
        return _Tried([], np.empty((0, self._freedom)), np.zeros(1))

    def _try(self, starts: list[int], courses: list[Floats], without: object) -> _Tried:
        left_out = None if without is None else np.asarray(without, np.int64)
        vectors, weights = self._fit.changes(np.stack(courses, 1), left_out)
        white = self._noise.white(vectors)
        error = 1.0 / np.maximum(weights, 1e-9) + self._wander**2
        enough = weights >= LEAST
        gains = np.where(enough, (white**2).sum(axis=1) / error, 0.0)
        return _Tried(starts, vectors, np.asarray(gains))
