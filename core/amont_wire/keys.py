# Working keys from a node's secret: NIST SP 800-108r1, counter mode, one round of HMAC-SHA256, 128
# bits. MicroPython has no hmac module; sha256 is all that it takes.

from hashlib import sha256

from amont_wire.const import GENERATION_MAX, NODE_MAX
from amont_wire.errors import Malformed

UPLINK_LABEL = b"amont uplink"
DOWNLINK_LABEL = b"amont downlink"
UPDATE_LABEL = b"amont update"

SECRET = 16
_BLOCK = 64


def hmac_sha256(key: bytes, msg: bytes) -> bytes:
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    key = key + bytes(_BLOCK - len(key))
    inner = sha256(bytes([b ^ 0x36 for b in key]))
    inner.update(msg)
    outer = sha256(bytes([b ^ 0x5C for b in key]))
    outer.update(inner.digest())
    return outer.digest()


def check_identity(node: int, generation: int) -> None:
    if not 1 <= node <= NODE_MAX:
        raise Malformed("node id out of range")
    if not 1 <= generation <= GENERATION_MAX:
        raise Malformed("key generation out of range")


# 16 bytes for one purpose. Node and generation are little endian, as in the nonce.
def derive(secret: bytes, node: int, generation: int, label: bytes) -> bytes:
    if len(secret) != SECRET:
        raise Malformed("secret must be 16 bytes")
    check_identity(node, generation)
    context = node.to_bytes(2, "little") + generation.to_bytes(2, "little")
    return hmac_sha256(secret, b"\x01" + label + b"\x00" + context + b"\x00\x80")[:16]
