"""What the broker command writes, in a real mosquitto: who gets in, and who may do what."""

import queue
import shutil
import signal
import socket
import ssl
import threading
import time

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tests.gateway.servers import Server, free_port
from tests.provisioning.desk import SITE

from amont_provision import brokerfiles, cli
from amont_provision.brokerca import Authority

pytestmark = pytest.mark.servers
NAME = "sainte-amonette"


class Broker:
    """mosquitto on the folder that ``amont-provision broker`` made, as Debian starts it."""

    def __init__(self, folder, port):
        self.folder, self.port = folder / "broker", port
        self.site = folder / "site.yaml"
        text = SITE.read_text().replace("port: 8883", f"port: {port}")
        self.site.write_text(text)
        assert self.provision() == 0
        main = folder / "main.conf"
        main.write_text(brokerfiles.alone(folder, "root") + f"include_dir {folder}/conf.d\n")
        (folder / "conf.d").mkdir()
        (folder / "conf.d" / "amont.conf").symlink_to(self.folder / "mosquitto.conf")
        self.server = Server(["mosquitto", "-c", str(main)], port, folder / "log")

    def provision(self, *more):
        command = ["broker", "--site", str(self.site), "--folder", str(self.folder), *more]
        return cli.main(["--lang", "en", *command])

    def reload(self):
        self.server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)  # mosquitto says nowhere that it has read its files again

    def context(self, name, folder=None):
        where = folder or self.folder / ("gateway" if name == "gateway" else "nodes")
        found = ssl.create_default_context(cafile=self.folder / "ca.crt")
        if name:
            found.load_cert_chain(where / f"{name}.crt", where / f"{name}.key")
        return found

    def lets_in(self, name, folder=None):
        """Tell whether who shows this certificate is greeted; TLS 1.3 refuses late."""
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), 5) as plain,
                self.context(name, folder).wrap_socket(plain, server_hostname="localhost") as tls,
            ):
                tls.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01t")
                return tls.recv(4)[:1] == b"\x20"
        except (ssl.SSLError, ConnectionError):
            return False


class Client:
    """One MQTT 5 client, which is told what it may not do, and remembers what it heard."""

    def __init__(self, broker, name):
        self.got, self._codes = queue.Queue(), queue.Queue()
        ready = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self.client.tls_set_context(broker.context(name))
        self.client.on_connect = self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda _c, _u, m: self.got.put((m.topic, m.payload))
        self.client.on_publish = lambda _c, _u, _m, code, _p: self._codes.put(code.value)
        self.client.connect("127.0.0.1", broker.port, 30)
        self.client.loop_start()
        assert ready.wait(5)
        ready.clear()
        self.client.subscribe(f"amont/{NAME}/+/up", 1)
        assert ready.wait(5)

    def publish(self, topic):
        """Tell whether the broker took a message."""
        self.client.publish(topic, b"frame", 1)
        return self._codes.get(timeout=5) in (0, 16)  # 16: taken, and nobody listens

    def end(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    found = Broker(tmp_path, free_port())
    found.server.start()
    yield found
    found.server.stop()


@pytest.fixture
def client(broker):
    made = []

    def make(name):
        made.append(Client(broker, name))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_a_node_reaches_the_gateway_and_nothing_else(client):
    gateway, node = client("gateway"), client("31")
    assert node.publish(f"amont/{NAME}/31/up")
    assert gateway.got.get(timeout=5) == (f"amont/{NAME}/31/up", b"frame")
    for topic in (f"amont/{NAME}/21/up", f"amont/{NAME}/31/down", "amont/other/31/up", "x"):
        assert not node.publish(topic)
    assert not gateway.publish(f"amont/{NAME}/31/up")
    assert gateway.got.empty()
    assert node.got.empty(), "a node heard what is for the gateway alone"


def test_nobody_gets_in_without_a_certificate_of_this_authority(broker, tmp_path):
    other = Authority(tmp_path / "other", ["localhost"])
    for name in other.due([31]):
        other.make(name)
    assert broker.lets_in("31")
    assert not broker.lets_in("")
    assert not broker.lets_in("31", tmp_path / "other" / "nodes")


def test_revoked_is_out_after_a_reload_and_the_others_stay(broker, tmp_path):
    stolen = tmp_path / "stolen"
    shutil.copytree(broker.folder / "nodes", stolen)
    assert broker.lets_in("31", stolen)
    assert broker.provision("--revoke", "31") == 0
    broker.reload()
    assert not broker.lets_in("31", stolen)
    assert broker.lets_in("21")
    # a new board in its place gets an identity of its own, and the stolen one stays out
    assert broker.provision() == 0
    broker.reload()
    assert broker.lets_in("31")
    assert not broker.lets_in("31", stolen)


def test_a_connection_that_is_open_may_say_nothing_more(broker, client):
    stolen, other = client("31"), client("21")
    assert stolen.publish(f"amont/{NAME}/31/up")
    assert broker.provision("--revoke", "31") == 0
    broker.reload()
    assert not stolen.publish(f"amont/{NAME}/31/up")
    assert other.publish(f"amont/{NAME}/21/up")


def test_a_renewed_broker_is_taken_by_nodes_as_they_are(broker):
    kept = broker.context("31")
    assert broker.provision("--name", "192.0.2.9") == 0
    broker.reload()
    with (
        socket.create_connection(("127.0.0.1", broker.port), 5) as plain,
        kept.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        names = [value for _, value in tls.getpeercert()["subjectAltName"]]
    assert "192.0.2.9" in names
