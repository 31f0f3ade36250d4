"""Other people's sensors through a real broker into a running gateway, and past the guard."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tests.gateway.conftest import SECRETS, eventually
from tests.gateway.fake_guard import FakeGuard
from tests.gateway.foreign_sites import make_site

from amont_gateway import advise, foreign_store, running
from amont_gateway.foreign import brokers_of
from amont_gateway.gateway import Gateway, Options
from amont_gateway.mqtt_connection import Broker
from amont_gateway.places import from_site
from amont_gateway.readings import FOREIGN

pytestmark = pytest.mark.servers


class Running:
    """A gateway at a broker, whose guard notes what reaches it."""

    def __init__(self, folder, port, free=None):
        self.site = make_site(folder, port)
        self.guard = FakeGuard(folder / "guard.sock", SECRETS)
        options = Options(
            Broker("127.0.0.1", port), commit_ms=20, mark_bytes=free or 0, ballast_bytes=0
        )
        self.gateway = Gateway(
            from_site(self.site), folder / "data", folder / "guard.sock", options
        )
        self.gateway.start()
        eventually(lambda: self.gateway._foreign.states() == {"": "ok"})

    def count(self, name):
        return self.gateway.counters.snapshot().get(name, 0)

    def sensor(self, name):
        return next(s for s in self.gateway.view().sensors if s.id == name)

    def close(self, folder):
        assert self.gateway.stop() == []
        self.guard.close()
        (folder / "guard.sock").unlink(missing_ok=True)


@pytest.fixture
def start(tmp_path, broker):
    started = []

    def make(**more):
        started.append(Running(tmp_path, broker.port, **more))
        return started[-1]

    def stop():
        started.pop().close(tmp_path)

    make.stop = stop
    yield make
    while started:
        stop()


@pytest.fixture
def say(broker):
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="network-server")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()

    def publish(topic, content, qos=1, retain=False):
        payload = content if isinstance(content, bytes | str) else json.dumps(content)
        client.publish(topic, payload, qos, retain).wait_for_publish(10)

    yield publish
    client.disconnect()
    client.loop_stop()


def radar(level_m, age_s=0):
    at = datetime.fromtimestamp(time.time() - age_s, UTC)
    return {"time": at.isoformat(), "object": {"level": level_m}}


def test_readings_come_through_and_are_shown_as_what_they_are(start, say):
    running_one = start()
    say("lora/radar/up", radar(1.5))
    say("lora/compteur/up", {"time": radar(0)["time"], "object": {"flow": 3.45, "battery": 3.6}})
    say("maison/cave", "12.5", qos=0)
    eventually(lambda: running_one.count("foreign_committed") == 4)
    view = running_one.gateway.view()
    shown = running_one.sensor("pont-tiers")
    assert (shown.value, shown.place, shown.quantity) == (1500, "pont", "stage_mm")
    assert (shown.promise, shown.freshness, shown.votes) == ("unsealed", "assumed", False)
    assert running_one.sensor("cave-temp").value == 1250
    assert view.zones[0].inflow_l_h == 3450
    assert [(s.id, s.state) for s in view.foreign] == [("sondes", "heard"), ("cave", "heard")]
    assert view.stations[0].foreign_watch == "pont-tiers"
    text = "\n".join(running.describe(_plain(view)))
    assert "sensor pont-tiers: unsealed promise" in text
    assert "foreign source sondes: heard, 2 messages, 3 readings" in text


def test_what_found_no_room_comes_again_without_a_restart(start, say, monkeypatch):
    running_one = start()
    monkeypatch.setattr(foreign_store, "MOST_WAITING", 1)
    say("lora/compteur/up", {"time": radar(0)["time"], "object": {"flow": 3.45, "battery": 3.6}})
    eventually(lambda: running_one.count("foreign_dropped") >= 4)  # it came again, and no room
    say("lora/radar/up", radar(1.5))
    eventually(lambda: running_one.count("foreign_committed") == 1)
    monkeypatch.undo()
    eventually(lambda: running_one.count("foreign_committed") == 3)
    assert running_one.sensor("bourg-debit").value == 3450


def _plain(view):
    import msgspec

    return msgspec.to_builtins(view)


def test_nothing_of_them_reaches_the_guard_but_a_watch_as_advice(start, say, monkeypatch):
    monkeypatch.setattr(advise, "EVERY_S", 0.2)
    running_one = start()
    say("lora/radar/up", radar(3.5))  # above every limit of the station
    eventually(lambda: running_one.guard.advice, 20)
    assert {a["station"] for a in running_one.guard.advice} == {"pont"}
    assert {a["level"] for a in running_one.guard.advice} == {"watch"}
    assert running_one.guard.committed == []
    assert running_one.count("frames_opened") == 0
    assert running_one.gateway.advisor.rate_of(17) == 0  # nor does a node sample faster


def test_a_message_twice_and_a_week_again_are_one_reading_each(start, say):
    running_one = start()
    week = [radar(1.0 + i / 100, age_s=900 * i) for i in range(40)]
    for message in week + week + week[:5]:
        say("lora/radar/up", message)
    eventually(lambda: running_one.count("foreign_repeated") == 45)
    assert running_one.count("foreign_committed") == 40
    assert running_one.count("foreign_conflicts") == 0


def test_what_was_not_kept_is_given_again_after_a_restart(start, say):
    first = start(free=1 << 62)  # a disk that counts as full: nothing can be committed
    say("lora/radar/up", radar(1.5, age_s=30))
    eventually(lambda: first.count("foreign_held") > 0)
    assert first.count("foreign_committed") == 0
    start.stop()
    say("lora/radar/up", radar(1.6))  # while it is away: the broker's session keeps it
    say("maison/cave", "12.5")  # without a time: nobody could date it later
    second = start()
    eventually(lambda: second.count("foreign_committed") == 2)
    assert second.sensor("pont-tiers").value == 1600
    time.sleep(0.3)  # for what must not come
    assert second.sensor("cave-temp").value is None


def test_what_the_journal_holds_is_there_after_a_restart(start, say):
    first = start()
    say("lora/radar/up", radar(1.5))
    eventually(lambda: first.count("foreign_committed") == 1)
    start.stop()
    second = start()
    eventually(lambda: second.sensor("pont-tiers").value == 1500)
    reader = second.gateway.journal.reader()
    assert [(s.node, s.epoch) for _, s in reader.samples()] == [(FOREIGN, 1)]
    reader.close()


def test_a_kept_message_without_a_time_is_refused(start, say):
    say("maison/cave", "12.5", retain=True)
    running_one = start()
    eventually(lambda: running_one.count("foreign_retained") == 1)
    assert running_one.sensor("cave-temp").value is None
    say("maison/cave", "13")
    eventually(lambda: running_one.sensor("cave-temp").value == 1300)


def test_a_flood_of_one_holds_up_neither_frames_nor_its_neighbours(start, say):
    running_one = start()
    for _ in range(900):
        say("lora/radar/up", b"{", qos=0)
    say("lora/compteur/up", {"time": radar(0)["time"], "object": {"flow": 3.45}})
    eventually(lambda: running_one.count("foreign_committed") == 1)
    eventually(lambda: running_one.count("foreign_flood") == 900 - 672)
    assert running_one.count("foreign_malformed") == 672
    assert running_one.gateway.states()["broker"] == "ok"


def test_a_broker_that_is_not_there_is_said_of_its_sources(start, say, broker):
    running_one = start()
    states = lambda: {s.state for s in running_one.gateway.view().foreign}  # noqa: E731
    assert states() == {"waiting"}
    broker.kill()
    eventually(lambda: states() == {"cut"})
    broker.start()
    eventually(lambda: states() == {"waiting"}, 30)


def test_sources_with_a_broker_of_their_own_are_told_apart(tmp_path):
    site = make_site(tmp_path)
    text = (tmp_path / "site.yaml").read_text()
    text = text.replace(
        "topic: maison/cave", "topic: maison/cave\n    broker: {host: far.example}"
    )
    (tmp_path / "site.yaml").write_text(text)
    from amont_site import load

    assert brokers_of(site.foreign_sources, {}) == {}
    own = load(tmp_path / "site.yaml").foreign_sources
    secrets = {"AMONT_FOREIGN_CAVE_USER": "u", "AMONT_FOREIGN_CAVE_PASSWORD": "p"}
    found = brokers_of(own, secrets)["cave"]
    assert (found.host, found.port, found.user, found.password) == ("far.example", 8883, "u", "p")
    assert found.encrypted
