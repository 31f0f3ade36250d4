"""Take sealed frames from an MQTT broker and carry sealed downlinks back to it.

The broker is transport, never a store: it is drained at once. A message is acknowledged to the
broker when its bytes were handed to the guard or refused for good; what the node believes is the
sealed acknowledgement alone. MQTT 3.1.1 with a persistent session: version 5 costs twice the CPU.
"""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from amont_gateway.backoff import Backoff
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.guard_link import GuardLink

FRAME_MIN, FRAME_MAX = 16, 51  # header, one byte of body and tag; docs/wire-format.md
QOS = 1
DOWN_QOS = 0  # acknowledgements are cumulative: a lost one costs its node one frame more
MAX_DOWNLINKS = 2_000  # in flight or waiting at the client
_KEEPALIVE_S = 30
_CONNECT_S = 5.0
_ROUND_S = 0.5
_NODE_AT = slice(1, 3)  # of the frame's header, little endian


@dataclass(frozen=True)
class Broker:
    """Where the broker is and who we are there."""

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = None
    ca_file: Path | None = None  # given: TLS against this CA instead of the system's
    cert_file: Path | None = None
    key_file: Path | None = None
    tls: bool = False

    @property
    def encrypted(self) -> bool:
        """Tell whether the connection uses TLS."""
        return self.tls or self.ca_file is not None

    def tls_context(self) -> ssl.SSLContext:
        """Return what checks the broker and shows who we are; raise OSError on bad files."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


class MqttIngest:
    """The gateway's MQTT client, run by one thread of its own."""

    def __init__(
        self, site: str, broker: Broker, link: GuardLink, counters: Counters, events: Events
    ) -> None:
        self._site = site
        self._broker = broker
        self._link = link
        self._counters = counters
        self._events = events
        self._backoff = Backoff(0.1, 30.0)
        self._had_session = False
        self._refusal = ""
        self.state = "away"  # "ok" | "away" | "refused"
        self._client = self._build()

    def run(self, stopping: threading.Event) -> None:
        """Connect, serve, and connect again until told to stop."""
        while not stopping.is_set():
            began = time.monotonic()
            reason = self._serve(stopping)
            self._backoff.lasted(time.monotonic() - began)
            if stopping.is_set():
                break
            self._lost(reason)
            stopping.wait(self._backoff.next_s())
        self._end()

    def publish_downlinks(self, items: list[tuple[int, bytes]]) -> None:
        """Carry sealed downlinks; with no broker they are dropped and counted: nodes ask again."""
        for node, frame in items:
            if self.state != "ok":
                self._counters.add("downlinks_dropped")
                continue
            sent = self._client.publish(f"amont/{self._site}/{node}/down", frame, DOWN_QOS)
            ok = sent.rc == paho.MQTT_ERR_SUCCESS
            self._counters.add("downlinks_sent" if ok else "downlinks_dropped")

    def _build(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"amont-gateway-{self._site}",
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        broker = self._broker
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.encrypted:
            client.tls_set_context(broker.tls_context())
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(MAX_DOWNLINKS)
        client.max_queued_messages_set(MAX_DOWNLINKS)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _serve(self, stopping: threading.Event) -> str:
        """Hold one connection; return why it ended."""
        self._refusal = ""
        try:
            self._client.connect(self._broker.host, self._broker.port, _KEEPALIVE_S)
        except (OSError, ValueError) as error:  # ValueError: paho on a bad host name
            return str(error)
        while not stopping.is_set():
            result = self._client.loop(_ROUND_S)
            if self._refusal or result != paho.MQTT_ERR_SUCCESS:
                self._client.disconnect()
                return self._refusal or paho.error_string(result)
        return ""

    def _end(self) -> None:
        self.state = "away"
        self._client.disconnect()
        self._client._reset_sockets()  # paho has no public way to close its inner pair

    def _lost(self, reason: str) -> None:
        self.state = "refused" if self._refusal else "away"
        self._events.note(f"broker_{self.state}", reason)

    def _on_connect(
        self, client: paho.Client, _data: Any, flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            return
        if self._had_session and not flags.session_present:
            self._events.note("broker_session_lost")
        self._had_session = True
        client.subscribe(f"amont/{self._site}/+/up", QOS)

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refusal = f"subscription: {reasons[0]}"
            return
        self.state = "ok"
        self._events.note("broker_ok")

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._counters.add("mqtt_messages")
        frame = bytes(message.payload)
        if self._is_ours(message.topic, frame):
            self._link.send_raw(frame)
        client.ack(message.mid, message.qos)

    def _is_ours(self, topic: str, frame: bytes) -> bool:
        """Refuse what cannot be a frame of the node that the topic names."""
        if not FRAME_MIN <= len(frame) <= FRAME_MAX:
            self._counters.add("mqtt_refused")
            self._events.note("payload_size", f"{len(frame)} bytes, {FRAME_MIN} to {FRAME_MAX}")
            return False
        node = int.from_bytes(frame[_NODE_AT], "little")
        if topic.split("/")[2] != str(node):
            self._counters.add("mqtt_refused")
            self._events.note("topic_mismatch", topic[:60], node=node)
            return False
        return True
