# Counters that are never used twice, and the window that refuses what was received before.

from amont_wire.const import COUNTER_MAX
from amont_wire.errors import CounterExhausted, Malformed

BLOCK = 64
WINDOW = 1024

NEW = 0
SEEN = 1
OLD = 2


# Hands out start + 1, start + 2 … where `start` is the last counter that was ever reserved (0:
# none). `reserve(limit)` must make `limit` durable before it returns, and raises to refuse; it is
# called before the first counter of each block is used. After a boot, `start` is the stored limit:
# at most a block is skipped.
class ReservedCounter:
    def __init__(self, start: int, reserve, block: int = BLOCK) -> None:  # type: ignore[no-untyped-def]
        if not 0 <= start <= COUNTER_MAX or block < 1:
            raise Malformed("counter start or block out of range")
        self._last = start
        self._limit = start
        self._reserve = reserve
        self._block = block

    # Whether any was used, as far as is known.
    def used(self) -> bool:
        return self._last > 0

    def next(self) -> int:
        if self._last == self._limit:
            if self._limit >= COUNTER_MAX:
                raise CounterExhausted("all counters of this key generation are used")
            limit = min(self._limit + self._block, COUNTER_MAX)
            self._reserve(limit)
            self._limit = limit
        self._last += 1
        return self._last


# The highest counter taken and a bitmap of the `size` below it; bit i stands for highest - 1 - i.
class ReplayWindow:
    __slots__ = ("_bits", "_highest", "_mask", "_size")

    def __init__(self, highest: int = 0, bits: int = 0, size: int = WINDOW) -> None:
        if size < 1 or not 0 <= highest <= COUNTER_MAX or bits < 0 or bits >> size:
            raise Malformed("replay window out of range")
        self._highest = highest
        self._bits = bits
        self._size = size
        self._mask = (1 << size) - 1

    @property
    def highest(self) -> int:
        return self._highest

    def check(self, counter: int) -> int:
        if counter > self._highest:
            return NEW
        if counter < 1:
            return OLD
        below = self._highest - counter - 1
        if below < 0:
            return SEEN
        if below >= self._size:
            return OLD
        return SEEN if self._bits >> below & 1 else NEW

    # Take a counter. Only one that check() calls NEW changes anything.
    def add(self, counter: int) -> None:
        if not 1 <= counter <= COUNTER_MAX:
            raise Malformed("counter out of range")
        if counter > self._highest:
            self._raise_to(counter)
        else:
            below = self._highest - counter - 1
            if 0 <= below < self._size:
                self._bits |= 1 << below

    def _raise_to(self, counter: int) -> None:
        shift = min(counter - self._highest, self._size + 1)
        old = self._bits << 1 | (1 if self._highest else 0)
        self._bits = old << shift - 1 & self._mask
        self._highest = counter

    # What must be stored: ReplayWindow(*state) goes on from here.
    def state(self) -> tuple[int, int, int]:
        return self._highest, self._bits, self._size
