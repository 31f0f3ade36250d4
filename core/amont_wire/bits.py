# Bit fields, most significant bit first, over one big integer: a shift and a mask read a field at
# C speed on both Pythons, and a body has at most 36 bytes. `bin` gives bit lengths: MicroPython
# has no int.bit_length.

from amont_wire.errors import Malformed

VAR_BITS_MAX = 31


def zigzag(value: int) -> int:
    return value * 2 if value >= 0 else -value * 2 - 1


def unzigzag(code: int) -> int:
    return -(code + 1 >> 1) if code & 1 else code >> 1


def bits_of(value: int) -> int:
    return len(bin(value)) - 2 if value else 0


# Bits that `var` takes for a value.
def var_cost(value: int) -> int:
    return 4 + len(bin(value)) - 2 if value else 5


class BitWriter:
    __slots__ = ("bit_length", "value")

    def __init__(self) -> None:
        self.value = 0
        self.bit_length = 0

    def put(self, value: int, width: int) -> None:
        if value < 0 or value >> width:
            raise Malformed("value does not fit its field")
        self.value = self.value << width | value
        self.bit_length += width

    # limit: the most bits that this field may take.
    def var(self, value: int, limit: int = VAR_BITS_MAX) -> None:
        length = bits_of(value)
        if value < 0 or length > limit:
            raise Malformed("value out of range")
        self.put(length, 5)
        if length > 1:
            self.put(value - (1 << length - 1), length - 1)

    def svar(self, value: int, limit: int = VAR_BITS_MAX) -> None:
        self.var(zigzag(value), limit)

    def align(self) -> None:
        pad = -self.bit_length % 8
        self.value <<= pad
        self.bit_length += pad

    def tobytes(self) -> bytes:
        pad = -self.bit_length % 8
        return (self.value << pad).to_bytes((self.bit_length + pad) // 8, "big")


class BitReader:
    __slots__ = ("left", "value")

    def __init__(self, data: bytes) -> None:
        self.value = int.from_bytes(data, "big")
        self.left = len(data) * 8  # bits not yet read

    def get(self, width: int) -> int:
        left = self.left - width
        if left < 0:
            raise Malformed("body too short")
        self.left = left
        return self.value >> left & (1 << width) - 1

    def var(self, limit: int = VAR_BITS_MAX) -> int:
        left = self.left - 5
        if left < 0:
            raise Malformed("body too short")
        length = self.value >> left & 31
        if length > limit:
            raise Malformed("value out of range")
        if length < 2:
            self.left = left
            return length
        left -= length - 1
        if left < 0:
            raise Malformed("body too short")
        self.left = left
        top = 1 << length - 1
        return self.value >> left & top - 1 | top

    def svar(self, limit: int = VAR_BITS_MAX) -> int:
        code = self.var(limit)
        return -(code + 1 >> 1) if code & 1 else code >> 1

    # Skip to the next byte; what is skipped must be zero.
    def align(self) -> None:
        if self.get(self.left % 8):
            raise Malformed("padding is not zero")

    # The body ends here: less than a byte of zero padding is left.
    def finish(self) -> None:
        if self.left > 7:
            raise Malformed("body too long")
        self.align()
