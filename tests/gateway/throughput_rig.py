"""Push sealed frames through the real guard and the real gateway, and a bare loop beside them."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.gateway import servers
from tests.gateway.publisher import publish
from tests.gateway.site_files import make_site, secret_of

from amont_gateway.journal_reader import JournalReader
from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Sealer
from amont_wire.messages import Channel, Samples

READINGS = 24
NODES = tuple(range(11, 111))
BATCH, BATCH_S = 100, 0.05  # frames, seconds: as ``run_gateway`` commits
WAIT_S = 120.0


@dataclass(frozen=True)
class Rate:
    """Frames a second, CPU and memory of the processes that did the work."""

    frames_s: float
    gateway_cpu_s: float
    guard_cpu_s: float
    gateway_rss_mib: float
    guard_rss_mib: float


def seal_frames(count: int) -> list[tuple[int, bytes]]:
    """Seal ``count`` frames of 24 new readings each, in turn by node."""
    sealers = {
        n: Sealer(secret_of(n), n, 1, const.UPLINK, ReservedCounter(0, lambda _limit: None))
        for n in NODES
    }
    tick_s = -(-count // len(NODES)) * READINGS * 60  # all are sent now: an outbox is emptied
    frames = []
    for i in range(count):
        node, turn = NODES[i % len(NODES)], i // len(NODES)
        seq = turn * READINGS + READINGS - 1
        values = [2000 + (seq + k * k) % 37 for k in range(READINGS)]
        channel = Channel(0, 3, 1, values)
        lag_s = tick_s - (seq + 1) * 60
        message = Samples(1, tick_s, seq, lag_s, 60, tick_s // 60 - 1, False, [channel])
        body, carried = message.encode_trimmed()
        assert carried == READINGS
        frames.append((node, sealers[node].seal(const.SAMPLES, body)[1]))
    return frames


def through_amont(folder: Path, frames: list[tuple[int, bytes]], artifacts: Path | None) -> Rate:
    """Measure broker → gateway → guard → gateway → journal → acknowledgement."""
    broker = _broker(folder)
    (folder / "data").mkdir()
    make_site(folder, "/dev/no-bridge", broker.port, dict.fromkeys(NODES, "mqtt"))
    guard, gateway = _guard_process(folder), None
    try:
        broker.start()
        gateway = _gateway_process(folder, artifacts)
        journal = folder / "data" / "journal.db"
        warm = frames[: len(NODES)]
        _until(lambda: journal.exists() and _offer(broker.port, warm, journal))
        one, two = psutil.Process(gateway.pid), psutil.Process(guard.pid)
        before = [_cpu_s(p) for p in (one, two)]
        began = time.perf_counter()
        with _published(folder, broker.port, "essai", frames[len(NODES) :]):
            _until(lambda: _rows(journal) == len(frames) * READINGS)
            took_s = time.perf_counter() - began
        used = [_cpu_s(p) - b for p, b in zip((one, two), before, strict=True)]
        sizes = [p.memory_info().rss / 2**20 for p in (one, two)]
    finally:
        for process in (gateway, guard):
            if process is not None:
                process.terminate()
                process.wait(20)
        broker.stop()
    return Rate((len(frames) - len(NODES)) / took_s, *used, *sizes)


def _guard_process(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "amont_guard.cli", "run", "--state", str(folder / "guard")]
    with (folder / "guard.log").open("wb") as log:
        return subprocess.Popen(command, stderr=log)


def _gateway_process(folder: Path, artifacts: Path | None) -> subprocess.Popen:
    options = ["--site", folder / "site.yaml", "--data", folder / "data"]
    options += ["--guard-socket", folder / "guard" / "guard.sock"]
    options += ["--page", "none", "--commit-ms", int(BATCH_S * 1000), "--log-level", "warning"]
    if artifacts is not None:
        options += ["--artifacts", artifacts]
    command = [sys.executable, "-m", "amont_gateway.cli", "run", *map(str, options)]
    with (folder / "gateway.log").open("wb") as log:
        return subprocess.Popen(command, stderr=log)


def through_bare_loop(folder: Path, frames: list[tuple[int, bytes]]) -> float:
    """Measure the anchor on the same frames, broker and batch; frames a second."""
    broker = _broker(folder)
    broker.start()
    options = [broker.port, folder / "bare.db", BATCH, BATCH_S, len(frames)]
    loop = subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.bare_loop", *map(str, options)],
        stdout=subprocess.PIPE,
    )
    try:
        assert loop.stdout is not None
        assert loop.stdout.readline() == b"ready\n"
        began = time.perf_counter()
        with _published(folder, broker.port, "bare", frames):
            assert loop.wait(WAIT_S) == 0
        return len(frames) / (time.perf_counter() - began)
    finally:
        loop.kill()
        loop.wait(10)
        broker.stop()


@contextmanager
def _published(
    folder: Path, port: int, site: str, frames: list[tuple[int, bytes]]
) -> Iterator[None]:
    """Publish from another process while the body runs."""
    path = folder / "frames.pickle"
    path.write_bytes(pickle.dumps(frames))
    publisher = subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.publisher", str(port), site, str(path)]
    )
    try:
        yield
        assert publisher.wait(WAIT_S) == 0
    finally:
        publisher.kill()
        publisher.wait(10)


def _broker(folder: Path) -> servers.Server:
    limits = "allow_anonymous true\nmax_inflight_messages 2000\nmax_queued_messages 0\n"
    return servers.mosquitto(folder / "mosquitto", limits)


def _offer(port: int, frames: list[tuple[int, bytes]], journal: Path) -> bool:
    publish(port, "essai", frames)
    time.sleep(0.2)
    return _rows(journal) == len(frames) * READINGS


def _rows(journal: Path) -> int:
    try:
        reader = JournalReader(journal)
    except sqlite3.Error:
        return -1
    try:
        return reader.last_id()
    except sqlite3.Error:
        return -1
    finally:
        reader.close()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError("the frames did not arrive in time")
        time.sleep(0.02)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def default_artifacts() -> Path | None:
    """Return the folder of the shipped models, if they are there."""
    folder = Path(__file__).parents[2] / "models" / "artifacts"
    return folder if (folder / "manifest.json").exists() else None
