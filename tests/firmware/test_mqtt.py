"""The node's MQTT client: its packets, its deadlines, and a real mosquitto, plain and by TLS."""

import datetime
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hil_tests.rig_parts import free_port, mosquitto, tls_broker, wait_for
from tests.firmware.test_device import run

from amont_hil.process import CPYTHON, MICROPYTHON
from amont_node.mqtt import (
    CONNECTING,
    DOWN,
    GREETING,
    SUBSCRIBING,
    UP,
    MqttClient,
    MqttError,
    PacketReader,
    connect_packet,
    publish_packet,
)
from amont_node.mqtt_carrier import _TOO_EARLY
from amont_node.stream import TlsWrapper

RUNTIMES = [CPYTHON, pytest.param(MICROPYTHON, marks=pytest.mark.micropython)]
TOPIC = "amont/here/17/down"


def test_connect_packet() -> None:
    assert connect_packet("n1", 60, "", "").hex() == "100e00044d5154540402003c00026e31"
    with_user = connect_packet("n1", 60, "u", "p")
    assert with_user[9] == 0xC2
    assert with_user.endswith(b"\x00\x01u\x00\x01p")


def test_publish_packet_has_two_length_bytes_when_it_must() -> None:
    packet = publish_packet("t", b"x" * 200, 513)
    assert packet[:5] == bytes([0x32, 0xCD, 0x01, 0x00, 0x01])
    assert packet[5:8] == b"t\x02\x01"


PACKETS = publish_packet(TOPIC, b"one", 1) + b"\xd0\x00" + publish_packet(TOPIC, b"2" * 120, 2)


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_packets_however_they_arrive(piece: int) -> None:
    reader = PacketReader()
    found = [
        kind for at in range(0, len(PACKETS), piece)
        for kind, _ in reader.feed(PACKETS[at : at + piece])
    ]  # fmt: skip
    assert found == [0x32, 0xD0, 0x32]


def test_a_packet_that_is_too_long_is_skipped_and_never_kept() -> None:
    reader = PacketReader()
    giant = bytes([0x30, 0xFF, 0xFF, 0x03])  # 65535 bytes follow
    assert reader.feed(giant) == []
    for _ in range(65):
        assert reader.feed(b"x" * 1000) == []
        assert len(reader._data) <= 1000
    assert reader.feed(b"x" * 535 + b"\xd0\x00") == [(0xD0, b"")]
    assert reader.skipped == 1


def test_an_endless_length_is_an_error() -> None:
    with pytest.raises(MqttError, match="four bytes"):
        PacketReader().feed(b"\x30\xff\xff\xff\xff\x01")


class Broker:
    """The other end of one connection, in the hand of the test."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.client = MqttClient("127.0.0.1", self.port, "n", TOPIC, None, "", "", 60, 2000)
        self.client.start(0)
        self.line, _ = self._listener.accept()
        self.line.settimeout(2)
        self.step_until(GREETING, 0)
        assert self.line.recv(100)[0] == 0x10

    def step_until(self, state: int, now_ms: int) -> None:
        end = time.monotonic() + 5
        while self.client.state != state:
            assert time.monotonic() < end, (self.client.state, self.client.error)
            self.client.step(now_ms)

    def up(self) -> None:
        self.line.sendall(b"\x20\x02\x00\x00")
        self.step_until(SUBSCRIBING, 10)
        assert self.line.recv(100)[0] == 0x82
        self.line.sendall(b"\x90\x03\x00\x01\x01")
        self.step_until(UP, 20)

    def collect(self, count: int) -> list[bytes]:
        found: list[bytes] = []
        end = time.monotonic() + 5
        while len(found) < count and time.monotonic() < end:
            found += self.client.step(30)
        return found

    def close(self) -> None:
        self.client.stop("")
        self.line.close()
        self._listener.close()


@pytest.fixture
def broker() -> Iterator[Broker]:
    made = Broker()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"\x20\x02\x00\x05", "refused: 5"),
        (b"\x90\x03\x00\x01\x01", "refused"),
        (b"", "no answer"),
    ],
)
def test_a_greeting_that_fails(broker: Broker, reply: bytes, why: str) -> None:
    broker.line.sendall(reply)
    broker.step_until(DOWN, 2000)
    assert why in broker.client.error


def test_a_refused_subscription(broker: Broker) -> None:
    broker.line.sendall(b"\x20\x02\x00\x00")
    broker.step_until(SUBSCRIBING, 10)
    broker.line.sendall(b"\x90\x03\x00\x01\x80")
    broker.step_until(DOWN, 20)
    assert "subscription refused" in broker.client.error


def test_a_half_open_connection_is_noticed(broker: Broker) -> None:
    broker.up()
    assert broker.client.publish("t", b"x", 100)
    broker.client.step(2099)
    assert broker.client.state == UP
    broker.client.step(2100)
    assert broker.client.state == DOWN
    assert "no answer to a publish" in broker.client.error


def test_an_idle_connection_is_tried_by_ping(broker: Broker) -> None:
    broker.up()
    broker.client.step(30_020)
    assert broker.line.recv(100) == b"\xc0\x00"
    broker.line.sendall(b"\xd0\x00")
    end = time.monotonic() + 5
    while broker.client._pinging and time.monotonic() < end:
        broker.client.step(30_100)
    broker.client.step(40_000)
    assert broker.client.state == UP
    broker.client.step(60_100)
    assert broker.line.recv(100) == b"\xc0\x00"
    broker.client.step(62_100)
    assert "no answer to a ping" in broker.client.error


def test_one_packet_is_one_write(broker: Broker) -> None:
    broker.up()
    broker.client.publish("amont/here/17/up", b"frame", 100)
    assert broker.line.recv(1000) == publish_packet("amont/here/17/up", b"frame", 1)


def test_packet_numbers_wrap(broker: Broker) -> None:
    broker.up()
    broker.client._pid = 65534
    broker.client.publish("t", b"a", 100)
    broker.client.publish("t", b"b", 100)
    assert [pid for pid, _ in broker.client._unanswered] == [65535, 1]


def test_too_many_unanswered_are_refused(broker: Broker) -> None:
    broker.up()
    taken = [broker.client.publish("t", b"x", 100) for _ in range(20)]
    assert taken == [True] * 16 + [False] * 4


def test_messages_are_answered_and_bounded(broker: Broker) -> None:
    broker.up()
    broker.line.sendall(publish_packet(TOPIC, b"mine", 9) + publish_packet("other", b"not", 10))
    assert broker.collect(1) == [b"mine"]
    assert broker.line.recv(100)[:4] == b"\x40\x02\x00\x09"


@pytest.mark.parametrize(
    "packet", [b"\x32\x01x", b"\x32\x03\x00\x09x", b"\x34\x05\x00\x01a\x00\x01"]
)
def test_malformed_publishes_end_the_connection(broker: Broker, packet: bytes) -> None:
    broker.up()
    broker.line.sendall(packet)
    broker.step_until(DOWN, 40)
    assert "publish" in broker.client.error


def test_a_broker_that_goes_away(broker: Broker) -> None:
    broker.up()
    broker.line.close()
    broker.step_until(DOWN, 40)
    assert not broker.client.publish("t", b"x", 50)


def test_nobody_listens() -> None:
    client = MqttClient("127.0.0.1", free_port(), "n", TOPIC)
    client.start(0)
    assert client.state in (CONNECTING, DOWN)
    end = time.monotonic() + 5
    while client.state != DOWN and time.monotonic() < end:
        client.step(10)
    assert "refused" in client.error


@pytest.mark.servers
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_real_broker(runtime: str, tmp_path: Path) -> None:
    port = free_port()
    with mosquitto(tmp_path, f"listener {port} 127.0.0.1\nallow_anonymous true\n"):
        wait_for(port)
        said = json.loads(run(runtime, "mqtt_try.py", "127.0.0.1", str(port), cwd=tmp_path))
    assert said == {"state": UP, "error": "", "sent": 3, "got": ["m0", "m1", "m2"]}


@pytest.mark.servers
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("ca", "name", "own", "good"),
    [
        ("ca.pem", "broker.test", True, True),
        ("ca.pem", "another.test", True, False),
        ("other-ca.pem", "broker.test", True, False),
        ("ca.pem", "broker.test", False, False),
    ],
)
def test_real_broker_by_tls(
    runtime: str, ca: str, name: str, own: bool, good: bool, tmp_path: Path
) -> None:
    with tls_broker(tmp_path) as (port, folder):
        more = [str(folder / "node.crt"), str(folder / "node.key")] if own else []
        arguments = ["127.0.0.1", str(port), str(folder / ca), name, *more]
        said = json.loads(run(runtime, "mqtt_try.py", *arguments, cwd=tmp_path).strip())
    if good:
        assert said["got"] == ["m0", "m1", "m2"]
    else:
        assert (said["state"], said["sent"], said["got"]) == (DOWN, 0, [])
        assert said["error"]


@pytest.mark.servers
@pytest.mark.micropython
def test_a_certificate_of_tomorrow_is_refused_by_its_time(tmp_path: Path) -> None:
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    with tls_broker(tmp_path, tomorrow) as (port, folder):
        pems = [str(folder / name) for name in ("ca.pem", "node.crt", "node.key")]
        arguments = ["127.0.0.1", str(port), pems[0], "broker.test", *pems[1:]]
        said = json.loads(run(MICROPYTHON, "mqtt_try.py", *arguments, cwd=tmp_path).strip())
    assert _TOO_EARLY in said["error"]  # a board without a clock goes by these words
    wrapper = TlsWrapper(pems[0], "broker.test", *pems[1:])
    assert wrapper.starts == f"{tomorrow:%Y%m%d%H%M%SZ}"


def test_no_memory_for_tls_ends_the_connection_alone(broker: Broker) -> None:
    def wrap(_: object) -> None:
        raise MemoryError

    other = MqttClient("127.0.0.1", broker.port, "n", TOPIC, wrap)
    other.start(0)
    end = time.monotonic() + 5
    while other.state != DOWN and time.monotonic() < end:
        other.step(10)
    assert other.error == "not enough memory"
