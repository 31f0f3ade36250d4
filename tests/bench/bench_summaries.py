"""What hours and days cost beside readings, and how few points the states of a day are."""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import history_rig as rig

from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.journal import Journal
from amont_gateway.places import Node, Places, Sensor
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.series import DAYS, HOURS
from amont_gateway.summaries.consumer import Summaries
from amont_gateway.view import Forecast, Station, Thresholds, View
from amont_gateway.view import Node as SeenNode
from amont_gateway.view import Sensor as SeenSensor
from amont_gateway.vitals import Vitals, points
from amont_gateway.windows import Windows

NAMES = (
    "history.summary_round_s",
    "history.summary_memory_mb",
    "history.summary_late_s",
    "history.state_points_day",
)
DAY_MIN, DAY_S = 1_440, 86_400
LOOK_S = 15
GOAL_ROUND_S, GOAL_MEMORY_MB, GOAL_LATE_S = 2.0, 4.0, 60.0


class StillClock:
    """It is as late as the bench says."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def monotonic_s(self) -> float:
        return self.now_ms / 1000

    def wall_ms(self) -> int:
        return self.now_ms

    def sleep_s(self, real_s: float) -> None:
        time.sleep(real_s)


class Sink:
    """A database that takes everything and keeps the count."""

    def __init__(self) -> None:
        self.lines = {HOURS: 0, DAYS: 0}

    def write(self, lines: Any, store: str = "") -> None:
        self.lines[store] += len(lines)

    def close(self) -> None:
        pass


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield seconds of a round, megabytes, seconds of a late node, points of states a day."""
    del seed  # nothing here is random
    days = 60 if full else 8
    with tempfile.TemporaryDirectory() as name:
        yield from _rounds(Path(name), days)
    now = sum(1 for _ in _state_points())
    yield {
        "name": "history.state_points_day",
        "value": now,
        "unit": "points a day",
        "anchor": (3 * rig.STATIONS + 1) * DAY_S // 60,  # each minute, changed or not
    }


def _rounds(folder: Path, days: int) -> Iterator[dict[str, Any]]:
    path, end_ms = folder / "journal.db", rig.BEGIN_MS + days * DAY_MIN * 60_000
    rig.fill(path, days * DAY_MIN)
    journal, clock, sink = Journal(path, mark_bytes=0, ballast_bytes=0), StillClock(end_ms), Sink()
    made = _summaries(journal, clock, sink)
    while made.step():
        pass
    hours = days * 24 * rig.STATIONS
    assert hours <= sink.lines[HOURS] <= 3 * hours, sink.lines
    _append(journal, end_ms, 10)
    tracemalloc.start()
    made.step()
    memory_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    _append(journal, end_ms + 600_000, 10)
    yield _figure("history.summary_round_s", _timed(made), "s of CPU", GOAL_ROUND_S)
    yield _figure("history.summary_memory_mb", memory_mb, "MB", GOAL_MEMORY_MB)
    late = [
        _sample(rig.STATIONS, rig.BEGIN_MS + n * 60_000 + 30_000, end_ms, 1_000_000 + n)
        for n in range(days * DAY_MIN)
    ]
    journal.append(late)  # one node's whole past at once
    yield _figure("history.summary_late_s", _timed(made), "s of CPU", GOAL_LATE_S)
    made.close()
    journal.close()


def _figure(name: str, value: float, unit: str, goal: float) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit, "goal": goal,
            "met": value <= goal}  # fmt: skip


def _summaries(journal: Journal, clock: StillClock, sink: Sink) -> Summaries:
    word = {"fr": "x", "en": "x"}
    nodes = range(1, rig.STATIONS + 1)
    places = Places(
        site=rig.SITE,
        name=word,
        nodes=tuple(Node(n, word, "bridge", 60) for n in nodes),
        sensors=tuple(
            Sensor(rig.TAGS[n, 0][0], word, n, 0, "stage_mm", rig.TAGS[n, 0][1], 180)
            for n in nodes
        ),
    )
    counters, doubted = Counters(), Windows(places.window_keys()).doubted
    events = Events(counters, clock.wall_ms)
    return Summaries(places, journal, sink, doubted, counters, events, clock)


def _append(journal: Journal, from_ms: int, minutes: int) -> None:
    seq = from_ms // 60_000 % 10**6
    rows = [
        _sample(n, from_ms + m * 60_000, from_ms, seq + m)
        for m in range(minutes) for n in range(1, rig.STATIONS + 1)
    ]  # fmt: skip
    journal.append(rows)


def _sample(node: int, at_ms: int, received_ms: int, seq: int) -> Sample:
    return Sample(node, 2, seq, at_ms, 0, received_ms, 0, pack_channels([(0, 1, 0, 600)]))


def _timed(made: Summaries) -> float:
    began = time.process_time()
    while made.step():
        pass
    return time.process_time() - began


def _state_points() -> Iterator[object]:
    """Yield a day's points of fifty calm stations with a sensor and a node each."""
    vitals, word = Vitals(), {"fr": "x", "en": "x"}
    limits = Thresholds(watch_mm=1200, warning_mm=1800, alarm_mm=2500)
    names = [f"station-{n:02}" for n in range(rig.STATIONS)]
    for second in range(0, DAY_S, LOOK_S):
        view = View(
            site=rig.SITE, name=word, now_ms=rig.BEGIN_MS + second * 1000, guard_alive=True,
            stations=[
                Station(id=x, name=word, level="normal", thresholds=limits, age_s=second % 60,
                        stage_mm=600 + second % 7, forecast=Forecast(status="no data"))
                for x in names
            ],
            sensors=[
                SeenSensor(id=x, name=word, node=1, place=x, quantity="stage_mm",
                           age_s=second % 60)
                for x in names
            ],
            nodes=[
                SeenNode(id=n, name=word, carrier="bridge", age_s=second % 60, interval_s=60,
                         silent=False)
                for n in range(rig.STATIONS)
            ],
        )  # fmt: skip
        yield from vitals.due(points(view), second)
