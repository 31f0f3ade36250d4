"""Make rounds of hours and days in a process of its own, which is killed and started again."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from tests.gateway.conftest import make_places

from amont_gateway.counters import Counters
from amont_gateway.database import Influx
from amont_gateway.delivery import Delivery
from amont_gateway.events import Events
from amont_gateway.influx import InfluxWriter
from amont_gateway.journal import Journal
from amont_gateway.quarantine import FILE, Quarantine
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.summaries import consumer
from amont_gateway.windows import Windows

BEGIN_MS = 1_793_487_600_000  # 2026-11-01 00:00 in Paris
STEP_MS = 900_000
DAYS = 8
END_MS = BEGIN_MS + DAYS * 86_400_000
ROWS = 60  # a round, so that there are many to be killed in


class StillClock:
    """It is the end of the last day."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return END_MS + 60_000

    def sleep_s(self, real_s: float) -> None:
        time.sleep(real_s)


def fill(path: Path) -> int:
    """Write some days of four nodes, one of which comes late; return how many rows."""
    journal = Journal(path, mark_bytes=0, ballast_bytes=0)
    kinds = {17: 1, 18: 1, 30: 2, 31: 3}
    rows = [
        Sample(node, 1, seq, t, 0, t + 1_000, 0, pack_channels([(0, kind, 0, 1_000 + seq % 97)]))
        for seq, t in enumerate(range(BEGIN_MS, END_MS, STEP_MS))
        for node, kind in kinds.items()
    ]
    late = [row._replace(received_ms=END_MS) for row in rows if row.node == 30]
    rows = [row for row in rows if row.node != 30] + late
    journal.append(rows)
    journal.close()
    return len(rows)


def run(path: Path, url: str, database: str) -> None:
    """Make rounds and commit the cursor after each, until nothing waits; then end."""
    consumer.MOST_ROWS = ROWS
    places, clock, counters = make_places(), StillClock(), Counters()
    events = Events(counters, clock.wall_ms)
    journal = Journal(path, mark_bytes=0, ballast_bytes=0, cursor_s=0.0)
    writer, quarantine = InfluxWriter(Influx(url, database)), Quarantine(path.with_name(FILE))
    made = consumer.Summaries(
        places,
        journal,
        Delivery("summaries", writer, quarantine, counters, events, clock.wall_ms),
        Windows(places.window_keys()).doubted,
        counters,
        events,
        clock,
    )
    more = True
    while more:
        more = made.step()
        journal.tick(clock.wall_ms())
    made.step()  # which confirms the last
    journal.tick(clock.wall_ms())
    made.close()
    journal.close()


def cursor(path: Path) -> int:
    """Return how far the rounds are confirmed."""
    connection = sqlite3.connect(path, timeout=5.0)
    try:
        ask = "SELECT id FROM cursor WHERE name = 'summaries'"
        return int((connection.execute(ask).fetchone() or (0,))[0])
    finally:
        connection.close()
