# DS3231, clock with its own crystal and backup battery, on I2C (address 68h).
# Document: Maxim DS3231 datasheet, "Timekeeping Registers" (00h to 06h time, 0Eh control, 0Fh
# status: bit 7 OSF, the oscillator has stopped), "Alarms" (07h to 0Ah alarm 1, with its mask bits
# A1M1 to A1M4 clear and DY/DT clear: date, hours, minutes and seconds match).
#
# Its INT pin is low from the alarm until release(), also without its main supply (BBSQW).

from amont_node.drivers.calendar import calendar, unix_s
from amont_node.drivers.digits import byte_of, digits
from amont_node.measure import ProbeError

_ADDRESS = 0x68
_TIME = 0x00
_CONTROL = 0x0E
_STATUS = 0x0F
_STOPPED = 0x80  # OSF
_TWELVE_HOURS = 0x40
_STOPS_ON_BATTERY = 0x80  # EOSC of the control register
_ALARM = 0x07
_INT_BY_ALARM = 0x45  # BBSQW, INTCN, A1IE; alarm 2 and the square wave are off
_FIRED = 0x03  # A1F, A2F


# Seven bytes from 00h to Unix seconds. The year is 2000 to 2099 (the century bit is not used).
def decode(data: bytes) -> int:
    if len(data) != 7:
        raise ProbeError("ds3231: %d bytes of 7" % len(data))
    if data[2] & _TWELVE_HOURS:
        raise ProbeError("ds3231: 12 hour mode: not set by this node")
    return unix_s(
        2000 + digits(data[6], 0, 99), digits(data[5] & 0x1F, 1, 12), digits(data[4], 1, 31),
        digits(data[2], 0, 23), digits(data[1], 0, 59), digits(data[0], 0, 59),
    )  # fmt: skip


def encode(at_s: int) -> bytes:
    year, month, day, hour, minute, second, weekday = calendar(at_s)
    fields = (second, minute, hour, weekday + 1, day, month, year - 2000)
    return bytes([byte_of(field) for field in fields])


class Ds3231:
    LEAST_S = 946684800  # of set_s: 2000-01-01

    def __init__(self, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus

    # Unix seconds; None: it stood still, so nobody knows. ProbeError: it does not answer.
    def read_s(self) -> int | None:
        if self._bus.read(_ADDRESS, _STATUS, 1)[0] & _STOPPED:
            return None
        return decode(self._bus.read(_ADDRESS, _TIME, 7))

    # The time first, then the flag: a power cut between the two leaves a clock that says that it
    # does not know.
    def set_s(self, at_s: int) -> None:
        data = encode(at_s)
        control = self._bus.read(_ADDRESS, _CONTROL, 1)[0]
        self._bus.write(_ADDRESS, _CONTROL, bytes((control & ~_STOPS_ON_BATTERY & 0xFF,)))
        self._bus.write(_ADDRESS, _TIME, data)
        status = self._bus.read(_ADDRESS, _STATUS, 1)[0]
        self._bus.write(_ADDRESS, _STATUS, bytes((status & ~_STOPPED & 0xFF,)))

    # Whether the alarm has come since the last release().
    def fired(self) -> bool:
        return bool(self._bus.read(_ADDRESS, _STATUS, 1)[0] & _FIRED)

    # Let it fire at that second, a month ahead at most. Returns when it will, never later.
    # ProbeError: what was written is not what is there.
    def arm(self, at_s: int) -> int:
        fields = encode(at_s)
        alarm = bytes((fields[0], fields[1], fields[2], fields[4]))
        self._bus.write(_ADDRESS, _ALARM, alarm)
        self._bus.write(_ADDRESS, _CONTROL, bytes((_INT_BY_ALARM,)))
        kept = self._bus.read(_ADDRESS, _ALARM, 4), self._bus.read(_ADDRESS, _CONTROL, 1)[0]
        if kept != (alarm, _INT_BY_ALARM):
            raise ProbeError("ds3231: the alarm does not read back")
        return at_s

    # What fired is over: INT lets go. The 32 kHz output, which nobody reads, stays off.
    def release(self) -> None:
        status = self._bus.read(_ADDRESS, _STATUS, 1)[0]
        self._bus.write(_ADDRESS, _STATUS, bytes((status & _STOPPED,)))
        if self.fired():
            raise ProbeError("ds3231: the alarm flag does not clear")
