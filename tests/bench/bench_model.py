"""Measure the signed models again, on the records that arrive by pip.

The parts judged are those that training never saw (recipes). Floors stand as anchors: PI of the
straight line, and the night-flow rule that errs as rarely.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from amont_gateway.scoring.model_files import Model, read_manifest
from amont_gateway.scoring.river_features import RIVER_FEATURES
from amont_gateway.scoring.zone_test import LeakRule
from amont_models import leak, pipeline, recipe

HOURS = (1, 3, 6)  # of the hourly records here
NAMES = (
    *(f"model.pi_{hours}h" for hours in HOURS),
    *(f"model.coverage_{hours}h" for hours in HOURS),
    *(f"model.watch_{what}" for what in ("pod", "far", "lead_h")),
    *(f"model.warning_{what}" for what in ("pod", "far", "lead_h")),
    "model.leak_found_15",
    "model.leak_false_per_zone_year",
    "model.leak_delay_h",
    "model.bytes",
    "model.inference_p99_ms",
)
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the figures; the quick variant opens half as many leaks."""
    manifest = read_manifest(recipe.ARTIFACTS_DIR)["models"]
    models = {name: Model(recipe.ARTIFACTS_DIR, entry) for name, entry in manifest.items()}
    yield from _river(models["river"])
    yield from _leak(models["leak"], LeakRule.from_manifest(manifest["leak"]["rule"]), full)
    largest = max(entry["bytes"] for entry in manifest.values())
    yield _figure("bytes", largest, "B, larger file", None, 64 * 1024, largest <= 64 * 1024)
    p99 = _inference_p99_ms(models["river"], seed)
    yield _figure("inference_p99_ms", p99, "ms", None, 5.0, p99 <= 5.0)


def _figure(
    name: str, value: float, unit: str, anchor: float | None, goal: float, met: bool
) -> Figure:
    figure = {"name": f"model.{name}", "value": value, "unit": unit, "goal": goal, "met": met}
    return figure if anchor is None else {**figure, "anchor": anchor}


def _river(model: Model) -> Iterator[Figure]:
    result = pipeline.judge_river(recipe.load("river"), None, model)
    skill, warning = result["skill"], result["early_warning"]
    for hours in HOURS:
        value, line = skill[f"pi_{hours}h"], skill[f"pi_linear_{hours}h"]
        # Persistence is 0 by definition; the better of the two floors is the anchor.
        floor = max(0.0, line)
        yield _figure(f"pi_{hours}h", value, "PI, rising", floor, floor, value > floor)
    for hours in HOURS:
        value = skill[f"coverage_{hours}h"]
        yield _figure(f"coverage_{hours}h", value, "of 0.90", None, 0.9, abs(value - 0.9) <= 0.05)
    mark = warning["p98 mark"]
    for level, quantile in (("watch", "p95"), ("warning", "p50")):  # as ``scoring`` advises
        ours = warning[quantile]
        yield _figure(f"{level}_pod", ours["pod"], "POD", mark["pod"], 0.95, ours["pod"] >= 0.95)
        yield _figure(f"{level}_far", ours["far"], "FAR", mark["far"], 0.30, ours["far"] <= 0.30)
        lead = ours["lead_h"]
        yield _figure(f"{level}_lead_h", lead, "h, median", mark["lead_h"], 2.0, lead >= 2.0)


def _leak(model: Model, rule: LeakRule, full: bool) -> Iterator[Figure]:
    settings = recipe.load("leak")
    timezone = settings["data"]["timezone"]
    seeds = settings["inject"]["validate_seeds"]
    settings["inject"]["validate_seeds"] = seeds if full else seeds[:1]
    clean, opened = leak.zones(settings, "validate"), leak.injected(settings, "validate")
    alarms = leak.sequential(lambda rows: model(rows)[:, 0], rule, timezone)
    ours = leak.count(alarms, clean, opened).summary()
    steps = [
        leak.count(leak.night_step(share, timezone), clean, opened).summary()
        for share in pipeline.STEP_SHARES
    ]
    false = ours["false_per_zone_year"]
    rivals = [step for step in steps if step["false_per_zone_year"] <= false] or steps[-1:]
    rival = max(rivals, key=lambda step: step["found_15"])
    found, floor = (row["found_15"] / row["leaks_15"] for row in (ours, rival))
    yield _figure("leak_found_15", found, "of leaks >= 15 %", floor, 1.0, found >= 1.0)
    errs = rival["false_per_zone_year"]
    yield _figure("leak_false_per_zone_year", false, "a year and zone", errs, 1.0, false <= 1.0)
    delay = ours["delay_h"]
    yield _figure("leak_delay_h", delay, "h, abrupt", rival["delay_h"], 24.0, delay <= 24.0)


def _inference_p99_ms(model: Model, seed: int) -> float:
    rows = np.random.default_rng(seed).standard_normal((1, RIVER_FEATURES))
    spent = []
    for _ in range(500):
        start = time.perf_counter()
        model(rows)
        spent.append(1000.0 * (time.perf_counter() - start))
    return float(np.percentile(spent, 99))
