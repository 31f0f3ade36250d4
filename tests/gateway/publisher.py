"""Publish sealed frames from a process of its own: ``python -m tests.gateway.publisher``."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import paho.mqtt.client as paho

AT_ONCE = 200


def publish(port: int, site: str, frames: list[tuple[int, bytes]]) -> None:
    """Publish at QoS 1 as fast as the broker takes it, a bounded number in flight."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(AT_ONCE)
    client.connect("127.0.0.1", port)
    client.loop_start()
    waiting = []
    for node, frame in frames:
        waiting.append(client.publish(f"amont/{site}/{node}/up", frame, 1))
        if len(waiting) >= AT_ONCE:
            waiting.pop(0).wait_for_publish(30)
    for sent in waiting:
        sent.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    publish(int(sys.argv[1]), sys.argv[2], pickle.loads(Path(sys.argv[3]).read_bytes()))
