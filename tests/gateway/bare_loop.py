"""The anchor: a paho loop that commits as many rows at the same batch, and nothing else.

``python -m tests.gateway.bare_loop port database batch wait_s frames``: no key, no decoding, no
quality, no ledger, no acknowledgement to a node. Prints "ready", then runs until all came.
"""

from __future__ import annotations

import sqlite3
import sys
import time

import paho.mqtt.client as paho

from amont_gateway import journal_sql as sql
from amont_gateway.readings import Sample, checksum

READINGS = 24


def run(port: int, path: str, batch: int, wait_s: float, frames: int) -> None:
    """Commit the rows of ``frames`` messages, acknowledging each after its commit."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (*(s for s, _, _ in sql.DURABLE), *sql.SCHEMA):
        connection.execute(statement)
    held: list[paho.MQTTMessage] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, manual_ack=True)
    client.on_connect = lambda *_: client.subscribe("amont/bare/+/up", 1)
    client.on_subscribe = lambda *_: sys.stdout.write("ready\n") and sys.stdout.flush()
    client.on_message = lambda _c, _d, message: held.append(message)
    client.max_inflight_messages_set(2000)
    client.connect("127.0.0.1", port)
    done, since = 0, time.monotonic()
    while done < frames:
        client.loop(0.005)
        if not held:
            since = time.monotonic()
        elif len(held) >= batch or time.monotonic() - since >= wait_s:
            _commit(connection, done * READINGS, len(held) * READINGS)
            for message in held:
                client.ack(message.mid, message.qos)
            done += len(held)
            held.clear()
            since = time.monotonic()


def _commit(connection: sqlite3.Connection, first: int, count: int) -> None:
    samples = [Sample(1, 1, first + i, 0, 0, 0, 0, b"\0" * 11) for i in range(count)]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(sql.INSERT, [(*s, checksum(s)) for s in samples])
    connection.execute("COMMIT")


if __name__ == "__main__":
    run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
