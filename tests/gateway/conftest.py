import time
from pathlib import Path

import pytest
from tests.gateway import servers
from tests.gateway.fake_guard import FakeGuard

from amont_gateway.influx_link import InfluxLink
from amont_gateway.places import Node, Places, Sensor, Siren, Station, Zone
from amont_gateway.view import Thresholds

SECRETS = {n: bytes([n]) * 16 for n in (17, 18, 30, 31)}


def text(word):
    return {"fr": word, "en": word}


def make_places():
    names = [(17, "bridge"), (18, "bridge"), (30, "mqtt"), (31, "mqtt")]
    sensors = [
        Sensor("pont-a", text("pont a"), 17, 0, "stage_mm", "pont", 2700),
        Sensor("pont-b", text("pont b"), 18, 0, "stage_mm", "pont", 2700),
        Sensor("pluie", text("pluie"), 30, 0, "rain_um", "jauge", 2700),
        Sensor("centre", text("centre"), 31, 0, "flow_l_h", "centre", 2700),
    ]
    limits = Thresholds(watch_mm=1200, warning_mm=1800, alarm_mm=2500)
    return Places(
        site="essai",
        name=text("Essai"),
        nodes=tuple(Node(n, text(f"n{n}"), carrier, 60) for n, carrier in names),
        sensors=tuple(sensors),
        stations=(Station("pont", text("Pont"), limits, ("pont-a", "pont-b")),),
        zones=(Zone("centre", text("Centre"), ("centre",)),),
        sirens=(Siren("mairie", text("Mairie"), True),),
        people=("Anne",),
    )


class FakeClock:
    def __init__(self):
        self.now_s = 1_800_000_000.0

    def monotonic_s(self):
        return self.now_s

    def wall_ms(self):
        return int(self.now_s * 1000)

    def sleep_s(self, real_s):
        time.sleep(real_s)


def eventually(true, limit_s=10.0):
    """Wait for something that other threads bring about; fail after the limit."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.01)
    raise AssertionError(f"not so after {limit_s} s")


@pytest.fixture
def links(monkeypatch):
    """Close each connection to a database that the test made and dropped."""
    made, begin = [], InfluxLink.__init__

    def remembered(link, target):
        made.append(link)
        begin(link, target)

    monkeypatch.setattr(InfluxLink, "__init__", remembered)
    yield
    for link in made:
        link.close()


@pytest.fixture
def places():
    return make_places()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def guard(tmp_path):
    fake = FakeGuard(tmp_path / "guard.sock", SECRETS)
    yield fake
    fake.close()


@pytest.fixture
def broker(tmp_path):
    server = servers.mosquitto(tmp_path / "mosquitto")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database(tmp_path: Path):
    server = servers.influxd(tmp_path / "influxd")
    server.start()
    yield server
    server.stop()
