"""The whole way over LoRaWAN and back: real guard, gateway and mosquitto, a server's manners."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from chirpstack_api import integration
from tests.gateway import lorawan_servers as ls
from tests.gateway import servers
from tests.gateway.conftest import eventually
from tests.gateway.lorawan_town import LORA, MQTT, Town
from tests.gateway.sim_node import SimNode
from tests.gateway.site_files import dev_eui_of, secret_of

from amont_gateway.lorawan_ingest import STRANGERS_MAX
from amont_gateway.running import describe
from amont_wire import const

pytestmark = pytest.mark.servers

READINGS = 40


Start = Callable[[str], Town]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    broker = servers.mosquitto(tmp_path / "mosquitto")
    broker.start()
    made: list[Town] = []

    def make(told: str) -> Town:
        made.append(Town(tmp_path, broker, told))
        return made[-1]

    yield make
    for town in made:
        town.close()
    broker.stop()


def test_readings_come_through_chirpstack_and_are_acknowledged(start: Start) -> None:
    town = start(ls.CHIRPSTACK)
    town.sample(READINGS)
    eventually(town.drained, 20)
    assert town.committed() == len(LORA) * READINGS
    assert town.count("lorawan_downlinks_transmitted") > 0
    assert all(len(queue) <= 1 for queue in town.network.queues.values())
    node = next(n for n in town.gateway.view().nodes if n.id == LORA[0])
    assert (node.carrier, node.rssi_dbm, node.silent) == ("lorawan", -97, False)
    sensor = next(s for s in town.gateway.view().sensors if s.node == LORA[0])
    assert (sensor.promise, sensor.votes) == ("weaker", False)
    # made to expire by the server's own clock, eight intervals after it heard the node
    assert all(c["expiresAt"].startswith("2026-03-01T06:08:") for c in town.network.commands)


def test_readings_come_through_the_things_stack_within_its_ration(start: Start) -> None:
    town = start(ls.TTN)
    town.sample(12)

    def answered() -> bool:
        town.round()
        return all(node.acks == 1 for node in town.nodes.values())

    eventually(answered, 20)
    town.sample(12)
    eventually(lambda: (town.round(), town.count("lorawan_downlinks_held_back") > 2)[1], 20)
    assert len(town.network.commands) == len(LORA)
    eventually(lambda: town.committed() == len(LORA) * 24)
    told = town.gateway.lorawan()
    assert told is not None
    assert (told.downlinks_day, told.downlinks_sent) == (8, len(LORA))
    used = town.folder / "data" / "lorawan_ration.json"
    assert town.gateway.stop() == []
    assert sorted(json.loads(used.read_text())) == [str(n) for n in LORA]


def test_an_urgent_frame_is_answered_with_its_next_uplink(start: Start) -> None:
    town = start(ls.TTN)
    town.sample(1)
    dev_eui = dev_eui_of(LORA[0])
    node = town.nodes[dev_eui]
    town.network.uplink(dev_eui, node.frame(const.URGENT) or b"")
    eventually(lambda: town.network.commands)
    (one,) = town.network.commands[0]["downlinks"]
    assert one["priority"] == "HIGH"
    node.sample(1)
    town.network.uplink(dev_eui, node.frame() or b"")
    assert node.acks == 1


def test_what_is_not_ours_is_counted_by_its_reason(start: Start) -> None:
    town = start(ls.CHIRPSTACK)
    town.sample(3)
    dev_eui, node = next(iter(town.nodes.items()))
    frame = node.frame()
    assert frame is not None
    topic = f"{town.network.root}/{dev_eui}/event/up"

    def send(data: bytes, to: str = topic, **fields: int) -> None:
        told = ls.chirpstack_up(dev_eui, data, f_cnt=900, **fields)
        town.network.publish(to, ls.chirpstack_json(told))

    stranger = f"{town.network.root}/a84041000181c061/event/up"
    other = f"{town.network.root}/{dev_eui_of(LORA[1])}/event/up"
    for data, to, fields in (
        (frame, stranger, {}), (frame, stranger, {"f_port": 2}), (frame, other, {}),
        (frame, topic, {"f_port": 11}), (b"short", topic, {}), (bytes(52), topic, {}),
    ):  # fmt: skip
        send(data, to, **fields)
    town.network.publish(topic, b'{"fPort": 10, "data": "*"}')
    town.network.publish(topic, b"{")
    town.network.publish(topic, b" " * 70_000)
    town.network.publish(topic, ls.chirpstack_json(integration.UplinkEvent(f_cnt=2)))  # MAC only
    town.network.publish(f"{town.network.root}/{dev_eui}/event/new", b"?")
    flipped = bytes([*frame[:-1], frame[-1] ^ 1])
    send(flipped)
    send(frame)
    eventually(lambda: town.count("samples_committed"))
    told = town.gateway.lorawan()
    assert told is not None
    assert told.refused == {
        "device": 2, "node": 1, "port": 1, "length": 2, "base64": 1, "json": 1, "size": 1,
    }  # fmt: skip
    assert told.strangers == ["a84041000181c061"]
    assert town.count("lorawan_empty") == 1
    view = town.gateway.view()
    worded = [e for e in view.events if e.kind == "lorawan_refused"]
    assert sum(e.count for e in worded) == 9
    assert {"a84041000181c061"} <= {w.strip("()") for e in worded for w in e.text["en"].split()}
    assert any(e.kind == "frame_key" for e in view.events)
    shown = "\n".join(describe(json.loads(msgspec.json.encode(town.gateway.view()))))
    assert "LoRaWAN chirpstack: ok" in shown
    assert "device 2" in shown
    assert "a84041000181c061" in shown


def test_many_strangers_are_a_bounded_list(start: Start) -> None:
    town = start(ls.CHIRPSTACK)
    for number in range(STRANGERS_MAX + 15):
        dev_eui = f"a840410001{number:06x}"
        told = ls.chirpstack_json(ls.chirpstack_up(dev_eui, bytes(20)))
        town.network.publish(f"{town.network.root}/{dev_eui}/event/up", told)
    eventually(lambda: town.count("lorawan_refused_device") == STRANGERS_MAX + 15)
    told_state = town.gateway.lorawan()
    assert told_state is not None
    assert len(told_state.strangers) == STRANGERS_MAX
    kinds = [e for e in town.gateway.view().events if e.kind == "lorawan_refused"]
    assert len(kinds) == STRANGERS_MAX + 1


def test_a_week_sent_again_is_known_and_loses_nothing(start: Start) -> None:
    town = start(ls.CHIRPSTACK)
    town.sample(READINGS)
    eventually(town.drained, 20)
    commands = len(town.network.commands)
    # a week of another session of the gateway: nothing of it is remembered as a copy
    dev_eui, node = next(iter(town.nodes.items()))
    week = []
    for _ in range(300):
        node.sample(5)
        node._unanswered.clear()  # its patience is not what is tried
        week.append((len(week), node.frame() or b""))
    for _ in range(3):
        for f_cnt, frame in week:
            told = ls.chirpstack_up(dev_eui, frame, f_cnt, name=f"week-{f_cnt}")
            town.network.publish(
                f"{town.network.root}/{dev_eui}/event/up", ls.chirpstack_json(told)
            )
    eventually(lambda: town.count("lorawan_copies") == 600)
    eventually(lambda: town.committed() == len(LORA) * READINGS + 300)
    # whatever was sent, one downlink waits at the server for the device
    assert len(town.network.commands) - commands <= 2
    assert len(town.network.queues[dev_eui]) <= 1
    town.sample(1)
    eventually(town.drained, 20)


def test_a_broker_that_is_killed_costs_nothing(start: Start) -> None:
    town = start(ls.CHIRPSTACK)
    town.sample(READINGS)
    town.round()
    eventually(lambda: len(town.network.commands) == len(LORA))
    town.broker.kill()
    eventually(lambda: town.gateway.lorawan().state == "away" and not town.network.ready.is_set())
    town.broker.start()
    eventually(lambda: town.gateway.lorawan().state == "ok", 40)
    assert town.network.ready.wait(10)
    eventually(town.drained, 30)
    assert town.committed() == len(LORA) * READINGS
    text = [e.text["en"] for e in town.gateway.view().events if e.kind == "broker_away"]
    assert any("LoRaWAN" in said for said in text)


def test_joins_in_any_order_and_what_the_server_says(start: Start) -> None:
    town = start(ls.CHIRPSTACK)
    dev_eui = dev_eui_of(LORA[0])
    device = ls.chirpstack_device(dev_eui)
    root = f"{town.network.root}/{dev_eui}/event"
    join = ls.chirpstack_json(integration.JoinEvent(device_info=device, dev_addr="00189440"))
    stranger = f"{town.network.root}/a84041000181c061/event/join"
    town.network.publish(f"{root}/join", join)  # before and after the session's first uplinks
    town.sample(READINGS)
    town.round()
    town.network.publish(f"{root}/join", join)
    town.network.publish(stranger, join)
    log = integration.LogEvent(
        device_info=device, level=integration.LogLevel.ERROR,
        code=integration.LogCode.DOWNLINK_PAYLOAD_SIZE, description="over the max. payload size",
    )  # fmt: skip
    town.network.publish(f"{root}/log", ls.chirpstack_json(log))
    town.network.publish(f"{root}/status", b'{"margin": 7}')
    eventually(town.drained, 20)
    assert town.count("lorawan_joins") == 2
    events = {e.kind: e for e in town.gateway.view().events}
    assert "payload size" in events["lorawan_problem"].text["fr"]
    assert str(LORA[0]) in events["lorawan_joined"].text["fr"]


def test_a_node_on_mqtt_goes_on_beside_it(start: Start) -> None:
    town = start(ls.CHIRPSTACK)
    node = SimNode(MQTT, secret_of(MQTT))
    node.sample(5)
    client = town.network.client
    taken = threading.Event()
    client.message_callback_add(
        f"amont/essai/{MQTT}/down", lambda _c, _d, m: node.take(m.payload) and taken.set()
    )
    client.subscribe(f"amont/essai/{MQTT}/down", 1)
    frame = node.frame()
    assert frame is not None
    town.network.publish(f"amont/essai/{MQTT}/up", frame)
    assert taken.wait(10)
    assert town.count("lorawan_messages") == 0
