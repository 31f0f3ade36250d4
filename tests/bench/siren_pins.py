"""The siren's wires on gpiozero's own mock pins, with an MCP3208 that speaks SPI bit by bit."""

from __future__ import annotations

from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockSPIDevice
from tests.bench.siren_line import CHANNELS, Line, siren

from amont_guard.relay import GpioRelay

PIN, ISOLATE = 17, 23
PINS = {
    "contact": 27, "isolated": 24, "mains": 22, "tamper": 25, "mute_no": 5, "mute_nc": 6,
    "bypass": 13,
}  # fmt: skip
OUTPUT = {
    "kind": "gpio", "pin": PIN, "active_high": True, "readback_pin": PINS["contact"],
    "isolate_pin": ISOLATE, "isolate_readback_pin": PINS["isolated"],
}  # fmt: skip
_ASKED, _BITS = 10, 12  # clocks until the channel is known; then two more, then the result


class Converter(MockSPIDevice):
    """An MCP3208: five idle bits, start, single, three of the channel; then the count."""

    def __init__(self, line: Line) -> None:
        super().__init__(11, 10, 9, 8)
        self.line = line

    def on_bit(self) -> None:
        if self.rx_bit == _ASKED:
            channel = self.rx_word() & 7
            counts = self.line.counts()
            name = next(name for name, at in CHANNELS.items() if at == channel)
            self.tx_buf = [0, 0]
            self.tx_word(counts.get(name, 0), _BITS)  # a dead channel reads nothing


class Pins:
    """A relay board on mock pins; ``settle`` lets the wires follow and shows them to the pins."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.factory = Device.pin_factory = MockFactory()
        self.converter = Converter(line)
        self.siren = siren({**OUTPUT, "places": PINS})
        self.relay = GpioRelay(self.siren)
        self._show()  # claiming an input has pulled it up

    def settle(self) -> None:
        self.line.on = bool(self.factory.pin(PIN).state)
        self.line.isolate = bool(self.factory.pin(ISOLATE).state)
        self._show()

    def close(self) -> None:
        Device.pin_factory = None
        self.factory.reset()

    def _show(self) -> None:
        for name, state in self.line.contacts().items():
            pin = self.factory.pin(PINS[name])
            if state:
                pin.drive_low()  # a closed contact pulls its input down
            else:
                pin.drive_high()
