# SDI-12 sensors: one wire, 1200 baud 7E1, negative logic.
# Document: SDI-12, A Serial-Digital Interface Standard, version 1.4: section 4.4 (commands and
# responses; CRC: 4.4.12), section 7 (timing).
#
# break (12 ms or more), marking (8.33 ms or more), "0MC!" -> "0tttn\r\n": n values in ttt seconds
# at most; the sensor may ask for service ("0\r\n") earlier. Then "0D0!" -> "0+3.14-2.7CRC\r\n",
# "0D1!" ... The answer begins within 15 ms of the command and has no gaps of more than 1.66 ms.
# A sensor has 100 ms to wake after the break, and sleeps again after 100 ms of marking.

from amont_node.drivers.burst import burst_of
from amont_node.drivers.crc import crc16
from amont_node.drivers.fields import ANY, choice, nothing, whole
from amont_node.drivers.number import decimal
from amont_node.measure import ProbeError

_BREAK_MS = 20  # some want more than the standard's 12, and more marking
_MARKS_MS = (15, 30, 80)  # of each try: later for a sensor that wakes slowly
# Until the first byte is seen, which some boards show only behind the last one: an announcement
# of 8 characters takes 83 ms, the longest answer of values 690 ms.
_ANNOUNCED_MS = 150
_VALUES_MS = 810
_ANSWER_MOST = 90  # bytes: 75 of values, address, CRC and end, and the echo of the command
_DATA_MOST = 10  # D0 to D9
_END = b"\r\n"


# The three characters that carry the CRC of an answer up to it.
def crc_text(data: bytes) -> bytes:
    crc = crc16(data, 0)
    return bytes((0x40 | crc >> 12, 0x40 | crc >> 6 & 0x3F, 0x40 | crc & 0x3F))


# An answer without its end and CRC, behind the address. ProbeError: not such an answer.
def body_of(data: bytes, address: str, has_crc: bool) -> str:
    if not data:
        raise ProbeError("address %s: no answer" % address)
    if data[-2:] != _END or data[:1] != address.encode():
        raise ProbeError("address %s: not an answer: %s" % (address, data.hex()))
    body = data[:-2]
    if has_crc:
        if len(body) < 4 or crc_text(body[:-3]) != body[-3:]:
            raise ProbeError("address %s: damaged answer: %s" % (address, data.hex()))
        body = body[:-3]
    for byte in body:
        if not 0x20 <= byte < 0x7F:
            raise ProbeError("address %s: damaged answer: %s" % (address, data.hex()))
    return body.decode()[1:]


# "tttn" or "tttnn": (seconds until ready, number of values).
def announced(body: str, is_concurrent: bool) -> tuple[int, int]:
    digits = (5,) if is_concurrent else (4,)
    if len(body) not in digits or not all([0x30 <= byte <= 0x39 for byte in body.encode()]):
        raise ProbeError("not a time and a count: %s" % body)
    return int(body[:3]), int(body[3:])


# "+3.14-2.7" to [3140, -2700] with three decimals. "+" and seven digits at most each.
def values_of(body: str, decimals: int) -> list[int]:
    starts = [at for at in range(len(body)) if body[at] in "+-"]
    if body and (not starts or starts[0]):
        raise ProbeError("not values: %s" % body)
    ends = starts[1:] + [len(body)]
    values = []
    for i in range(len(starts)):
        text = body[starts[i] : ends[i]]
        try:
            values.append(decimal(text, decimals))
        except ValueError as error:
            raise ProbeError("not values: %s" % error)  # noqa: B904
        if len(text.replace(".", "")) > 8:
            raise ProbeError("not values: %s has over seven digits" % text)
    return values


class Sdi12:
    def __init__(self, config, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus
        self._address = str(config.get("address", "0"))
        if len(self._address) != 1 or not 0x30 <= ord(self._address) <= 0x7A:
            raise ValueError("probe.address: %s is not one letter or digit" % self._address)
        self._is_concurrent = choice(config, "command", ("M", "C")) == "C"
        self._has_crc = bool(config.get("crc", True))
        number = whole(config, "number", 0, 0, 9)
        self._command = (
            ("C" if self._is_concurrent else "M")
            + ("C" if self._has_crc else "")
            + (str(number) if number else "")
        )
        self._value = whole(config, "value", 0, 0, 98)
        self._decimals = whole(config, "decimals", 3, 0, 6)
        self._wait_max_s = whole(config, "wait_max_s", 10, 0, 60)
        self._no_echo = nothing(config)
        self._burst = burst_of(config, 1, 150, 500, -ANY, ANY)
        self.wait_most_ms = 20000 + 2000 * self._wait_max_s  # a step is measured twice
        self.why = ""

    def read(self, clock_s: int) -> tuple[int, int]:
        found = self._burst.read(self._measure, clock_s)
        self.why = self._burst.why
        return found

    def _measure(self) -> int | None:
        self._bus.line(1200, 7, 0)
        body = self._ask(self._command, False, _ANNOUNCED_MS)
        wait_s, count = announced(body, self._is_concurrent)
        if self._value >= count:
            raise ProbeError("address %s measures %d values only" % (self._address, count))
        if wait_s > self._wait_max_s:
            raise ProbeError("address %s wants %d s, too long" % (self._address, wait_s))
        if self._is_concurrent:
            self._bus.pause_ms(wait_s * 1000)
        elif wait_s:
            self._bus.read(3, wait_s * 1000, _END)  # the service request, or time is up
        value = self._collect()
        return None if value in self._no_echo else value

    # The values come in as many answers as the sensor likes.
    def _collect(self) -> int:
        values: list[int] = []
        for at in range(_DATA_MOST):
            body = self._ask("D%d" % at, self._has_crc, _VALUES_MS)
            more = values_of(body, self._decimals)
            values = values + more
            if len(values) > self._value:
                return values[self._value]
            if not more:
                break
        raise ProbeError("address %s sent %d values only" % (self._address, len(values)))

    # A command, with a break before each try: the sensor may sleep.
    def _ask(self, command: str, has_crc: bool, answer_ms: int) -> str:
        line = (self._address + command + "!").encode()
        for mark_ms in _MARKS_MS:
            self._bus.send_break(_BREAK_MS, mark_ms)
            self._bus.clear()
            self._bus.write(line)
            data = self._bus.read(_ANSWER_MOST, answer_ms, _END)
            if data[: len(line)] == line:  # one wire for both ways
                data = data[len(line) :]
            try:
                return body_of(data, self._address, has_crc)
            except ProbeError:
                if mark_ms == _MARKS_MS[-1]:
                    raise
        return ""
