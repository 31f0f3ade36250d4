# Flow meters and tipping buckets: pulses since the last reading that was stored.
#
# A counter has MODULUS, `count()` (None: it was not counting until now), `recall` and `remember`
# (a few bytes that live as long as its count). KNOWS_ZERO: without such bytes its count is that
# since the last reading. What was told moves on only when the shell says
# that the reading is stored, so a reading that is lost is counted again in the next one; a power
# cut just between the two tells the pulses of one interval twice, never not at all.

import struct
from binascii import crc32

from amont_node.drivers.fields import choice, whole
from amont_node.measure import ProbeError, nearest
from amont_wire.const import GOOD, SUSPECT

_MEMORY = "<IIII"  # count, total, clock_s, turn; then CRC-32
_SIZE = 20
_TOTAL_MASK = 0x3FFFFFFF


# What was told last.
class Told:
    def __init__(self, count: int, total: int, clock_s: int, turn: int) -> None:
        self.count = count
        self.total = total
        self.clock_s = clock_s
        self.turn = turn  # 0 to 255; the later of two copies

    def encode(self) -> bytes:
        body = struct.pack(_MEMORY, self.count, self.total, self.clock_s, self.turn)
        return body + struct.pack("<I", crc32(body))


# None: not what encode made.
def told_of(data: bytes) -> Told | None:
    if len(data) != _SIZE or crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
        return None
    return Told(*struct.unpack(_MEMORY, data[:-4]))


# Two copies, written in turn: a power cut damages the older one at most.
def load(counter) -> Told | None:  # type: ignore[no-untyped-def]
    first = told_of(counter.recall(0, _SIZE))
    second = told_of(counter.recall(_SIZE, _SIZE))
    if first is None or second is None:
        return first or second
    return second if (second.turn - first.turn) & 0xFF == 1 else first


class Pulse:
    _RAW: tuple[str, ...] = ("count", "rate", "total")
    _MAX_PER_MIN = 6000

    def __init__(self, config, counter) -> None:  # type: ignore[no-untyped-def]
        self._counter = counter
        self._raw = choice(config, "raw", self._RAW) if len(self._RAW) > 1 else "count"
        self._max_per_min = whole(config, "max_per_min", self._MAX_PER_MIN, 1, 1000000)
        self._told: Told | None = None
        self._next: Told | None = None  # told when the reading is stored
        self.why = ""

    def read(self, clock_s: int) -> tuple[int, int]:
        self.why = ""
        self._next = None
        count = self._counter.count()
        told = self._told or load(self._counter)
        if told is None and self._counter.KNOWS_ZERO:
            told = Told(0, 0, clock_s, 0)
        if count is None or told is None:
            return self._begin(count or 0, told, clock_s)
        pulses = (count - told.count) % self._counter.MODULUS
        elapsed_s = clock_s - told.clock_s
        if self._raw == "rate" and elapsed_s <= 0:
            # The pulses stay for the next reading; only the time begins anew.
            self._next = Told(told.count, told.total, clock_s, told.turn + 1 & 0xFF)
            raise ProbeError("no rate of flow: the clock moved by %d s" % elapsed_s)
        total = (told.total + pulses) & _TOTAL_MASK
        self._next = Told(count, total, clock_s, told.turn + 1 & 0xFF)
        return self._value(pulses, elapsed_s, total), self._judge(pulses, elapsed_s)

    # The reading is stored: the next one counts from here.
    def kept(self) -> None:
        if self._next is not None:
            self._counter.remember(_SIZE * (self._next.turn & 1), self._next.encode())
            self._told = self._next
            self._next = None

    # Pulses before this are lost, or there were none: only a person knows.
    def _begin(self, count: int, told: Told | None, clock_s: int) -> tuple[int, int]:
        total = 0 if told is None else told.total
        self._next = Told(count, total, clock_s, 0 if told is None else told.turn + 1 & 0xFF)
        self.why = "counting begins: the counter had no supply, or is new"
        return (total if self._raw == "total" else 0), SUSPECT

    def _value(self, pulses: int, elapsed_s: int, total: int) -> int:
        if self._raw == "total":
            return total
        if self._raw == "count":
            return pulses
        return nearest(pulses * 3600, elapsed_s)

    def _judge(self, pulses: int, elapsed_s: int) -> int:
        minutes = max(1, (elapsed_s + 59) // 60)
        if elapsed_s >= 0 and pulses <= self._max_per_min * minutes:
            return GOOD
        self.why = "%d pulses in %d s" % (pulses, elapsed_s)
        return SUSPECT


class TippingBucket(Pulse):
    _RAW = ("count",)
    _MAX_PER_MIN = 100  # 20 mm of rain a minute with 0.2 mm a tip: a loose contact bounces more
