"""Hold one session at an MQTT broker: connect, subscribe, hand over, publish, connect again.

Each consumer has a session of its own, so that none holds up another's messages and a broker that
refuses one of them refuses only that one. MQTT 3.1.1 with a persistent session: version 5 costs
twice the CPU.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from amont_gateway.backoff import Backoff
from amont_gateway.events import Events

MAX_OUTGOING = 2_000  # messages in flight or waiting at the client
_KEEPALIVE_S = 30
_CONNECT_S = 5.0
_ROUND_S = 0.5
_AGAIN = "messages demandés encore une fois / messages asked for once more"
_OWED_S = 0.02  # between looks at what other threads have acknowledged

Acknowledge = Callable[[], None]
# topic, payload, whether the broker had kept it, and what to call once the message is taken
OnMessage = Callable[[str, bytes, bool, Acknowledge], None]


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


class MqttConnection:
    """One persistent session, served by one thread; ``publish`` may be called from any.

    ``on_message`` is called on that thread and must not wait. What it acknowledges later, from
    any thread, is of no effect once the connection is another: then the message comes again.
    """

    def __init__(
        self,
        client_id: str,
        broker: Broker,
        subscriptions: Sequence[tuple[str, int]],
        on_message: OnMessage,
        events: Events,
        *,
        about: str = "",
    ) -> None:
        """Take filters with their QoS; ``about`` keeps this session's events apart in words."""
        self._broker = broker
        self._subscriptions = list(subscriptions)
        self._take = on_message
        self._events = events
        self._about = about
        self._where = f"{broker.host}:{broker.port}"
        self._backoff = Backoff(0.1, 30.0)
        self._had_session = False
        self._refusal = ""
        self.number = 0  # of the connection: message ids are of one
        self._thread = 0  # that serves it: two at once on one TLS connection could break it
        self._owed = 0  # messages of this connection that are not acknowledged
        self._taken: deque[tuple[int, int, int]] = deque()  # acknowledged by other threads
        self._renewal = threading.Event()
        self.state = "away"  # "ok" | "away" | "refused"
        self._client = self._build(client_id)

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

    def publish(self, topic: str, payload: bytes, qos: int) -> bool:
        """Send a message; False while there is no session, or too many wait already."""
        if self.state != "ok":
            return False
        return self._client.publish(topic, payload, qos).rc == paho.MQTT_ERR_SUCCESS

    def renew(self) -> None:
        """Make the connection anew: what is not acknowledged comes again. From any thread."""
        self._renewal.set()

    def _build(self, client_id: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
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
        client.max_inflight_messages_set(MAX_OUTGOING)
        client.max_queued_messages_set(MAX_OUTGOING)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _serve(self, stopping: threading.Event) -> str:
        """Hold one connection; return why it ended."""
        self._refusal, self._owed = "", 0
        self._renewal.clear()
        self._thread = threading.get_ident()
        self.number += 1
        try:
            self._client.connect(self._broker.host, self._broker.port, _KEEPALIVE_S)
        except (OSError, ValueError) as error:  # ValueError: paho on a bad host name
            return str(error)
        while not stopping.is_set():
            result = self._client.loop(_OWED_S if self._owed else _ROUND_S)
            while self._taken:
                self._acknowledge(*self._taken.popleft())
            if self._refusal or result != paho.MQTT_ERR_SUCCESS:
                self._client.disconnect()
                return self._refusal or paho.error_string(result)
            if self._renewal.is_set():
                self._client.disconnect()
                return _AGAIN
        return ""

    def _end(self) -> None:
        self.state = "away"
        self._client.disconnect()
        self._client._reset_sockets()  # paho has no public way to close its inner pair

    def _lost(self, reason: str) -> None:
        self.state = "refused" if self._refusal else "away"
        self._note(f"broker_{self.state}", reason)

    def _note(self, kind: str, reason: str) -> None:
        detail = ": ".join(part for part in (self._about, reason) if part)
        self._events.note(kind, detail, key=self._about)

    def _on_connect(
        self, client: paho.Client, _data: Any, flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            return
        if self._had_session and not flags.session_present:
            self._note("broker_session_lost", self._where)
        self._had_session = True
        client.subscribe(self._subscriptions)

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refusal = f"subscription: {next(r for r in reasons if r.is_failure)}"
            return
        self.state = "ok"
        self._note("broker_ok", self._where)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._owed += message.qos > 0
        acknowledge = partial(self._acknowledge, self.number, message.mid, message.qos)
        self._take(message.topic, bytes(message.payload), message.retain, acknowledge)

    def _acknowledge(self, number: int, mid: int, qos: int) -> None:
        if threading.get_ident() != self._thread:
            self._taken.append((number, mid, qos))
        elif number == self.number:
            self._client.ack(mid, qos)
            self._owed -= qos > 0
