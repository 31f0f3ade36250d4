# PCF8563, clock on I2C (address 51h).
# Document: NXP PCF8563 datasheet, "Register organization": 00h control (bit 5 STOP), 02h to 08h
# time; bit 7 of 02h is VL, the supply was too low: the time is not guaranteed. 01h control 2 (AF,
# TF, AIE, TIE), 09h to 0Ch alarm (bit 7 of each, AE: 1 leaves the field out), 0Dh CLKOUT, 0Eh and
# 0Fh timer.
#
# Its alarm knows minutes, its timer 255 seconds: what is farther off fires up to 59 s early. Its
# INT pin is low from then until release().

from amont_node.drivers.calendar import calendar, unix_s
from amont_node.drivers.digits import byte_of, digits
from amont_node.measure import ProbeError

_ADDRESS = 0x51
_CONTROL = 0x00
_TIME = 0x02
_STOP = 0x20
_LOW_VOLTAGE = 0x80
_CONTROL_2 = 0x01
_FIRED = 0x0C  # AF, TF; written as ones they stay as they are
_BY_BOTH = 0x03  # AIE, TIE; TI_TP clear: INT stays low with the flag
_ALARM = 0x09
_LEFT_OUT = 0x80
_CLKOUT = 0x0D
_TIMER = 0x0E
_TIMER_OFF = 0x03  # its slowest source, which draws the least
_TIMER_SECONDS = 0x82
_TIMER_MAX_S = 255


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
    LEAST_S = 946684800  # of set_s: 2000-01-01

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

    # Whether alarm or timer have come since the last release().
    def fired(self) -> bool:
        return bool(self._bus.read(_ADDRESS, _CONTROL_2, 1)[0] & _FIRED)

    # Let it fire at that second, a month ahead at most. Returns when it will: never later, up to
    # 59 s earlier. ProbeError: what was written is not what is there.
    def arm(self, at_s: int) -> int:
        now_s = self.read_s()
        if now_s is None or at_s <= now_s:
            raise ProbeError("pcf8563: no alarm can be set")
        fields = encode(at_s)
        alarm = bytes((_LEFT_OUT,)) * 4
        timer = at_s - now_s
        if timer > _TIMER_MAX_S:
            alarm = bytes((fields[1], fields[2], fields[3], _LEFT_OUT))
            timer = 0
            at_s -= at_s % 60
        bus = self._bus
        bus.write(_ADDRESS, _TIMER, bytes((_TIMER_OFF,)))
        bus.write(_ADDRESS, _CLKOUT, bytes((0,)))
        bus.write(_ADDRESS, _ALARM, alarm)
        # Not before release() does it let go: the flags stay.
        bus.write(_ADDRESS, _CONTROL_2, bytes((_FIRED | _BY_BOTH,)))
        state = _TIMER_OFF
        if timer:
            state = _TIMER_SECONDS
            bus.write(_ADDRESS, _TIMER + 1, bytes((timer,)))
            bus.write(_ADDRESS, _TIMER, bytes((state,)))
        self._check(alarm, state)
        return at_s

    # The bits left out are not implemented and read as anything.
    def _check(self, alarm: bytes, timer: int) -> None:
        masks = (0xFF, 0xBF, 0xBF, 0x87)
        kept = self._bus.read(_ADDRESS, _ALARM, 4)
        same = [kept[i] & masks[i] == alarm[i] & masks[i] for i in range(4)]
        control = self._bus.read(_ADDRESS, _CONTROL_2, 1)[0] & (_BY_BOTH | 0x10)
        state = self._bus.read(_ADDRESS, _TIMER, 1)[0] & 0x83
        if not all(same) or control != _BY_BOTH or state != timer:
            raise ProbeError("pcf8563: the alarm does not read back")

    # What fired is over: INT lets go.
    def release(self) -> None:
        self._bus.write(_ADDRESS, _CONTROL_2, bytes((_BY_BOTH,)))
        if self.fired():
            raise ProbeError("pcf8563: the alarm flag does not clear")
