"""What ChirpStack and The Things Stack send is read; what they do not send is refused in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from chirpstack_api import integration
from google.protobuf.json_format import Parse
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway import lorawan_servers as servers

from amont_gateway import lorawan_messages as m
from amont_gateway.lorawan_texts import REFUSED

EUI = "70b3d57ed000001f"
FRAME = bytes(range(33))
CHIRPSTACK = m.ChirpStack(servers.APPLICATION)
TTN = m.ThingsStack(servers.TTN_APPLICATION, servers.TENANT)
TOPIC = f"application/{servers.APPLICATION}/device/{EUI}/event"
BEST = (-97, 29)  # of servers.SIGNALS: the highest snr, in quarters of a dB


@pytest.mark.parametrize("whole", [False, True])
def test_an_uplink_of_chirpstack_with_and_without_its_defaults(whole: bool) -> None:
    event = servers.chirpstack_up(EUI, FRAME, f_cnt=0)
    payload = servers.chirpstack_json(event, whole=whole)
    assert (b'"fCnt"' in payload) == whole
    up = CHIRPSTACK.uplink(payload, EUI.upper())
    assert (up.dev_eui, up.port, m.frame_of(up.data)) == (EUI, 10, FRAME)
    assert up.transmission == event.deduplication_id
    assert up.time == "2026-03-01T06:00:00Z"
    assert m.best_signal(up.receptions) == BEST


def test_an_uplink_of_the_things_stack_whose_zeros_are_left_out() -> None:
    told = servers.ttn_up(EUI, FRAME, f_cnt=0, device="pont-neuf")
    assert "f_cnt" not in told["uplink_message"]
    up = TTN.uplink(json.dumps(told).encode(), "pont-neuf")
    assert (up.dev_eui, up.port, m.frame_of(up.data)) == (EUI, 10, FRAME)
    assert up.transmission == up.time == "2026-03-01T06:00:00.000000123Z"
    assert m.best_signal(up.receptions) == BEST
    del told["end_device_ids"]["dev_eui"]
    assert TTN.uplink(json.dumps(told).encode(), "pont-neuf").dev_eui == "pont-neuf"


def test_an_uplink_without_payload_is_no_frame() -> None:
    event = integration.UplinkEvent(f_cnt=3)
    up = CHIRPSTACK.uplink(servers.chirpstack_json(event), EUI)
    assert (up.port, up.data, m.best_signal(up.receptions)) == (0, "", None)
    up = TTN.uplink(b'{"uplink_message": {"received_at": "x", "new": [1]}}', "a")
    assert (up.port, up.data, m.best_signal(up.receptions)) == (0, "", None)


@pytest.mark.parametrize("beside", ['{"rssi": "loud"}', '[{"rssi": []}]', "[[[]]]", "7"])
def test_what_is_odd_beside_a_frame_costs_no_frame(beside: str) -> None:
    data = base64.b64encode(FRAME).decode()
    payload = f'{{"fPort": 10, "data": "{data}", "rxInfo": {beside}, "object": {{"a": 1e9}}}}'
    up = CHIRPSTACK.uplink(payload.encode(), EUI)
    assert m.frame_of(up.data) == FRAME
    assert m.best_signal(up.receptions) is None


def test_topics() -> None:
    assert CHIRPSTACK.event(f"{TOPIC}/txack") == ("txack", EUI)
    assert TTN.event("v3/amonette@ttn/devices/amont-31/down/sent") == ("down/sent", "amont-31")
    assert m.ThingsStack("amonette", None).root == "v3/amonette/devices"
    for server, topic in ((CHIRPSTACK, f"{TOPIC}/up/x"), (CHIRPSTACK, "x"), (TTN, "x")):
        with pytest.raises(m.Refused) as refused:
            server.event(topic)
        assert refused.value.reason == m.TOPIC


def test_what_chirpstack_tells_of_a_downlink() -> None:
    sent = servers.chirpstack_json(integration.TxAckEvent(queue_item_id="a-b", f_cnt_down=0))
    assert CHIRPSTACK.told("txack", sent) == ("a-b", "")
    log = integration.LogEvent(
        level=integration.LogLevel.ERROR, code=integration.LogCode.EXPIRED,
        description="Device queue-item discarded because it has expired",
        context={"queue_item_id": "a-b"},
    )  # fmt: skip
    told = CHIRPSTACK.told("log", servers.chirpstack_json(log))
    assert told is not None
    assert told.downlink == "a-b"
    assert told.problem.startswith("EXPIRED: Device queue-item")
    log.level = integration.LogLevel.INFO  # the default, which is not in the JSON
    assert CHIRPSTACK.told("log", servers.chirpstack_json(log)) is None
    assert CHIRPSTACK.told("status", b"?") is None


def test_what_the_things_stack_tells_of_a_downlink() -> None:
    error = {"namespace": "pkg/networkserver", "name": "x", "message_format": "no gateway"}
    failed = json.dumps({"downlink_failed": {"downlink": {"f_port": 10}, "error": error}})
    assert TTN.told("down/failed", failed.encode()) == ("", "no gateway")
    assert TTN.told("down/failed", b"{}") == ("", "failed")
    assert TTN.told("down/sent", b"") == ("", "")
    assert TTN.told("join", b"") is None


def test_a_downlink_for_chirpstack_is_what_its_own_types_read() -> None:
    name = "2f5b9d5c-3e38-4d9b-8a8a-1f1f4cb7a001"
    topic, payload = CHIRPSTACK.downlink(EUI, 10, FRAME, name, "2026-03-01T14:00:00.000Z", True)
    assert topic == f"application/{servers.APPLICATION}/device/{EUI}/command/down"
    command = Parse(payload, integration.DownlinkCommand())
    assert (command.id, command.dev_eui, command.data) == (name, EUI, FRAME)
    assert (command.f_port, command.confirmed) == (10, False)
    assert command.expires_at.ToJsonString() == "2026-03-01T14:00:00Z"
    _, payload = CHIRPSTACK.downlink(EUI, 10, FRAME, name, None, False)
    assert not Parse(payload, integration.DownlinkCommand()).HasField("expires_at")


def test_a_downlink_for_the_things_stack_replaces_its_queue() -> None:
    topic, payload = TTN.downlink("amont-31", 10, FRAME, "n", None, True)
    assert topic == "v3/amonette@ttn/devices/amont-31/down/replace"
    (one,) = json.loads(payload)["downlinks"]
    assert (base64.b64decode(one["frm_payload"]), one["f_port"]) == (FRAME, 10)
    assert one["priority"] == "HIGH"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b" " * (m.PAYLOAD_MAX + 1), m.SIZE),
        (b"", m.JSON),
        (b"\x0a\x24protobuf", m.JSON),
        (b'{"fPort": "ten"}', m.JSON),
        (b'{"fPort": 10, "data": "\xff"}', m.JSON),
        (b"[" * 60_000, m.JSON),
    ],
)
def test_what_is_no_message_is_refused(payload: bytes, reason: str) -> None:
    for read in (CHIRPSTACK.uplink, TTN.uplink):
        with pytest.raises(m.Refused) as refused:
            read(payload, EUI)
        assert refused.value.reason == reason
        assert len(refused.value.detail) <= 120


def test_base64_in_both_alphabets_padded_or_not() -> None:
    data = b"\xfb\xff\xfe\x01"
    for text in ("+//+AQ==", "-__-AQ==", "+//+AQ"):
        assert m.frame_of(text) == data
    for text in ("+//+A", "é", "****", "AQ==AQ=="):
        with pytest.raises(m.Refused) as refused:
            m.frame_of(text)
        assert refused.value.reason == m.BASE64


def test_a_servers_own_time_and_some_seconds() -> None:
    assert m.later("2026-03-01T06:00:00.123456789Z", 60) == "2026-03-01T06:01:00.123+00:00"
    for text in ("", "soon", "2026-03-01T06:00:00", "9999-12-31T23:59:59Z"):
        assert m.later(text, 60) is None


def test_every_reason_has_words() -> None:
    assert set(REFUSED) == set(m.REASONS)


KEYS = st.sampled_from([
    "fPort", "data", "rxInfo", "time", "deduplicationId", "rssi", "snr", "uplink_message",
    "end_device_ids", "f_port", "frm_payload", "rx_metadata", "received_at", "dev_eui", "context",
    "level", "queueItemId", "downlink_failed", "error", "x",
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
ANYTHING = st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode())


def outcome(read: Callable[..., object], *arguments: object) -> object:
    """Return what was read, or the reason of a refusal."""
    try:
        return read(*arguments)
    except m.Refused as refused:
        return refused.reason


@given(payload=ANYTHING, device=st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_no_payload_does_more_than_be_refused(payload: bytes, device: str) -> None:
    for server in (CHIRPSTACK, TTN):
        up = outcome(server.uplink, payload, device)
        if isinstance(up, m.Uplink):
            assert isinstance(up.port, int)
            signal = m.best_signal(up.receptions)
            assert signal is None or (-200 <= signal[0] <= 50 and -128 <= signal[1] <= 127)
            data = outcome(m.frame_of, up.data)
            assert data == m.BASE64 or isinstance(data, bytes)
        else:
            assert up in (m.JSON, m.SIZE)
        for kind in ("txack", "log", "down/failed", "down/sent"):
            told = outcome(server.told, kind, payload)
            assert told is None or isinstance(told, m.Told) or told in (m.JSON, m.SIZE)


@given(topic=st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_no_topic_does_more_than_be_refused(topic: str) -> None:
    for server in (CHIRPSTACK, TTN):
        event = outcome(server.event, topic)
        assert event == m.TOPIC or isinstance(event, tuple)
