"""Time a window through the real code, weigh the real gateway, and set int8 beside float.

What float gave was measured when the models were trained (``metrics.json``); what int8 gives for
the same part of the same records stands beside it there.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from tests.bench import gateway_size

from amont_gateway.scoring.model_files import Model, read_manifest
from amont_gateway.scoring.river_features import RAIN, VALUES
from amont_gateway.scoring.river_forecast import RiverForecasts
from amont_models import pipeline, river
from amont_models.recipe import ARTIFACTS_DIR, load

NAMES = (
    "model.window_p50_ms",
    "model.window_p99_ms",
    "model.windows_per_s",
    "model.windows_per_s_alone",
    "model.rss_mib",
    "model.no_rain_pi_3h",
    "model.no_rain_pod",
    "model.no_rain_lead_h",
    "int8.dpi",
    "int8.df1_river",
    "int8.df1_leak",
    "int8.same_decision",
)
WINDOW_GOAL_MS, RSS_GOAL_MIB = 5.0, 120.0
STATIONS = 24
STEP_MS, DAYS = 900_000, 4
NOW_MS = 1_700_000_100_000
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the figures; the quick variant times fewer windows."""
    entry = read_manifest(ARTIFACTS_DIR)["models"]["river"]
    model = Model(ARTIFACTS_DIR, entry)
    spent = _windows_ms(model, seed, 1500 if full else 300)
    for share in (50, 99):
        value = float(np.percentile(spent, share))
        yield _figure(
            f"model.window_p{share}_ms", value, "ms of CPU, features and band", WINDOW_GOAL_MS
        )
    yield from _batches(model, seed)
    with tempfile.TemporaryDirectory() as folder:
        size = gateway_size.measure(Path(folder), ARTIFACTS_DIR)
    assert (size.forecast, size.verdict) == ("ok", "ok")
    row = _figure("model.rss_mib", size.rss_mib, "MiB, page and InfluxDB", RSS_GOAL_MIB)
    yield {**row, "anchor": size.idle_mib}
    yield from _no_rain(model)
    yield from _int8(pipeline.read_metrics(ARTIFACTS_DIR))


def _figure(name: str, value: float, unit: str, most: float) -> Figure:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "goal": f"<= {most:g}",
        "met": value <= most,
    }


class _Windows:
    """The live windows of many stations: readings each quarter of an hour."""

    def __init__(self, seed: int, steps: int) -> None:
        rng = np.random.default_rng(seed)
        count = DAYS * 96 + steps
        self.t_ms = NOW_MS + STEP_MS * np.arange(count, dtype=np.int64)
        self._good = np.zeros(count, np.uint8)
        self._stage = {
            f"stage-{n}": np.round(900 + 400 * np.sin(np.arange(count) / (20 + n)))
            + rng.integers(0, 9, count)
            for n in range(STATIONS)
        }
        self._rain = np.where(np.sin(np.arange(count) / 25) > 0.8, 600, 0)

    def series(self, sensor: str, since_ms: int = 0) -> tuple[Any, Any, Any]:
        value = self._stage.get(sensor, self._rain).astype(np.int64)
        first = int(np.searchsorted(self.t_ms, since_ms))
        return self.t_ms[first:], value[first:], self._good[first:]


def _windows_ms(model: Model, seed: int, steps: int) -> list[float]:
    """Return what each round of one station takes: readings, features, session, band, level."""
    windows, rivers = _Windows(seed, steps), RiverForecasts(_site(1))
    spent = []
    for now_ms in windows.t_ms[DAYS * 96 :].tolist():
        start = time.thread_time()  # whatever else this machine does
        _, fault = rivers.update(model, windows, now_ms)
        spent.append(1000.0 * (time.thread_time() - start))
        assert fault is None
    return spent[5:]  # the first ones look back


def _site(count: int) -> Any:
    usual = {"watch_mm": 1200, "warning_mm": 1800, "alarm_mm": 2500, "upstream": [], "rain": None}
    stations = [SimpleNamespace(id=f"s{n}", sensors=[f"stage-{n}"], **usual) for n in range(count)]
    gauge = SimpleNamespace(id="col", sensor="rain")
    return SimpleNamespace(stations=stations, rain_gauges=[gauge])


def _batches(model: Model, seed: int) -> Iterator[Figure]:
    """Yield windows a second through the session: a site's stations at once, and one by one.

    The anchor is a float network of the same layers in numpy, on the same rows.
    """
    inputs, outputs = model.shape
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((STATIONS, inputs))
    float_network = _numpy_network(rng, inputs, outputs)
    together = STATIONS * _per_s(lambda: model(rows))
    alone = _per_s(lambda: model(rows[:1]))
    anchors = (
        STATIONS * _per_s(lambda: float_network(rows)),
        _per_s(lambda: float_network(rows[:1])),
    )
    for name, value, anchor, how in (
        ("model.windows_per_s", together, anchors[0], f"{STATIONS} at once"),
        ("model.windows_per_s_alone", alone, anchors[1], "one by one"),
    ):
        yield {"name": name, "value": value, "unit": f"windows/s, {how}", "anchor": anchor}


def _numpy_network(
    rng: np.random.Generator, inputs: int, outputs: int
) -> Callable[[np.ndarray], np.ndarray]:
    import onnx  # of the training extra

    path = ARTIFACTS_DIR / read_manifest(ARTIFACTS_DIR)["models"]["river"]["file"]
    graph = onnx.load(path).graph
    shapes = [tuple(one.dims) for one in graph.initializer if len(one.dims) == 2]
    assert (shapes[0][0], shapes[-1][1]) == (inputs, outputs), shapes
    layers = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]

    def run(rows: np.ndarray) -> np.ndarray:
        out = rows.astype(np.float32)
        for layer in layers[:-1]:
            out = np.maximum(out @ layer, 0.0)
        return out @ layers[-1]

    return run


def _per_s(once: Callable[[], Any]) -> float:
    best = 0.0
    for _ in range(5):
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < 0.1:
            once()
            count += 1
        best = max(best, count / (time.perf_counter() - start))
    return best


def _no_rain(model: Model) -> Iterator[Figure]:
    """Yield what the rung "no rain" costs on the held-back years; the anchor has its rain."""
    recipe = load("river")
    start, end = river.date_ms(recipe["data"]["tune_until"]), 1 << 60

    def dry(rows: np.ndarray) -> np.ndarray:
        rows = rows.copy()
        rows[:, RAIN] = 0.0
        rows[:, VALUES:][:, RAIN] = 0.0
        return model(rows)

    judged = [
        [river.judge(station, predict, start, end) for station in river.stations(recipe)]
        for predict in (model, dry)
    ]
    whole, lost = [river.early_warning(each)["p50"] for each in judged]
    pi = [river.skill(each)["pi_3h"] for each in judged]
    yield {"name": "model.no_rain_pi_3h", "value": pi[1], "unit": "PI, rising", "anchor": pi[0]}
    for name, unit in (("pod", "POD of warnings"), ("lead_h", "h, median")):
        row = {"value": lost[name], "unit": unit, "anchor": whole[name]}
        yield {"name": f"model.no_rain_{name}", **row}


def _int8(metrics: dict[str, Any]) -> Iterator[Figure]:
    rising, leak = metrics["river"], metrics["leak"]
    ours, plain = rising["skill"], rising["float_skill"]
    dpi = max(abs(ours[name] - plain[name]) for name in ours if name.startswith("pi_"))
    yield _figure("int8.dpi", dpi, "|ΔPI|, worst horizon", 0.01)
    if "float_early_warning" in rising:
        tables = (rising["early_warning"], rising["float_early_warning"])
        pairs = [[_f1(table[rule]) for table in tables] for rule in ("p50", "p75", "p95")]
        df1 = max(abs(one - other) for one, other in pairs)
        yield _figure("int8.df1_river", df1, "|ΔF1| of warnings, worst quantile", 0.005)
    found = [leak[name]["found"] / leak[name]["leaks"] for name in ("network", "float")]
    false = [leak[name]["false_per_zone_year"] for name in ("network", "float")]
    same = found[0] == found[1] and false[0] == false[1]
    value = 0.0 if same else abs(found[0] - found[1])
    yield _figure("int8.df1_leak", value, "|Δ share of leaks found|", 0.005)
    share = rising["same_decision"]
    yield {
        "name": "int8.same_decision", "value": share, "unit": "of steps", "goal": ">= 0.999",
        "met": share >= 0.999,
    }  # fmt: skip


def _f1(row: dict[str, float]) -> float:
    pod, right = row["pod"], 1.0 - row["far"]
    return 2.0 * pod * right / (pod + right) if pod + right > 0.0 else 0.0
