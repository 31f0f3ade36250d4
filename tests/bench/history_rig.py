"""Fifty stations' readings of a minute each: through the real history, and by a bare writer."""

from __future__ import annotations

import gzip
import http.client
import math
import os
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.gateway import servers

from amont_gateway.clock import SystemClock
from amont_gateway.counters import Counters
from amont_gateway.database import Influx
from amont_gateway.events import Events
from amont_gateway.history import History
from amont_gateway.influx import InfluxWriter
from amont_gateway.journal import Journal
from amont_gateway.readings import Sample, pack_channels

STATIONS = 50
SITE = "sainte-amonette"
BEGIN_MS = 1_790_000_000_000
BATCH = 4_000  # lines a request, as history's own largest
WAIT_S = 120.0
# sensor id, place and quantity by (node, channel), as the site's file gives them
TAGS = {
    (n, 0): (f"station-{n:02}-mast", f"station-{n:02}", "stage_mm")
    for n in range(1, STATIONS + 1)
}  # fmt: skip


def stage_mm(station: int, minute: int) -> int:
    """Return a river that rises and falls by the day, with some noise of its sensor."""
    day = math.sin(minute / 1_440 * math.tau + station)
    return round(600 + 8 * station + 120 * day) + (minute * 7_919 + station * 104_729) % 5 - 2


def readings(minutes: int) -> Iterator[tuple[int, int, int]]:
    """Yield (station, Unix ms, mm) as they come: each minute all stations."""
    for minute in range(minutes):
        for station in range(1, STATIONS + 1):
            yield station, BEGIN_MS + minute * 60_000, stage_mm(station, minute)


def fill(path: Path, minutes: int) -> None:
    """Write a journal that holds them."""
    journal = Journal(path, mark_bytes=0, ballast_bytes=0)
    batch = []
    for station, at_ms, value in readings(minutes):
        seq = (at_ms - BEGIN_MS) // 60_000
        channels = pack_channels([(0, 1, 0, value)])
        batch.append(Sample(station, 1, seq, at_ms, 0, at_ms + 900, 0, channels))
        if len(batch) == 5_000:
            journal.append(batch)
            batch.clear()
    journal.append(batch)
    journal.close()


class Timed(InfluxWriter):
    """Remember when the last answer came."""

    done_s = 0.0

    def write(
        self,
        lines: Sequence[str],
        store: str = "",
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        super().write(lines, store, meanwhile)
        self.done_s = time.perf_counter()


def through_history(folder: Path, target: Influx, rows: int) -> float:
    """Return the points a second from the journal to the database, with all that checks them."""
    journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0)
    journal.open()
    counters, clock = Counters(), SystemClock()
    events = Events(counters, clock.wall_ms)
    writer = Timed(target)
    history = History(SITE, TAGS, journal, writer, counters, events, clock)
    stopping = threading.Event()
    thread = threading.Thread(target=history.run, args=(stopping,))
    began = time.perf_counter()
    thread.start()
    try:
        while counters.snapshot().get("history_samples", 0) < rows:
            assert time.perf_counter() - began < WAIT_S, counters.snapshot()
            time.sleep(0.05)  # seldom: it takes turns with the thread that is measured
        return rows / (writer.done_s - began)
    finally:
        stopping.set()
        thread.join(10)
        journal.close()


def bare_lines(rows: Iterator[tuple[int, int, int]]) -> Iterator[str]:
    """Yield each reading as the same line that history writes, by nothing but a format."""
    for n, at_ms, value in rows:
        head = f"stage,sensor=station-{n:02}-mast,site={SITE},station=station-{n:02}"
        yield f"{head} stage_mm={value}.0,quality=0i {at_ms}"


def by_bare_writer(port: int, database: str, minutes: int) -> float:
    """Return the points a second of readings in memory: format, join, post, next."""
    ask(port, f"CREATE DATABASE {database}")
    rows = list(readings(minutes))
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    began = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        body = "\n".join(bare_lines(iter(rows[start : start + BATCH]))).encode()
        link.request("POST", f"/write?db={database}&precision=ms", body)
        answer = link.getresponse()
        answer.read()
        assert answer.status == 204
    rate = len(rows) / (time.perf_counter() - began)
    link.close()
    return rate


def count(port: int, database: str) -> int:
    """Return how many points a database holds."""
    return int(ask(port, "SELECT count(stage_mm) FROM stage", database))


def ask(port: int, influxql: str, database: str = "") -> float:
    """Return the last figure of an answer."""
    form = urllib.parse.urlencode({"q": influxql, "db": database, "epoch": "ms"}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/query", form, timeout=30) as answer:
        found = answer.read().decode()
    figure = found.rpartition(",")[2].strip("]}\n ")
    return float(figure) if figure.replace(".", "").isdigit() else 0.0


def wire_bytes(minutes: int) -> tuple[float, float]:
    """Return the bytes of a reading on the way to the database, plain and packed."""
    lines = list(bare_lines(readings(minutes)))
    bodies = ["\n".join(lines[s : s + BATCH]).encode() for s in range(0, len(lines), BATCH)]
    packed = sum(len(gzip.compress(body, 1)) for body in bodies)
    return sum(map(len, bodies)) / len(lines), packed / len(lines)


@contextmanager
def influxd(folder: Path) -> Iterator[servers.Server]:
    """Run influxd, told to put what it holds into its final files at once."""
    quick = {
        "INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION": "1s",
        "INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION": "1s",
    }
    server = servers.influxd(folder)
    os.environ.update(quick)
    try:
        server.start()
        yield server
    finally:
        for name in quick:
            os.environ.pop(name)
        server.stop()


def disk_bytes(folder: Path, database: str) -> int:
    """Return what a database's final files hold once they have stopped changing."""
    seen, steady = -1, 0
    deadline = time.monotonic() + WAIT_S
    while steady < 6:
        assert time.monotonic() < deadline, "the files go on changing"
        time.sleep(0.5)
        found = sum(f.stat().st_size for f in (folder / "data" / database).rglob("*.tsm"))
        steady = steady + 1 if found == seen and found else 0
        seen = found
    return seen
