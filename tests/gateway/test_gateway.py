"""The whole gateway, threads and all, against a real broker and a guard of ten lines."""

import paho.mqtt.client as paho
import pytest
from tests.gateway.conftest import SECRETS, eventually
from tests.gateway.sim_node import SimNode

from amont_gateway.gateway import Gateway, Options
from amont_gateway.mqtt_connection import Broker
from amont_gateway.view import Action
from amont_wire import const

pytestmark = pytest.mark.servers


class Carrier:
    """Connects simulated nodes to a broker."""

    def __init__(self, port, nodes):
        self._nodes = {str(n.node): n for n in nodes}
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_message
        self.client.on_connect = lambda c, *_: c.subscribe("amont/essai/+/down", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _on_message(self, _client, _data, message):
        self._nodes[message.topic.split("/")[2]].take(message.payload)

    def send(self, node, frame):
        self.client.publish(f"amont/essai/{node}/up", frame, 1).wait_for_publish(5)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def running(places, tmp_path, guard, broker):
    del guard  # only has to be there
    options = Options(
        Broker("127.0.0.1", broker.port), commit_ms=20, mark_bytes=0, ballast_bytes=0
    )
    gateway = Gateway(places, tmp_path / "data", tmp_path / "guard.sock", options)
    gateway.start()
    eventually(lambda: gateway.link.connected and gateway.states()["broker"] == "ok")
    yield gateway
    assert gateway.stop() == []
    assert gateway.failed is None


@pytest.fixture
def node():
    node = SimNode(31, SECRETS[31])
    for value in range(60):
        node.sample(1000 + value)
    return node


@pytest.fixture
def carrier(broker, running, node):
    carrier = Carrier(broker.port, [node])
    eventually(carrier.client.is_connected)
    yield carrier
    carrier.close()


def test_readings_are_committed_and_only_then_acknowledged(running, carrier, node):
    def all_acknowledged():
        frame = node.frame()
        if frame is not None:
            carrier.send(31, frame)
        return node.unacknowledged == 0

    eventually(all_acknowledged)
    reader = running.journal.reader()
    kept = [s.seq for _, s in reader.samples()]
    reader.close()
    assert sorted(kept) == list(range(60))
    assert {seq for _, seq in node.dropped} == set(range(60))


def test_a_reading_appears_in_the_view(running, carrier, node):
    carrier.send(31, node.frame(const.URGENT))
    eventually(lambda: running.view().zones[0].inflow_l_h is not None)
    view = running.view()
    assert view.zones[0].inflow_l_h == 1023
    assert view.guard_alive
    assert next(n for n in view.nodes if n.id == 31).silent is False


def test_foreign_and_damaged_messages_are_counted_and_worded(running, carrier, node):
    good = node.frame()
    flipped = bytes([*good[:-1], good[-1] ^ 1])
    stranger = SimNode(99, b"x" * 16)
    stranger.sample(1)
    carrier.send(31, flipped)
    carrier.send(99, stranger.frame())
    carrier.send(30, good)
    carrier.send(31, b"\0" * 4096)
    carrier.send(31, b"")
    carrier.send(31, good)
    eventually(lambda: running.counters.snapshot().get("samples_committed"))
    events = {e.kind: e for e in running.view().events}
    assert {"frame_key", "node_unknown", "topic_mismatch", "payload_size"} <= set(events)
    assert events["payload_size"].count == 2
    assert "99" in events["node_unknown"].text["fr"]
    assert running.view().counters["frames_rejected"] == 2


def test_the_guard_may_come_and_go(running, carrier, node, guard):
    guard.hang_up()
    eventually(lambda: any(e.kind == "guard_away" for e in running.view().events))
    eventually(lambda: running.link.connected)
    carrier.send(31, node.frame())
    eventually(lambda: running.counters.snapshot().get("samples_committed"))


def test_actions_are_answered_by_the_guard(running):
    def ask(pin):
        return running.act(Action(kind="acknowledge", siren="mairie", person="Anne", pin=pin))

    assert ask("1234").ok
    assert not ask("9999").ok


def test_a_missing_guard_answers_in_both_languages(places, tmp_path):
    gateway = Gateway(places, tmp_path / "data", tmp_path / "no.sock", Options())
    gateway.start()
    result = gateway.act(Action(kind="mute", siren="mairie", person="Anne", pin="1", minutes=5))
    gateway.stop()
    assert (result.ok, result.code) == (False, "guard-away")
    assert result.text["fr"]
    assert result.text["en"]
