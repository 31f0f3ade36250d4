# Frames over MQTT: up on amont/<site>/<node>/up, down on amont/<site>/<node>/down.

import select
import time

from amont_node.mqtt import DOWN, UP, MqttClient
from amont_node.stream import tls_wrapper

_RETRY_MS_MIN = 500
_RETRY_MS_MAX = 60000
_STABLE_MS = 60000  # only a connection that lived this long makes the next retry quick again


class MqttCarrier:
    # config: see config.py; folder: where its certificate files are.
    def __init__(self, config, node: int, folder: str) -> None:  # type: ignore[no-untyped-def]
        base = "amont/%s/%d/" % (config["site"], node)
        self._topic_up = base + "up"
        tls = config.get("tls")
        wrapper = None
        if tls is not None:
            wrapper = tls_wrapper(
                folder + "/" + tls["ca"],
                tls.get("name") or config["host"],
                folder + "/" + tls["cert"] if tls.get("cert") else "",
                folder + "/" + tls["key"] if tls.get("key") else "",
            )
        self._client = MqttClient(
            config["host"],
            config["port"],
            config.get("client_id") or "amont-%d" % node,
            base + "down",
            wrapper,
            config.get("user", ""),
            config.get("password", ""),
        )
        self._random = node
        self._failures = 0
        self._retry_ms: int | None = None  # when to connect again
        self._up_since_ms: int | None = None
        self.rssi_dbm = 0
        self.snr_db4 = 0
        self.fault = True  # not connected

    def ready(self) -> bool:
        return self._client.state == UP

    def send(self, frame: bytes, link_ms: int) -> bool:
        return self._client.publish(self._topic_up, frame, link_ms)

    def receive(self, link_ms: int) -> list[bytes]:
        client = self._client
        if client.state == DOWN and (self._retry_ms is None or link_ms >= self._retry_ms):
            client.start(link_ms)
        frames = client.step(link_ms)
        self.fault = client.state != UP
        if client.state == UP and self._up_since_ms is None:
            self._up_since_ms = link_ms
        if client.state == DOWN and (self._retry_ms is None or link_ms >= self._retry_ms):
            self._plan_retry(link_ms)
        return frames

    def _plan_retry(self, link_ms: int) -> None:
        if self._up_since_ms is not None and link_ms - self._up_since_ms >= _STABLE_MS:
            self._failures = 0
        self._up_since_ms = None
        # Full jitter: many nodes that lost the same broker must not come back together.
        ceiling_ms = min(_RETRY_MS_MIN << min(self._failures, 7), _RETRY_MS_MAX)
        self._failures += 1
        self._random = (self._random * 1103515245 + 12345 + link_ms) & 0x7FFFFFFF
        self._retry_ms = link_ms + 50 + (self._random >> 8) % ceiling_ms
        print("mqtt: %s" % self._client.error)

    def wait(self, wait_ms: int) -> None:
        pollable = self._client.pollable()
        if pollable is None:
            time.sleep(wait_ms / 1000)
            return
        events = select.POLLIN
        if self._client.wants_write():
            events |= select.POLLOUT
        poll = select.poll()
        poll.register(pollable, events)
        poll.poll(wait_ms)

    def close(self) -> None:
        self._client.disconnect()
