"""Let a node with three sensors speak TLS to a broker, from .mpy files in a Pico's heap."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hil_tests.rig_parts import MqttLine, clock_line, node_config, tls_broker
from tests.bench.device_rig import command, compile_all, environment
from tests.bench.node_months import WIRED

from amont_hil.simulated import HEAP, write_config
from amont_hil.tiny_guard import SECRET, TinyGuard, until
from amont_node.config import save_secret

NAMES = ("node.tls_heap", "node.tls_heap_largest", "node.tls_heap_within")
SENSORS = 3
# Objects are twice as large here as on a board, TLS is not: 32 KB more than what runs beside it.
WITHIN_HEAP = "224k"
SPEED = 1800.0
LIMIT_S = 60.0
PEMS = ("ca.pem", "node.crt", "node.key")


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what is left of the heap, TLS beside it as on this port, and within as on a board."""
    beside, largest = least("beside", HEAP)
    yield {"name": "node.tls_heap", "value": beside, "unit": f"B free of {HEAP}, least",
           "goal": "> 0", "met": beside > 0}  # fmt: skip
    yield {"name": "node.tls_heap_largest", "value": largest, "unit": "B in one piece"}
    within, _ = least("within", WITHIN_HEAP)
    yield {"name": "node.tls_heap_within", "value": within, "goal": "> 0", "met": within > 0,
           "unit": f"B free of {WITHIN_HEAP}, least"}  # fmt: skip


def least(tls: str, heap: str) -> tuple[int, int]:
    """Return the least free heap of a session in bytes, and its largest piece."""
    with tempfile.TemporaryDirectory() as name, tls_broker(Path(name)) as (port, certificates):
        board = Path(name) / "board"
        enrol(board, port, certificates)
        compile_all(board / "a")
        line = MqttLine(port, TinyGuard(), certificates)
        with (board / "said").open("w") as said:
            node = subprocess.Popen(
                command(heap, "-m", "tls_heap", tls), env=environment([board / "a"]), cwd=board,
                stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            until(line.pump, lambda: node.poll() is not None, LIMIT_S)
        finally:
            node.kill()
            node.wait()
            line.close()
        text = (board / "said").read_text()
    found = re.findall(r"^heap \w+ (\d+) (\d+)$", text, re.M)
    if node.returncode or len(found) != 3:
        raise RuntimeError(text[-2000:])
    return min((int(free), int(piece)) for free, piece in found)


def enrol(board: Path, port: int, certificates: Path) -> None:
    """Give a board its configuration, its secret and its certificates."""
    board.mkdir()
    for name in PEMS:
        (board / name).write_bytes((certificates / name).read_bytes())
    tls = {"name": "broker.test", **dict(zip(("ca", "cert", "key"), PEMS, strict=True))}
    carrier = {"kind": "mqtt", "host": "127.0.0.1", "port": port, "site": "here", "tls": tls}
    channels = list(WIRED[:SENSORS])
    write_config(board, node_config(carrier, channels=channels, interval_s=900))
    save_secret(str(board), SECRET)
    clock_line(board / "clock", 1000, SPEED)
