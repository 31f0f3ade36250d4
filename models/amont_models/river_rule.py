"""Choose the river's rule on the training parts of every station that taught: pooled settings.

The band is widened until it holds its share in the hours of events. Then each horizon's quantile
is chosen: as many events warned as a stated budget of false alarms allows. Nothing that is judged
is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

import numpy as np

from amont_gateway.scoring.river_adapted import calibrated
from amont_gateway.scoring.river_decision import Rule, Steps, backed, reaches, supported
from amont_gateway.scoring.river_features import HORIZONS_H
from amont_models import river_lessons
from amont_models.adapt_fit import Past, event_hours, needed_widths
from amont_models.river_chain import Predict, past_of
from amont_models.river_truth import Flags, Floats, Times, Warned, Water, warned

# What a warning may cost: false alarms per station-month, and as a share of all alarms.
WARNING_BUDGET, WARNING_FAR = 0.15, 0.30
WATCH_BUDGET = 0.75
# The quantiles that each horizon may have, soonest first; 0: no say.
CHOICES: tuple[tuple[float, ...], ...] = (
    (0.0, 0.5, 0.75, 0.85),
    (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8),
    (0.0, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7),
    (0.0, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6),
)
WATCH_CHOICES = tuple((0.0, 0.5, 0.6, 0.7, 0.8, 0.9) for _ in HORIZONS_H)
MIN_EVENTS = 20  # in all the training parts: fewer choose nothing


@dataclass(frozen=True)
class Candidate:
    """One station's steps at which any rule could warn, and which quantile would have."""

    water: Water
    since_ms: int
    t_ms: Times
    may_warn: Flags
    reached: tuple[dict[float, Flags], ...]  # per horizon and quantile
    is_fine: bool

    def count(self, quantiles: tuple[float, ...], asks_support: bool) -> Warned:
        """Count what these quantiles would have given."""
        warn = np.zeros(len(self.t_ms), dtype=bool)
        for own, quantile in zip(self.reached, quantiles, strict=True):
            if quantile > 0.0:
                warn |= own[quantile]
        if asks_support:
            warn &= self.may_warn
        return warned(self.water, self.since_ms, self.t_ms, warn)


def choose(recipe: dict[str, Any], model: Predict) -> tuple[Rule, dict[str, Any]]:
    """Return the rule for a network, from the very parts that the recipe taught it."""

    def past(lesson: river_lessons.Lesson) -> Past:
        known = replace(lesson.station.constants, train_until_ms=lesson.until_ms)
        return past_of(lesson.station.clean, lesson.station.water, known, model)

    return choose_rule(past(lesson) for lesson in river_lessons.lessons(recipe))


def choose_rule(pasts: Iterable[Past]) -> tuple[Rule, dict[str, Any]]:
    """Return the pooled rule, and what it gives on the parts that chose it."""
    rule = Rule()
    every = list(pasts)
    rule = replace(rule, widths=tuple(pooled_widths(every).ravel().tolist()))
    found = [candidate(one, rule) for one in every if len(one.t_ms)]
    if sum(len(one.water.events_ms) for one in found) < MIN_EVENTS:
        return rule, {}
    warning, told = _best(found, CHOICES, True, WARNING_BUDGET, WARNING_FAR)
    watch, seen = _best(found, WATCH_CHOICES, False, WATCH_BUDGET, 1.0)
    about = {
        "budget_false_per_station_month": {"warning": WARNING_BUDGET, "watch": WATCH_BUDGET},
        "far_most": WARNING_FAR,
        "warning": told,
        "watch": seen,
    }
    return replace(rule, warning=warning, watch=watch), about


def pooled_widths(pasts: list[Past]) -> Floats:
    """Return the widths that hold on the event hours of all stations, by share of the spread."""
    bands, true = [], []
    for past in pasts:
        for _, inside in event_hours(past.t_ms, past.water):
            bands.append(past.rises_mm[inside] / past.spread_mm)
            own = past.true_mm[inside] / past.spread_mm
            own[:, [k for k in range(len(HORIZONS_H)) if k not in past.horizons]] = np.nan
            true.append(own)
    if not bands:
        return Rule().width_table()
    whole = np.concatenate(bands)
    return needed_widths(whole, np.concatenate(true), np.ones(len(whole), dtype=bool))


def candidate(past: Past, rule: Rule) -> Candidate:
    """Return what the choice needs of one station."""
    asked = rule.for_step(past.is_fine)
    bands = calibrated(past.rows, past.rises_mm, past.stage_mm, asked)
    steps = Steps(past.t_ms, past.stage_mm, bands, backed(past.rows, asked))
    may_warn = supported(steps, past.mark_mm, asked) | steps.backed | (asked.support <= 0.0)
    everything = tuple(max((*a, *b)) for a, b in zip(CHOICES, WATCH_CHOICES, strict=True))
    keep = reaches(steps, everything, past.mark_mm)
    few = steps.part(keep)
    reached = []
    for place, hours in enumerate(HORIZONS_H):
        told = past.is_fine or hours >= 1.0
        own = {}
        for quantile in sorted({*CHOICES[place], *WATCH_CHOICES[place]} - {0.0}):
            alone = tuple(quantile if k == place else 0.0 for k in range(len(HORIZONS_H)))
            own[quantile] = reaches(few, alone, past.mark_mm) & told
        reached.append(own)
    since_ms = int(past.t_ms[0])
    return Candidate(past.water, since_ms, few.t_ms, may_warn[keep], tuple(reached), past.is_fine)


def _best(
    found: list[Candidate],
    choices: tuple[tuple[float, ...], ...],
    asks_support: bool,
    budget: float,
    far_most: float,
) -> tuple[tuple[float, ...], dict[str, float]]:
    """Return the quantiles that warn of most events within the budget; at a tie, soonest."""
    best: tuple[float, float, float] | None = None
    chosen, told = tuple(0.0 for _ in HORIZONS_H), {}
    for quantiles in _orders(choices):
        figures = pooled(one.count(quantiles, asks_support) for one in found)
        if figures["far"] > far_most or figures["false_per_station_month"] > budget:
            continue
        worth = (figures["pod"], figures["lead_h"], -figures["far"])
        if best is None or worth > best:
            best, chosen, told = worth, quantiles, figures
    return chosen, told


def _orders(choices: tuple[tuple[float, ...], ...]) -> Iterator[tuple[float, ...]]:
    """Yield the combinations in which no later horizon is asked for less certainty."""
    for quantiles in product(*choices):
        own = [one for one in quantiles if one > 0.0]
        if own and all(a >= b for a, b in pairwise(own)):
            yield quantiles


def pooled(parts: Iterable[Warned]) -> dict[str, float]:
    """Return POD, FAR, median lead and false alarms per station-month of some stations."""
    every = list(parts)
    leads = [lead for one in every for lead in one.leads_h]
    events, hits = sum(one.events for one in every), sum(one.warned for one in every)
    groups, false = sum(one.groups for one in every), sum(one.false for one in every)
    return {
        "events": float(events),
        "pod": hits / events if events else 0.0,
        "far": false / groups if groups else 0.0,
        "lead_h": float(np.median(leads)) if leads else 0.0,
        "false_per_station_month": false / max(sum(one.months for one in every), 1e-9),
    }
