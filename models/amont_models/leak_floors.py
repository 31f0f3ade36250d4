"""The simple rules that a leak detector must beat, on one inflow; all of them look back only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from amont_gateway.scoring.timeline import DAY_MS, Floats, Times
from amont_gateway.scoring.zone_features import Days
from amont_models.leak_events import Alarm

# Takes a record by local day, returns its alarms, oldest first.
Rule = Callable[[Days], list[Alarm]]
STEP_SHARES = (0.15, 0.2, 0.3, 0.4)
NIGHT = slice(2, 4)  # local hours
PAST_NIGHTS = 14
BOOST_REFIT_DAYS = 60
BOOST_FIRST_DAYS = 90
BOOST = {"objective": "l1", "num_leaves": 15, "num_threads": 1, "seed": 1, "verbose": -1}


def nights(days: Days) -> tuple[Floats, list[int]]:
    """Return each night's flow (2 to 4 h), NaN where unknown, and when it was known."""
    flow = np.asarray(days.l_h[:, NIGHT].mean(axis=1))
    return flow, [int(row[NIGHT].max()) for row in days.end_ms]


def night_step(share: float, run: int = 2) -> Rule:
    """Return: night flow ``share`` above the last 14 nights' median, ``run`` nights in a row."""

    def rule(days: Days) -> list[Alarm]:
        flow, known_ms = nights(days)
        alarms, count = [], 0
        for index in range(PAST_NIGHTS, len(flow)):
            past = flow[index - PAST_NIGHTS : index]
            past = past[np.isfinite(past)]
            if len(past) < PAST_NIGHTS // 2 or not np.isfinite(flow[index]):
                continue
            rise = float(flow[index] - np.median(past))
            count = count + 1 if rise > share * float(np.median(past)) else 0
            if count == run:
                since = known_ms[index - run + 1]
                alarms.append(Alarm(known_ms[index], since, rise))
        return alarms

    return rule


def _scores(flow: Floats, index: int, reach: int) -> tuple[float, float] | None:
    """Return the night's departure from the nights before (not the last two), and its sigma."""
    past = flow[max(0, index - reach) : max(0, index - 2)]
    past = past[np.isfinite(past)]
    if len(past) < reach // 3 or not np.isfinite(flow[index]):
        return None
    middle = float(np.median(past))
    sigma = 1.4826 * float(np.median(np.abs(past - middle)))
    return float(flow[index]) - middle, max(sigma, 0.01 * abs(middle), 1e-9)


def cusum(drift: float = 1.0, bound: float = 8.0, reach: int = 30) -> Rule:
    """Return: a one-sided CUSUM of the night flow's departure from its last month."""

    def rule(days: Days) -> list[Alarm]:
        flow, known_ms = nights(days)
        return _sum_up([_scores(flow, k, reach) for k in range(len(flow))], known_ms, drift, bound)

    return rule


def _sum_up(
    scores: Sequence[tuple[float, float] | None],
    known_ms: Sequence[int],
    drift: float,
    bound: float,
) -> list[Alarm]:
    alarms: list[Alarm] = []
    lifted: list[float] = []
    total, since = 0.0, None
    for at_ms, score in zip(known_ms, scores, strict=True):
        if score is None:
            continue
        total = max(0.0, total + min(score[0] / score[1], 5.0) - drift)
        since, lifted = (since or at_ms, [*lifted, score[0]]) if total > 0.0 else (None, [])
        if total > bound:
            alarms.append(Alarm(at_ms, since, float(np.median(lifted))))
            total, since, lifted = 0.0, None, []
    return alarms


def step_test(bound: float = 6.0, before: int = 14, after: int = 3, quiet_days: int = 14) -> Rule:
    """Return: the last ``after`` nights against the ``before`` nights before them, in errors."""

    def rule(days: Days) -> list[Alarm]:
        flow, known_ms = nights(days)
        alarms: list[Alarm] = []
        for index in range(before + after, len(flow) + 1):
            new, old = flow[index - after : index], flow[index - after - before : index - after]
            new, old = new[np.isfinite(new)], old[np.isfinite(old)]
            if len(new) < after or len(old) < before // 2:
                continue
            rise = float(new.mean() - old.mean())
            error = max(float(old.std()), 0.01 * float(old.mean())) / np.sqrt(after)
            at_ms = known_ms[index - 1]
            if alarms and at_ms - alarms[-1].at_ms < quiet_days * DAY_MS:
                continue
            if rise > bound * error:
                alarms.append(Alarm(at_ms, known_ms[index - after], rise))
        return alarms

    return rule


def random_like(alarms: Sequence[Alarm], t_ms: Times, seed: int) -> list[Alarm]:
    """Return as many alarms as given, at times drawn evenly from the record's."""
    if not alarms:
        return []
    times = np.random.default_rng(seed).choice(t_ms, len(alarms))
    return [Alarm(int(at_ms)) for at_ms in np.sort(times)]


def boosted(drift: float = 1.0, bound: float = 8.0) -> Rule | None:
    """Return: LightGBM's expected inflow, CUSUM of the daily residual; None without LightGBM.

    It is fitted again every 60 days on all that is past.
    """
    if find_spec("lightgbm") is None:
        return None
    lightgbm: Any = import_module("lightgbm")  # carries no types

    def rule(days: Days) -> list[Alarm]:
        residual = _boost_residual(days, lightgbm)
        floor = max(0.01 * float(np.nanmean(days.l_h[:BOOST_FIRST_DAYS])), 1e-9)
        scores: list[tuple[float, float] | None] = []
        for index, value in enumerate(residual.tolist()):
            scale = 1.4826 * _mad(residual[max(0, index - 60) : index])
            known = np.isfinite(value) and np.isfinite(scale)
            scores.append((value, max(scale, floor)) if known else None)
        return _sum_up(scores, [int(row.max()) for row in days.end_ms], drift, bound)

    return rule


def _boost_residual(days: Days, lightgbm: Any) -> Floats:
    """Return the daily median of inflow less expected inflow (d,); NaN before the first fit."""
    residual = np.full(len(days.ordinal), np.nan)
    rows, target = _boost_table(days)
    known = np.isfinite(target)
    model: Any = None
    for first in range(BOOST_FIRST_DAYS, len(residual), BOOST_REFIT_DAYS):
        past = known & (np.arange(len(target)) < 24 * first)
        if past.sum() > 24 * BOOST_FIRST_DAYS // 2:
            table = lightgbm.Dataset(rows[past], target[past])
            model = lightgbm.train(BOOST, table, num_boost_round=80)
        if model is None:
            continue
        span = slice(24 * first, 24 * (first + BOOST_REFIT_DAYS))
        left = (target[span] - model.predict(rows[span])).reshape(-1, 24)
        some = np.isfinite(left).any(axis=1)
        residual[first : first + BOOST_REFIT_DAYS][some] = np.nanmedian(left[some], axis=1)
    return residual


def _mad(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(np.abs(known - np.median(known)))) if len(known) >= 10 else np.nan


def _boost_table(days: Days) -> tuple[Floats, Floats]:
    count = len(days.ordinal)
    lagged = [np.full((count, 24), np.nan) for _ in range(3)]
    for column, lag in zip(lagged, (7, 14, 28), strict=True):
        column[lag:] = days.l_h[:-lag]
    hour = np.tile(np.arange(24.0), (count, 1))
    week = np.repeat(((days.ordinal + 6) % 7)[:, None], 24, axis=1)
    year = 2.0 * np.pi * np.repeat(days.ordinal[:, None], 24, axis=1) / 365.2425
    columns = [hour, week, np.sin(year), np.cos(year), *lagged]
    return np.stack(columns, axis=-1).reshape(count * 24, -1), days.l_h.reshape(-1)


def zone_rules() -> dict[str, Rule]:
    """Return every floor for one inflow, by name."""
    rules: dict[str, Rule] = {
        f"night flow {round(100 * share)} %": night_step(share) for share in STEP_SHARES
    }
    rules["night CUSUM"] = cusum()
    rules["step test"] = step_test()
    boost = boosted()
    if boost is not None:
        rules["LightGBM + CUSUM"] = boost
    return rules
