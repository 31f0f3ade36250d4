"""Nodes over LoRa to the guard's end of a bridge's line: the boards' own files, radios of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from amont_hil.process import MICROPYTHON
from amont_hil.simulated import SimulatedBoard, SimulatedBridge
from amont_hil.tiny_guard import NODE, SECRET, BridgeLine, TinyGuard, until
from amont_wire import const, link

KHZ = [868100, 868300]
SETTINGS = link.Settings(link.ROLE_TRANSMIT, KHZ, [7], airtime_permille=1000, listen_ms=800)


def config(port: int) -> dict[str, object]:
    return {
        "schema": 1, "id": NODE, "generation": 1, "version": 1, "interval_s": 2,
        "fast_interval_s": 2, "high_mark": None, "rise_mark": None, "alarm_mark": None,
        "outbox_segments": 8, "airtime_permille": 1000,
        "channels": [{"index": 0, "quantity": 1, "step": 1,
                      "probe": {"kind": "constant", "value": 1000}}],
        "carrier": {"kind": "lora", "chip": "sim", "port": port,
                    "lora": {"sf": 7, "channels_khz": KHZ, "listen_ms": 800}},
    }  # fmt: skip


class Link:
    """A node, a bridge with windows, and a guard in miniature."""

    def __init__(self, folder: Path, runtime: str) -> None:
        self.guard = TinyGuard()
        self.bridge = SimulatedBridge(folder / "bridge", runtime=runtime, windows=True)
        self.bridge.start()
        self.line = BridgeLine(self.bridge.port, self.guard)
        until(self.line.pump, lambda: bool(self.line.statuses))
        self.node = SimulatedBoard(
            folder / "node", config(self.bridge.udp_port), SECRET, runtime=runtime, littlefs=False
        )

    def close(self) -> None:
        self.node.stop()
        self.line.close()
        self.bridge.close()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Link]:
    one = Link(tmp_path, MICROPYTHON)
    yield one
    one.close()


@pytest.mark.micropython
def test_a_node_is_heard_and_answered_in_its_windows(made: Link) -> None:
    assert made.line.statuses[0].radio is None  # deaf: nobody told it what to hear
    made.line.write(SETTINGS.pack())
    until(made.line.pump, lambda: made.line.statuses[-1].radio is not None)
    made.node.start()
    until(made.line.pump, lambda: len(made.guard.readings) >= 2 and made.guard.echoes > 0)
    until(made.line.pump, lambda: made.line.results.count(link.SENT_OK) >= 2)
    assert made.guard.refused == 0
    assert {const.HELLO, const.SAMPLES} <= made.guard.types
    assert made.bridge.running()
