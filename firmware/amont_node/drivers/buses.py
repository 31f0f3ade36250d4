# The buses of a board. The only file of the drivers that touches `machine`, and nothing is touched
# before the first use: a probe can be made, and its configuration checked, anywhere.
#
# Every wait has an end. What a bus cannot do becomes ProbeError with the pins in it.

import time as _time

from amont_node import measure
from amont_node.measure import ProbeError

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

clock: "Any" = _time  # milliseconds and microseconds: only MicroPython's has them

_SLICE_MS = 250
_POLL_MS = 2
_CLEARS = 3  # a line that is never quiet must not hold the node
_BYTE_BITS = 12  # on the line, with the gap that SDI-12 allows
_I2C_TIMEOUT_US = 50000
_BIT_US = 5  # half a clock of the bus clear: 100 kHz
_ECHO_TIMEOUT_US = 40000  # 6.8 m there and back, and the module's own start
ECHO_STUCK = -3  # beside time_pulse_us: -2 never began, -1 never ended

_made: dict = {}  # type: ignore[type-arg]  # one object a bus, however many probes are on it


def pause_ms(wait_ms: int) -> None:
    while wait_ms > 0:
        slice_ms = min(wait_ms, _SLICE_MS)
        clock.sleep_ms(slice_ms)
        wait_ms -= slice_ms
        measure.waited(slice_ms)


def machine_of() -> "Any":
    try:
        import machine  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise ProbeError("no pins here: there is no module `machine`")  # noqa: B904
    if not hasattr(machine, "Pin"):
        raise ProbeError("no pins here: `machine` has no Pin")
    return machine


def _once(key, make):  # type: ignore[no-untyped-def]
    if key not in _made:
        _made[key] = make()
    return _made[key]


def _field(config, name: str):  # type: ignore[no-untyped-def]
    value = config.get(name)
    if not isinstance(value, dict):
        raise ValueError("probe.%s: must be an object" % name)
    return value


def serial(config):  # type: ignore[no-untyped-def]
    settings = _field(config, "uart")
    return _once(("uart", settings.get("id")), lambda: Serial(settings))


def i2c(config):  # type: ignore[no-untyped-def]
    settings = _field(config, "i2c")
    return _once(("i2c", settings.get("id")), lambda: I2c(settings))


# A UART: `line` says how, before each use, for two kinds of sensor may share one.
class Serial:
    def __init__(self, settings) -> None:  # type: ignore[no-untyped-def]
        self._id = measure.whole(settings, "id", None, 0, 9)
        self._tx = measure.whole(settings, "tx", -1, -1, 99)
        self._rx = measure.whole(settings, "rx", None, 0, 99)
        self._de = measure.whole(settings, "de", -1, -1, 99)
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
        started_ms = clock.ticks_ms()
        data = b""
        while len(data) < most:
            if uart.any():
                if not data:
                    timeout_ms += most * _BYTE_BITS * 1000 // self._form[0]
                data += uart.read(1 if until else most - len(data)) or b""
                if until and data.endswith(until):
                    break
            elif clock.ticks_diff(clock.ticks_ms(), started_ms) >= timeout_ms:
                break
            else:
                pause_ms(_POLL_MS)
        return data

    # The line at its spacing level for so long, then marking.
    def send_break(self, break_ms: int, mark_ms: int) -> None:
        self._uart.deinit()
        if self._de >= 0:
            self._pin(self._de, 1)  # until the command is written
        spacing = 1 if self._inverts else 0
        line = self._pin(self._tx, spacing)
        pause_ms(break_ms)
        line.value(1 - spacing)
        self._open()
        pause_ms(mark_ms)

    def pause_ms(self, wait_ms: int) -> None:
        pause_ms(wait_ms)

    def _open(self) -> None:
        machine = machine_of()
        baud, bits, parity = self._form
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
        machine = machine_of()
        return machine.Pin(number, machine.Pin.OUT, value=value)


# Registers of chips. A transfer that fails is tried once more after the bus was cleared (NXP
# UM10204, "Bus clear"): a chip that was cut off in the middle of a byte holds the data line.
class I2c:
    def __init__(self, settings) -> None:  # type: ignore[no-untyped-def]
        self._id = measure.whole(settings, "id", None, 0, 9)
        self._scl = measure.whole(settings, "scl", None, 0, 99)
        self._sda = measure.whole(settings, "sda", None, 0, 99)
        self._hz = measure.whole(settings, "hz", 100000, 1000, 1000000)
        self._bus: "Any" = None

    def read(self, address: int, register: int, count: int) -> bytes:
        return bytes(self._transfer("readfrom_mem", address, register, count))

    def write(self, address: int, register: int, data: bytes) -> None:
        self._transfer("writeto_mem", address, register, data)

    def pause_ms(self, wait_ms: int) -> None:
        pause_ms(wait_ms)

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
        machine = machine_of()
        scl, sda = machine.Pin(self._scl), machine.Pin(self._sda)
        self._bus = machine.I2C(self._id, scl=scl, sda=sda, freq=self._hz, timeout=_I2C_TIMEOUT_US)

    def _clear(self) -> None:
        self._bus = None
        machine = machine_of()
        scl = machine.Pin(self._scl, machine.Pin.OPEN_DRAIN, value=1)
        sda = machine.Pin(self._sda, machine.Pin.OPEN_DRAIN, value=1)
        for _ in range(9):
            if sda.value():
                break
            for level in (0, 1):
                scl.value(level)
                clock.sleep_us(_BIT_US)
        if not sda.value() or not scl.value():
            raise ProbeError("i2c %d: a line is held low" % self._id)
        for level in (0, 1):  # a stop condition: data rises while the clock is high
            sda.value(level)
            clock.sleep_us(_BIT_US)


# One wire, by MicroPython's own bit timing.
class OneWire:
    def __init__(self, config) -> None:  # type: ignore[no-untyped-def]
        self._number = measure.whole(config, "pin", None, 0, 99)
        self._pin: "Any" = None

    # True: somebody is there.
    def reset(self) -> bool:
        pin = self._open() if self._pin is None else self._pin
        pin.value(1)
        if not pin.value():
            raise ProbeError("pin %d is held low: shorted, or no pull-up" % self._number)
        return bool(self._wire.reset(pin))

    def write(self, data: bytes) -> None:
        for byte in data:
            self._wire.writebyte(self._pin, byte)

    def read(self, count: int) -> bytes:
        return bytes([self._wire.readbyte(self._pin) for _ in range(count)])

    def _open(self) -> "Any":
        machine = machine_of()
        import _onewire  # type: ignore[import-not-found,unused-ignore]

        self._wire: "Any" = _onewire
        self._pin = machine.Pin(self._number, machine.Pin.OPEN_DRAIN, machine.Pin.PULL_UP)
        return self._pin

    def pause_ms(self, wait_ms: int) -> None:
        pause_ms(wait_ms)


# Trigger and echo of an ultrasonic module.
class Echo:
    def __init__(self, config) -> None:  # type: ignore[no-untyped-def]
        self._trigger = measure.whole(config, "trigger", None, 0, 99)
        self._echo = measure.whole(config, "echo", None, 0, 99)

    # Microseconds, or a negative code.
    def ping(self, trigger_us: int) -> int:
        machine = machine_of()
        trigger = machine.Pin(self._trigger, machine.Pin.OUT, value=0)
        echo = machine.Pin(self._echo, machine.Pin.IN)
        if echo.value():
            return ECHO_STUCK
        trigger.value(1)
        clock.sleep_us(trigger_us)
        trigger.value(0)
        return int(machine.time_pulse_us(echo, 1, _ECHO_TIMEOUT_US))

    def pause_ms(self, wait_ms: int) -> None:
        pause_ms(wait_ms)


# A voltage as a share of the reference: 0 to 65535.
class Adc:
    def __init__(self, config) -> None:  # type: ignore[no-untyped-def]
        self._pin = measure.whole(config, "pin", None, 0, 99)
        self._reference_mv = measure.whole(config, "reference_mv", 3300, 500, 5500)

    def sample(self) -> int:
        machine = machine_of()
        adc = machine.ADC(machine.Pin(self._pin))
        if hasattr(adc, "read_uv"):  # ESP32: corrected by what the factory measured
            share = adc.read_uv() * 65535 // (self._reference_mv * 1000)
            return min(65535, int(share))
        return int(adc.read_u16())


# The switch of a sensor's supply.
class Switch:
    def __init__(self, config) -> None:  # type: ignore[no-untyped-def]
        settings = _field(config, "power")
        self._pin = measure.whole(settings, "pin", None, 0, 99)
        self._active = measure.whole(settings, "active", 1, 0, 1)
        self.warm_ms = measure.whole(settings, "warm_ms", 500, 0, 30000)

    def on(self) -> None:
        self._set(self._active)
        pause_ms(self.warm_ms)

    def off(self) -> None:
        self._set(1 - self._active)

    def _set(self, value: int) -> None:
        machine = machine_of()
        machine.Pin(self._pin, machine.Pin.OUT).value(value)
