"""What the node tests are built from: configurations, tables, clocks, brokers."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from amont_hil.tiny_guard import NODE


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
