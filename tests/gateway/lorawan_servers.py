"""Network servers for tests: their messages, and their way of keeping downlinks until an uplink.

ChirpStack's messages are made by its own protobufs and protobuf's own JSON. For The Things Stack
no such package exists: its messages follow its documents (Data Formats: "empty fields are
omitted"; end_device_ids, uplink_message.{f_port, f_cnt, frm_payload, rx_metadata, received_at},
received_at; downlinks to .../down/push and .../down/replace as {"downlinks": [...]}).
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as paho
from chirpstack_api import gw, integration
from google.protobuf.json_format import MessageToJson, Parse

APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
TTN_APPLICATION, TENANT = "amonette", "ttn"
CHIRPSTACK = f"server: chirpstack, application: {APPLICATION}"
TTN = f"server: ttn, application: {TTN_APPLICATION}, tenant: {TENANT}"
FPORT = 10
BEGAN = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SIGNALS = ((-112, -4.5), (-97, 7.25), (-104, 7.0))  # of three gateways: rssi in dBm, snr in dB


def chirpstack_json(message: Any, *, whole: bool = False) -> bytes:
    """Return a message as ChirpStack writes it; ``whole`` with every default spelled out."""
    return MessageToJson(message, always_print_fields_with_no_presence=whole).encode()


def chirpstack_device(dev_eui: str) -> integration.DeviceInfo:
    return integration.DeviceInfo(
        tenant_id="52f14cd4-c6f1-4fbd-8f87-4025e1d49242", tenant_name="ChirpStack",
        application_id=APPLICATION, application_name="amonette", device_name=dev_eui,
        device_profile_id="605d08d4-65f5-4d2c-8a5a-3d2457662f79", dev_eui=dev_eui,
    )  # fmt: skip


def chirpstack_up(
    dev_eui: str, data: bytes, f_cnt: int = 0, f_port: int = FPORT, name: str = ""
) -> integration.UplinkEvent:
    event = integration.UplinkEvent(
        deduplication_id=name or f"3ac7e3c4-4401-4b8d-9386-{f_cnt:012x}",
        device_info=chirpstack_device(dev_eui),
        dev_addr="00189440", adr=True, dr=3, f_cnt=f_cnt, f_port=f_port, data=data,
        tx_info=gw.UplinkTxInfo(frequency=868_100_000),
    )  # fmt: skip
    event.time.FromDatetime(BEGAN + timedelta(seconds=f_cnt))
    for gateway, (rssi_dbm, snr_db) in enumerate(SIGNALS):
        event.rx_info.add(gateway_id=f"0016c001f153a1{gateway:02x}", rssi=rssi_dbm, snr=snr_db)
    return event


def ttn_ids(dev_eui: str, device: str) -> dict[str, Any]:
    return {
        "device_id": device, "application_ids": {"application_id": TTN_APPLICATION},
        "dev_eui": dev_eui.upper(), "join_eui": "0000000000000000", "dev_addr": "260B1234",
    }  # fmt: skip


def ttn_up(dev_eui: str, data: bytes, f_cnt: int = 0, device: str = "") -> dict[str, Any]:
    at = (BEGAN + timedelta(seconds=f_cnt)).strftime("%Y-%m-%dT%H:%M:%S.000000123Z")
    up: dict[str, Any] = {
        "session_key_id": "AXA50tHUQOoTBYFo5oMsrg==", "f_port": FPORT,
        "frm_payload": base64.b64encode(data).decode(), "received_at": at,
        "rx_metadata": [
            {"gateway_ids": {"gateway_id": f"gw-{i}"}, "rssi": rssi, "channel_rssi": rssi}
            | ({"snr": snr} if snr else {})
            for i, (rssi, snr) in enumerate(SIGNALS)
        ],
        "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 9}}},
        "consumed_airtime": "0.246784s",
    }  # fmt: skip
    if f_cnt:  # zero is left out
        up["f_cnt"] = f_cnt
    ids = ttn_ids(dev_eui, device or f"amont-{int(dev_eui[-4:], 16)}")
    return {"end_device_ids": ids, "received_at": at, "uplink_message": up}


class NetworkServer:
    """Publishes what devices send; what is queued for one goes out with its next uplink."""

    def __init__(self, port: int, take: Callable[[str, bytes], object]) -> None:
        """``take`` is called with a device's DevEUI and a downlink."""
        self._take = take
        self._lock = threading.Lock()
        self.queues: dict[str, deque[tuple[str, bytes]]] = {}
        self.commands: list[dict[str, Any]] = []
        self._f_cnt: Counter[str] = Counter()
        self.ready = threading.Event()  # to be asked for downlinks
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda c, *_: c.subscribe(self.down, 1)
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_disconnect = lambda *_: self.ready.clear()
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.ready.wait(10)

    down = ""

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, 1).wait_for_publish(5)

    def uplink(self, dev_eui: str, frame: bytes) -> None:
        """Publish an uplink; what waited for the device follows it."""
        with self._lock:
            queue = self.queues.setdefault(dev_eui, deque())
            sent = queue.popleft() if queue else None
        f_cnt = self._f_cnt[dev_eui]
        self._f_cnt[dev_eui] += 1
        self.publish(*self.up(dev_eui, frame, f_cnt))
        if sent is not None:
            self._take(dev_eui, sent[1])
            self.publish(*self.transmitted(dev_eui, sent[0]))

    def up(self, dev_eui: str, frame: bytes, f_cnt: int) -> tuple[str, bytes]:
        raise NotImplementedError

    def transmitted(self, dev_eui: str, name: str) -> tuple[str, bytes]:
        raise NotImplementedError

    def asked(self, topic: str, payload: bytes) -> None:
        raise NotImplementedError

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        with self._lock:
            self.asked(message.topic, message.payload)


class ChirpStackServer(NetworkServer):
    """ChirpStack 4: a queue that only grows at its end, told of by ``txack``."""

    root = f"application/{APPLICATION}/device"
    down = f"{root}/+/command/down"

    def up(self, dev_eui: str, frame: bytes, f_cnt: int) -> tuple[str, bytes]:
        event = chirpstack_up(dev_eui, frame, f_cnt)
        return f"{self.root}/{dev_eui}/event/up", chirpstack_json(event, whole=f_cnt % 2 == 1)

    def transmitted(self, dev_eui: str, name: str) -> tuple[str, bytes]:
        event = integration.TxAckEvent(
            device_info=chirpstack_device(dev_eui), queue_item_id=name, f_cnt_down=1
        )
        return f"{self.root}/{dev_eui}/event/txack", chirpstack_json(event)

    def asked(self, topic: str, payload: bytes) -> None:
        command = Parse(payload, integration.DownlinkCommand())  # refuses what it does not know
        assert topic.split("/")[3] == command.dev_eui
        assert (command.f_port, command.confirmed) == (FPORT, False)
        self.commands.append(json.loads(payload))
        self.queues.setdefault(command.dev_eui, deque()).append((command.id, command.data))


class ThingsStackServer(NetworkServer):
    """The Things Stack 3: a queue that each downlink replaces."""

    root = f"v3/{TTN_APPLICATION}@{TENANT}/devices"
    down = f"{root}/+/down/replace"

    def up(self, dev_eui: str, frame: bytes, f_cnt: int) -> tuple[str, bytes]:
        told = ttn_up(dev_eui, frame, f_cnt, device=f"dev-{dev_eui}")
        return f"{self.root}/dev-{dev_eui}/up", json.dumps(told).encode()

    def transmitted(self, dev_eui: str, name: str) -> tuple[str, bytes]:
        ids = ttn_ids(dev_eui, f"dev-{dev_eui}")
        told = {"end_device_ids": ids, "downlink_sent": {"f_port": FPORT, "f_cnt": 1}}
        return f"{self.root}/dev-{dev_eui}/down/sent", json.dumps(told).encode()

    def asked(self, topic: str, payload: bytes) -> None:
        told = json.loads(payload)
        self.commands.append(told)
        dev_eui = topic.split("/")[3].removeprefix("dev-")
        items = [("", base64.b64decode(one["frm_payload"])) for one in told["downlinks"]]
        assert all(one["f_port"] == FPORT for one in told["downlinks"])
        self.queues[dev_eui] = deque(items)
