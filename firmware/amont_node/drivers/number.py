# Numbers of sensors to integers, without a float: decimal text and IEEE 754 single precision.

from amont_node.measure import nearest

_MANTISSA_BITS = 23
_BIAS = 127
_EXPONENT_MAX = 30  # values of 2^31 and more measure nothing


# 32 bits, times 10^decimals, to the nearest. None: infinite, not a number, or absurdly great.
def float32(bits: int, decimals: int) -> int | None:
    exponent = bits >> _MANTISSA_BITS & 0xFF
    mantissa = bits & (1 << _MANTISSA_BITS) - 1
    if exponent > _BIAS + _EXPONENT_MAX:
        return None
    if exponent == 0:
        exponent = 1  # denormal: no hidden bit
    else:
        mantissa |= 1 << _MANTISSA_BITS
    shift = exponent - _BIAS - _MANTISSA_BITS
    scaled = mantissa * 10**decimals
    value = scaled << shift if shift >= 0 else nearest(scaled, 1 << -shift)
    return -value if bits >> 31 else value


# "+3.14" times 10^decimals, to the nearest. ValueError: not a sign and digits with at most one
# point.
def decimal(text: str, decimals: int) -> int:
    sign, digits = text[:1], text[1:]
    whole, _, fraction = digits.partition(".")
    for byte in (whole + fraction).encode():
        if not 0x30 <= byte <= 0x39:
            raise ValueError("%s: not a number" % text)
    if sign not in ("+", "-") or not whole + fraction:
        raise ValueError("%s: not a number" % text)
    value = nearest(int(whole + fraction) * 10**decimals, 10 ** len(fraction))
    return -value if sign == "-" else value
