"""A database away for 72 hours of fifty stations a minute, then there again while life goes on.

``python -m tests.bench.outage_rig folder port minutes lines_s lanes`` runs the real journal and
history in a process of their own, against an influxd on ``port`` that this process's parent starts
when it reads "away" and kills never. Real commits, one a simulated minute; what is new comes at
fifty times its pace, so that enough of it meets the drain. Prints one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from tests.gateway import servers

from amont_gateway import history as module
from amont_gateway.clock import SystemClock
from amont_gateway.counters import Counters
from amont_gateway.database import Influx
from amont_gateway.events import Events
from amont_gateway.history import History
from amont_gateway.influx import InfluxWriter
from amont_gateway.journal import Journal
from amont_gateway.readings import Sample, pack_channels

STATIONS, HOURS = 50, 72
LIVE_S = 0.024  # between two new readings: fifty stations a minute, fifty times as fast
MORE_LIVE_S = 3.0  # after the drain, so that its end is seen from behind
WARM_ROWS = 30_000  # written as they come, so that SQLite's caches are full before
LIMIT_S = 900.0
MINUTE_MS = 60_000


@dataclass
class Outcome:
    """What one outage showed."""

    rows: int = 0
    held: int = 0  # points that the database holds afterwards
    drain_s: float = 0.0
    live: int = 0  # readings that came during the drain
    live_p95_s: float = 0.0  # from the commit to the database's answer
    live_worst_s: float = 0.0
    disorder: int = 0  # readings before an older one of their station, within a lane
    rss_before_mib: float = 0.0
    rss_away_mib: float = 0.0  # the most while it was away
    rss_drain_mib: float = 0.0  # the most while it drained
    journal_mib: float = 0.0


def sample(station: int, minute: int, start_ms: int) -> Sample:
    """Return the reading of a station at a minute."""
    at_ms = start_ms + minute * MINUTE_MS + station
    channels = pack_channels([(0, 1, 0, 1_000 + (minute * 7 + station) % 900)])
    return Sample(station + 1, 4097, minute, at_ms, 0, at_ms, 0, channels)


class Recorder(InfluxWriter):
    """The real writer, which remembers when new readings were confirmed and in which order."""

    def __init__(self, target: Influx, new_from_ms: int, lines_s: float) -> None:
        super().__init__(target)
        self._new_from_ms, self._line_s = new_from_ms, 1 / lines_s if lines_s else 0.0
        self.confirmed_s: dict[int, float] = {}
        self.disorder = 0
        self._back: dict[str, int] = {}
        self._live: dict[str, int] = {}

    def write(
        self,
        lines: Sequence[str],
        store: str = "",
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Write, at the pace of a slower server if one was asked for."""
        super().write(lines, store, meanwhile)
        time.sleep(len(lines) * self._line_s)
        now_s = time.monotonic()
        for line in lines:
            key, _, at = line.split(" ")
            self._look(key, int(at))
            if int(at) >= self._new_from_ms:
                self.confirmed_s.setdefault(int(at), now_s)

    def is_made_up(self) -> bool:
        """Tell whether all that came before the end of the outage is written."""
        return min(self._back.values()) >= self._new_from_ms - MINUTE_MS

    def _look(self, key: str, at_ms: int) -> None:
        """A station's next minute belongs to the lane that goes on, another to the newer one."""
        if at_ms == self._back.get(key, at_ms - MINUTE_MS) + MINUTE_MS:
            self._back[key] = at_ms
        elif at_ms > self._live.get(key, 0):
            self._live[key] = at_ms
        elif at_ms > self._back[key] + MINUTE_MS:
            self.disorder += 1


class Peak:
    """The most memory that this process holds, looked at all the time."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._most = 0
        self._stop = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            self._most = max(self._most, self._process.memory_info().rss)

    def take_mib(self) -> float:
        """Return the most since the last time."""
        most = max(self._most, self._process.memory_info().rss)
        self._most = 0
        return most / 2**20


class Trial:
    """One outage in this process."""

    def __init__(self, folder: Path, port: int, minutes: int, lines_s: float) -> None:
        now_ms = time.time_ns() // 1_000_000
        self.minutes, self.start_ms = minutes, now_ms - minutes * MINUTE_MS
        self.warm_ms = self.start_ms - WARM_ROWS // STATIONS * MINUTE_MS
        self.journal = Journal(folder / "journal.db")
        self.counters, clock = Counters(), SystemClock()
        target = Influx(f"http://127.0.0.1:{port}", "amont")
        new_ms = self.start_ms + minutes * MINUTE_MS
        self.writer = Recorder(target, new_ms, lines_s)
        tags = {(n + 1, 0): (f"s-{n}", f"station-{n}", "stage_mm") for n in range(STATIONS)}
        events = Events(self.counters, clock.wall_ms)
        self.history = History(
            "essai", tags, self.journal, self.writer, self.counters, events, clock
        )
        self.stop, self.out, self.peak = threading.Event(), Outcome(), Peak()

    def run(self) -> Outcome:
        """Warm up, be cut off, drain, and say how it was."""
        thread = threading.Thread(target=self.history.run, args=(self.stop,))
        thread.start()
        self._append_minutes(0, WARM_ROWS // STATIONS, self.warm_ms)
        self._until(lambda: self.history.status.waiting == 0 and self.history.state == "ok")
        self.out.rss_before_mib = self.peak.take_mib()
        _say("away")
        self._until(lambda: self.history.state == "away")
        warm = WARM_ROWS // STATIONS
        self._append_minutes(warm, warm + self.minutes, self.warm_ms)
        self.out.rss_away_mib = self.peak.take_mib()
        _say("back")
        self._until(lambda: self.history.state == "ok")
        self._drain(warm + self.minutes)
        self.stop.set()
        thread.join(60)
        self.journal.close()
        self.out.disorder = self.writer.disorder
        return self.out

    def _append_minutes(self, first: int, last: int, start_ms: int) -> None:
        for minute in range(first, last):
            self.journal.append([sample(n, minute, start_ms) for n in range(STATIONS)])
            self.out.rows += STATIONS

    def _drain(self, minute: int) -> None:
        """Let new readings come until all is written, and a little longer."""
        began_s, done_s, count = time.monotonic(), 0.0, 0
        committed_s: dict[int, float] = {}
        while not done_s or time.monotonic() - done_s < MORE_LIVE_S:
            reading = sample(count % STATIONS, minute + count // STATIONS, self.warm_ms)
            self.journal.append([reading])
            committed_s[reading.at_ms] = time.monotonic()
            count += 1
            time.sleep(LIVE_S)
            if not done_s and self.writer.is_made_up():
                done_s = time.monotonic()
                self.out.drain_s = done_s - began_s
                self.out.rss_drain_mib = self.peak.take_mib()
                self.out.live = count
            if time.monotonic() - began_s > LIMIT_S:
                raise TimeoutError(f"not drained after {LIMIT_S} s")
        self.out.rows += count
        self._until(lambda: self.history.status.waiting == 0)
        waits = sorted(self.writer.confirmed_s[t] - s for t, s in committed_s.items())
        self.out.live_p95_s, self.out.live_worst_s = waits[int(len(waits) * 0.95)], waits[-1]
        self.out.journal_mib = self.journal.path.stat().st_size / 2**20

    def _until(self, true: Any) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.05)


def _say(word: str) -> None:
    print(word, flush=True)


def main() -> None:
    """Run one trial as the command line says; the parent answers each word with a line."""
    folder, port, minutes, lines_s, lanes = sys.argv[1:]
    if lanes == "1":
        module.FAR_ROWS = 1 << 60  # no second lane: what the bench compares with
    out = Trial(Path(folder), int(port), int(minutes), float(lines_s)).run()
    _say(json.dumps(asdict(out)))


def outage(
    folder: Path, minutes: int = HOURS * 60, lines_s: float = 0.0, lanes: int = 2
) -> Outcome:
    """Run one outage against a real influxd; return what it showed."""
    database = servers.influxd(folder / "influxd")
    database.start()
    words = [str(x) for x in (folder, database.port, minutes, lines_s, lanes)]
    command = [sys.executable, "-m", "tests.bench.outage_rig", *words]
    log = (folder / "rig.log").open("wb")
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert child.stdout is not None
        for line in child.stdout:
            if line == "away\n":
                database.kill()
            elif line == "back\n":
                database.start()
            elif line.startswith("{"):
                out = Outcome(**json.loads(line))
                out.held = count_points(database.port)
                return out
        raise AssertionError((folder / "rig.log").read_text()[-2000:])
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        child.kill()
        log.close()
        database.stop()


def count_points(port: int, token: str = "") -> int:
    """Return how many stages a database holds."""
    writer = InfluxWriter(Influx(f"http://127.0.0.1:{port}", "amont", token))
    try:
        found = writer.query("SELECT count(stage_mm) FROM stage")
    finally:
        writer.close()
    return int(found[0]["values"][0][1]) if found else 0


if __name__ == "__main__":
    main()
