"""The RAK3172 over a serial line, in real time, on real MicroPython: radio, flood, whole node."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.firmware.rak_pty import PtyModule
from tests.firmware.test_device import run

from amont_hil.process import MICROPYTHON
from amont_hil.simulated import SimulatedBoard
from amont_hil.tiny_guard import NODE, SECRET, TinyGuard
from amont_wire import const

pytestmark = pytest.mark.micropython
PORT = 10
LIMIT_S = 50.0  # real seconds: the windows are the radio's, and a busy machine misses some
EUI = "70b3d57ed0001122"
KEY = "00112233445566778899aabbccddeeff"


def until(holds: Callable[[], bool], shown: Callable[[], str]) -> None:
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, shown()[-2000:]
        time.sleep(0.02)


def talk(line: PtyModule, what: str, cwd: Path) -> dict[str, Any]:
    said = run(MICROPYTHON, "rak_talk.py", str(line.port), what, cwd=cwd)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def test_a_radio_over_a_serial_line(tmp_path: Path) -> None:
    with PtyModule() as line:
        module = line.module
        module.greetings = [
            (bytes([7, at]), 868100, 7, True, -90, -3, 100 + 100 * at, 30) for at in range(2)
        ]
        found = talk(line, "radio", tmp_path)
        assert [frame for frame, _, _ in module.air] == [bytes([1, at]) * 20 for at in range(3)]
    assert found == {
        "began": "", "sent": [True, True, True], "fault": "", "crc_errors": 0,
        "heard": [[[7, 0], -90, -12], [[7, 1], -90, -12]],
    }  # fmt: skip


def test_a_line_without_an_end(tmp_path: Path) -> None:
    with PtyModule() as line:
        with line.lock:
            line.module.say_raw(b"x" * 60_000)
        found = talk(line, "flood", tmp_path)
    assert found["last"] == "1"
    assert found["overlong"] == 1
    assert found["rest"] <= 704


class Network:
    """A LoRaWAN network whose guard answers after the windows: with the next frame."""

    def __init__(self, module: Any) -> None:
        self.module, self.guard, self.taken = module, TinyGuard(), 0

    def tend(self) -> None:
        for _, port, frame in self.module.uplinks[self.taken :]:
            self.taken += 1
            if port == PORT:
                answer = self.guard.take(frame)
                self.module.downlinks = [(PORT, answer)] if answer else []


def test_a_whole_node_over_lorawan(tmp_path: Path) -> None:
    config = {
        "schema": 1, "id": NODE, "generation": 1, "interval_s": 1, "fast_interval_s": 1,
        "channels": [{"index": 0, "quantity": 1, "probe": {"kind": "constant", "value": 1200}}],
        "carrier": {
            "kind": "lorawan", "chip": "rak3172", "uart": {"port": "modem"},
            "dev_eui": EUI, "join_eui": "0" * 16,
            "lora": {"sf": 7, "overhead_bytes": 13},
        },
        "airtime_permille": 1000,
    }  # fmt: skip
    known = {"AT+DEVEUI": EUI.upper(), "AT+APPKEY": KEY.upper()}
    with PtyModule(known, join_ms=300, windows_ms=150, is_joined=True) as line:
        board = SimulatedBoard(
            tmp_path / "board", config, SECRET,
            files={
                "modem": line.port,
                "lorawan.json": json.dumps({"schema": 1, "app_key": KEY}),
            },
        )  # fmt: skip
        network = Network(line.module)

        def acknowledged() -> bool:
            with line.lock:
                network.tend()
            return len(network.guard.readings) >= 4 and network.guard.echoes > 0

        board.start()
        try:
            until(acknowledged, board.log)
            with line.lock:
                line.module.is_joined = False  # the session is lost; the readings must not be
                before = len(network.guard.readings)
            until(lambda: acknowledged() and len(network.guard.readings) > before + 2, board.log)
        finally:
            board.stop()
    guard = network.guard
    assert guard.refused == 0
    assert {const.HELLO, const.SAMPLES} <= guard.types
    seqs = sorted(seq for _, seq in guard.readings)
    assert seqs == list(range(seqs[-1] + 1))  # none is missing


class Bridge:
    """A bridge on the air: it hears all channels, and answers in the window, inverted."""

    def __init__(self, module: Any) -> None:
        self.module, self.guard, self.taken = module, TinyGuard(), 0
        self.channels: set[str] = set()

    def tend(self) -> None:
        for frame, on_air, inverted in self.module.air[self.taken :]:
            self.taken += 1
            assert inverted == "0"
            hz = on_air.partition(":")[0]
            self.channels.add(hz)
            answer = self.guard.take(frame)
            if answer:
                self.module.hear(answer, int(hz) // 1000, 7, True, -80, 9, 150, 60)


def test_a_whole_node_over_plain_lora(tmp_path: Path) -> None:
    config = {
        "schema": 1, "id": NODE, "generation": 1, "interval_s": 1, "fast_interval_s": 1,
        "channels": [{"index": 0, "quantity": 1, "probe": {"kind": "constant", "value": 1200}}],
        "carrier": {
            "kind": "lora", "chip": "rak3172", "uart": {"port": "modem"},
            "lora": {"sf": 7, "listen_ms": 500, "channels_khz": [868100, 868300]},
        },
        "airtime_permille": 1000,
    }  # fmt: skip
    with PtyModule({"AT+NWM": "0"}) as line:
        board = SimulatedBoard(tmp_path / "board", config, SECRET, files={"modem": line.port})
        bridge = Bridge(line.module)

        def acknowledged() -> bool:
            with line.lock:
                bridge.tend()
            return len(bridge.guard.readings) >= 4 and bridge.guard.echoes > 0

        board.start()
        try:
            until(acknowledged, board.log)
        finally:
            board.stop()
    assert bridge.guard.refused == 0
    assert len(bridge.channels) == 2
