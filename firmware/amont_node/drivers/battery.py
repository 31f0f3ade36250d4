# The battery's voltage over a divider on a converter pin.
# Document: the board's schematic. Pins with a converter: 26 to 28 of an RP2040 and RP2350, 32 to
# 39 of an ESP32 (its others stand still while Wi-Fi is on).

from amont_node.drivers.fields import ANY, whole
from amont_node.measure import nearest
from amont_wire.const import FAULT, GOOD, OUT_OF_RANGE

_SAMPLES = 9
_FULL = 65535
_ALIVE_MV = 500  # less cannot feed the board that measures it


# share: 0 to 65535 of the reference. (mV, quality, why)
def decode(share: int, reference_mv: int, multiply: int, divide: int) -> tuple[int, int, str]:
    battery_mv = nearest(share * reference_mv * multiply, _FULL * divide)
    if share >= _FULL:
        return battery_mv, FAULT, "%d mV: at the converter's end, divider open" % battery_mv
    if battery_mv < _ALIVE_MV:
        return battery_mv, FAULT, "%d mV: divider not wired, or shorted" % battery_mv
    return battery_mv, GOOD, ""


class Battery:
    def __init__(self, config, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus
        self._reference_mv = whole(config, "reference_mv", 3300, 500, 5500)
        self._multiply = whole(config, "multiply", 1, 1, 1000000)
        self._divide = whole(config, "divide", 1, 1, 1000000)
        self._low = whole(config, "low", 0, -ANY, ANY)
        self._high = whole(config, "high", ANY, -ANY, ANY)
        self.why = ""

    def read(self, clock_s: int) -> tuple[int, int]:  # noqa: ARG002
        share = sorted([self._bus.sample() for _ in range(_SAMPLES)])[_SAMPLES // 2]
        found = decode(share, self._reference_mv, self._multiply, self._divide)
        battery_mv, quality, self.why = found
        if quality == GOOD and not self._low <= battery_mv <= self._high:
            quality = OUT_OF_RANGE
            self.why = "%d is outside %d and %d" % (battery_mv, self._low, self._high)
        return battery_mv, quality
