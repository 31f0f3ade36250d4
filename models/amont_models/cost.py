"""Measure what one inference takes, and estimate what it takes from a Raspberry Pi.

Times are of the machine that runs this, one thread; they change from run to run, so they stand in
a file of their own and never in the signed metrics. A Pi was not at hand: its energy is an
estimate from two assumptions that the cards name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from amont_gateway.scoring.model_files import Model, read_manifest
from amont_gateway.scoring.network_rung import Rules, Width, whole
from amont_gateway.scoring.river_features import RiverInputs, river_bands, river_rows
from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS, Series
from amont_models import metrics_file
from amont_models.recipe import ARTIFACTS_DIR, RECIPES_DIR

PATH = RECIPES_DIR / "cost.metrics.json"
STEP_MS = 600_000
RUNS = 500
WARM_UP = 20
SENSORS = 33  # of the network that is timed
NETWORK_DAYS, FLOWS_DAYS = 40, 160  # the flows' test remembers 150
BLOCK_H = 6  # after so many hours both tests judge
# What is assumed of a Raspberry Pi 4: its core beside ours, and what a busy core draws more.
PI_SLOWER, PI_WATTS = 5.0, 1.0
PI_IDLE_WATTS = 3.0
Cost = dict[str, Any]


def measure(artifacts: Path = ARTIFACTS_DIR) -> Cost:
    """Return median and 99th percentile in ms of each task.

    A forecast, a zone's night, an hour of a network with pressures, 6 h of one with flows alone.
    """
    entries = read_manifest(artifacts)["models"]
    river, leak = (Model(artifacts, entries[name]) for name in ("river", "leak"))
    night = np.zeros((24, int(entries["leak"]["inputs"])))
    return {
        "machine": _machine(),
        "river": _times(_forecast(river)),
        "leak": _times(lambda: leak(night)),
        "network": _summary(_network_hours(SENSORS, NETWORK_DAYS)),
        "flows": _summary(_blocks(_network_hours(0, FLOWS_DAYS))),
    }


def _forecast(river: Model) -> Callable[[], object]:
    """Return one forecast from three days of readings: features, network, band."""
    t_ms = STEP_MS * np.arange(3 * DAY_MS // STEP_MS, dtype=np.int64)
    stage = Series(t_ms, 500.0 + 100.0 * np.sin(t_ms / DAY_MS))
    rain = Series(t_ms, np.full(len(t_ms), 200.0))
    now_ms, spread_mm = t_ms[-1:], 800.0
    inputs = RiverInputs(stage, rain, ((stage, spread_mm),))
    return lambda: river_bands(river(river_rows(inputs, now_ms, spread_mm)), spread_mm)


def _network_hours(sensors: int, days: int) -> list[float]:
    """Return what each hour of a network takes, in s: two inlets, a pump, a tank, pressures."""
    rng = np.random.default_rng(1)
    rung = whole(Width(2, 1, 1, sensors))
    test = rung.judge(Rules())
    spent = []
    for hour in range(1, 24 * days + 1):
        daily = np.sin(2.0 * np.pi * hour / 24.0)
        flow = 50_000.0 * (1.0 + 0.3 * daily + 0.02 * rng.standard_normal(2))
        pressure = 40.0 - 2.0 * daily + 0.02 * rng.standard_normal(sensors)
        row = np.concatenate((flow, flow[:1], [3000.0], pressure))
        start = time.perf_counter()
        test.step(rung.hour(row, hour * HOUR_MS))
        spent.append(time.perf_counter() - start)
    return spent


def _blocks(hours: list[float]) -> list[float]:
    """Return the sums over the hours after which a test judges once."""
    return [sum(hours[at : at + BLOCK_H]) for at in range(0, len(hours), BLOCK_H)]


def _times(work: Callable[[], object]) -> dict[str, float]:
    spent = []
    for _ in range(WARM_UP + RUNS):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return _summary(spent[WARM_UP:])


def _summary(spent_s: list[float]) -> dict[str, float]:
    middle, high = (1000.0 * np.percentile(spent_s, [50, 99])).tolist()
    return {"median_ms": round(middle, 3), "p99_ms": round(high, 3)}


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def write(cost: Cost, path: Path = PATH) -> None:
    """Write the file that the cards read."""
    metrics_file.write(cost, path)


def read(path: Path = PATH) -> Cost:
    """Return what was measured last; DataError if nothing was."""
    return metrics_file.read(path, "amont-models cost")


def facts(cost: Cost, name: str) -> dict[str, str]:
    """Return what a card says of one task: times, and energy on a Pi by the assumptions."""
    row = cost[name]
    joules = 1e-3 * row["median_ms"] * PI_SLOWER * PI_WATTS
    return {
        "machine": cost["machine"],
        "ms": f"{row['median_ms']:.2g}",
        "p99_ms": f"{row['p99_ms']:.2g}",
        "pi_mj": f"{1000.0 * joules:.1g}",
        "pi_slower": f"{PI_SLOWER:.0f}",
        "pi_watts": f"{PI_WATTS:.0f}",
        "pi_day_j": f"{144 * joules:.1g}",  # a station that speaks every ten minutes
        "pi_idle_kj": f"{PI_IDLE_WATTS * 86.4:.0f}",
    }
