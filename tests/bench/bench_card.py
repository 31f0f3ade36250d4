"""How many bytes a day the journal writes to the card, and what fewer would cost in waiting.

One hour of fifty nodes that send each minute, after three days of them, in simulated time: the
storer's grouping, three consumers that confirm after each commit, real commits on a real disk.
Counted is what this process hands to the disk (``write_bytes``); the file system's own journal
comes on top, and so does the database if it is on the same card.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from tests.gateway import servers

from amont_gateway.database import Influx
from amont_gateway.influx import InfluxWriter
from amont_gateway.journal import CURSOR_S, Journal
from amont_gateway.lines import sample_lines
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.storer import COMMIT_MS

GROUPS_MS = (0, 500, COMMIT_MS, 10_000, 30_000)
NAMES = (
    "history.card_day",
    "history.card_ack_p95",
    *(
        f"history.card_{what}_{ms}ms"
        for ms in GROUPS_MS
        if ms != COMMIT_MS
        for what in ("day", "ack_p95")
    ),
    "history.card_influxd_day",
)
NODES, INTERVAL_S, DAYS_BEFORE = 50, 60, 3
HOURS, FULL_HOURS = 1, 6
CONSUMERS = ("history", "summaries", "indicators")
GOAL_MB = 1_000
T_MS = 1_750_000_000_000


@dataclass
class Day:
    """What one way of grouping costs."""

    mb: float  # written a day
    ack_p95_s: float  # from a frame's arrival to its commit; the commit itself takes some ms
    influxd_mb: float = 0.0


class Hours:
    """A journal of three days, and some hours more with a way of grouping."""

    def __init__(self, folder: Path, group_ms: int, cursor_s: float, rng: random.Random) -> None:
        self.now_s, self._group_s = 0.0, group_ms / 1000
        self.journal = Journal(
            folder / "journal.db",
            mark_bytes=0,
            ballast_bytes=0,
            monotonic_s=lambda: self.now_s,
            cursor_s=cursor_s,
        )
        self._phase_s = [rng.uniform(0, INTERVAL_S) for _ in range(NODES)]
        self._rng, self._id = rng, 0

    def before(self) -> None:
        """Fill in the days before, so that each node has pages of its own."""
        minutes = DAYS_BEFORE * 1_440
        for start in range(0, minutes, 60):
            rows = [self._sample(n, m) for m in range(start, start + 60) for n in range(NODES)]
            self.journal.append(rows)
            self._id += len(rows)
        self.journal.close()  # and with it what waits in the write-ahead log

    def run(self, hours: int) -> Iterator[tuple[list[Sample], list[float]]]:
        """Commit as the storer does; yield each group and how long its frames waited (s)."""
        first = DAYS_BEFORE * 1_440
        arrivals = sorted(
            ((m - first) * INTERVAL_S + self._phase_s[n] + self._rng.uniform(0, 0.5), n, m)
            for m in range(first, first + hours * 60)
            for n in range(NODES)
        )
        at = 0
        while at < len(arrivals):
            end_s, group = arrivals[at][0] + self._group_s, []
            while at < len(arrivals) and arrivals[at][0] <= end_s:
                group.append(arrivals[at])
                at += 1
            self._tick_until(end_s)
            samples = [self._sample(n, m) for _, n, m in group]
            self.journal.append(samples)
            self._id += len(samples)
            for consumer in CONSUMERS:
                self.journal.move_cursor(consumer, self._id)
            yield samples, [end_s - arrived_s for arrived_s, _, _ in group]

    def _tick_until(self, now_s: float) -> None:
        while self.now_s + 1.0 <= now_s:
            self.now_s += 1.0
            self.journal.tick(T_MS + int(self.now_s * 1000))

    def _sample(self, node: int, minute: int) -> Sample:
        at_ms = T_MS + minute * 60_000
        value = pack_channels([(0, 1, 0, 1_000 + (minute * 7 + node) % 900)])
        return Sample(node + 1, 4097, minute, at_ms, 0, at_ms, 0, value)


def day(group_ms: int, hours: int, seed: int, cursor_s: float = CURSOR_S) -> Day:
    """Measure the journal alone."""
    with tempfile.TemporaryDirectory() as folder:
        made = Hours(Path(folder), group_ms, cursor_s, random.Random(seed))
        made.before()
        before, waits = _written(), []
        for _, waited in made.run(hours):
            waits += waited
        made.journal.close()
        written = _written() - before
    return Day(written * 24 / hours / 1e6, sorted(waits)[int(len(waits) * 0.95)])


def influxd_day(hours: int, seed: int) -> float:
    """Measure what a real influxd writes of the same, in MB a day."""
    tags = {(n + 1, 0): (f"s-{n}", f"station-{n}", "stage_mm") for n in range(NODES)}
    with tempfile.TemporaryDirectory() as folder:
        database = servers.influxd(Path(folder) / "influxd")
        database.start()
        writer = InfluxWriter(Influx(f"http://127.0.0.1:{database.port}", "amont"))
        try:
            assert database.process is not None
            made = Hours(Path(folder), COMMIT_MS, CURSOR_S, random.Random(seed))
            before = _written(database.process.pid)
            for samples, _ in made.run(hours):
                writer.write(sample_lines("essai", tags, samples))
            written = _written(database.process.pid) - before
            made.journal.close()
        finally:
            writer.close()
            database.stop()
    return written * 24 / hours / 1e6


def _written(pid: int | None = None) -> int:
    return int(psutil.Process(pid).io_counters().write_bytes)


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield bytes and waits of what is served, then of other ways to group, then the database."""
    hours = FULL_HOURS if full else HOURS
    served, eager = day(COMMIT_MS, hours, seed), day(COMMIT_MS, hours, seed, cursor_s=0.0)
    yield {"name": "history.card_day", "value": served.mb, "unit": "MB a day",
           "anchor": eager.mb, "goal": f"<= {GOAL_MB}", "met": served.mb <= GOAL_MB}  # fmt: skip
    yield {"name": "history.card_ack_p95", "value": served.ack_p95_s, "unit": "s"}
    for ms in GROUPS_MS:
        if ms != COMMIT_MS:
            other = day(ms, hours, seed)
            yield {"name": f"history.card_day_{ms}ms", "value": other.mb, "unit": "MB a day"}
            yield {"name": f"history.card_ack_p95_{ms}ms", "value": other.ack_p95_s, "unit": "s"}
    yield {"name": "history.card_influxd_day", "value": influxd_day(hours, seed),
           "unit": "MB a day, influxd"}  # fmt: skip
