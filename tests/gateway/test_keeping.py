"""All that goes to the database, held together; without a database nothing does."""

import json
import urllib.parse
import urllib.request

import numpy as np
import pytest
from tests.gateway.conftest import eventually

from amont_gateway.clock import SystemClock
from amont_gateway.counters import Counters
from amont_gateway.database import Influx
from amont_gateway.events import Events
from amont_gateway.gateway import Gateway, Options
from amont_gateway.journal import Journal
from amont_gateway.keeping import VITALS_S, Keeping
from amont_gateway.notes import Note, write
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.screens import Doubt
from amont_gateway.windows import Windows

T_MS = 1_800_000_000_000


class Memory:
    """A database in memory; each consumer has a writer of its own."""

    def __init__(self):
        self.lines = {"": [], "_h": [], "_d": []}

    def make(self, _target):
        return self

    def write(self, lines, store=""):
        self.lines[store] += lines

    def close(self):
        pass

    def of(self, name, store=""):
        return [line for line in self.lines[store] if line.startswith(f"{name},")]


class Rig:
    def __init__(self, places, folder, clock, target):
        self.memory, self.counters, self.clock = Memory(), Counters(), clock
        self.journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0)
        self.windows, self.folder = Windows(places.window_keys()), folder
        self.keeping = Keeping(
            places, folder, self.journal, self.windows, target, self.counters,
            Events(self.counters, clock.wall_ms), clock, self.memory.make,
        )  # fmt: skip

    def readings(self, *values):
        rows = [
            Sample(17, 1, n, T_MS + n * 60_000, 0, T_MS, 0, pack_channels([(0, 1, 0, value)]))
            for n, value in enumerate(values)
        ]
        self.journal.append(rows)
        self.windows.add(rows)

    def rounds(self):
        for due in self.keeping.parts:
            while due.part.step():
                pass


@pytest.fixture
def rig(places, tmp_path, clock):
    clock.now_s = T_MS / 1000
    made = Rig(places, tmp_path, clock, Influx("http://nowhere"))
    yield made
    for due in made.keeping.parts:
        due.part.close()
    made.journal.close()


def test_its_parts_write_hours_days_and_events(rig):
    rig.readings(1000, 1100, 1200)
    write(rig.folder, Note("repair", "centre", T_MS, "Luc", "vanne 3"), T_MS)
    rig.rounds()
    assert [name for name, _, _ in rig.keeping.parts][:3] == ["events", "summaries", "forecasts"]
    (hour,) = rig.memory.of("stage", "_h")
    assert "stage_mm=1100.0" in hour
    assert len(rig.memory.of("stage", "_d")) == 1
    (event,) = rig.memory.of("event", "_d")
    assert "kind=repair" in event


def test_a_doubt_has_its_hour_worked_out_again(rig, places):
    rig.readings(1000, 9000)
    rig.rounds()
    rig.windows.put_doubts("pont-a", np.array([T_MS + 60_000]), np.array([1], np.uint8))
    rig.keeping.doubts([Doubt(places.by_sensor["pont-a"], T_MS + 60_000, 1)])
    rig.rounds()
    first, last = rig.memory.of("stage", "_h")
    assert "stage_mm=5000.0" in first
    assert "stage_mm=1000.0" in last


def test_states_are_looked_at_now_and_then(rig, places, tmp_path, clock):
    gateway = Gateway(places, tmp_path, tmp_path / "guard.sock", Options(), clock=clock)
    looked = []

    def view():
        looked.append(clock.now_s)
        return gateway.view()

    for _ in range(3):
        rig.keeping.watch(view)
    assert looked == [clock.now_s]
    clock.now_s += VITALS_S
    rig.keeping._looked_real_s = -1e9
    rig.keeping.watch(view)
    assert len(looked) == 2
    names = {point.measurement.name for point in rig.keeping.states(gateway.view())}
    assert names == {
        "station_state", "zone_state", "siren_state", "sensor_health", "node_health", "gateway"
    }  # fmt: skip


def test_without_a_database_nothing_is_kept_for_one(places, tmp_path, clock):
    made = Rig(places, tmp_path, clock, None)
    assert made.keeping.state == "none"
    assert made.keeping.history is None
    assert {due.name for due in made.keeping.parts} <= {"indicators"}
    made.keeping.doubts([Doubt(places.by_sensor["pont-a"], T_MS, 1)])
    assert made.memory.lines == {"": [], "_h": [], "_d": []}


@pytest.mark.servers
def test_a_running_gateway_fills_the_three_databases(places, tmp_path, database):
    data = tmp_path / "data"
    data.mkdir()
    options = Options(
        influx=Influx(f"http://127.0.0.1:{database.port}"), mark_bytes=0, ballast_bytes=0
    )
    gateway = Gateway(places, data, tmp_path / "guard.sock", options)
    now_ms = SystemClock().wall_ms()
    before = Journal(data / "journal.db", mark_bytes=0, ballast_bytes=0)
    channels = pack_channels([(0, 1, 0, 1234)])
    before.append([Sample(17, 1, 1, now_ms - 60_000, 0, now_ms, 0, channels)])
    before.close()
    gateway.start()
    try:
        gateway.audit({"kind": "start", "at_ms": now_ms})
        for store, name in (("", "stage"), ("", "gateway"), ("_h", "stage"), ("_d", "event")):
            ask = {"db": f"amont{store}", "q": f"SELECT * FROM {name}"}
            eventually(lambda asked=ask: count(database.port, asked) > 0, 30.0)
    finally:
        assert gateway.stop() == []
    assert (data / "starts").read_text() == "1\n"


def count(port, asked):
    """Return how many points a query finds."""
    address = f"http://127.0.0.1:{port}/query?{urllib.parse.urlencode(asked)}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        (result,) = json.load(answer)["results"]
    return sum(len(one["values"]) for one in result.get("series", ()))
