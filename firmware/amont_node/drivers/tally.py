# Counters of the board itself. They live in RAM: since the first look after a boot.

from amont_node.drivers import buses
from amont_node.drivers.fields import whole
from amont_node.measure import ProbeError

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

_WRAP = 1 << 30
_MEMORY = 64  # bytes beside a count
_CLEAR_US = 20


class _Volatile:
    MODULUS = _WRAP
    KNOWS_ZERO = False

    def __init__(self, settings) -> None:  # type: ignore[no-untyped-def]
        self._number = whole(settings, "pin", None, 0, 99)
        self._memory = bytearray(_MEMORY)

    def recall(self, at: int, size: int) -> bytes:
        return bytes(self._memory[at : at + size])

    def remember(self, at: int, data: bytes) -> None:
        self._memory[at : at + len(data)] = data


# The port's own counter (ESP32: PCNT). It counts while the chip is awake.
class PortCounter(_Volatile):
    def __init__(self, settings) -> None:  # type: ignore[no-untyped-def]
        super().__init__(settings)
        self._id = whole(settings, "id", 0, 0, 15)
        self._counter: "Any" = None

    def count(self) -> int | None:
        if self._counter is None:
            machine = buses.machine_of()
            if not hasattr(machine, "Counter"):
                raise ProbeError("this port has no pulse counter")
            pin = machine.Pin(self._number, machine.Pin.IN, machine.Pin.PULL_UP)
            self._counter = machine.Counter(self._id, pin, edge=machine.Counter.FALLING)
            return None
        return int(self._counter.value()) % _WRAP


# An interrupt for each edge, while the board is awake: a closing counts when the line was quiet
# and open before it. A contact bounces when it opens, too, however long it was closed.
class PinCounter(_Volatile):
    def __init__(self, settings) -> None:  # type: ignore[no-untyped-def]
        super().__init__(settings)
        self._debounce_ms = whole(settings, "debounce_ms", 50, 0, 1000)
        self._pin: "Any" = None
        self._count = 0
        self._level = 1
        self._last_ms = 0  # of the last edge

    def count(self) -> int | None:
        if self._pin is None:
            machine = buses.machine_of()
            self._pin = machine.Pin(self._number, machine.Pin.IN, machine.Pin.PULL_UP)
            self._level = self._pin.value()
            self._last_ms = buses.clock.ticks_ms() - self._debounce_ms
            self._pin.irq(self._on_edge, machine.Pin.IRQ_FALLING | machine.Pin.IRQ_RISING)
            return None
        return self._count

    def _on_edge(self, pin) -> None:  # type: ignore[no-untyped-def]
        now_ms = buses.clock.ticks_ms()
        was_open, self._level = self._level, pin.value()
        # After six dry days the difference of ticks is negative.
        quiet_ms = buses.clock.ticks_diff(now_ms, self._last_ms)
        if was_open and not 0 <= quiet_ms < self._debounce_ms:
            self._count = (self._count + 1) % _WRAP
        self._last_ms = now_ms


# A flip-flop that a pulse sets, and that wakes the board: one pulse a wake. It is cleared only
# once the reading is stored.
class Latch(_Volatile):
    KNOWS_ZERO = True

    def __init__(self, settings) -> None:  # type: ignore[no-untyped-def]
        super().__init__(settings)
        self._clear = whole(settings, "clear", None, 0, 99)
        self._cleared = 0  # pulses told since this boot

    def count(self) -> int | None:
        return self._cleared + (1 if self._is_set() else 0)

    def remember(self, at: int, data: bytes) -> None:
        super().remember(at, data)
        if self._is_set():
            self._cleared += 1
            machine = buses.machine_of()
            clear = machine.Pin(self._clear, machine.Pin.OUT, value=1)
            buses.clock.sleep_us(_CLEAR_US)
            clear.value(0)

    def _is_set(self) -> bool:
        machine = buses.machine_of()
        return bool(machine.Pin(self._number, machine.Pin.IN).value())
