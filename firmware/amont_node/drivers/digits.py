# Binary-coded decimal, as clock and counter chips keep it.

from amont_node.measure import ProbeError


# One byte of two digits. ProbeError: it has none, or a value that cannot be.
def digits(byte: int, least: int, most: int) -> int:
    value = (byte >> 4) * 10 + (byte & 0x0F)
    if byte & 0x0F > 9 or byte >> 4 > 9 or not least <= value <= most:
        raise ProbeError("0x%02x: not digits from %d to %d" % (byte, least, most))
    return value


def byte_of(value: int) -> int:
    return value // 10 << 4 | value % 10
