"""Time a window through the real code, weigh the real gateway, and say what lost rain costs.

Without rain the packaged rivers are judged as ``amont-models score`` does, as on a station's first
day; the anchor has its rain.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from tests.bench import gateway_size, intervals

from amont_gateway.scoring.model_files import Model, read_manifest
from amont_gateway.scoring.river_forecast import RiverForecasts
from amont_models import river_lessons, river_report, score_river
from amont_models.recipe import ARTIFACTS_DIR
from amont_models.records import catalogue
from amont_models.records.table import Record
from amont_models.river_chain import shipped
from amont_models.river_station import prepare
from amont_models.score_tables import tables

NO_RAIN = {"pi_3h": "PI, rising", "pod": "POD of warnings", "lead_h": "h, median"}
NAMES = (
    "model.window_p50_ms",
    "model.window_p99_ms",
    "model.windows_per_s",
    "model.windows_per_s_alone",
    "model.rss_mib",
    *intervals.names(f"model.no_rain_{what}" for what in NO_RAIN),
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
    yield from _no_rain()


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


def _no_rain() -> Iterator[Figure]:
    """Yield what the rung "no rain" costs on the held-back years, by the rule that ships."""
    whole, lost = (
        _judged(change) for change in (river_report.RUNGS["full"], river_report.no_rain)
    )
    for what, unit in NO_RAIN.items():
        value, low, high = lost[what]
        figure = {"name": f"model.no_rain_{what}", "value": value, "unit": unit}
        yield from intervals.with_bounds({**figure, "anchor": whole[what][0]}, low, high)


def _judged(change: Callable[[Record], Record]) -> dict[str, Any]:
    chain, record = shipped(ARTIFACTS_DIR), change(catalogue.load(river_lessons.PACKAGED))
    stations = [prepare(record, site) for site in record.sites]
    found = tables([score_river.judge(one, chain, one.clean, None) for one in stations])
    return {"pi_3h": found["skill"]["model_3h"]["pi"], **found["warnings"]["warning"]}
