# An I2C bus.

from amont_node.drivers import buses
from amont_node.drivers.fields import whole
from amont_node.measure import ProbeError

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

_I2C_TIMEOUT_US = 50000
_BIT_US = 5  # half a clock of the bus clear: 100 kHz


# Registers of chips. A transfer that fails is tried once more after the bus was cleared (NXP
# UM10204, "Bus clear"): a chip that was cut off in the middle of a byte holds the data line.
class I2c:
    def __init__(self, settings) -> None:  # type: ignore[no-untyped-def]
        self._id = whole(settings, "id", None, 0, 9)
        self._scl = whole(settings, "scl", None, 0, 99)
        self._sda = whole(settings, "sda", None, 0, 99)
        self._hz = whole(settings, "hz", 100000, 1000, 1000000)
        self._bus: "Any" = None

    def read(self, address: int, register: int, count: int) -> bytes:
        return bytes(self._transfer("readfrom_mem", address, register, count))

    def write(self, address: int, register: int, data: bytes) -> None:
        self._transfer("writeto_mem", address, register, data)

    def pause_ms(self, wait_ms: int) -> None:
        buses.pause_ms(wait_ms)

    def _transfer(self, what: str, address: int, register: int, last) -> "Any":  # type: ignore[no-untyped-def]
        try:
            return self._try(what, address, register, last)
        except OSError:
            self._clear()
        try:
            return self._try(what, address, register, last)
        except OSError as error:
            text = "i2c %d, chip 0x%02x does not answer: %s" % (self._id, address, error)
            raise ProbeError(text)  # noqa: B904

    def _try(self, what: str, address: int, register: int, last) -> "Any":  # type: ignore[no-untyped-def]
        if self._bus is None:
            self._open()
        return getattr(self._bus, what)(address, register, last)

    def _open(self) -> None:
        machine = buses.machine_of()
        scl, sda = machine.Pin(self._scl), machine.Pin(self._sda)
        self._bus = machine.I2C(self._id, scl=scl, sda=sda, freq=self._hz, timeout=_I2C_TIMEOUT_US)

    def _clear(self) -> None:
        self._bus = None
        machine = buses.machine_of()
        scl = machine.Pin(self._scl, machine.Pin.OPEN_DRAIN, value=1)
        sda = machine.Pin(self._sda, machine.Pin.OPEN_DRAIN, value=1)
        for _ in range(9):
            if sda.value():
                break
            for level in (0, 1):
                scl.value(level)
                buses.clock.sleep_us(_BIT_US)
        if not sda.value() or not scl.value():
            raise ProbeError("i2c %d: a line is held low" % self._id)
        for level in (0, 1):  # a stop condition: data rises while the clock is high
            sda.value(level)
            buses.clock.sleep_us(_BIT_US)
