# A UART, RS-485 and the line of SDI-12.

from amont_node.drivers import buses
from amont_node.drivers.fields import whole
from amont_node.measure import ProbeError

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

_POLL_MS = 2
_CLEARS = 3  # a line that is never quiet must not hold the node
_BYTE_BITS = 12  # on the line, with the gap that SDI-12 allows


# A UART: `line` says how, before each use, for two kinds of sensor may share one.
class Serial:
    def __init__(self, settings) -> None:  # type: ignore[no-untyped-def]
        self._id = whole(settings, "id", None, 0, 9)
        self._tx = whole(settings, "tx", -1, -1, 99)
        self._rx = whole(settings, "rx", None, 0, 99)
        self._de = whole(settings, "de", -1, -1, 99)
        self._inverts = bool(settings.get("invert", False))
        self._form = (9600, 8, None)
        self._uart: "Any" = None

    # parity: None, 0 even, 1 odd
    def line(self, baud: int, bits: int = 8, parity=None) -> None:  # type: ignore[no-untyped-def]
        if self._uart is None or self._form != (baud, bits, parity):
            self._form = (baud, bits, parity)
            self._open()

    def clear(self) -> None:
        for _ in range(_CLEARS):
            if self._uart.any():
                self._uart.read()

    # What was sent is gone from the line, and its echo is dropped.
    def write(self, data: bytes) -> None:
        driver = self._pin(self._de, 0) if self._de >= 0 else None
        if driver is not None:
            driver.value(1)
        try:
            self._uart.write(data)
            self._uart.flush()
        finally:
            if driver is not None:
                driver.value(0)
        self.clear()

    # What came: `most` bytes, or up to and with `until`, or what there was when time was up:
    # timeout_ms to begin, and then as long as that many bytes take.
    def read(self, most: int, timeout_ms: int, until: bytes = b"") -> bytes:
        uart = self._uart
        started_ms = buses.clock.ticks_ms()
        data = b""
        while len(data) < most:
            more = uart.read(1 if until else most - len(data)) if uart.any() else None
            if more:
                if not data:
                    timeout_ms += most * _BYTE_BITS * 1000 // self._form[0]
                data += more
                if until and data.endswith(until):
                    break
            elif buses.clock.ticks_diff(buses.clock.ticks_ms(), started_ms) >= timeout_ms:
                break
            else:
                buses.pause_ms(_POLL_MS)
        return data

    # The line at its spacing level for so long, then marking.
    def send_break(self, break_ms: int, mark_ms: int) -> None:
        self._uart.deinit()
        self._uart = None
        if self._de >= 0:
            self._pin(self._de, 1)  # until the command is written
        spacing = 1 if self._inverts else 0
        line = self._pin(self._tx, spacing)
        try:
            buses.pause_ms(break_ms)
        finally:
            line.value(1 - spacing)
        self._open()
        buses.pause_ms(mark_ms)

    def pause_ms(self, wait_ms: int) -> None:
        buses.pause_ms(wait_ms)

    def _open(self) -> None:
        machine = buses.machine_of()
        baud, bits, parity = self._form
        self._uart = None
        more = {"rx": machine.Pin(self._rx)}
        if self._tx >= 0:
            more["tx"] = machine.Pin(self._tx)
        if self._inverts:
            more["invert"] = machine.UART.INV_TX | machine.UART.INV_RX
        try:
            self._uart = machine.UART(
                self._id, baudrate=baud, bits=bits, parity=parity, stop=1, timeout=0, **more
            )
        except (OSError, ValueError) as error:
            raise ProbeError("uart %d: %s" % (self._id, error))  # noqa: B904

    def _pin(self, number: int, value: int):  # type: ignore[no-untyped-def]
        machine = buses.machine_of()
        return machine.Pin(number, machine.Pin.OUT, value=value)
