# DS18B20, thermometer on one wire, alone on its pin.
# Document: Maxim DS18B20 datasheet: "Temperature/Data Relationship" (table), "Memory" (the
# scratchpad: 0 and 1 temperature, 4 configuration, 8 CRC), "CRC Generation".

from amont_node.drivers.crc import crc8
from amont_node.drivers.fields import ANY, whole
from amont_node.measure import ProbeError, nearest
from amont_wire.const import FAULT, GOOD, OUT_OF_RANGE

_SKIP_ROM = 0xCC
_CONVERT = 0x44
_READ_SCRATCHPAD = 0xBE
_CONVERT_MS = 750  # at 12 bits, the longest
_SCRATCHPAD = 9
_POWER_ON = 0x0550  # 85 degrees, Table 1: what it says until it has converted once


# The scratchpad to (1/100 degrees, quality, why).
def decode(data: bytes) -> tuple[int, int, str]:
    if len(data) != _SCRATCHPAD or crc8(data[:8]) != data[8]:
        raise ProbeError("damaged answer: %s" % data.hex())
    # The CRC of zeros is zero. The configuration has its low five bits set, and its highest not.
    if data[4] & 0x9F != 0x1F:
        raise ProbeError("not a DS18B20: %s" % data.hex())
    raw = data[1] << 8 | data[0]
    if raw & 0x8000:
        raw -= 0x10000
    unused = 3 - (data[4] >> 5)  # bits of a lower resolution are undefined
    temp_cc = nearest((raw >> unused << unused) * 100, 16)
    if raw == _POWER_ON:
        return temp_cc, FAULT, "85 degrees: it lost its supply while it converted"
    if not -5500 <= temp_cc <= 12500:
        return temp_cc, FAULT, "%d: no such temperature" % temp_cc
    return temp_cc, GOOD, ""


class Ds18b20:
    def __init__(self, config, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus
        self._low = whole(config, "low", -4000, -ANY, ANY)
        self._high = whole(config, "high", 8400, -ANY, ANY)
        self.why = ""

    def read(self, clock_s: int) -> tuple[int, int]:  # noqa: ARG002
        temp_cc, quality, self.why = self._convert()
        if quality == FAULT:
            temp_cc, quality, self.why = self._convert()  # the supply may have come late
        if quality == GOOD and not self._low <= temp_cc <= self._high:
            quality = OUT_OF_RANGE
            self.why = "%d is outside %d and %d" % (temp_cc, self._low, self._high)
        return temp_cc, quality

    def _convert(self) -> tuple[int, int, str]:
        self._address(_CONVERT)
        self._bus.pause_ms(_CONVERT_MS)
        try:
            return self._scratchpad()
        except ProbeError:
            return self._scratchpad()  # damaged on its way: an interrupt in the middle of a bit

    def _scratchpad(self) -> tuple[int, int, str]:
        self._address(_READ_SCRATCHPAD)
        return decode(self._bus.read(_SCRATCHPAD))

    def _address(self, command: int) -> None:
        if not self._bus.reset():
            raise ProbeError("no thermometer answers: not wired")
        self._bus.write(bytes((_SKIP_ROM, command)))
