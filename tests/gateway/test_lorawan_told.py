"""What people are told of LoRaWAN, how its server is reached, and how late an answer may come."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.gateway import lorawan_servers as ls
from tests.gateway.servers import free_port
from tests.gateway.sim_node import SimNode
from tests.gateway.site_files import dev_eui_of, make_site, secret_of

from amont_gateway import doctor, lorawan_ingest
from amont_gateway.carriers import Carriers
from amont_gateway.cli import main
from amont_gateway.clock import SystemClock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.guard_link import GuardLink
from amont_gateway.lorawan_ingest import LorawanIngest, plan_from
from amont_gateway.mqtt_connection import Broker
from amont_gateway.page.formatting import Format
from amont_gateway.page.sentences import notices
from amont_gateway.page.texts import Words
from amont_gateway.running import describe, lorawan_of
from amont_gateway.view import LorawanState, View
from amont_guard.messages import Opened
from amont_node.delivery import HELLO, Delivery, Plan
from amont_node.spans import Spans
from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Sealer
from amont_wire.messages import Ack

OWN = "broker: {host: lora.lan, port: 8884}"
ASKED = argparse.Namespace(
    mqtt_user="gw", mqtt_ca=None, mqtt_cert=None, mqtt_key=None,
    lorawan_user=None, lorawan_ca=Path("/ca"), lorawan_cert=None, lorawan_key=None,
)  # fmt: skip
SECRETS = {"AMONT_MQTT_PASSWORD": "one", "AMONT_LORAWAN_PASSWORD": "two"}


def site_with(folder: Path, told: str, port: int = 1883):  # type: ignore[no-untyped-def]
    return make_site(folder, "/dev/no-bridge", port, {31: "lorawan", 11: "mqtt"}, told)


def test_without_a_broker_of_its_own_it_is_the_sites(tmp_path: Path) -> None:
    site, broker = site_with(tmp_path, ls.CHIRPSTACK), Broker("127.0.0.1", 1883, "gw", "one")
    plan = lorawan_of(site, broker, ASKED, SECRETS)
    assert plan is not None
    assert plan.broker is broker
    assert (plan.nodes, plan.interval_s) == ({dev_eui_of(31): 31}, {31: 60})
    assert (plan.downlinks_day, plan.shared) == (None, False)


def test_a_broker_of_its_own_has_its_own_password_and_the_things_stacks_user(
    tmp_path: Path,
) -> None:
    site = site_with(tmp_path, f"{ls.TTN}, {OWN}")
    plan = lorawan_of(site, None, ASKED, SECRETS)
    assert plan is not None
    assert plan.broker == Broker(
        "lora.lan", 8884, "amonette@ttn", "two", Path("/ca"), None, None, tls=True
    )
    named = argparse.Namespace(**{**vars(ASKED), "lorawan_user": "me"})
    plan = lorawan_of(site, None, named, SECRETS)
    assert plan is not None
    assert plan.broker.user == "me"


@pytest.mark.parametrize(
    ("topic", "reads"),
    [
        (f"application/{ls.APPLICATION}/device/+/event/up", True),
        ("application/+/device/{device}/event/up", True),
        ("#", True),
        ("application/#", True),
        ("application", False),
        ("application/other/device/+/event/up", False),
        ("zigbee2mqtt/{device}", False),
    ],
)
def test_whether_others_sensors_read_the_same_application(topic: str, reads: bool) -> None:
    assert lorawan_ingest._reads(topic, f"application/{ls.APPLICATION}/device") == reads


def test_a_site_without_lorawan_has_no_plan(tmp_path: Path) -> None:
    site = make_site(tmp_path, "/dev/no-bridge", 1883, {11: "mqtt"})
    assert lorawan_of(site, Broker("127.0.0.1"), ASKED, SECRETS) is None


def test_doctor_names_server_limit_promise_and_what_was_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site_with(tmp_path, f"{ls.TTN}, broker: {{host: 127.0.0.1, port: {free_port()}}}")
    refused = {"device": 3, "port": 1}
    view = {"lorawan": {"refused": refused, "strangers": ["a84041000181c061"]}}
    monkeypatch.setattr(doctor, "fetch_view", lambda _page: view)
    options = ["--site", str(tmp_path / "site.yaml"), "--data", str(tmp_path), "--json"]
    assert main(["doctor", *options, "--guard-socket", str(tmp_path / "no.sock")]) == 1
    found = json.loads(capsys.readouterr().out)
    said = [f["text"] for f in found if f["part"] == "LoRaWAN"]
    assert said[0].startswith("ttn: 1 nodes, 8 downlinks a node and day")
    assert said[1:] == [
        "refused 3 times: the device is no node of this site",
        "refused 1 times: LoRaWAN port of another use",
        "devices that are no nodes: a84041000181c061",
    ]
    parts = {f["part"]: f for f in found}
    assert parts["LoRaWAN broker"]["verdict"] == "bad"
    assert "LoRaWAN network" in parts["sensor debit-31"]["text"]
    assert "LoRaWAN" not in parts["sensor debit-11"]["text"]


class Taker:
    """A link to the guard that has room for some frames."""

    def __init__(self, room: int) -> None:
        self.room, self.frames = room, list[bytes]()

    def send_raw(self, frame: bytes) -> bool:
        if len(self.frames) < self.room:
            self.frames.append(frame)
            return True
        self.room += 1
        return False


def ingest_of(folder: Path, told: str, room: int = 9) -> tuple[LorawanIngest, Taker, Counters]:
    plan = plan_from(site_with(folder, told), Broker("127.0.0.1"))
    assert plan is not None
    clock, counters, link = SystemClock(), Counters(), Taker(room)
    events = Events(counters, clock.wall_ms)
    ingest = LorawanIngest("essai", plan, link, counters, events, clock, folder)  # type: ignore[arg-type]
    return ingest, link, counters


def chirpstack_up(ingest: LorawanIngest, node: int, frame: bytes, f_cnt: int) -> None:
    topic = f"application/{ls.APPLICATION}/device/{dev_eui_of(node)}/event/up"
    payload = ls.chirpstack_json(ls.chirpstack_up(dev_eui_of(node), frame, f_cnt))
    acknowledged: list[bool] = []
    ingest._on_message(topic, payload, False, lambda: acknowledged.append(True))
    assert acknowledged == [True]


def frame_of(node: int, counter: int) -> bytes:
    return bytes([17]) + node.to_bytes(2, "little") + counter.to_bytes(4, "little") + bytes(9)


def test_what_the_guard_had_no_room_for_is_no_copy_when_it_comes_again(tmp_path: Path) -> None:
    ingest, link, counters = ingest_of(tmp_path, ls.CHIRPSTACK, room=0)
    for _ in range(3):
        chirpstack_up(ingest, 31, frame_of(31, 1), 1)
    assert link.frames == [frame_of(31, 1)]
    assert counters.snapshot()["lorawan_copies"] == 1


def test_copies_are_remembered_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lorawan_ingest, "COPIES_MAX", 3)
    ingest, link, _ = ingest_of(tmp_path, ls.CHIRPSTACK)
    for counter in (1, 2, 3, 4, 4, 1):
        chirpstack_up(ingest, 31, frame_of(31, counter), counter)
    assert [frame[3] for frame in link.frames] == [1, 2, 3, 4, 1]


def test_a_repeated_frame_in_a_new_transmission_is_no_copy(tmp_path: Path) -> None:
    """The node sends it again because no answer came: it needs one."""
    ingest, link, _ = ingest_of(tmp_path, ls.CHIRPSTACK)
    for f_cnt in (1, 2):
        chirpstack_up(ingest, 31, frame_of(31, 1), f_cnt)
    assert len(link.frames) == 2


def test_a_stranger_is_no_mistake_where_others_sensors_read_the_application(
    tmp_path: Path,
) -> None:
    ingest, link, counters = ingest_of(tmp_path, ls.CHIRPSTACK)
    ingest._plan = dataclasses.replace(ingest._plan, shared=True)
    chirpstack_up(ingest, 99, frame_of(99, 1), 1)
    assert counters.snapshot() == {"lorawan_messages": 1, "lorawan_others": 1}
    assert ingest.state.refused == {}
    assert link.frames == []


def test_a_device_of_the_things_stack_is_known_by_its_own_name_once_heard(
    tmp_path: Path,
) -> None:
    ingest, _, counters = ingest_of(tmp_path, ls.TTN)
    root = f"v3/{ls.TTN_APPLICATION}@{ls.TENANT}/devices"

    def say(topic: str, told: dict[str, object]) -> None:
        ingest._on_message(f"{root}/{topic}", json.dumps(told).encode(), False, lambda: None)

    say("amont-31/join", {})
    say("pont-neuf/join", {})
    say("pont-neuf/up", ls.ttn_up(dev_eui_of(31), frame_of(31, 1), 1))
    say("pont-neuf/join", {})
    say("pont-neuf/down/failed", {"downlink_failed": {"error": {"name": "no_gateway"}}})
    counts = counters.snapshot()
    assert (counts["lorawan_joins"], counts["lorawan_problems"]) == (2, 1)
    ingest._on_message(f"{root}/x", b"", False, lambda: None)
    assert ingest.state.refused == {"topic": 1}


class Session:
    """A connection to the server's broker that takes everything."""

    def __init__(self) -> None:
        self.number, self.sent = 1, list[tuple[str, bytes]]()

    def publish(self, topic: str, payload: bytes, _qos: int) -> bool:
        self.sent.append((topic, payload))
        return True


def answer(ingest: LorawanIngest, counter: int) -> None:
    """Let the guard open a frame and seal its answer."""
    ingest.opened([Opened(1, 31, 1 << 12, counter, const.SAMPLES, 0, 0, 0, 0, 0, b"")])
    ingest.publish_downlinks([(31, bytes([24]) + frame_of(31, counter)[1:])])


@pytest.mark.parametrize("new", ["nothing", "session", "connection"])
def test_a_new_session_or_connection_frees_what_waited_at_the_server(
    new: str, tmp_path: Path
) -> None:
    ingest, _, _ = ingest_of(tmp_path, ls.CHIRPSTACK)
    session = Session()
    ingest._connection = session  # type: ignore[assignment]
    answer(ingest, 1)
    if new == "session":
        root = f"application/{ls.APPLICATION}/device/{dev_eui_of(31)}"
        ingest._on_message(f"{root}/event/join", b"{}", False, lambda: None)
    session.number += new == "connection"
    answer(ingest, 2)
    assert len(session.sent) == (1 if new == "nothing" else 2)


def view_with(state: str) -> View:
    told = LorawanState(
        server="ttn", state=state, refused={"port": 2, "device": 1}, strangers=["a8404100"],
        downlinks_day=8, downlinks_sent=5, downlinks_held_back=90,
    )  # fmt: skip
    return View(site="s", name={}, now_ms=0, guard_alive=True, lorawan=told)


def test_status_says_what_was_refused_and_held_back() -> None:
    lines = describe(msgspec.to_builtins(view_with("ok")))
    said = "LoRaWAN ttn: ok, 5 downlinks, 90 held back (8 a day); refused: device 1, port 2"
    assert said in lines
    assert "LoRaWAN devices that are no nodes: a8404100" in lines


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_page_says_when_the_server_is_gone(lang: str) -> None:
    words = Words(lang)
    for state, shown in (("ok", 0), ("away", 1), ("refused", 1)):
        found = notices(view_with(state), None, words, Format(lang, ZoneInfo("Europe/Paris")))
        assert sum("LoRaWAN" in notice.title for notice in found) == shown


def test_each_downlink_goes_by_its_nodes_carrier(tmp_path: Path) -> None:
    site, clock, counters = site_with(tmp_path, ls.CHIRPSTACK), SystemClock(), Counters()
    events = Events(counters, clock.wall_ms)
    link = GuardLink(tmp_path / "no.sock", counters, events)
    plan = plan_from(site, Broker("127.0.0.1"))
    carriers = Carriers("essai", tmp_path, None, plan, link, counters, events, clock)
    carriers.downlinks([(31, bytes(20)), (11, bytes(20))])
    assert counters.snapshot() == {"downlinks_dropped": 1, "lorawan_downlinks_not_due": 1}
    none = Carriers("essai", tmp_path, None, None, link, counters, events, clock)
    assert (none.broker, none.lorawan) == ("none", None)
    none.downlinks([(31, bytes(20))])
    none.save()
    assert none.opened([]) == []
    assert counters.snapshot()["downlinks_dropped"] == 2


@pytest.mark.parametrize(("unheard", "believed"), [(0, True), (6, True), (7, False)])
def test_how_many_frames_in_a_row_may_be_unheard(unheard: int, believed: bool) -> None:
    """What waited at the server goes out after the next frame that it hears."""
    delivery = Delivery(Spans(), 1, 31)
    answered = 5
    for counter in range(answered, answered + 1 + unheard + 1):
        delivery.sent(Plan(HELLO, 1, 0, 0), counter, b"", 0, 0, None, 0)
    assert delivery.believes(1, answered) == believed
    node = SimNode(31, secret_of(31))
    node.sample(7)
    frames = [node._sealer.seal(const.SAMPLES, bytes(10)) for _ in range(unheard + 2)]
    node._sent.extend(counter for counter, _ in frames)
    sealer = Sealer(secret_of(31), 31, 1, const.DOWNLINK, ReservedCounter(0, lambda _limit: None))
    ack = Ack(frames[0][0], 1, 1, -1, 0, 0, 0).encode()
    assert node.take(sealer.seal(const.ACK, ack)[1]) == believed
