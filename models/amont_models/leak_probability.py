"""Fit how probable a leak is for what the test shows, and say how true that was.

Half of the nights are those of records with leaks opened, half those of the records as they are,
whose false alarms are thereby counted, too. A leak that stands for months (``Standing``) is told
with the probability that it had; no leak opened here lasts so long, so its nights say nothing.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from amont_gateway.scoring.zone_test import LeakRule, ZoneTest
from amont_models import leak
from amont_models.data import Floats, Zone
from amont_models.inject import Leak, outflow

STEPS = 100
EDGES = (0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0)
SHOWN = 0.1  # of its size: a smaller leak leaves no trace, and would make calm nights suspect


def nights(
    recipe: dict[str, Any], part: str, predict: leak.Predict, rule: LeakRule
) -> tuple[Floats, Floats, Floats]:
    """Return of each judged night its evidence, whether a leak was open (0, 1), and its weight."""
    opened = leak.injected(recipe, part)
    clean = leak.zones(recipe, part)
    records: list[tuple[Zone, list[Leak], float]] = [(zone, leaks, 1.0) for zone, leaks in opened]
    records += [(zone, [], len(opened) / len(clean)) for zone in clean]
    rows = []
    for zone, leaks, weight in records:
        days = leak.days_of(zone, recipe["data"]["timezone"])
        for night in ZoneTest(rule, predict).run(days):
            stands = night.verdict == "leak" and not night.is_open
            if night.verdict != "unknown" and not stands:
                is_open = any(_shows(one, night.end_ms) for one in leaks)
                rows.append((night.evidence, float(is_open), weight))
    evidence, is_open, weight = np.array(rows).T
    return evidence, is_open, weight


def _shows(one: Leak, at_ms: int) -> bool:
    flow = float(outflow(np.array([at_ms]), one)[0])
    return flow * one.night_share >= SHOWN * one.size_l_h


def fit(recipe: dict[str, Any], predict: leak.Predict, rule: LeakRule) -> LeakRule:
    """Return the rule with the logistic from evidence to "a leak is open", on the training part.

    ValueError if the evidence says nothing about leaks.
    """
    evidence, y, weight = nights(recipe, "train", predict, rule)
    x = np.log1p(evidence)
    slope, shift = 0.2, -1.0
    for _ in range(STEPS):  # Newton's method on two parameters, in short steps
        guess = 1.0 / (1.0 + np.exp(-np.clip(slope * x + shift, -30.0, 30.0)))
        spread = weight * guess * (1.0 - guess)
        gradient = np.array([(weight * (y - guess) * x).sum(), (weight * (y - guess)).sum()])
        cross = (spread * x).sum()
        curve = np.array([[(spread * x * x).sum(), cross], [cross, spread.sum() + 1e-9]])
        step = np.clip(np.linalg.solve(curve, gradient), -0.2, 0.2)
        slope, shift = slope + float(step[0]), shift + float(step[1])
    if not slope > 0.0:
        raise ValueError("leak: the evidence says nothing about leaks")
    return replace(
        rule,
        probability_slope=round(slope, 4),
        probability_middle=round(-shift / slope, 4),
    )


def reliability(
    recipe: dict[str, Any], predict: leak.Predict, rule: LeakRule
) -> list[dict[str, float]]:
    """Return by what was told on the validation part how often it was true.

    A row for each class of probability that occurred: its bounds, nights, what was told on
    average and on what share of them a leak was open.
    """
    evidence, y, weight = nights(recipe, "validate", predict, rule)
    return table(np.array([rule.probability(one) for one in evidence.tolist()]), y, weight)


def table(told: Floats, is_open: Floats, weight: Floats) -> list[dict[str, float]]:
    """Return the rows of ``reliability`` for told probabilities (n,), truths and weights."""
    rows = []
    for low, high in pairwise(EDGES):
        chosen = (told >= low) & (told < high)
        if chosen.any():
            total = float(weight[chosen].sum())
            rows.append(
                {
                    "from": low,
                    "to": high,
                    "nights": int(chosen.sum()),
                    "told": float((told * weight)[chosen].sum()) / total,
                    "open": float((is_open * weight)[chosen].sum()) / total,
                }
            )
    return rows
