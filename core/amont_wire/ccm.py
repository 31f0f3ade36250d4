# CCM as RFC 3610 defines it, with M = 8 and L = 2 (nonce of 13 bytes), over any block cipher
# object with
#   ecb(blocks) -> bytes      each 16-byte block enciphered
#   cbc(blocks) -> bytes      CBC from a zero vector
# One ecb call makes the whole key stream and one cbc call the whole MAC: on a board each call
# costs more than the AES rounds inside it.

from amont_wire.errors import Forged, Malformed

NONCE = 13
TAG = 8
PLAIN_MAX = 0xFFFF
AAD_MAX = 0xFEFF  # above it RFC 3610 writes the length in another form, which we never need
_FLAGS = 0x40 | (TAG - 2) // 2 << 3 | 1  # associated data present, M, L - 1


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def _key_stream(cipher, nonce: bytes, length: int) -> bytes:  # type: ignore[no-untyped-def]
    prefix = b"\x01" + nonce
    blocks = b"".join([prefix + i.to_bytes(2, "big") for i in range((length + 31) // 16)])
    return bytes(cipher.ecb(blocks))


def _tag(cipher, nonce: bytes, aad: bytes, plain: bytes, mask: bytes) -> bytes:  # type: ignore[no-untyped-def]
    first = bytes([_FLAGS]) + nonce + len(plain).to_bytes(2, "big")
    mac = cipher.cbc(first + _padded(len(aad).to_bytes(2, "big") + aad) + _padded(plain))
    return _xor(mac[-16:], mask[:TAG])


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes([x ^ y for x, y in zip(a, b)])  # noqa: B905  MicroPython has no strict=


def check(nonce: bytes, aad: bytes, length: int) -> None:
    if len(nonce) != NONCE or not 0 < len(aad) <= AAD_MAX or length > PLAIN_MAX:
        raise Malformed("nonce, associated data or text of wrong length")


def check_sealed(nonce: bytes, aad: bytes, sealed: bytes) -> None:
    check(nonce, aad, len(sealed))
    if len(sealed) < TAG:
        raise Malformed("sealed text shorter than its tag")


# Compare without stopping at the first difference: the time tells nothing about the tag.
def same(a: bytes, b: bytes) -> bool:
    difference = len(a) ^ len(b)
    for x, y in zip(a, b):  # noqa: B905
        difference |= x ^ y
    return difference == 0


def seal(cipher, nonce: bytes, aad: bytes, plain: bytes) -> bytes:  # type: ignore[no-untyped-def]
    check(nonce, aad, len(plain))
    stream = _key_stream(cipher, nonce, len(plain))
    return _xor(plain, stream[16:]) + _tag(cipher, nonce, aad, plain, stream)


def open(cipher, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:  # type: ignore[no-untyped-def]
    check_sealed(nonce, aad, sealed)
    text = sealed[:-TAG]
    stream = _key_stream(cipher, nonce, len(text))
    plain = _xor(text, stream[16:])
    if not same(_tag(cipher, nonce, aad, plain, stream), sealed[-TAG:]):
        raise Forged("tag does not match")
    return plain
