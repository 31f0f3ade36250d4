"""Run the real ``amont-gateway`` with both models over months of past and a day of traffic."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from tests.gateway.fake_guard import FakeGuard
from tests.models.site_journal import METER, RAIN, SITE, STAGE_A, STAGE_B, readings, write_journal

from amont_gateway.journal_reader import JournalReader
from amont_gateway.places import from_site
from amont_guard import messages
from amont_site import load
from amont_wire import const
from amont_wire.messages import Channel, Samples

STEP_MS = 900_000
PAST_DAYS = 150
DAY_STEPS = 96
WAIT_S = 40.0
MIB = 2**20


@dataclass(frozen=True)
class Size:
    """What the process held, MiB, and whether both models had answered."""

    rss_mib: float
    idle_mib: float  # the same without models
    forecast: str
    verdict: str


def measure(folder: Path, artifacts: Path) -> Size:
    """Return the sizes after a day of traffic."""
    with_models = _run(folder / "with", artifacts)
    without = _run(folder / "without", None)
    view = with_models[1]
    return Size(
        with_models[0],
        without[0],
        view["stations"][0]["forecast"]["status"],
        view["zones"][0]["model_status"],
    )


def _run(folder: Path, artifacts: Path | None) -> tuple[float, dict[str, Any]]:
    (folder / "data").mkdir(parents=True)
    now_ms = time.time_ns() // 1_000_000 // STEP_MS * STEP_MS
    live_ms = now_ms - DAY_STEPS * STEP_MS
    _past(folder / "data", live_ms)
    secrets = {node.id: bytes([node.id]) * 16 for node in load(SITE).nodes}
    guard = FakeGuard(folder / "guard.sock", secrets)
    page = f"127.0.0.1:{_free_port()}"
    process = _start(folder, page, artifacts)
    try:
        _until(lambda: process.poll() is not None or (guard.peer is not None and _view(page)))
        _traffic(guard, live_ms)
        _until(lambda: _rows(folder / "data") == 4 * DAY_STEPS * (PAST_DAYS + 1))
        wanted = "no data" if artifacts is None else "ok"
        _until(lambda: _settled(_view(page), wanted, now_ms))
        time.sleep(3.0)  # rounds of the models, lines of state
        view = _view(page)
        assert view is not None
        return psutil.Process(process.pid).memory_info().rss / MIB, view
    finally:
        process.terminate()
        process.wait(20)
        guard.close()


def _rows(data: Path) -> int:
    reader = JournalReader(data / "journal.db")
    try:
        return reader.last_id()
    finally:
        reader.close()


def _past(data: Path, until_ms: int) -> None:
    """Write months of a calm river with floods, its rain, and a zone's inflow."""
    rng = np.random.default_rng(5)
    t_ms = until_ms - STEP_MS * np.arange(PAST_DAYS * DAY_STEPS, 0, -1)
    stage, rain, flow = _values(t_ms, rng)
    told = readings(STAGE_A, t_ms, stage) + readings(STAGE_B, t_ms, stage + 4)
    write_journal(data, told + readings(RAIN, t_ms, rain) + readings(METER, t_ms, flow))


def _values(t_ms: Any, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    hours = t_ms / 3_600_000
    storm = np.maximum(0.0, np.sin(2 * np.pi * hours / 240.0) - 0.97) * 20.0
    stage = 500.0 + 900.0 * storm + 3.0 * rng.standard_normal(len(t_ms))
    rain = np.round(storm * 20.0) * 200.0
    hour = hours % 24
    flow = np.where((hour > 1) & (hour < 5), 4000.0, 8000.0) * (
        1 + 0.02 * rng.standard_normal(len(t_ms))
    )
    return stage, rain, flow


def _traffic(guard: FakeGuard, first_ms: int) -> None:
    """Send a day of single readings of every node, as the guard opens them."""
    places = from_site(load(SITE))
    codes = {"stage_mm": 1, "rain_um": 2, "flow_l_h": 3}
    values = {STAGE_A: 520, STAGE_B: 524, RAIN: 0, METER: 5000}
    for step in range(DAY_STEPS):
        at_ms = first_ms + step * STEP_MS
        opened = []
        for n, sensor in enumerate(places.sensors):
            value = values[sensor.id] + (step * (n + 3)) % 7
            channel = Channel(0, codes[sensor.quantity], 1, [value])
            body = Samples(1, step * 900 + 900, step, 0, 900, step, False, [channel]).encode()
            fields = (step + 1, const.SAMPLES, 0, 2, at_ms, 0, 0, body)
            opened.append(messages.Opened(0, sensor.node, 1 << 12 | 2, *fields))
        guard.send(messages.encode_opened(opened))
        time.sleep(0.02)


def _start(folder: Path, page: str, artifacts: Path | None) -> subprocess.Popen[bytes]:
    text = SITE.read_text().replace("port: 8883, tls: true", f"port: {_free_port()}, tls: false")
    (folder / "site.yaml").write_text(text.replace(":8086", f":{_free_port()}"))
    command = [
        sys.executable, "-m", "amont_gateway.cli", "run", "--site", str(folder / "site.yaml"),
        "--data", str(folder / "data"), "--guard-socket", str(folder / "guard.sock"),
        "--page", page, "--log-level", "warning",
    ]  # fmt: skip
    if artifacts is not None:
        command += ["--artifacts", str(artifacts)]
    with (folder / "gateway.log").open("wb") as log:
        return subprocess.Popen(command, stderr=log, stdout=log)


def _settled(view: dict[str, Any] | None, forecast: str, now_ms: int) -> bool:
    if view is None:
        return False
    station, zone = view["stations"][0], view["zones"][0]
    fresh = (station["at_ms"] or 0) >= now_ms - 2 * STEP_MS
    return fresh and station["forecast"]["status"] == forecast == zone["model_status"]


def _view(page: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(f"http://{page}/view.json", timeout=5) as answer:
            view: dict[str, Any] = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return view


def _until(true: Any) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"not so after {WAIT_S:.0f} s")


def _free_port() -> int:
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
