"""A real influxd in a temporary folder, filled by the gateway's own writers."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from tests.dashboards.month import fill

from amont_gateway.database import Influx
from amont_gateway.influx import InfluxWriter
from amont_gateway.lines import sample_lines
from amont_gateway.readings import Sample, Value, pack_channels
from amont_gateway.view import (
    Forecast,
    ForecastStep,
    Network,
    NetworkLeak,
    Node,
    Sensor,
    Siren,
    Station,
    Thresholds,
    View,
    Zone,
)
from amont_gateway.vitals import vital_lines

END_MS = 1_795_000_000_000
STEP_MS = 900_000
STEPS = 24
SITE = "sainte-amonette"
TAGS = {
    (17, 0): ("pont-neuf-a", "pont-neuf", "stage_mm"),
    (18, 0): ("col-pluie", "pont-neuf", "rain_um"),
    (19, 0): ("bourg-debit", "bourg", "flow_l_h"),
}
_CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
"""


class Server:
    """Where the database is, and one way to ask it."""

    def __init__(self, url):
        self.url = url

    def query(self, influxql, database="amont"):
        form = urllib.parse.urlencode({"q": influxql, "db": database, "epoch": "ms"}).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/query", form, timeout=20) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.read().decode()} for {influxql}") from None
        result = found["results"][0]
        assert "error" not in result, f"{result['error']} for {influxql}"
        return result.get("series", [])


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_for(server, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "influxd ended; its log is in the test's folder"
        try:
            urllib.request.urlopen(f"{server.url}/ping", timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("influxd did not answer within 30 s")


@pytest.fixture(scope="session")
def influxd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("influxd")
    http, rpc = free_ports(2)
    config = folder / "influxdb.conf"
    config.write_text(_CONFIG.format(folder=folder, http=http, rpc=rpc))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["influxd", "-config", str(config)], stdout=log, stderr=log)
    server = Server(f"http://127.0.0.1:{http}")
    try:
        wait_for(server, process)
        yield server
    finally:
        process.kill()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def history(influxd):
    """Six hours of a flood and a leak, written as the gateway writes them."""
    writer = InfluxWriter(Influx(influxd.url))
    for step in range(STEPS):
        at_ms = END_MS - (STEPS - 1 - step) * STEP_MS
        writer.write(sample_lines(SITE, TAGS, samples(step, at_ms)))
        writer.write(vital_lines(view(step, at_ms)))
    writer.close()
    return influxd


@pytest.fixture(scope="session")
def month(influxd, tmp_path_factory):
    """The scripted month, in the same server; its end is ``month_script.END_MS``."""
    fill(influxd.url, tmp_path_factory.mktemp("month"), database="month")
    return Month(influxd)


class Month:
    """The databases of the month: ``store`` is "" | "_h" | "_d"."""

    def __init__(self, server):
        self.server = server
        self.url = server.url

    def query(self, influxql, store=""):
        return self.server.query(influxql, f"month{store}")


def samples(step, at_ms):
    values = {17: (1, 800 + 80 * step), 18: (2, 2_000), 19: (3, 42_000 + 500 * step)}
    for node, (quantity, value) in values.items():
        channels = pack_channels([Value(0, quantity, 0, value)])
        yield Sample(node, 4096, step, at_ms, 0, at_ms + 1_000, 0, channels)


def view(step, at_ms):
    sounding = step >= STEPS - 4
    step_3h = ForecastStep(horizon_h=3, p05_mm=900 + step, p50_mm=1_500, p95_mm=2_700)
    station = Station(
        id="pont-neuf",
        name={"fr": "Pont-Neuf", "en": "Pont-Neuf"},
        level="alarm" if sounding else "watch",
        age_s=12,
        thresholds=Thresholds(watch_mm=1_200, warning_mm=1_800, alarm_mm=2_500),
        forecast=Forecast(status="ok", model="river-1", issued_ms=at_ms, steps=[step_3h]),
    )
    zone = Zone(
        id="bourg",
        name={"fr": "Bourg", "en": "Village"},
        verdict="leak" if sounding else "normal",
        night_flow_l_h=9_000,
        night_flow_usual_l_h=6_000,
        leak_l_h=3_000,
        model_status="ok",
        expected=[(at_ms, 40_000, 0)],
    )
    leak = NetworkLeak(found_ms=at_ms, since_ms=at_ms, size_l_h=2_000, probability=0.8)
    network = Network(
        id="vallee", name={}, verdict="leak", model_status="ok", leaks=[leak], pressures=6, heard=6
    )
    siren = Siren(id="mairie", name={"fr": "Mairie"}, state="sound" if sounding else "idle")
    sensor = Sensor(
        id="pont-neuf-a", name={}, node=17, place="pont-neuf", quantity="stage_mm", age_s=12,
        freshness="proved", promise="full", votes=True,
    )  # fmt: skip
    node = Node(
        id=17, name={}, carrier="bridge", age_s=12, silent=False, battery_mv=3_600,
        rssi_dbm=-97, outbox=3, boots=1,
    )  # fmt: skip
    return View(
        site=SITE, name={}, now_ms=at_ms, guard_alive=True, stations=[station], zones=[zone],
        networks=[network], sirens=[siren], sensors=[sensor], nodes=[node],
    )  # fmt: skip
