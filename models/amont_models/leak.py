"""Train and judge the leak network: its table, its rule, its floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from amont_gateway.scoring import zone_features
from amont_gateway.scoring.timeline import DAY_MS, Series
from amont_gateway.scoring.zone_features import REFERENCE_DAYS, REFERENCE_LAG_DAYS, Days
from amont_gateway.scoring.zone_test import LeakRule
from amont_models import data, leak_floors, zone_chain
from amont_models.data import Floats, Zone
from amont_models.inject import Leak, inject
from amont_models.leak_events import Alarm, Label, Tally, tally
from amont_models.network import Network, Schedule, train
from amont_models.river import date_ms

Predict = Callable[[Floats], Floats]
# Takes a zone, returns its alarms, oldest first.
Alarms = Callable[[Zone], list[Alarm]]
DRAWS, DRAW_SEED = 2000, 7
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
        reference = zone_features.make_reference(days.kind[past], days.l_h[past])
        if reference is None:
            continue
        week = swings[max(0, index - 7) : index]
        ordinal, kind = int(days.ordinal[index]), int(days.kind[index])
        rows = zone_features.zone_rows(reference, ordinal, kind, week)
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
    return lambda zone: zone_chain.gateway_alarms(days_of(zone, timezone), rule, predict)


def night_step(share: float, timezone: str, run: int = 2) -> Alarms:
    """Return the simple rule of that name as an alarm rule over a zone."""
    simple = leak_floors.night_step(share, run)
    return lambda zone: simple(days_of(zone, timezone))


@dataclass(frozen=True)
class Found:
    """What an alarm rule did: false alarms by clean area, a tally by record with leaks opened."""

    false_clean: tuple[int, ...] = ()
    clean_years: tuple[float, ...] = ()
    opened: tuple[Tally, ...] = ()

    @property
    def total(self) -> Tally:
        """Return the tallies of all records with leaks, added up."""
        return sum(self.opened, Tally())

    def summary(self) -> dict[str, float]:
        """Return shares, false alarms per zone-year and the median delay of abrupt leaks.

        ``_low`` and ``_high`` hold 95 % of draws of the areas and records, each time as many.
        """
        total = self.total
        delay = float(np.median(total.abrupt_h)) if total.abrupt_h else float("nan")
        return {
            "leaks": total.leaks,
            "found": total.found,
            "leaks_15": total.large,
            "found_15": total.large_found,
            "false_per_zone_year": sum(self.false_clean) / sum(self.clean_years),
            "false_beside_leaks_per_zone_year": total.false / total.years,
            "delay_h": delay,
            **self._interval(),
        }

    def _interval(self) -> dict[str, float]:
        rng = np.random.default_rng(DRAW_SEED)
        false, years = np.array(self.false_clean), np.array(self.clean_years)
        found = np.array([(one.large_found, one.large) for one in self.opened])
        areas = rng.integers(0, len(false), (DRAWS, len(false)))
        often = false[areas].sum(axis=1) / years[areas].sum(axis=1)
        counts = found[rng.integers(0, len(found), (DRAWS, len(found)))].sum(axis=1)
        shares = counts[:, 0] / np.maximum(counts[:, 1], 1)
        out: dict[str, float] = {}
        for name, draws in (("found_15_share", shares), ("false", often)):
            low, high = np.percentile(draws, [2.5, 97.5]).tolist()
            out |= {f"{name}_low": low, f"{name}_high": high}
        return out


def count(alarms: Alarms, clean: list[Zone], injected: list[tuple[Zone, list[Leak]]]) -> Found:
    """Run an alarm rule over clean and injected records and count, as ``leak_events`` does.

    What is said in the warm-up before a part counts for nothing.
    """
    return Found(
        tuple(len(_late(zone, alarms(zone))) for zone in clean),
        tuple(_years(zone) for zone in clean),
        tuple(
            tally(
                _late(zone, alarms(zone)),
                [label_of(leak) for leak in leaks],
                float(np.nanmean(zone.inflow_l_h)),
                _years(zone),
            )
            for zone, leaks in injected
        ),
    )


def label_of(leak: Leak) -> Label:
    """Return a leak that was opened as it is judged."""
    return Label(
        leak.start_ms,
        leak.peak_ms,
        leak.end_ms,
        leak.abrupt,
        leak.size_l_h,
        night_share=leak.night_share,
    )


def _years(zone: Zone) -> float:
    return len(zone.t_ms) / 8766.0 - WARM_UP_DAYS / 365.25


def _late(zone: Zone, alarms: list[Alarm]) -> list[Alarm]:
    first = int(zone.t_ms[0]) + WARM_UP_DAYS * DAY_MS
    return [alarm for alarm in alarms if alarm.at_ms >= first]


def injected(recipe: dict[str, Any], part: str) -> list[tuple[Zone, list[Leak]]]:
    """Return the areas of a part with leaks opened, once for each of the recipe's seeds."""
    settings = recipe["inject"]
    return [
        inject(zone, seed, settings["per_zone"])
        for zone in zones(recipe, part)
        for seed in settings[f"{part}_seeds"]
    ]


def choose_rule(recipe: dict[str, Any], predict: Predict) -> tuple[LeakRule, dict[str, Any]]:
    """Return the rule that finds most leaks of the training part within the false-alarm budget.

    Of those within it one whose abrupt leaks are mostly found within a day goes first. Chosen
    without the network first; the network is asked if it then finds more. Beside the rule comes
    the budget with what it gave there, alone and with the network, for the manifest.
    """
    names = ("step", "step_shy", "drift", "alarm")
    settings = recipe["rule"]
    candidates = [
        LeakRule(
            network=0.0,
            sigma_min=settings["sigma_min"],
            watch=values[-1] / 2.0,
            **dict(zip(names, values, strict=True)),
        )
        for values in zip(*(settings[name] for name in names), strict=True)
    ]
    if not candidates:
        raise ValueError("recipe leak: the rule has no candidates")
    clean, opened = zones(recipe, "train"), injected(recipe, "train")

    def tried(rule: LeakRule) -> Found:
        return count(sequential(predict, rule, recipe["data"]["timezone"]), clean, opened)

    def rank(found: Found) -> tuple[float, bool, int, int]:
        told = found.summary()
        over = max(0.0, told["false_per_zone_year"] - settings["false_per_zone_year"])
        is_quick = told["delay_h"] <= settings["delay_h"]
        return -over, is_quick, found.total.large_found, found.total.found

    every = [(rule, tried(rule)) for rule in candidates]
    alone, found = max(every, key=lambda pair: rank(pair[1]))
    asked = replace(alone, network=1.0)
    with_network = tried(asked)
    chosen = {
        "budget_false_per_zone_year": settings["false_per_zone_year"],
        "delay_h_most": settings["delay_h"],
        "without_network": _gave(found),
        "with_network": _gave(with_network),
    }
    return (asked if rank(with_network) > rank(found) else alone), chosen


def _gave(found: Found) -> dict[str, float]:
    """Return what a rule gave where it was chosen; the delay only where there is one."""
    told = found.summary()
    names = ("leaks_15", "found_15", "leaks", "found", "false_per_zone_year", "delay_h")
    return {name: told[name] for name in names if np.isfinite(told[name])}


def other_rules(recipe: dict[str, Any], rule: LeakRule) -> list[tuple[dict[str, float], LeakRule]]:
    """Return settings and rule for each other setting that the recipe wants judged."""
    names = ("step", "drift", "alarm")
    settings = [
        dict(zip(names, values, strict=True))
        for values in zip(*(recipe["curve"][name] for name in names), strict=True)
    ]
    return [(one, replace(rule, watch=one["alarm"] / 2.0, **one)) for one in settings]
