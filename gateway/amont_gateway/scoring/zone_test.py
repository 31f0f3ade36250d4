"""Judge a zone hour by hour and night by night: what does the expected inflow leave over?

Two tests: every hour, how far the day that ends with it stands above the two weeks before
(``zone_step``: a leak that opens at once); every night, a sum over the nights (a leak that grows).
A leak runs all day, so each night's verdict weighs the hours before it, too (``whole_day``).
The reference is made of quiet days only and is frozen while the test suspects anything, so that
a leak that grows slowly is never learnt as normal; one that nobody mends becomes the reference
after months, so that another can be seen beside it, and stays told (``Standing``). Everything is
computed forward over the days, from the readings alone: after a restart the same window gives the
same verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from amont_gateway.scoring import whole_day, zone_own, zone_step
from amont_gateway.scoring.timeline import HOUR_MS, Floats
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
from amont_gateway.scoring.zone_step import Rises

SHY_DAYS = 180.0
CHANCES = (0.001, 0.999)  # nobody is told that a leak is certain, or none
SHORT_DAYS = 11  # a rise over sooner, three calm nights included, was use and no leak

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
    accept_days: int = 60  # a leak that stays is then in the reference, and told until it falls
    step: float = 6.0  # in a zone's own noise: the rise at which an hour calls a leak; 0: never
    step_wait_days: int = 14  # before another rise is called: until then the days before hold this
    step_over: float = 0.5  # of that rise: a night that shows less is a calm one
    step_shy: float = 0.5  # share by which each rise that was over within days lifts ``step``
    own_days: int = 0  # that the signed thresholds count as beside a zone's own; 0: they alone
    own_step: float = 2.7  # times the highest tenth of a zone's days' rises: its own ``step``
    own_night: float = 0.45  # times that of its nights: the factor on drift, watch and alarm
    own_least: float = 0.5  # bounds of both factors
    own_most: float = 1.25
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
        chance = 1.0 / (1.0 + math.exp(min(max(exponent, -60.0), 60.0)))
        return min(max(chance, CHANCES[0]), CHANCES[1])


@dataclass
class Night:
    """What one day's quiet hours said, and its other hours so far."""

    ordinal: int
    end_ms: int
    verdict: str  # "normal" | "watch" | "leak" | "unknown"
    flow_l_h: float = math.nan
    usual_l_h: float = math.nan
    residual_l_h: float = math.nan
    total: float = 0.0
    evidence: float = 0.0  # the sum while the last night still showed it, else 0
    score: float = math.nan  # of the night, in its standard deviations
    highest: float = math.nan  # of the day's hours, in the zone's noise
    leak_l_h: float = 0.0
    since_ms: int | None = None
    call_ms: int | None = None  # a leak was called on this day, then
    is_open: bool = False  # a leak that the tests see; one that stands is a "leak" without it
    expected_l_h: Floats = field(default_factory=lambda: np.full(24, np.nan))
    left_l_h: Floats = field(default_factory=lambda: np.full(24, np.nan))  # of the hours before


@dataclass(frozen=True)
class Standing:
    """A leak that was open so long that it has become the reference; there until it falls."""

    since_ms: int | None
    size_l_h: float
    evidence: float
    low: int = 0  # nights in a row that show it gone

    def after(self, residual_l_h: float, release_nights: int) -> Standing | None:
        """Return it after a known night; None once enough nights lie half its size lower."""
        low = self.low + 1 if residual_l_h < -0.5 * self.size_l_h else 0
        return replace(self, low=low) if low < release_nights else None


class ZoneTest:
    """Run the test forward over days; ``nights`` holds one entry for each day judged."""

    def __init__(self, rule: LeakRule, predict: Predict) -> None:
        self._signed = self._rule = rule  # the latter with the zone's own thresholds of a day
        self._predict = predict
        self._total = 0.0
        self._leak = False
        self._calm = 0
        self._since: int | None = None  # index of the night where this rise began
        self._called = -(1 << 30)  # index of the day whose hours last called a leak
        self._since_ms: int | None = None  # of that rise
        self._calls: tuple[int, ...] = ()  # days on which a short rise was over
        self._size = 0.0  # of that rise, l/h; 0 if the nights' sum called it
        self._frozen: set[int] = set()
        self._standing: Standing | None = None
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

    def _own(self, index: int) -> LeakRule:
        """Return the rule of a day: the signed one, or with the zone's own thresholds."""
        rule = self._signed
        if rule.own_days <= 0:
            return rule
        first, last = max(0, index - zone_own.REACH_DAYS), max(0, index - zone_own.LAG_DAYS)
        past = [self.nights[day] for day in range(first, last) if day not in self._frozen]
        bounds = rule.own_least, rule.own_most
        night = zone_own.factor([d.score for d in past], rule.own_night, rule.own_days, bounds)
        step = 1.0
        if rule.step > 0.0:
            tail = rule.own_step / rule.step
            step = zone_own.factor([d.highest for d in past], tail, rule.own_days, bounds)
        return replace(
            rule,
            step=rule.step * step,
            drift=rule.drift * night,
            watch=rule.watch * night,
            alarm=rule.alarm * night,
        )

    def _reference(self, days: Days, index: int) -> tuple[Reference, Floats] | None:
        first = max(0, index - REFERENCE_REACH_DAYS)
        usable = [
            day
            for day in range(index - REFERENCE_LAG_DAYS, first - 1, -1)
            if self._whole[day] and day not in self._frozen
        ][:REFERENCE_DAYS]
        reference = make_reference(days.kind[usable], days.l_h[usable])
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
        self._rule = self._own(index)
        found = self._reference(days, index)
        if found is None:
            return Night(ordinal, int(days.end_ms[index].max()), "unknown")
        reference, residuals = found
        week = self._swings[max(0, index - 7) : index]
        rows = zone_rows(reference, ordinal, int(days.kind[index]), week)
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
            score = night.score = night.residual_l_h / sigma
            calm = night.residual_l_h < self._rule.step_over * self._size
            if self._standing is not None:
                release = self._rule.release_nights
                self._standing = self._standing.after(night.residual_l_h, release)
            self._step(index, min(max(score, -self._rule.clip), self._rule.clip), calm)
        began = self._leak and not (index > 0 and self.nights[index - 1].is_open)
        if began:
            night.call_ms = night.end_ms
        share = self._hours(days, index, reference, night)
        self._describe(index, night, share)
        return night

    def _hours(self, days: Days, index: int, reference: Reference, night: Night) -> float:
        """Call a leak at the first hour that stands out; return the last hour's share of that."""
        rule = self._rule
        if rule.step <= 0.0:
            return 0.0
        found = self._rises(days, index, reference)
        bound = rule.step * (1.0 + rule.step_shy * self._lately(index))
        shares = found.l_h / (bound * found.noise_l_h)
        known = np.flatnonzero(np.isfinite(shares))
        if not len(known):
            return 0.0
        night.highest = float(found.l_h[known].max()) / found.noise_l_h
        out = known[shares[known] >= 1.0]
        waited = index - self._called >= rule.step_wait_days
        if len(out) and waited and (night.call_ms is not None or self._may_call(index)):
            hour = int(out[0])
            at_ms = int(days.end_ms[index, hour])
            if night.call_ms is None or at_ms < night.call_ms:
                night.call_ms = at_ms
            self._called, self._size = index, float(found.size_l_h[hour])
            share = float(found.l_h[hour]) / self._size  # of the last 24 hours
            self._since_ms = at_ms - round(min(1.0, share) * 24) * HOUR_MS
            if self._since is None or not self._total > 0.0:
                self._since = max(0, index - 1)
            self._total, self._leak, self._calm = max(self._total, rule.alarm), True, 0
            self._frozen.update(range(self._since, index + 1))
        return float(shares[known[-1]])

    def _lately(self, index: int) -> float:
        """Return how many rises were over within days; each fades with the months."""
        return sum(math.exp((called - index) / SHY_DAYS) for called in self._calls)

    def _may_call(self, index: int) -> bool:
        """Return whether a rise of today would be another leak than what the nights show."""
        if not self._leak:
            return True
        return self._since is None or index - self._since >= self._rule.step_wait_days

    def _rises(self, days: Days, index: int, reference: Reference) -> Rises:
        past = slice(max(0, index - zone_step.SPAN_DAYS), index + 1)
        left = days.l_h[past] - reference.profile[days.kind[past]]
        weight = whole_day.weights(left[: -zone_step.BASE_LAG_DAYS], reference.mean_l_h)
        return zone_step.rises(left, weight, reference.mean_l_h)

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

    def _step(self, index: int, score: float, calm: bool) -> None:
        rule = self._rule
        before = self._total
        # The sum is capped so that a repaired leak is seen as over within days.
        self._total = min(max(0.0, before + score - rule.drift), 3.0 * rule.alarm)
        if self._total > 0.0 and not before > 0.0:
            self._since = index
        self._leak = self._leak or self._total >= rule.alarm
        calm = calm if self._size > 0.0 else score < 1.5 * rule.drift
        self._calm = self._calm + 1 if self._leak and calm else 0
        over = self._leak and self._calm >= rule.release_nights
        stale = self._since is not None and index - self._since >= rule.accept_days
        if over or (self._leak and stale):
            self._close(index, accept=not over)
        elif (self._leak or self._total >= rule.watch) and self._since is not None:
            self._frozen.update(range(self._since, index + 1))

    def _close(self, index: int, accept: bool) -> None:
        if not accept and index - self._called < SHORT_DAYS:
            self._calls = (*self._calls, index)
        if accept:
            # The days before are another regime: from here on only the new level is the reference.
            self._standing = self._stand(index)
            self._frozen = set(range(index - 27)) if index > 27 else set()
        self._total, self._leak, self._calm, self._since = 0.0, False, 0, None
        self._size, self._since_ms = 0.0, None

    def _stand(self, index: int) -> Standing | None:
        """Return the leak of the night before as one that stands, with what stood already."""
        last, before = self.nights[index - 1], self._standing
        if not last.leak_l_h > 0.0:
            return before
        if before is None:
            return Standing(last.since_ms, last.leak_l_h, last.evidence)
        size = before.size_l_h + last.leak_l_h
        return replace(before, size_l_h=size, evidence=max(before.evidence, last.evidence))

    def _verdict(self) -> str:
        if self._leak or self._standing is not None:
            return "leak"
        return "watch" if self._total >= self._rule.watch else "normal"

    def _describe(self, index: int, night: Night, share: float) -> None:
        night.verdict, night.total, night.is_open = self._verdict(), self._total, self._leak
        if self._standing is not None and not self._leak:
            stands = self._standing
            night.since_ms, night.leak_l_h = stands.since_ms, stands.size_l_h
            night.evidence = stands.evidence
            return
        shown = self._rule.alarm * share if share > 0.5 else 0.0
        # In units of the signed alarm: the probability was fitted to that.
        unit = self._signed.alarm / self._rule.alarm
        night.evidence = max(shown, 0.0 if self._calm else self._total) * unit
        if self._since is None or night.verdict == "normal":
            return
        left = [past.residual_l_h for past in (*self.nights[self._since : index], night)]
        recent = [value for value in left if math.isfinite(value)][-7:]
        night.leak_l_h = max(0.0, float(np.median(recent))) if recent else 0.0
        if self._size > 0.0 and index - self._called < 3:
            night.leak_l_h = self._size  # the nights have not settled on it yet
        first = self.nights[self._since] if self._since < index else night
        night.since_ms = first.end_ms if self._since_ms is None else self._since_ms
