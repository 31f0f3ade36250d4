"""Judge a zone night by night: a sequential test on what the expected inflow leaves over.

A leak runs all day, so each night's verdict weighs the hours before it, too (``whole_day``).
The reference is made of quiet days only and is frozen while the test suspects anything, so that
a leak that grows slowly is never learnt as normal. Everything is computed forward over the days,
from the readings alone: after a restart the same window gives the same verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from amont_gateway.scoring import whole_day
from amont_gateway.scoring.timeline import Floats
from amont_gateway.scoring.zone_features import (
    QUIET_HOURS,
    REFERENCE_DAYS,
    REFERENCE_LAG_DAYS,
    REFERENCE_REACH_DAYS,
    Days,
    Reference,
    make_reference,
    swings,
    zone_rows,
)

# Expected departure from the reference profile, as a share of the mean inflow: rows -> (n,)
Predict = Callable[[Floats], Floats]


@dataclass(frozen=True)
class LeakRule:
    """Settings of the sequential test; chosen on the training part and kept in the manifest."""

    drift: float = 2.0  # in standard deviations: smaller night residuals do not add up
    watch: float = 4.0  # sum at which the reference freezes and people are told to look
    alarm: float = 8.0  # sum at which it is called a leak
    clip: float = 10.0  # one wild night counts at most this much
    alone: float = 0.5  # how much a night counts whose day before is not known
    sigma_min: float = 0.02  # of the mean inflow: no zone is quieter than its meter
    release_nights: int = 3  # nights near usual before a leak is called over
    accept_days: int = 60  # a leak that stays is then taken as the new usual, and said
    network: float = 1.0  # 0: the reference alone says what to expect, the network is not asked
    probability_slope: float = 1.7
    probability_middle: float = 1.5

    @classmethod
    def from_manifest(cls, values: Mapping[str, float]) -> LeakRule:
        """Make a rule from a manifest; an unknown or unusable value raises ValueError."""
        whole = {item.name: item.type == "int" for item in fields(cls)}
        unknown = sorted(set(values) - set(whole))
        if unknown or not all(math.isfinite(value) for value in values.values()):
            raise ValueError(f"rule: {unknown or values} cannot be used")
        settings: dict[str, Any] = {
            name: int(value) if whole[name] else value for name, value in values.items()
        }
        return cls(**settings)

    def probability(self, evidence: float) -> float:
        """Return how likely a leak is: logistic in log(1 + evidence), fitted on the training part.

        Logarithmic, because evidence says most at its beginning: above the alarm it adds little.
        """
        exponent = -self.probability_slope * (math.log1p(evidence) - self.probability_middle)
        return 1.0 / (1.0 + math.exp(min(max(exponent, -60.0), 60.0)))


@dataclass
class Night:
    """What one day's quiet hours said."""

    ordinal: int
    end_ms: int
    verdict: str  # "normal" | "watch" | "leak" | "unknown"
    flow_l_h: float = math.nan
    usual_l_h: float = math.nan
    residual_l_h: float = math.nan
    total: float = 0.0
    evidence: float = 0.0  # the sum while the last night still showed it, else 0
    leak_l_h: float = 0.0
    since_ms: int | None = None
    expected_l_h: Floats = field(default_factory=lambda: np.full(24, np.nan))
    left_l_h: Floats = field(default_factory=lambda: np.full(24, np.nan))  # of the hours before


class ZoneTest:
    """Run the test forward over days; ``nights`` holds one entry for each day judged."""

    def __init__(self, rule: LeakRule, predict: Predict) -> None:
        self._rule = rule
        self._predict = predict
        self._total = 0.0
        self._leak = False
        self._calm = 0
        self._since: int | None = None  # index of the night where this rise began
        self._frozen: set[int] = set()
        self._swings = np.empty(0)
        self._whole = np.empty(0, np.bool_)
        self.nights: list[Night] = []

    def fork(self) -> ZoneTest:
        """Return a copy that can go on by itself."""
        twin = copy(self)
        twin.nights, twin._frozen = list(self.nights), set(self._frozen)
        return twin

    def run(self, days: Days) -> list[Night]:
        """Judge the days that come after those judged before, in order; return all nights.

        ``days`` starts where it started last time, and what was judged has not changed.
        """
        self._swings = swings(days.l_h)
        self._whole = np.isfinite(days.l_h).sum(axis=1) >= 18
        for index in range(len(self.nights), len(days.ordinal)):
            self.nights.append(self._judge(days, index))
        return self.nights

    def _reference(self, days: Days, index: int) -> tuple[Reference, Floats] | None:
        first = max(0, index - REFERENCE_REACH_DAYS)
        usable = [
            day
            for day in range(index - REFERENCE_LAG_DAYS, first - 1, -1)
            if self._whole[day] and day not in self._frozen
        ][:REFERENCE_DAYS]
        reference = make_reference(days.ordinal[usable], days.l_h[usable])
        if reference is None:
            return None
        nights = np.array([self.nights[day].residual_l_h for day in usable])
        return reference, nights[np.isfinite(nights)]

    def _sigma(self, reference: Reference, residuals: Floats) -> float:
        floor = self._rule.sigma_min * reference.mean_l_h
        if len(residuals) < 5:
            return 2.0 * floor
        return max(floor, 1.4826 * float(np.median(np.abs(residuals - np.median(residuals)))))

    def _judge(self, days: Days, index: int) -> Night:
        ordinal = int(days.ordinal[index])
        found = self._reference(days, index)
        if found is None:
            return Night(ordinal, int(days.end_ms[index].max()), "unknown")
        reference, residuals = found
        rows = zone_rows(reference, ordinal, self._swings[max(0, index - 7) : index])
        expected = rows[:, 0] * reference.mean_l_h
        if self._rule.network > 0.0:
            expected = expected + self._rule.network * self._predict(rows) * reference.mean_l_h
        seen = days.l_h[index, reference.quiet]
        known = reference.quiet[np.isfinite(seen)]
        night = Night(ordinal, int(days.end_ms[index].max()), self._verdict())
        night.expected_l_h = expected
        night.usual_l_h = float(expected[reference.quiet].mean())
        if len(known) >= QUIET_HOURS // 2 and np.isfinite(expected).all():
            night.end_ms = int(days.end_ms[index, known].max())
            night.flow_l_h = float(days.l_h[index, known].mean())
            night.left_l_h = self._left(days, index, night, int(known.max()))
            alone = float((days.l_h[index, known] - expected[known]).mean())
            night.residual_l_h = self._lasting(index, night.left_l_h, alone, reference)
            sigma = self._sigma(reference, residuals)
            score = night.residual_l_h / sigma
            self._step(index, min(max(score, -self._rule.clip), self._rule.clip))
        self._describe(index, night)
        return night

    def _left(self, days: Days, index: int, night: Night, last: int) -> Floats:
        """Return what was left of the hours that end with hour ``last``, by hour of day."""
        left = days.l_h[index] - night.expected_l_h
        if index > 0:
            before = days.l_h[index - 1] - self.nights[index - 1].expected_l_h
            left[last + 1 :] = before[last + 1 :]
        # The hours of day that come first after ``last`` are the oldest: they are left out.
        left[(last + 1 + np.arange(24 - whole_day.HOURS)) % 24] = np.nan
        return np.asarray(left)

    def _lasting(self, index: int, left: Floats, alone: float, reference: Reference) -> float:
        """Return what lasted all the hours, no more than the night alone shows."""
        first = max(0, index - whole_day.DAYS)
        past = [
            self.nights[day].left_l_h for day in range(first, index - 1) if day not in self._frozen
        ]
        table = np.array(past).reshape(-1, 24)
        lasting = whole_day.steady(left, whole_day.weights(table, reference.mean_l_h))
        if not math.isfinite(lasting):
            return self._rule.alone * alone
        return min(lasting, alone) if lasting > 0.0 else lasting

    def _step(self, index: int, score: float) -> None:
        rule = self._rule
        before = self._total
        # The sum is capped so that a repaired leak is seen as over within days.
        self._total = min(max(0.0, before + score - rule.drift), 3.0 * rule.alarm)
        if self._total > 0.0 and not before > 0.0:
            self._since = index
        self._leak = self._leak or self._total >= rule.alarm
        self._calm = self._calm + 1 if self._leak and score < 1.5 * rule.drift else 0
        over = self._leak and self._calm >= rule.release_nights
        stale = self._since is not None and index - self._since >= rule.accept_days
        if over or (self._leak and stale):
            self._close(index, accept=not over)
        elif self._total >= rule.watch and self._since is not None:
            self._frozen.update(range(self._since, index + 1))

    def _close(self, index: int, accept: bool) -> None:
        if accept:
            # The days before are another regime: from here on only the new level is usual.
            self._frozen = set(range(index - 27)) if index > 27 else set()
        self._total, self._leak, self._calm, self._since = 0.0, False, 0, None

    def _verdict(self) -> str:
        if self._leak:
            return "leak"
        return "watch" if self._total >= self._rule.watch else "normal"

    def _describe(self, index: int, night: Night) -> None:
        night.verdict, night.total = self._verdict(), self._total
        night.evidence = 0.0 if self._calm else self._total
        if self._since is None or night.verdict == "normal":
            return
        left = [past.residual_l_h for past in (*self.nights[self._since : index], night)]
        recent = [value for value in left if math.isfinite(value)][-7:]
        night.leak_l_h = max(0.0, float(np.median(recent))) if recent else 0.0
        first = self.nights[self._since] if self._since < index else night
        night.since_ms = first.end_ms
