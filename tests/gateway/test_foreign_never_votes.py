"""An unsealed stage far above every limit: the real guard neither sounds nor counts it as support.

The guard is the real one with its real votes, two sealed sensors on its own bridge, and the real
gateway beside it with a real broker; only the clock is the test's.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tests.gateway.foreign_sites import make_site
from tests.guard.rig import FakeClock, Rig, site, write_site

from amont_gateway.gateway import Gateway, Options
from amont_gateway.mqtt_connection import Broker
from amont_gateway.places import from_site
from amont_guard.app import build
from amont_guard.config import ConfigError, digest

pytestmark = pytest.mark.servers
CALM_MM, WATCH_MM = 300, 1300
# As fast as a river may rise, to above the station's alarm; then it stays.
LONE = (600, 900, 1200, 1500, 1800, 2100, 2400, 2600, 2700, 2750, 2800)


class Clock(FakeClock):
    def sleep_s(self, real_s):
        time.sleep(real_s)


class Town:
    """A guard, two sealed sensors, a gateway with a foreign radar, and a network server."""

    def __init__(self, folder, port):
        self.rig = Rig(folder / "guard", clock=Clock())
        self.rig.prove()
        self.rig.gateway.close()  # the real one takes its place
        self.rig.gateway = None
        self.gateway = Gateway(
            from_site(make_site(folder, port)),
            folder / "data",
            folder / "guard" / "guard.sock",
            Options(Broker("127.0.0.1", port), commit_ms=20, mark_bytes=0, ballast_bytes=0),
            clock=self.rig.clock,
        )
        self.server = paho.Client(CallbackAPIVersion.VERSION2)
        self.server.connect("127.0.0.1", port)
        self.server.loop_start()
        self.gateway.start()
        self.until(lambda: self.gateway._foreign.states() == {"": "ok"})
        self.until(lambda: self.gateway.link.connected)

    def until(self, true, limit_s=20.0):
        deadline = time.monotonic() + limit_s
        while not true():
            assert time.monotonic() < deadline, f"not so after {limit_s} s"
            self.rig.turn(1)
            time.sleep(0.002)

    def radar(self, level_m):
        """Publish an unsealed stage, and wait until it is in the journal and on the screen."""
        at = datetime.fromtimestamp(self.rig.clock.wall_ms() / 1000, UTC).isoformat()
        before = self.committed()
        message = json.dumps({"time": at, "object": {"level": level_m}})
        self.server.publish("lora/radar/up", message, 1).wait_for_publish(10)
        self.until(lambda: self.committed() == before + 1)

    def committed(self):
        return self.gateway.counters.snapshot().get("foreign_committed", 0)

    def rise(self, b_mm):
        """Let sensor a rise above the alarm, b stay, and the radar say the worst all along."""
        for value in LONE:
            self.rig.clock.pass_s(60)
            self.radar(3.5)
            self.rig.line.put(self.rig.a.frame(value), self.rig.b.frame(b_mm))
            self.rig.turn()

    def close(self):
        self.server.disconnect()
        self.server.loop_stop()
        assert self.gateway.stop() == []
        self.rig.close()


@pytest.fixture
def town(tmp_path, broker):
    made = Town(tmp_path, broker.port)
    yield made
    made.close()


def test_alone_it_sounds_nothing_and_shows_no_level(town):
    for _ in range(6):
        town.rig.clock.pass_s(60)
        town.radar(3.9)
        town.rig.line.put(town.rig.a.frame(CALM_MM), town.rig.b.frame(CALM_MM))
        town.rig.turn()
    assert town.rig.sounded() == []
    station = town.rig.guard.judge.stations["pont"]
    assert town.gateway.windows.last("pont-tiers").value == 3900
    town.until(lambda: station.advised(town.rig.clock.monotonic_s()) > 0)  # a watch, as advice
    view = town.gateway.view()
    town.until(lambda: town.gateway.view().stations[0].advice == "watch")
    assert view.stations[0].level == "normal"
    assert [s.votes for s in view.sensors if s.id == "pont-tiers"] == [False]
    assert town.rig.sounded() == []


def test_it_supports_no_vote(town):
    town.rise(CALM_MM)
    assert town.committed() == len(LONE)
    assert town.rig.sounded() == []


def test_with_support_that_is_sealed_the_same_rise_sounds(town):
    town.rise(WATCH_MM)
    assert town.rig.sounded() != []


def test_a_guard_file_that_names_it_as_a_voter_is_refused(tmp_path):
    write_site(tmp_path)
    body = {k: v for k, v in site().items() if k != "sha256"}
    body["stations"][0]["sensors"].append("pont-tiers")
    (tmp_path / "guard.json").write_text(json.dumps({**body, "sha256": digest(body)}))
    with pytest.raises(ConfigError, match="pont: needs sensors of this file"):
        build(tmp_path, FakeClock())
