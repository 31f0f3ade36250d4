"""Measure the signed leak test again on the areas that arrive by pip; weigh and time the files.

The part judged is the one that training never saw, with leaks opened and as it is; the rule is the
signed one. The anchor is the night-flow rule that errs as rarely. ``low95`` and ``high95`` draw
areas and records again. What ships for rivers is judged in ``flood.*``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from tests.bench import intervals

from amont_gateway.scoring.model_files import Model, read_manifest
from amont_gateway.scoring.river_features import RIVER_FEATURES
from amont_models import bootstrap, leak, pipeline, recipe, zone_chain

LEAK = ("leak_found_15", "leak_false_per_zone_year", "leak_delay_h")
NAMES = (
    *intervals.names(f"model.{name}" for name in LEAK),
    "model.bytes",
    "model.inference_p99_ms",
)
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the figures; the quick variant opens leaks once, not three times."""
    manifest = read_manifest(recipe.ARTIFACTS_DIR)["models"]
    yield from _leak(full)
    largest = max(entry["bytes"] for entry in manifest.values())
    yield _figure("bytes", largest, "B, larger file", None, 64 * 1024, largest <= 64 * 1024)
    p99 = _inference_p99_ms(Model(recipe.ARTIFACTS_DIR, manifest["river"]), seed)
    yield _figure("inference_p99_ms", p99, "ms", None, 5.0, p99 <= 5.0)


def _figure(
    name: str, value: float, unit: str, anchor: float | None, goal: float, met: bool
) -> Figure:
    figure = {"name": f"model.{name}", "value": value, "unit": unit, "goal": goal, "met": met}
    return figure if anchor is None else {**figure, "anchor": anchor}


def _leak(full: bool) -> Iterator[Figure]:
    settings, ships = recipe.load("leak"), zone_chain.shipped(recipe.ARTIFACTS_DIR)
    timezone = settings["data"]["timezone"]
    seeds = settings["inject"]["validate_seeds"]
    settings["inject"]["validate_seeds"] = seeds if full else seeds[:1]
    clean, opened = leak.zones(settings, "validate"), leak.injected(settings, "validate")
    alarms = leak.sequential(ships.predict, ships.settings, timezone)
    found = leak.count(alarms, clean, opened)
    ours = found.summary()
    steps = [
        leak.count(leak.night_step(share, timezone), clean, opened).summary()
        for share in pipeline.STEP_SHARES
    ]
    false = ours["false_per_zone_year"]
    rivals = [step for step in steps if step["false_per_zone_year"] <= false] or steps[-1:]
    rival = max(rivals, key=lambda step: step["found_15"])
    share, floor = (row["found_15"] / row["leaks_15"] for row in (ours, rival))
    figure = _figure("leak_found_15", share, "of leaks >= 15 %", floor, 1.0, share >= 1.0)
    ends = ours["found_15_share_low"], ours["found_15_share_high"]
    yield from intervals.with_bounds(figure, *ends)
    errs = rival["false_per_zone_year"]
    figure = _figure("leak_false_per_zone_year", false, "a year and zone", errs, 1.0, false <= 1.0)
    yield from intervals.with_bounds(figure, ours["false_low"], ours["false_high"])
    delays = [one.abrupt_h for one in found.opened]
    delay, low, high = bootstrap.interval(delays, _middle)
    figure = _figure("leak_delay_h", delay, "h, abrupt", rival["delay_h"], 24.0, delay <= 24.0)
    yield from intervals.with_bounds(figure, low, high)


def _middle(delays_h: Sequence[Sequence[float]]) -> float:
    every = [delay for record in delays_h for delay in record]
    return statistics.median(every) if every else float("nan")


def _inference_p99_ms(model: Model, seed: int) -> float:
    rows = np.random.default_rng(seed).standard_normal((1, RIVER_FEATURES))
    spent = []
    for _ in range(500):
        start = time.perf_counter()
        model(rows)
        spent.append(1000.0 * (time.perf_counter() - start))
    return float(np.percentile(spent, 99))
