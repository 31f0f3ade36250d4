"""Judge the screening: isolated bad readings found, good ones doubted, long bad runs found.

A bad run of at most ``isolated_readings`` is isolated, any longer one is long. A good reading
counts as doubted if it was doubted at any look, even where a later look took that back. Beside it
stand the plain rules, whose thresholds get the same budget of good readings on the tuning part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.crosscheck import Around, screen
from amont_models.records.table import Floats, Times
from amont_watch.quality import DROP, RATE, SensorQuality
from amont_watch.quality import FLAT as WATCH_FLAT
from amont_watch.quality import SPIKE as WATCH_SPIKE

Flags = NDArray[np.bool_]
DAY_MS = 86_400_000
SPIKES_MM = (5, 8, 12, 16, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 800)
FLATS = (3, 4, 5, 6, 8, 10, 12, 16, 24, 36, 48, 96, 192, 384)
WATCH_STEP, WATCH_SAMPLES = 500, 60  # what enrolment writes for a level sensor


@dataclass(frozen=True)
class Case:
    """One sensor's readings: ``bad`` is the truth, ``judged`` those that count."""

    name: str
    quantity: str
    t_ms: Times
    value: Floats
    bad: Flags
    judged: Flags
    around: Around = field(default_factory=Around)

    @property
    def level(self) -> Floats:
        """Return the readings with water up."""
        return -self.value if self.quantity == "range_mm" else self.value


@dataclass(frozen=True)
class Doubts:
    """What a rule says: ``found`` in the end, ``ever`` at any look."""

    found: Flags
    ever: Flags


Rule = Callable[[Case], Doubts]


def once(flags: Flags) -> Doubts:
    """Return the doubts of a rule that looks once."""
    return Doubts(flags, flags)


def ours(case: Case, caution: float = 1.0) -> Doubts:
    """Return the gateway's doubts after its last look."""
    checked = screen(case.quantity, case.t_ms, case.value, case.around, caution)
    return Doubts(checked.settled != 0, checked.ever)


def arrival(case: Case) -> Doubts:
    """Return the gateway's doubts when the reading came."""
    checked = screen(case.quantity, case.t_ms, case.value, case.around)
    return once(checked.code[:, 0] != 0)


def spike(threshold_mm: float) -> Rule:
    """Return the plain spike test: off the mean of the readings before and after."""

    def rule(case: Case) -> Doubts:
        off = np.zeros(len(case.value))
        off[1:-1] = np.abs(case.value[1:-1] - (case.value[:-2] + case.value[2:]) / 2.0)
        return once(off > threshold_mm)

    return rule


def flat_line(count: int) -> Rule:
    """Return the plain flat-line test: ``count`` equal readings in a row, itself the last."""

    def rule(case: Case) -> Doubts:
        place = np.arange(len(case.value))
        changed = np.concatenate(([True], np.diff(case.value) != 0.0))
        run = place - np.maximum.accumulate(np.where(changed, place, 0)) + 1
        return once(run >= count)

    return rule


def watch(case: Case) -> Doubts:
    """Return the guard's cheap flags as a station is enrolled: rate, spike, flat line, drop."""
    quality = SensorQuality(-(2**30), 2**30, WATCH_STEP, WATCH_SAMPLES)
    seconds = (case.t_ms // 1000).tolist()
    wanted = RATE | WATCH_SPIKE | WATCH_FLAT | DROP
    flags = [
        quality.judge(tick_s, value, 0) & wanted
        for tick_s, value in zip(seconds, np.round(case.level).astype(int).tolist(), strict=True)
    ]
    return once(np.array(flags) != 0)


def either(*rules: Rule) -> Rule:
    """Return what one of several rules doubts."""

    def rule(case: Case) -> Doubts:
        return once(np.any([one(case).found for one in rules], axis=0))

    return rule


def plain_rules(tuning: Sequence[Case], good_share: float) -> dict[str, Rule]:
    """Return the plain rules, as sharp as the budget of good readings on ``tuning`` allows."""

    def sharpest(make: Callable[[float], Rule], choices: Sequence[float]) -> Rule:
        good = sum(int((~case.bad & case.judged).sum()) for case in tuning)
        for choice in choices:
            rule = make(choice)
            doubted = sum(
                int((rule(case).ever & ~case.bad & case.judged).sum()) for case in tuning
            )
            if doubted <= good_share * good:
                return rule
        return make(choices[-1])

    spikes = sharpest(spike, SPIKES_MM)
    flats = sharpest(lambda count: flat_line(round(count)), FLATS)
    return {"spike": spikes, "flat_line": flats, "both": either(spikes, flats)}


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Return (first, behind last) of each run."""
    edges = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


@dataclass
class Tally:
    """Pairs (hit, of) in units that are drawn anew together: runs, days, runs."""

    isolated: list[tuple[int, int]]
    good: list[tuple[int, int]]
    long: list[tuple[int, int]]


def count(cases: Sequence[Case], rule: Rule, isolated: int) -> Tally:
    """Count what a rule finds and what it doubts in vain."""
    tally = Tally([], [], [])
    for case in cases:
        doubts = rule(case)
        for first, last in runs(case.bad):
            kept = case.judged[first:last]
            if kept.any():
                hits = int(doubts.found[first:last][kept].sum())
                units = tally.isolated if last - first <= isolated else tally.long
                units.append((hits, int(kept.sum())))
        good = ~case.bad & case.judged
        days = case.t_ms // DAY_MS
        days = (days - days[0]).astype(np.int64)
        every = np.bincount(days[good])
        hit = np.bincount(days[good & doubts.ever], minlength=len(every))
        tally.good += [(int(h), int(n)) for h, n in zip(hit, every, strict=True) if n]
    return tally


def share(units: Sequence[tuple[int, int]], draws: int, seed: int) -> dict[str, float]:
    """Return hits over all, with the 95 % interval of units drawn anew; NaN without any."""
    table = np.array(units, dtype=np.float64).reshape(-1, 2)
    if not len(table):
        return {"value": float("nan"), "low": float("nan"), "high": float("nan"), "of": 0.0}
    rng = np.random.default_rng(seed)
    sums = np.stack(
        [table[rng.integers(0, len(table), len(table))].sum(axis=0) for _ in range(draws)]
    )
    low, high = np.percentile(sums[:, 0] / sums[:, 1], [2.5, 97.5])
    hits, total = table.sum(axis=0)
    return {"value": hits / total, "low": float(low), "high": float(high), "of": float(total)}


def judge(
    cases: Sequence[Case], rules: dict[str, Rule], recipe: dict[str, Any], draws: int
) -> dict[str, Any]:
    """Return, per rule, the shares found and doubted, each with its interval."""
    out: dict[str, Any] = {}
    for name, rule in rules.items():
        tally = count(cases, rule, recipe["isolated_readings"])
        halves = [(int(2 * hits >= of), 1) for hits, of in tally.long]
        out[name] = {
            "isolated": share(tally.isolated, draws, recipe["seed"]),
            "good": share(tally.good, draws, recipe["seed"]),
            "long": share(tally.long, draws, recipe["seed"]),
            "long_runs": share(halves, draws, recipe["seed"]),
        }
    return out
