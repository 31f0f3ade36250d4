# The buses of a board. The only file of the drivers that touches `machine`, and nothing is touched
# before the first use: a probe can be made, and its configuration checked, anywhere.
#
# Every wait has an end. What a bus cannot do becomes ProbeError with the pins in it.

import time as _time

from amont_node.drivers.fields import whole
from amont_node.measure import ProbeError, waited

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

clock: "Any" = _time  # milliseconds and microseconds: only MicroPython's has them

_SLICE_MS = 250
_ECHO_TIMEOUT_US = 40000  # 6.8 m there and back, and the module's own start
ECHO_STUCK = -3  # beside time_pulse_us: -2 never began, -1 never ended

_made: dict = {}  # type: ignore[type-arg]  # one object a bus, however many probes are on it


def pause_ms(wait_ms: int) -> None:
    while wait_ms > 0:
        slice_ms = min(wait_ms, _SLICE_MS)
        clock.sleep_ms(slice_ms)
        wait_ms -= slice_ms
        waited(slice_ms)


def machine_of() -> "Any":
    try:
        import machine  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise ProbeError("no pins here: there is no module `machine`")  # noqa: B904
    if not hasattr(machine, "Pin"):
        raise ProbeError("no pins here: `machine` has no Pin")
    return machine


def _once(what: str, settings, make):  # type: ignore[no-untyped-def]
    key = (what, settings.get("id"))
    if key not in _made:
        _made[key] = settings, make(settings)
    known, bus = _made[key]
    if known != settings:
        raise ValueError("probe.%s: %s is wired otherwise elsewhere" % key)
    return bus


def _field(config, name: str):  # type: ignore[no-untyped-def]
    value = config.get(name)
    if not isinstance(value, dict):
        raise ValueError("probe.%s: must be an object" % name)
    return value


def serial(config) -> "Any":  # type: ignore[no-untyped-def]
    from amont_node.drivers.serial import Serial

    return _once("uart", _field(config, "uart"), Serial)


def i2c(config) -> "Any":  # type: ignore[no-untyped-def]
    from amont_node.drivers.i2c import I2c

    return _once("i2c", _field(config, "i2c"), I2c)


# One wire, by MicroPython's own bit timing.
class OneWire:
    def __init__(self, config) -> None:  # type: ignore[no-untyped-def]
        self._number = whole(config, "pin", None, 0, 99)
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
        self._trigger = whole(config, "trigger", None, 0, 99)
        self._echo = whole(config, "echo", None, 0, 99)

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
        self._pin = whole(config, "pin", None, 0, 99)
        self._reference_mv = whole(config, "reference_mv", 3300, 500, 5500)

    def sample(self) -> int:
        machine = machine_of()
        adc, pin = machine.ADC, machine.Pin(self._pin)
        # ESP32: without attenuation it ends at about 1 V.
        adc = adc(pin, atten=adc.ATTN_11DB) if hasattr(adc, "ATTN_11DB") else adc(pin)
        if hasattr(adc, "read_uv"):  # ESP32: corrected by what the factory measured
            share = adc.read_uv() * 65535 // (self._reference_mv * 1000)
            return min(65535, int(share))
        return int(adc.read_u16())


# The switch of a sensor's supply.
class Switch:
    def __init__(self, config) -> None:  # type: ignore[no-untyped-def]
        settings = _field(config, "power")
        self._pin = whole(settings, "pin", None, 0, 99)
        self._active = whole(settings, "active", 1, 0, 1)
        self.warm_ms = whole(settings, "warm_ms", 500, 0, 30000)

    def on(self) -> None:
        self._set(self._active)
        pause_ms(self.warm_ms)

    def off(self) -> None:
        self._set(1 - self._active)

    def _set(self, value: int) -> None:
        machine = machine_of()
        machine.Pin(self._pin, machine.Pin.OUT).value(value)
