"""Write the scripted month to a real database, through the gateway's own parts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.dashboards import month_script as story
from tests.dashboards.month_records import keep, records
from tests.dashboards.month_script import BEGIN_MS, END_MS, STEP_MS
from tests.dashboards.month_views import EPOCH, machine, view

from amont_gateway.counters import Counters
from amont_gateway.database import Away, Influx
from amont_gateway.events import Events
from amont_gateway.influx import InfluxWriter
from amont_gateway.journal import Journal
from amont_gateway.keeping import Keeping
from amont_gateway.place_points import place_points
from amont_gateway.places import Places, Sensor, from_site
from amont_gateway.readings import BACKLOG, QUANTITIES, Sample, pack_channels
from amont_gateway.rounds import Part
from amont_gateway.vitals import Vitals, points, written
from amont_gateway.windows import Windows
from amont_gateway.yearly import kept, volumes
from amont_site import load

SITE = Path(__file__).with_name("month_site.yaml")
_CODES = {name: code for code, name in QUANTITIES.items()}
_BATCH = 5_000


def fill(url: str, folder: Path, database: str = "amont") -> Places:
    """Write the month to a server's databases; ``folder`` takes the journal and the records."""
    here = from_site(load(SITE))
    journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0)
    came = samples(here)
    for batch in _batches(came, _BATCH):
        journal.append(batch)
    keep(folder, records(here))
    imported(folder)
    counters, clock = Counters(), EndClock()
    events = Events(counters, clock.wall_ms)
    windows, target = Windows(here.window_keys()), Influx(url, database)
    windows.add(came)
    windows.filled()
    keeping = Keeping(here, folder, journal, windows, target, counters, events, clock, FirstAway)
    _states(here, keeping, target)
    _readings(keeping, counters, len(came))
    for due in keeping.parts:
        _finish(due.part)
    journal.close()
    return here


def _finish(part: Part) -> None:
    """Let a part do all its rounds; the first meets a database that is away."""
    more = True
    while more:
        try:
            more = part.step()
        except Away:
            continue
    part.close()


def imported(folder: Path) -> None:
    """Import two years of volumes from a table such as a water service has."""
    table = folder / "volumes.csv"
    table.write_text("\n".join(story.volumes()) + "\n")
    taken = kept.take(folder, volumes.read([table]), table.name, "Anne", END_MS)
    assert taken.refused == []


class FirstAway(InfluxWriter):
    """A database that is away when it is first asked."""

    asked = False

    def write(self, *asked: Any, **more: Any) -> None:
        """Raise Away once, then write."""
        if not self.asked:
            self.asked = True
            raise Away("connection refused")
        super().write(*asked, **more)


class EndClock:
    """The clock of the last moment of the month."""

    def monotonic_s(self) -> float:
        return END_MS / 1000

    def wall_ms(self) -> int:
        return END_MS

    def sleep_s(self, real_s: float) -> None:
        time.sleep(real_s)


def _readings(keeping: Keeping, counters: Counters, wanted: int) -> None:
    """Let history take all readings from the journal."""
    assert keeping.history is not None
    stopping, deadline_s = threading.Event(), time.monotonic() + 60
    thread = threading.Thread(target=keeping.history.run, args=(stopping,))
    thread.start()
    while counters.snapshot().get("history_samples", 0) < wanted:
        assert time.monotonic() < deadline_s, counters.snapshot()
        time.sleep(0.02)
    stopping.set()
    thread.join(10)


def _states(here: Places, keeping: Keeping, target: Influx) -> None:
    """Write states as the watching thread does, at the month's own time."""
    assert keeping.indicators is not None
    writer, vitals = InfluxWriter(target), Vitals()
    lines: list[str] = []
    for at_ms in moments():
        now = view(here, at_ms)
        keeping.indicators.look(now)
        states = [*points(now, machine(at_ms)), *place_points(now, here.spots)]
        lines += written(vitals.due(states, at_ms / 1000), here.site)
    for batch in _batches(lines, _BATCH):
        writer.write(batch)
    writer.close()


def moments() -> Iterator[int]:
    """Yield when states are told: each quarter of an hour, each minute while a siren is tried."""
    for at_ms in range(BEGIN_MS, END_MS + 1, STEP_MS):
        yield at_ms
        if at_ms == story.DRILL_MS:
            yield from range(at_ms + 60_000, at_ms + STEP_MS, 60_000)


def samples(here: Places) -> list[Sample]:
    """Return every sample of the month in the order in which it came."""
    found = []
    for at_ms in range(BEGIN_MS, END_MS + 1, STEP_MS):
        for node in here.nodes:
            if at_ms <= story.DEAD.get(node.id, END_MS):
                found.append(_sample(here, node.id, at_ms))
    return sorted(found, key=lambda sample: sample.received_ms)


def _sample(here: Places, node: int, at_ms: int) -> Sample:
    received_ms, flags = at_ms + 1_500 + 10 * node, 0
    if node == story.LATE_NODE and story.LATE_FROM_MS < at_ms < story.LATE_UNTIL_MS:
        received_ms, flags = story.LATE_UNTIL_MS + 2_000, BACKLOG
    channels = pack_channels(
        (s.channel, _CODES[s.quantity], _quality(s.id, at_ms), _value(s, at_ms))
        for s in here.sensors
        if s.node == node
    )
    seq = (at_ms - BEGIN_MS) // STEP_MS
    return Sample(node, EPOCH, seq, at_ms, 0, received_ms, flags, channels)


def _quality(sensor: str, at_ms: int) -> int:
    """Return 1 (suspect) for some readings of one sensor: leaves hang on it in the flood."""
    return int(sensor == "pont-neuf-b" and story.at(12) <= at_ms < story.at(12, 2))


def _value(sensor: Sensor, at_ms: int) -> int:
    zone = "bourg" if sensor.id.startswith("bourg") else "hameau"
    if sensor.id == "vallee-debit":
        return sum(story.flow_l_h(z, at_ms) for z in story.NIGHT_L_H)
    makers = {
        "stage_mm": lambda: _stage_mm(sensor, at_ms),
        "rain_um": lambda: story.rain_um(at_ms),
        "flow_l_h": lambda: story.flow_l_h(zone, at_ms),
        "pressure_pa10": lambda: round(100 * story.pressure_kpa(zone, at_ms)),
        "level_mm": lambda: story.tank_mm(at_ms),
        "range_mm": lambda: 5_000 - story.stage_mm("source", at_ms),
        "volume_l": lambda: 4_000 * (at_ms - BEGIN_MS) // story.HOUR_MS,
        "battery_mv": lambda: story.battery_mv(14, at_ms),
        "water_temp_cc": lambda: 1_100 + round(80 * story.noise("eau", at_ms)),
        "air_temp_cc": lambda: 900 + round(300 * story.noise("air", at_ms)),
    }
    return int(makers[sensor.quantity]())


def _stage_mm(sensor: Sensor, at_ms: int) -> int:
    return story.stage_mm(sensor.place, at_ms) + round(3 * story.noise(sensor.id, at_ms))


def _batches(things: Iterable[Any], count: int) -> Iterator[list[Any]]:
    rest = iter(things)
    while batch := list(islice(rest, count)):
        yield batch
