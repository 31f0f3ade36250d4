"""Any noise on any bus: each probe gives a value and its quality, or a ProbeError, and soon."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amont_node.measure import ProbeError
from amont_node.probes import make_probe

DEVICE = Path(__file__).parent / "device"
UART = {"id": 1, "tx": 4, "rx": 5, "de": 6, "invert": True}
I2C = {"id": 0, "scl": 5, "sda": 4}
CHIP = {"kind": "pcf8583", "i2c": I2C}
LINES = (
    {"kind": "a02yyuw", "uart": UART},
    {"kind": "modbus_rtu", "uart": UART, "register": 0, "address": 1},
    {"kind": "sdi12", "uart": UART, "crc": False},
    {"kind": "sdi12", "uart": UART, "command": "C"},
)
CHIPS = (
    {"kind": "ads1115_420ma", "i2c": I2C},
    {"kind": "pulse", "counter": CHIP},
    {"kind": "pulse", "counter": CHIP, "raw": "rate"},
    {"kind": "ds18b20", "pin": 15},
)
BOUND_S = 45  # 20 s, and as much again as SDI-12 may be told to wait


@pytest.fixture(scope="module", autouse=True)
def fakes() -> Iterator[Any]:
    sys.path.insert(0, str(DEVICE))
    module = importlib.import_module("fakes")
    clock = module.buses.clock
    yield module
    module.remove()
    module.buses.clock = clock
    sys.path.remove(str(DEVICE))


def reads(fakes: Any, board: Any, settings: dict[str, Any]) -> None:
    """Read twice and look once; every end is a clean one, and soon."""
    fakes.install(board)
    probe = make_probe(settings, ".")
    for at_s, read in ((0, probe.read), (60, probe.read), (70, probe.sense)):
        begun_us = board.clock.now_us
        with contextlib.suppress(ProbeError):
            value, quality = read(at_s)
            assert isinstance(value, int)
            assert quality in (0, 1, 2, 3)
            probe.kept()
        assert board.clock.now_us - begun_us < BOUND_S * 1_000_000


@pytest.mark.parametrize("settings", LINES, ids=lambda settings: settings["kind"])
@given(
    chunks=st.lists(st.binary(max_size=40), min_size=1, max_size=5),
    period_ms=st.sampled_from([3, 90, 580, 4000]),
    answers=st.lists(st.binary(max_size=20), max_size=4),
)
@example(chunks=[b"0001\r\n"], period_ms=90, answers=[b"0001\r\n", b"0+1.5\r\n"])
@example(chunks=[b"0\r\n"], period_ms=580, answers=[])
@example(chunks=[b"\x00" * 40], period_ms=3, answers=[])
def test_lines(
    fakes: Any, settings: dict[str, Any], chunks: list[bytes], period_ms: int, answers: list[bytes]
) -> None:
    class Noise(fakes.Peer):  # type: ignore[misc,name-defined]
        next_us = 0
        turn = 0

        def opened(self, clock: Any, form: tuple[Any, ...]) -> None:
            self.FORM = form
            super().opened(clock, form)
            self.next_us = clock.now_us

        def before_look(self) -> None:
            while self.next_us <= self.clock.now_us:
                if len(self._coming) < 200:  # a port keeps no more
                    self.say(self.next_us, chunks[self.turn % len(chunks)])
                self.turn += 1
                self.next_us += period_ms * 1000

        def asked(self, data: bytes, at_us: int) -> None:
            if answers:
                self.say(at_us + 9000, answers[self.turn % len(answers)])

    board = fakes.Board()
    board.peers[1] = Noise()
    reads(fakes, board, settings)


@pytest.mark.parametrize("settings", CHIPS, ids=lambda settings: settings["kind"])
@given(answers=st.lists(st.one_of(st.none(), st.binary(max_size=24)), min_size=1, max_size=12))
@example(answers=[b"\x20"])
@example(answers=[b"\xc3\x83"])
def test_chips(fakes: Any, settings: dict[str, Any], answers: list[bytes | None]) -> None:
    class Mad:
        turn = 0

        def answer(self, count: int) -> bytes:
            self.turn += 1
            data = answers[self.turn % len(answers)]
            if data is None:
                raise OSError(5)
            return (data + b"\x20" * count)[:count]

        def read(self, _register: int, count: int) -> bytes:
            return self.answer(count)

        def write(self, _register: int, _data: bytes) -> None:
            self.answer(0)

        def reset(self, _pin: Any) -> bool:
            return len(answers) % 5 > 0

        def readbyte(self, _pin: Any) -> int:
            self.turn += 1
            return (answers[self.turn % len(answers)] or b"\xff\x00")[0:1].ljust(1)[0]

        def writebyte(self, _pin: Any, _byte: int) -> None:
            self.turn += 1

    board = fakes.Board()
    board.chips[0x48] = board.chips[0x50] = board.wire = Mad()
    reads(fakes, board, settings)


@given(times=st.lists(st.integers(-3, 100000), min_size=1, max_size=9), level=st.integers(0, 1))
def test_echoes(fakes: Any, times: list[int], level: int) -> None:
    board = fakes.Board()
    board.levels[7] = level
    turns = iter(times * 60)
    board.echo_us = lambda: next(turns)
    reads(fakes, board, {"kind": "jsn_sr04t", "trigger": 6, "echo": 7})


@given(share=st.integers(0, 65535))
def test_converters(fakes: Any, share: int) -> None:
    board = fakes.Board()
    board.shares[29] = share
    reads(fakes, board, {"kind": "battery", "pin": 29, "multiply": 3, "high": 5500})
