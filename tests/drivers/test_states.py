"""What is sent of a sensor that is missing, frozen, shorted or at its stop: docs/drivers.md."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amont_node.measure import ProbeError
from amont_node.probes import make_probe

DEVICE = Path(__file__).parent / "device"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "drivers.md").read_text()
QUALITIES = ("good", "suspect", "out of range", "fault", "missing")
STATES = ("absent", "frozen", "shorted", "beyond", "says")
I2C = {"id": 0, "scl": 5, "sda": 4}
UART = {"id": 1, "tx": 4, "rx": 5}
LOOP = {"kind": "ads1115_420ma", "i2c": I2C}
RADAR = {"kind": "modbus_rtu", "uart": UART, "register": 0, "high": 6000}
SDI12 = {"kind": "sdi12", "uart": {**UART, "invert": True}, "high": 6000, "decimals": 0}
BATTERY = {"kind": "battery", "pin": 26, "multiply": 2, "high": 6000}


class Bench:
    """A board, and how the sensor of each state hangs on it."""

    def __init__(self) -> None:
        self.fakes = importlib.import_module("fakes")
        self.chips = importlib.import_module("chips")
        self.board = self.fakes.install(self.fakes.Board())

    def line(self, peer: Any, settings: dict[str, Any]) -> list[Any]:
        self.board.peers[1] = peer
        return [make_probe(settings, ".")]

    def chatter(self, data: bytes, form: tuple[Any, ...], settings: dict[str, Any]) -> list[Any]:
        peer = self.fakes.A02([data])
        peer.FORM, peer.PERIOD_US = form, 50_000
        return self.line(peer, settings)

    def echo(self, echo_us: int, level: int = 0) -> list[Any]:
        self.board.levels[7], self.board.echo_us = level, lambda: echo_us
        return [make_probe({"kind": "jsn_sr04t", "trigger": 6, "echo": 7}, ".")]

    def loop(self, current_ua: int) -> list[Any]:
        self.board.chips[0x48] = self.chips.Ads1115(self.board.clock, lambda _: 150 * current_ua)
        return [make_probe(LOOP, ".")]

    def frozen_loop(self) -> list[Any]:
        probes = self.loop(12_000)
        self.board.chips[0x48].never_ends = True
        return probes

    def radar(self, word: int | None) -> list[Any]:
        registers = {} if word is None else {0: word}
        return self.line(self.fakes.ModbusSlave(1, registers), RADAR)

    def sdi12(self, *values: str) -> list[Any]:
        self.board.levels[4] = 0
        return self.line(
            self.fakes.Sdi12Sensor("0", 0, values), {**SDI12, "no_echo": [-9999]}
        )  # fmt: skip

    def silence(self, form: tuple[Any, ...], settings: dict[str, Any]) -> list[Any]:
        peer = self.fakes.Silence()
        peer.FORM = form
        return self.line(peer, settings)

    def counter(self, kind: str, then: Callable[[Any], None]) -> list[Any]:
        chip = self.board.chips[0x50] = self.chips.Pcf8583()
        probe = make_probe({"kind": kind, "counter": {"kind": "pcf8583", "i2c": I2C}}, ".")
        probe.read(0)
        probe.kept()
        then(chip)
        return [probe]

    def unplug(self, _chip: Any) -> None:
        self.board.chips.clear()

    def wire(self, temp_16: int, spoil: Callable[[bytes], bytes] = bytes) -> list[Any]:
        self.board.wire = self.fakes.Thermometer(self.board.clock, temp_16)
        self.board.wire.spoil = spoil
        self.fakes.install(self.board)
        return [make_probe({"kind": "ds18b20", "pin": 15}, ".")]

    def shorted_wire(self) -> list[Any]:
        self.board.held_low.append(15)
        return self.wire(160)

    def voltage(self, share: int) -> list[Any]:
        self.board.shares[26] = share
        return [make_probe(BATTERY, ".")]


A02: dict[str, Any] = {"kind": "a02yyuw", "uart": UART}
PLAIN, BUS = (9600, 8, None, 0), (1200, 7, 0, 3)
COUNTS: dict[str, Callable[[Bench, str], list[Any]]] = {
    "absent": lambda on, kind: on.counter(kind, on.unplug),
    "frozen": lambda on, kind: on.counter(kind, lambda chip: chip.pulses(0)),
    "shorted": lambda on, kind: on.counter(kind, lambda chip: chip.pulses(1)),
    "beyond": lambda on, kind: on.counter(kind, lambda chip: chip.pulses(90_000)),
    "says": lambda on, kind: on.counter(kind, lambda chip: chip.lose_supply()),
}
PLAYED: dict[str, dict[str, Callable[[Bench], list[Any]]]] = {
    "a02yyuw": {
        "absent": lambda on: on.silence(PLAIN, A02),
        "frozen": lambda on: on.chatter(b"\xff\x07\xa1\x00", PLAIN, A02),
        "shorted": lambda on: on.chatter(bytes(4), PLAIN, A02),
        "beyond": lambda on: on.line(on.fakes.A02([4600]), A02),
        "says": lambda on: on.line(on.fakes.A02([0xFFFD, 0xFFFE, 0]), A02),
    },
    "jsn_sr04t": {
        "absent": lambda on: on.echo(-2),
        "frozen": lambda on: on.echo(11_648, level=1),
        "shorted": lambda on: on.echo(10),
        "beyond": lambda on: on.echo(28_000),
        "says": lambda on: on.echo(60_000),
    },
    "ads1115_420ma": {
        "absent": lambda on: on.loop(0),
        "frozen": lambda on: on.frozen_loop(),
        "shorted": lambda on: on.loop(27_000),
        "beyond": lambda on: on.loop(20_700),
        "says": lambda on: on.loop(3_550),
    },
    "modbus_rtu": {
        "absent": lambda on: on.silence(PLAIN, RADAR),
        "frozen": lambda on: on.chatter(b"\x01\x03\x02\x00\x01\x00\x00", PLAIN, RADAR),
        "shorted": lambda on: on.chatter(bytes(4), PLAIN, RADAR),
        "beyond": lambda on: on.radar(6500),
        "says": lambda on: on.radar(None),
    },
    "sdi12": {
        "absent": lambda on: on.silence(BUS, SDI12),
        "frozen": lambda on: on.chatter(b"0+1\r\n", BUS, SDI12),
        "shorted": lambda on: on.chatter(bytes(4), BUS, SDI12),
        "beyond": lambda on: on.sdi12("+6500"),
        "says": lambda on: on.sdi12("-9999"),
    },
    "pulse": {state: lambda on, play=play: play(on, "pulse") for state, play in COUNTS.items()},
    "tipping_bucket": {
        state: lambda on, play=play: play(on, "tipping_bucket") for state, play in COUNTS.items()
    },
    "ds18b20": {
        "absent": lambda on: [make_probe({"kind": "ds18b20", "pin": 15}, ".")],
        "frozen": lambda on: on.wire(160, lambda data: b"\xff" * len(data)),
        "shorted": lambda on: on.shorted_wire(),
        "beyond": lambda on: on.wire(90 * 16),
        "says": lambda on: on.wire(85 * 16),
    },
    "battery": {
        "absent": lambda on: on.voltage(0),
        "frozen": lambda on: on.voltage(40_000),
        "shorted": lambda on: on.voltage(0),
        "beyond": lambda on: on.voltage(61_000),
        "says": lambda on: on.voltage(65_535),
    },
}  # fmt: skip


def said() -> dict[str, list[str]]:
    """Return what the document says, by kind: one quality a state."""
    section = DOCUMENT.partition("## One quality each")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.M)
    return {kind: [cell.split(" (")[0] for cell in row.split(" | ")] for kind, row in rows}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(DEVICE))
    fakes = importlib.import_module("fakes")
    kept = fakes.buses.clock
    yield Bench()
    fakes.remove()
    fakes.buses.clock = kept


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", PLAYED)
def test_the_quality_of_each_state(kind: str, state: str, bench: Bench) -> None:
    for probe in PLAYED[kind][state](bench):
        try:
            quality = QUALITIES[probe.read(60)[1]]
        except ProbeError:
            quality = "missing"
        assert quality == said()[kind][STATES.index(state)]


def test_the_document_has_every_wired_kind() -> None:
    from amont_node import probes

    assert said().keys() == PLAYED.keys() == probes._DRIVERS.keys()
    assert {len(row) for row in said().values()} == {len(STATES)}
