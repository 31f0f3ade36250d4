"""What the node tests are built from: configurations, tables, clocks, brokers and guards."""

import contextlib
import datetime
import queue
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import trustme

from amont_hil.tiny_guard import NODE, TinyGuard


def node_config(carrier: dict[str, object], **changes: object) -> dict[str, object]:
    """Return a node's configuration with one replayed stage."""
    return {
        "schema": 1, "id": NODE, "generation": 1, "version": 1, "interval_s": 60,
        "fast_interval_s": 10, "high_mark": 5000, "rise_mark": None,
        "channels": [{"index": 0, "quantity": 1, "step": 1,
                      "probe": {"kind": "replay", "file": "stage.txt", "noise": 2}}],
        "carrier": carrier, **changes,
    }  # fmt: skip


def stage_table(until_s: int = 4_000_000) -> str:
    """Return a stage that goes up and down, 300 s a line."""
    return "".join(f"{t} {1000 + (t // 300 * 37) % 400}\n" for t in range(0, until_s, 300))


def clock_line(path: Path, virtual_s: int, speed: float) -> Path:
    """Write a clock file."""
    path.write_text(f"{time.time_ns() // 1_000_000} {virtual_s} {speed}\n")
    return path


@contextlib.contextmanager
def mosquitto(folder: Path, lines: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a broker with these lines of configuration."""
    path = folder / "mosquitto.conf"
    # Started by root it would become another user, who cannot read the test's folder.
    path.write_text("user root\n" + lines)
    with (folder / "mosquitto.log").open("ab") as log:
        broker = subprocess.Popen(
            ["mosquitto", "-c", str(path)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        yield broker
    finally:
        broker.kill()
        broker.wait()


def free_port() -> int:
    """Find a TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def tls_broker(
    folder: Path, starts: datetime.datetime | None = None
) -> Iterator[tuple[int, Path]]:
    """Run a broker that asks for certificates; yield its port and where they are.

    starts: when the broker's and the node's certificates begin to be valid; None: long ago.
    """
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = authority.issue_cert("broker.test", not_before=starts)
    node = authority.issue_cert("17@nodes.test", common_name="17", not_before=starts)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(folder / "other-ca.pem"))
    for name, cert in (("server", server), ("node", node)):
        cert.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        cert.cert_chain_pems[0].write_to_path(str(folder / f"{name}.crt"))
    port = free_port()
    lines = (
        f"listener {port} 127.0.0.1\ncafile {folder}/ca.pem\ncertfile {folder}/server.crt\n"
        f"keyfile {folder}/server.key\nrequire_certificate true\n"
        "use_identity_as_username true\nallow_anonymous true\n"
    )
    with mosquitto(folder, lines):
        wait_for(port)
        yield port, folder


def wait_for(port: int) -> None:
    """Wait until something listens there."""
    end = time.monotonic() + 5
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < end, "the broker did not start"
        time.sleep(0.02)


class MqttLine:
    """The guard's end of a broker."""

    def __init__(self, port: int, guard: TinyGuard, certificates: Path | None = None) -> None:
        self._guard = guard
        self._queue: queue.Queue[bytes] = queue.Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, "tiny-guard")
        self._client.on_connect = lambda client, *_: client.subscribe("amont/here/+/up", 1)
        self._client.on_message = lambda _, __, message: self._queue.put(message.payload)
        self._client.reconnect_delay_set(1, 1)
        if certificates is not None:
            ca, cert, key = (str(certificates / n) for n in ("ca.pem", "node.crt", "node.key"))
            self._client.tls_set(ca, cert, key)
            self._client.tls_insecure_set(True)  # the test's broker bears another name
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def pump(self, seconds: float) -> None:
        """Answer what comes in that time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                answer = self._guard.take(self._queue.get(timeout=left))
                if answer is not None:
                    self._client.publish(f"amont/here/{NODE}/down", answer, 1)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()
