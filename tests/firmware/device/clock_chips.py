# Doubles of two clock chips, with time, alarms and interrupt pin, register by register after their
# datasheets. now_s(): real seconds; a chip keeps its own from them while it has a supply.

_TO_2000_S = 946684800
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def bcd(value: int) -> int:
    return value // 10 * 16 + value % 10


def plain(byte: int) -> int:
    return byte // 16 * 10 + byte % 16


def month_days(year: int, month: int) -> int:
    return 29 if month == 2 and year % 4 == 0 else _MONTHS[month - 1]


# (year from 2000, month, day, hour, minute, second, weekday from Sunday = 0)
def fields(at_s: int):
    days, rest_s = divmod(at_s - _TO_2000_S, 86400)
    weekday = (days + 6) % 7
    year, month = 0, 1
    while days >= (366 if year % 4 == 0 else 365):
        days -= 366 if year % 4 == 0 else 365
        year += 1
    while days >= month_days(year, month):
        days -= month_days(year, month)
        month += 1
    return year, month, days + 1, rest_s // 3600, rest_s // 60 % 60, rest_s % 60, weekday


def seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    days = day - 1
    for past in range(year):
        days += 366 if past % 4 == 0 else 365
    for past in range(1, month):
        days += month_days(year, past)
    return _TO_2000_S + days * 86400 + hour * 3600 + minute * 60 + second


class _Chip:
    SIZE = 0
    TIME = 0  # its first register

    def __init__(self, now_s) -> None:
        self._now_s = now_s
        self.data = bytearray(self.SIZE)
        self._ahead_s = 0  # of the world's clock
        self._seen_s = now_s()  # the world's, up to which its alarms were looked at
        self.is_there = True
        self.deaf = ()  # registers that keep nothing of what is written

    def read(self, register: int, count: int) -> bytes:
        self._tick()
        self.data[self.TIME : self.TIME + 7] = self._encoded()
        return bytes([self._said((register + i) % self.SIZE) for i in range(count)])

    def write(self, register: int, data: bytes) -> None:
        self._tick()
        self.data[self.TIME : self.TIME + 7] = self._encoded()
        for i in range(len(data)):
            at = (register + i) % self.SIZE
            if at not in self.deaf:
                self._store(at, data[i])
        if register < self.TIME + 7 and register + len(data) > self.TIME:
            self._ahead_s = self._decoded() - self._now_s()
            self._stopped_at_s = self._decoded()

    def time_s(self) -> int:
        return self._stopped_at_s if self._stands() else self._now_s() + self._ahead_s

    _stopped_at_s = _TO_2000_S

    # What fires between two looks: whole seconds of its own time, one after the other.
    def _tick(self) -> None:
        now_s = self._now_s()
        if not self._stands():
            self._look(self._seen_s + self._ahead_s, now_s + self._ahead_s)
            self._stopped_at_s = now_s + self._ahead_s
        else:
            self._ahead_s = self._stopped_at_s - now_s
        self._seen_s = now_s

    def interrupts(self) -> bool:
        self._tick()
        return self._interrupts()


# Maxim DS3231 (19-5170 rev 10): timekeeping registers, alarms, control (0Eh), status (0Fh).
class Ds3231(_Chip):
    SIZE = 19
    TIME = 0

    def __init__(self, now_s) -> None:
        super().__init__(now_s)
        self.lose_supply()

    def _stands(self) -> bool:
        return False  # EOSC counts on the battery alone, where this double is not written to

    # Both supplies were gone, or power is first applied: RS2, RS1, INTCN; OSF, EN32kHz.
    def lose_supply(self) -> None:
        self.data[:] = bytes(14) + b"\x1c\x88" + bytes(3)
        self._ahead_s = _TO_2000_S - self._now_s()
        self._seen_s = self._now_s()

    def _said(self, at: int) -> int:
        return self.data[at]

    def _store(self, at: int, value: int) -> None:
        if at == 0x0F:  # OSF, A2F and A1F can be cleared only
            value = value & 0x08 | self.data[at] & value & 0x83
        self.data[at] = value

    def _encoded(self) -> bytes:
        year, month, day, hour, minute, second, weekday = fields(self.time_s())
        return bytes([bcd(v) for v in (second, minute, hour, weekday + 1, day, month, year)])

    def _decoded(self) -> int:
        second, minute, hour, _, day, month, year = [plain(v) for v in self.data[:7]]
        return seconds(year, month & 0x1F, day, hour, minute, second)

    # "Alarm Mask Bits" of alarm 1; alarm 2 has no seconds and is not used here.
    def _look(self, after_s: int, until_s: int) -> None:
        masks = [self.data[0x07 + i] & 0x80 for i in range(4)]
        wanted = [plain(self.data[7 + i] & (0x3F if i == 3 else 0x7F)) for i in range(4)]
        at_s, step_s = after_s + 1, 1
        if not any(masks[:3]):  # once a day
            of_day_s = wanted[2] * 3600 + wanted[1] * 60 + wanted[0]
            at_s += (of_day_s - at_s) % 86400  # 2000 began at a multiple of a day
            step_s = 86400
        while at_s <= until_s:
            _, _, day, hour, minute, second, weekday = fields(at_s)
            by_day = self.data[10] & 0x40
            found = (second, minute, hour, weekday + 1 if by_day else day)
            if all([masks[i] or found[i] == wanted[i] for i in range(4)]):
                self.data[0x0F] |= 0x01
                return
            at_s += step_s

    # INT/SQW: INTCN routes the alarms to it; only with BBSQW also without the main supply.
    def _interrupts(self) -> bool:
        control = self.data[0x0E]
        return control & 0x44 == 0x44 and bool(control & self.data[0x0F] & 0x03)


# NXP PCF8563 (rev 11): control 1 and 2, alarms (8.6), timer (8.8); what it does not implement
# reads as ones here.
class Pcf8563(_Chip):
    SIZE = 16
    TIME = 2
    UNUSED = (0, 0xE0, 0, 0x80, 0xC0, 0xC0, 0xF8, 0x60, 0, 0, 0x40, 0x40, 0x78, 0x7C, 0x7C, 0)
    RATES = ((4096, 1), (64, 1), (1, 1), (1, 60))

    def __init__(self, now_s) -> None:
        super().__init__(now_s)
        self.lose_supply()

    # As after its power-on reset: VL, no alarm, CLKOUT at 32 kHz.
    def lose_supply(self) -> None:
        self.data[:] = b"\x08\x00\x80" + bytes(6) + b"\x80\x80\x80\x80\x80\x03\x00"
        self._ahead_s = _TO_2000_S - self._now_s()
        self._seen_s = self._now_s()
        self._timer_from_s = None

    def _stands(self) -> bool:
        return bool(self.data[0] & 0x20)  # STOP

    def _said(self, at: int) -> int:
        if at == 0x0F and self._timer_from_s is not None:
            return self.data[at] - (self._now_s() - self._timer_from_s) % max(1, self.data[at])
        return self.data[at] | self.UNUSED[at]

    def _store(self, at: int, value: int) -> None:
        if at == 0x01:  # AF and TF can be cleared only
            value = value & 0x13 | self.data[at] & value & 0x0C
        self.data[at] = value & ~self.UNUSED[at] & 0xFF
        if at == 0x0E:
            self._timer_from_s = self._now_s() if value & 0x80 else None

    def _encoded(self) -> bytes:
        year, month, day, hour, minute, second, weekday = fields(self.time_s())
        low = self.data[2] & 0x80
        coded = [bcd(v) for v in (second, minute, hour, day, weekday, month, year)]
        coded[0] |= low
        return bytes(coded)

    def _decoded(self) -> int:
        data = self.data
        return seconds(
            plain(data[8]), plain(data[7] & 0x1F), plain(data[5] & 0x3F), plain(data[4] & 0x3F),
            plain(data[3] & 0x7F), plain(data[2] & 0x7F),
        )  # fmt: skip

    def _look(self, after_s: int, until_s: int) -> None:
        self._look_timer(after_s, until_s)
        enabled = [not self.data[9 + i] & 0x80 for i in range(4)]
        wanted = [plain(self.data[9 + i] & 0x7F) for i in range(4)]
        at_s, step_s = after_s + 60 - after_s % 60, 60  # once, when the minute begins
        if enabled[0]:
            at_s += (wanted[0] * 60 - at_s) % 3600
            step_s = 3600
        while any(enabled) and at_s <= until_s:
            _, _, day, hour, minute, _, weekday = fields(at_s)
            found = (minute, hour, day, weekday)
            if all([found[i] == wanted[i] or not enabled[i] for i in range(4)]):
                self.data[1] |= 0x08
            at_s += step_s

    def _look_timer(self, after_s: int, until_s: int) -> None:
        if self._timer_from_s is None or not self.data[0x0F]:
            return
        per_s, of_s = self.RATES[self.data[0x0E] & 3]
        period_s = max(1, self.data[0x0F] * of_s // per_s)
        began_s = self._timer_from_s + self._ahead_s
        if (until_s - began_s) // period_s > (after_s - began_s) // period_s:
            self.data[1] |= 0x04

    def _interrupts(self) -> bool:
        control = self.data[1]
        return control & 0x0A == 0x0A or control & 0x05 == 0x05  # AF and AIE, TF and TIE
