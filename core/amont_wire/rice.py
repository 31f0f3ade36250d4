# One channel's series: the oldest value, then deltas in Rice code or in fixed width, whichever is
# shorter. A delta z (zigzag) is z >> k one-bits, a zero and k low bits; from 12 one-bits on it is
# escaped to a var.

from amont_wire.bits import BitReader, BitWriter, bits_of, unzigzag, zigzag
from amont_wire.const import VALUE_BITS, VALUE_MAX
from amont_wire.errors import Malformed

K_MAX = 14
FIXED = 15
ESCAPE = 12
ESCAPE_ONES = (1 << ESCAPE) - 1
DELTA_BITS = VALUE_BITS + 1  # two values at opposite ends


# Exact bits of a growing set of deltas, under each k and under a fixed width. A delta costs 1 + k
# bits under every k from its own length on, so only what shorter k cost more is kept: on a calm
# river that is two or three numbers, which matters on a board.
class DeltaCost:
    __slots__ = ("count", "more", "width")

    def __init__(self) -> None:
        self.more = [0] * (K_MAX + 1)
        self.count = 0
        self.width = 0

    def add(self, z: int) -> None:
        length = bits_of(z)
        self.width = max(self.width, length)
        self.count += 1
        escaped = ESCAPE + 3 + length
        more = self.more
        for k in range(min(length, K_MAX + 1)):
            q = z >> k
            more[k] += q if q < ESCAPE else escaped - k

    # (bits after the four of k, k); k is FIXED when the fixed width is cheapest. No k above the
    # width can be: it would cost every delta a bit more.
    def cheapest(self) -> tuple[int, int]:
        count = self.count
        more = self.more
        best = FIXED
        bits = 5 + count * self.width
        for k in range(min(self.width, K_MAX), -1, -1):
            cost = count * (1 + k) + more[k]
            if cost <= bits:
                bits = cost
                best = k
        return bits, best


def deltas(values: list[int]) -> list[int]:
    return [zigzag(values[i] - values[i - 1]) for i in range(1, len(values))]


def encode(writer: BitWriter, values: list[int]) -> None:
    writer.svar(values[0], VALUE_BITS)
    if len(values) == 1:
        return
    cost = DeltaCost()
    codes = deltas(values)
    for z in codes:
        cost.add(z)
    k = cost.cheapest()[1]
    writer.put(k, 4)
    if k == FIXED:
        writer.put(cost.width, 5)
        for z in codes:
            writer.put(z, cost.width)
        return
    for z in codes:
        _put_rice(writer, z, k)


def _put_rice(writer: BitWriter, z: int, k: int) -> None:
    q = z >> k
    if q < ESCAPE:
        writer.put((1 << q) - 1 << k + 1 | z & (1 << k) - 1, q + 1 + k)
    else:
        writer.put(ESCAPE_ONES, ESCAPE)
        writer.var(z, DELTA_BITS)


def decode(reader: BitReader, count: int) -> list[int]:
    values = [reader.svar(VALUE_BITS)]
    if count > 1:
        k = reader.get(4)
        if k == FIXED:
            _fixed(reader, count, values)
        else:
            _rice(reader, count, k, values)
    if max(values) > VALUE_MAX or min(values) < -VALUE_MAX:
        raise Malformed("value out of range")
    return values


def _fixed(reader: BitReader, count: int, values: list[int]) -> None:
    width = reader.get(5)
    if width > DELTA_BITS:
        raise Malformed("delta width out of range")
    value = values[0]
    for _ in range(count - 1):
        value += unzigzag(reader.get(width))
        values.append(value)


# The hot loop of the gateway: 24 readings must cost a few microseconds, so the reader's fields are
# local. Twelve zero bits are appended, so that the window of one-bits never reaches past the end.
def _rice(reader: BitReader, count: int, k: int, values: list[int]) -> None:
    bits = reader.value << ESCAPE
    left = reader.left
    low = (1 << k) - 1
    value = values[0]
    for _ in range(count - 1):
        if left < 1:
            raise Malformed("body too short")
        zeros = bits >> left & ESCAPE_ONES ^ ESCAPE_ONES
        if zeros:
            q = ESCAPE + 2 - len(bin(zeros))
            left -= q + 1 + k
            z = q << k | bits >> left + ESCAPE & low if left >= 0 else 0
        else:
            reader.left = left - ESCAPE
            z = reader.var(DELTA_BITS)
            if z >> k < ESCAPE:
                raise Malformed("escape of a short delta")
            left = reader.left
        value += -(z + 1 >> 1) if z & 1 else z >> 1
        values.append(value)
    if left < 0:
        raise Malformed("body too short")
    reader.left = left
