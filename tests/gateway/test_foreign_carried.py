"""What is made of the journal's rows carries foreign readings too: hours, days, zones, replay."""

from __future__ import annotations

import json

import pytest
from tests.gateway.foreign_sites import make_site
from tests.gateway.test_summaries import Rig as Summed
from tests.gateway.test_summaries import at
from tests.indicators.waterside import DAY_MS, HOUR_MS, MARCH_MS, steps
from tests.indicators.waterside import Rig as Water

from amont_gateway.cli import main
from amont_gateway.counters import Counters
from amont_gateway.delivery import Delivery
from amont_gateway.doubts import Doubts
from amont_gateway.events import Events
from amont_gateway.journal import Journal
from amont_gateway.journal_reader import JournalReader
from amont_gateway.places import from_site
from amont_gateway.quarantine import FILE, Quarantine
from amont_gateway.readings import FOREIGN, UNSEALED, Sample, pack_channels
from amont_gateway.replay import Replay


def row(at_ms, value, number=2, quantity=3, quality=0, received_ms=None):
    """Return a row as the store writes it; number 2 is the meter of the zone."""
    received_ms = at_ms + 2_000 if received_ms is None else received_ms
    packed = pack_channels([(number, quantity, quality, value)])
    return Sample(FOREIGN, number, at_ms // 1000, at_ms, 0, received_ms, UNSEALED, packed)


@pytest.fixture
def places(tmp_path):
    return from_site(make_site(tmp_path))


def test_hours_and_days_of_a_foreign_sensor(tmp_path, clock, places):
    rig = Summed(tmp_path, clock)
    rig.summaries.close()
    rig.journal.close()
    rig.places = places
    rig.open()
    day = range(at("2026-11-20 00:00"), at("2026-11-21 00:00"), 900_000)
    rig.now("2026-11-21 00:10")
    rig.journal.keep([row(t, 3_000 + 400 * (i % 2)) for i, t in enumerate(day)])
    rig.round()
    rig.now("2026-11-21 00:20")
    rig.round()
    hour = rig.store.one("_h", "flow", "bourg-debit", at("2026-11-20 08:00"))
    assert (hour["flow_l_h"], hour["min_flow_l_h"], hour["max_flow_l_h"]) == (3200, 3000, 3400)
    assert hour["readings"] == 4
    whole = rig.store.one("_d", "flow", "bourg-debit", at("2026-11-20 00:00"))
    assert (whole["flow_l_h"], whole["readings"]) == (3200, 96)
    quality = rig.store.one("_d", "quality_day", "bourg-debit", at("2026-11-20 00:00"))
    assert quality["completeness_pct"] == 100
    rig.close()


def test_a_zone_s_day_and_night_by_a_foreign_meter(tmp_path, places):
    rig = Water(tmp_path, MARCH_MS + 3 * DAY_MS, places)

    def flow(at_ms):
        return 600 if 2 <= (at_ms - 1 - MARCH_MS) % DAY_MS // HOUR_MS < 4 else 3_000

    times = steps(MARCH_MS, MARCH_MS + 2 * DAY_MS)
    rig.journal.keep([row(t, flow(t)) for t in times])
    rig.run()
    day = rig.outlet.of("zone_day", MARCH_MS, zone="bourg")
    assert day["inflow_m3"] == pytest.approx((22 * 3_000 + 2 * 600) / 1000)
    assert day["night_flow_l_h"] == 600
    assert day["estimated_pct"] == 0
    # out of its bounds it is kept, and measures nothing
    rig.journal.keep([row(MARCH_MS + 2 * DAY_MS + 900_000, 9_000_000, quality=2)])
    rig.run(MARCH_MS + 4 * DAY_MS)
    assert rig.outlet.of("zone_day", MARCH_MS, zone="bourg") == day


class Lines:
    def __init__(self):
        self.lines = []

    def write(self, lines, store="", meanwhile=None):
        del store, meanwhile
        self.lines += lines

    def close(self):
        pass


def test_a_replay_writes_them_again(tmp_path, clock, places):
    journal = Journal(tmp_path / "journal.db", ballast_bytes=0)
    journal.keep([row(1_800_000_000_000 + i * 900_000, 3_000 + i) for i in range(20)])
    counters, writer = Counters(), Lines()
    events = Events(counters, clock.wall_ms)
    delivery = Delivery(
        "replay", writer, Quarantine(tmp_path / FILE), counters, events, clock.wall_ms
    )
    reader = JournalReader(tmp_path / "journal.db")
    doubts = Doubts(tmp_path / "doubts.db")
    replay = Replay(reader, delivery, places.site, places.tags(), doubts, sleep_s=lambda _s: None)
    done = replay.run(0, 2_000_000_000_000)
    reader.close()
    journal.close()
    assert (done.rows, done.lines, done.refused) == (20, 20, 0)
    assert writer.lines[-1] == (
        "flow,sensor=bourg-debit,site=essai,zone=bourg flow_l_h=3019.0,quality=0i 1800017100000"
    )


def test_commands_name_them(tmp_path, capsys):
    journal = Journal(tmp_path / "journal.db", ballast_bytes=0)
    journal.keep([row(1_800_000_000_000, 3_450)])
    journal.close()
    assert main(["journal", "tail", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1  1800000000000  foreign sensor 2  flow_l_h=3450\n"
    assert main(["journal", "check", "--data", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["journal", "export", "--data", str(tmp_path)]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert (exported["node"], exported["epoch"], exported["flags"]) == (FOREIGN, 2, UNSEALED)
