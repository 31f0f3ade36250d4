"""Brokers that refuse, forget, encrypt or are not there."""

import threading

import pytest
import trustme
from tests.gateway import servers
from tests.gateway.conftest import eventually

from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.guard_link import GuardLink
from amont_gateway.mqtt_connection import Broker
from amont_gateway.mqtt_ingest import MqttIngest

pytestmark = pytest.mark.servers


class Ingest:
    def __init__(self, folder, clock, broker):
        self.counters = Counters()
        self.events = Events(self.counters, clock.wall_ms)
        link = GuardLink(folder / "guard.sock", self.counters, self.events)
        self.ingest = MqttIngest("essai", broker, link, self.counters, self.events)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.ingest.run, args=(self._stop,))
        self._thread.start()

    def told(self, kind):
        return [e for e in self.events.latest() if e.kind == kind]

    def close(self):
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def connect(tmp_path, clock):
    made = []

    def make(broker):
        made.append(Ingest(tmp_path, clock, broker))
        return made[-1]

    yield make
    for ingest in made:
        ingest.close()


@pytest.fixture
def start(tmp_path):
    started = []

    def make(extra):
        server = servers.mosquitto(tmp_path / "mosquitto", extra)
        server.start()
        started.append(server)
        return server

    yield make
    for server in started:
        server.stop()


def test_a_broker_that_refuses_is_named(connect, start):
    server = start("allow_anonymous false\n")
    ingest = connect(Broker("127.0.0.1", server.port, "amont", "wrong"))
    eventually(lambda: ingest.told("broker_refused"))
    assert ingest.ingest.state == "refused"
    assert "uthorized" in ingest.told("broker_refused")[0].text["en"]


def test_a_broker_that_is_not_there_is_named(connect):
    ingest = connect(Broker("127.0.0.1", servers.free_port()))
    eventually(lambda: ingest.told("broker_away"))
    assert ingest.ingest.state == "away"


def test_a_broker_that_forgot_the_session_is_noticed(connect, start, tmp_path):
    server = start("allow_anonymous true\n")
    ingest = connect(Broker("127.0.0.1", server.port))
    eventually(lambda: ingest.ingest.state == "ok")
    server.kill()  # its default autosave has written nothing yet
    (tmp_path / "mosquitto" / "mosquitto.db").unlink(missing_ok=True)
    server.start()
    eventually(lambda: ingest.told("broker_session_lost"), 20)
    eventually(lambda: ingest.ingest.state == "ok")


# paho leaves the socket of a handshake that failed to the garbage collector
@pytest.mark.filterwarnings("ignore:.*<ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_tls_with_our_own_certificate(connect, start, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, issued in (
        ("server", authority.issue_cert("localhost", "127.0.0.1")),
        ("gateway", authority.issue_cert("amont-gateway")),
    ):
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    server = start(
        f"allow_anonymous true\ncafile {tmp_path}/ca.pem\ncertfile {tmp_path}/server.pem\n"
        f"keyfile {tmp_path}/server.key\nrequire_certificate true\n"
    )
    files = {"ca_file": tmp_path / "ca.pem"}
    stranger = connect(Broker("127.0.0.1", server.port, **files))
    eventually(lambda: stranger.told("broker_away") or stranger.told("broker_refused"))
    assert stranger.ingest.state != "ok"
    files |= {"cert_file": tmp_path / "gateway.pem", "key_file": tmp_path / "gateway.key"}
    known = connect(Broker("127.0.0.1", server.port, **files))
    eventually(lambda: known.ingest.state == "ok")
