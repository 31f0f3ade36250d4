# PCF8563, clock on I2C (address 51h).
# Document: NXP PCF8563 datasheet, "Register organization": 00h control (bit 5 STOP), 02h to 08h
# time; bit 7 of 02h is VL, the supply was too low: the time is not guaranteed.

from amont_node.drivers.calendar import calendar, unix_s
from amont_node.drivers.digits import byte_of, digits
from amont_node.measure import ProbeError

_ADDRESS = 0x51
_CONTROL = 0x00
_TIME = 0x02
_STOP = 0x20
_LOW_VOLTAGE = 0x80


# Seven bytes from 02h to Unix seconds; None: the chip says that its time is not to be trusted.
def decode(data: bytes) -> int | None:
    if len(data) != 7:
        raise ProbeError("pcf8563: %d bytes of 7" % len(data))
    if data[0] & _LOW_VOLTAGE:
        return None
    # The bits left out are not implemented and read as anything.
    return unix_s(
        2000 + digits(data[6], 0, 99), digits(data[5] & 0x1F, 1, 12),
        digits(data[3] & 0x3F, 1, 31),
        digits(data[2] & 0x3F, 0, 23), digits(data[1] & 0x7F, 0, 59), digits(data[0], 0, 59),
    )  # fmt: skip


def encode(at_s: int) -> bytes:
    year, month, day, hour, minute, second, weekday = calendar(at_s)
    # Its weekdays run from Sunday = 0.
    fields = (second, minute, hour, day, (weekday + 1) % 7, month, year - 2000)
    return bytes([byte_of(field) for field in fields])


class Pcf8563:
    def __init__(self, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus

    # Unix seconds; None: it stood still, so nobody knows. ProbeError: it does not answer.
    def read_s(self) -> int | None:
        if self._bus.read(_ADDRESS, _CONTROL, 1)[0] & _STOP:
            return None
        return decode(self._bus.read(_ADDRESS, _TIME, 7))

    # Stopped while it is set. A power cut between the two leaves it stopped, which read_s tells.
    def set_s(self, at_s: int) -> None:
        data = encode(at_s)
        self._bus.write(_ADDRESS, _CONTROL, bytes((_STOP,)))
        self._bus.write(_ADDRESS, _TIME, data)
        self._bus.write(_ADDRESS, _CONTROL, bytes((0,)))
