"""Train and judge the leak network: its table, its rule, its floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from amont_gateway.scoring import zone_features
from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS, Series
from amont_gateway.scoring.zone_features import REFERENCE_DAYS, REFERENCE_LAG_DAYS, Days
from amont_gateway.scoring.zone_test import LeakRule, ZoneTest
from amont_models import data, leak_floors
from amont_models.data import Floats, Zone
from amont_models.inject import Leak, inject, outflow
from amont_models.network import Network, Schedule, train
from amont_models.river import date_ms

Predict = Callable[[Floats], Floats]
# Takes a zone, returns the times at which it first says "leak", once for each alarm.
Alarms = Callable[[Zone], list[int]]
WARM_UP_DAYS = 42  # the record before the validation part that rules may learn from


def nothing(rows: Floats) -> Floats:
    """Expect what the reference says: the test without a network."""
    return np.zeros(len(rows))


def days_of(zone: Zone, timezone: str) -> Days:
    """Return the known hours of a record by local day."""
    known = np.isfinite(zone.inflow_l_h)
    hourly = Series(zone.t_ms[known], zone.inflow_l_h[known])
    return zone_features.by_day(hourly, ZoneInfo(timezone))


def zones(recipe: dict[str, Any], part: str) -> list[Zone]:
    """Return the areas' "train" or "validate" part; the latter with its warm-up before it."""
    split = date_ms(recipe["data"]["train_until"])
    span = (0, split) if part == "train" else (split - WARM_UP_DAYS * DAY_MS, 1 << 60)
    return [data.zone(area).between(*span) for area in recipe["data"]["areas"]]


def _zone_table(days: Days, night_weight: float) -> list[tuple[Floats, Floats, Floats]]:
    full = np.isfinite(days.l_h).sum(axis=1) >= 18
    swings = zone_features.swings(days.l_h)
    parts = []
    for index in range(1, len(days.ordinal)):
        first = max(0, index - 2 * REFERENCE_DAYS)
        past = np.arange(index - REFERENCE_LAG_DAYS, first - 1, -1)
        past = past[full[past]][:REFERENCE_DAYS] if len(past) else past
        reference = zone_features.make_reference(days.ordinal[past], days.l_h[past])
        if reference is None:
            continue
        week = swings[max(0, index - 7) : index]
        rows = zone_features.zone_rows(reference, int(days.ordinal[index]), week)
        target = days.l_h[index] / reference.mean_l_h - rows[:, 0]
        weight = np.ones(24)
        weight[reference.quiet] = night_weight
        known = np.isfinite(target) & np.isfinite(rows).all(axis=1)
        parts.append((rows[known], target[known, None], weight[known]))
    return parts


def training_table(recipe: dict[str, Any]) -> tuple[Floats, Floats, Floats]:
    """Return rows, targets (n, 1) and weights of the training part, as it was recorded."""
    parts: list[tuple[Floats, Floats, Floats]] = []
    for zone in zones(recipe, "train"):
        days = days_of(zone, recipe["data"]["timezone"])
        parts += _zone_table(days, recipe["network"]["night_weight"])
    rows, target, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return rows, target, weight


def fit(recipe: dict[str, Any]) -> Network:
    """Train the network of the recipe."""
    rows, target, weight = training_table(recipe)
    settings = recipe["network"]
    network = Network((rows.shape[1], *settings["hidden"], 1), (0.5,), recipe["seed"])
    schedule = Schedule(settings["epochs"], settings["batch"], settings["rate"], settings["decay"])
    train(network, rows, target, weight, schedule, recipe["seed"])
    return network


# --- judging ---


def sequential(predict: Predict, rule: LeakRule, timezone: str) -> Alarms:
    """Return the gateway's own test as an alarm rule."""

    def alarms(zone: Zone) -> list[int]:
        nights = ZoneTest(rule, predict).run(days_of(zone, timezone))
        verdicts = ["normal", *(night.verdict for night in nights)]
        return [
            night.end_ms
            for night, before in zip(nights, verdicts, strict=False)
            if night.verdict == "leak" and before != "leak"
        ]

    return alarms


def night_step(share: float, timezone: str, run: int = 2) -> Alarms:
    """Return the simple rule of that name as an alarm rule over a zone."""
    simple = leak_floors.night_step(share, run)
    return lambda zone: [alarm.at_ms for alarm in simple(days_of(zone, timezone))]


@dataclass(frozen=True)
class Found:
    """Counts of an alarm rule: leaks opened, found, large ones, false alarms on clean records."""

    leaks: int = 0
    found: int = 0
    large: int = 0
    large_found: int = 0
    false_clean: int = 0
    false_injected: int = 0
    zone_years: float = 0.0
    injected_years: float = 0.0
    delays_h: tuple[float, ...] = ()

    def summary(self) -> dict[str, float]:
        """Return shares, false alarms per zone-year and the median delay of abrupt leaks."""
        delay = float(np.median(self.delays_h)) if self.delays_h else float("nan")
        return {
            "leaks": self.leaks,
            "found": self.found,
            "leaks_15": self.large,
            "found_15": self.large_found,
            "false_per_zone_year": self.false_clean / self.zone_years,
            "false_beside_leaks_per_zone_year": self.false_injected / self.injected_years,
            "delay_h": delay,
        }


def in_time(leak: Leak, alarms: list[int]) -> int | None:
    """Return the first alarm that counts: 14 days for abrupt leaks, peak + 10 days for others."""
    limit = leak.start_ms + 14 * DAY_MS if leak.abrupt else leak.peak_ms + 10 * DAY_MS
    hits = [at for at in alarms if leak.start_ms < at <= min(limit, leak.end_ms)]
    return hits[0] if hits else None


def count(alarms: Alarms, clean: list[Zone], injected: list[tuple[Zone, list[Leak]]]) -> Found:
    """Run an alarm rule over clean and injected records and count."""
    total = Found()
    for zone in clean:
        years = len(zone.t_ms) / 8766.0 - WARM_UP_DAYS / 365.25
        total = replace(
            total,
            false_clean=total.false_clean + sum(_late(zone, at) for at in alarms(zone)),
            zone_years=total.zone_years + years,
        )
    for zone, leaks in injected:
        total = _count_injected(total, zone, leaks, alarms(zone))
    return total


def _late(zone: Zone, at_ms: int) -> bool:
    return at_ms >= int(zone.t_ms[0]) + WARM_UP_DAYS * DAY_MS


def _count_injected(total: Found, zone: Zone, leaks: list[Leak], alarms: list[int]) -> Found:
    delays, found, large_found = [], 0, 0
    for leak in leaks:
        hit = in_time(leak, alarms)
        found += hit is not None
        large_found += hit is not None and leak.night_share >= 0.15
        if hit is not None and leak.abrupt:
            delays.append((hit - leak.start_ms) / HOUR_MS)
    # Alarms while a leak runs are not false, even if they came too late to count as found.
    stray = [at for at in alarms if not any(k.start_ms < at <= k.end_ms for k in leaks)]
    return replace(
        total,
        leaks=total.leaks + len(leaks),
        found=total.found + found,
        large=total.large + sum(leak.night_share >= 0.15 for leak in leaks),
        large_found=total.large_found + large_found,
        false_injected=total.false_injected + sum(_late(zone, at) for at in stray),
        injected_years=total.injected_years + len(zone.t_ms) / 8766.0 - WARM_UP_DAYS / 365.25,
        delays_h=(*total.delays_h, *delays),
    )


def injected(recipe: dict[str, Any], part: str) -> list[tuple[Zone, list[Leak]]]:
    """Return the areas of a part with leaks opened, once for each of the recipe's seeds."""
    settings = recipe["inject"]
    return [
        inject(zone, seed, settings["per_zone"])
        for zone in zones(recipe, part)
        for seed in settings[f"{part}_seeds"]
    ]


def choose_rule(recipe: dict[str, Any], predict: Predict) -> LeakRule:
    """Return the rule that finds most leaks of the training part within the false-alarm budget."""
    clean, opened = zones(recipe, "train"), injected(recipe, "train")
    settings, best = recipe["rule"], None
    names = ("network", "drift", "alarm", "sigma_min")
    for values in product(*(settings[name] for name in names)):
        chosen = dict(zip(names, values, strict=True))
        rule = LeakRule(watch=chosen["alarm"] / 2.0, **chosen)
        found = count(sequential(predict, rule, recipe["data"]["timezone"]), clean, opened)
        result = found.summary()
        over = max(0.0, result["false_per_zone_year"] - settings["false_per_zone_year"])
        rank = (-over, found.large_found, found.found)
        if best is None or rank > best[0]:
            best = (rank, rule)
    if best is None:
        raise ValueError("recipe leak: the rule has no candidates")
    return fit_probability(recipe, predict, best[1])


def other_rules(recipe: dict[str, Any], rule: LeakRule) -> list[tuple[float, float, LeakRule]]:
    """Return drift, alarm and rule for each other setting that the recipe wants judged."""
    pairs = zip(recipe["curve"]["drift"], recipe["curve"]["alarm"], strict=True)
    return [
        (drift, alarm, replace(rule, drift=drift, alarm=alarm, watch=alarm / 2.0))
        for drift, alarm in pairs
    ]


def _shows(leak: Leak, at_ms: int) -> bool:
    flow = float(outflow(np.array([at_ms]), leak)[0])
    return flow * leak.night_share >= 0.1 * leak.size_l_h


def fit_probability(recipe: dict[str, Any], predict: Predict, rule: LeakRule) -> LeakRule:
    """Return the rule with the logistic from evidence to "a leak is open", on the training part.

    A leak counts from a tenth of the night flow on: smaller ones leave no trace in the sum, and
    would make every calm night look suspect.
    """
    sums, truths = [], []
    for zone, leaks in injected(recipe, "train"):
        days = days_of(zone, recipe["data"]["timezone"])
        for night in ZoneTest(rule, predict).run(days):
            if night.verdict != "unknown":
                sums.append(night.evidence)
                truths.append(any(_shows(k, night.end_ms) for k in leaks))
    x, y = np.log1p(np.array(sums)), np.array(truths, dtype=np.float64)
    slope, shift = 0.2, -1.0
    for _ in range(100):  # Newton's method on two parameters, in short steps
        guess = 1.0 / (1.0 + np.exp(-np.clip(slope * x + shift, -30.0, 30.0)))
        spread = guess * (1.0 - guess)
        gradient = np.array([((y - guess) * x).sum(), (y - guess).sum()])
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
