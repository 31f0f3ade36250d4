"""Take sealed frames from an MQTT broker and carry sealed downlinks back to it.

The broker is transport, never a store: it is drained at once. A message is acknowledged to the
broker when its bytes were handed to the guard or refused for good; what the node believes is the
sealed acknowledgement alone.
"""

from __future__ import annotations

import threading

from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.guard_link import GuardLink
from amont_gateway.mqtt_connection import Acknowledge, Broker, MqttConnection

FRAME_MIN, FRAME_MAX = 16, 51  # header, one byte of body and tag; docs/wire-format.md
QOS = 1
DOWN_QOS = 0  # acknowledgements are cumulative: a lost one costs its node one frame more
_NODE_AT = slice(1, 3)  # of the frame's header, little endian


class MqttIngest:
    """The gateway's MQTT client, run by one thread of its own."""

    def __init__(
        self, site: str, broker: Broker, link: GuardLink, counters: Counters, events: Events
    ) -> None:
        self._site = site
        self._link = link
        self._counters = counters
        self._events = events
        subscriptions = [(f"amont/{site}/+/up", QOS)]
        self._connection = MqttConnection(
            f"amont-gateway-{site}", broker, subscriptions, self._on_message, events
        )

    @property
    def state(self) -> str:
        """Return "ok", "away" or "refused"."""
        return self._connection.state

    def run(self, stopping: threading.Event) -> None:
        """Connect, serve, and connect again until told to stop."""
        self._connection.run(stopping)

    def publish_downlinks(self, items: list[tuple[int, bytes]]) -> None:
        """Carry sealed downlinks; with no broker they are dropped and counted: nodes ask again."""
        for node, frame in items:
            sent = self._connection.publish(f"amont/{self._site}/{node}/down", frame, DOWN_QOS)
            self._counters.add("downlinks_sent" if sent else "downlinks_dropped")

    def _on_message(
        self, topic: str, frame: bytes, _retained: bool, acknowledge: Acknowledge
    ) -> None:
        self._counters.add("mqtt_messages")
        if self._is_ours(topic, frame):
            self._link.send_raw(frame)
        acknowledge()

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
