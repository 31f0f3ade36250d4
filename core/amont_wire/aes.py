# The one file that knows which AES is there: MicroPython's cryptolib, or CPython's `cryptography`.

import sys

from amont_wire import ccm
from amont_wire.errors import Forged, Malformed

KEY = 16
_MODE_ECB = 1  # cryptolib's numbers
_MODE_CBC = 2


# ccm.py over cryptolib.
class Board:
    def __init__(self, key: bytes) -> None:
        from cryptolib import aes  # type: ignore[import-not-found]  # only MicroPython has it

        self._aes = aes
        self._key = key
        self._blocks = aes(key, _MODE_ECB)

    def ecb(self, blocks: bytes) -> bytes:
        return bytes(self._blocks.encrypt(blocks))

    # A cryptolib object keeps its CBC state, so each MAC takes a new one.
    def cbc(self, blocks: bytes) -> bytes:
        return bytes(self._aes(self._key, _MODE_CBC, bytes(16)).encrypt(blocks))

    def seal(self, nonce: bytes, aad: bytes, plain: bytes) -> bytes:
        return ccm.seal(self, nonce, aad, plain)

    def open(self, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        return ccm.open(self, nonce, aad, sealed)


# OpenSSL's CCM: a tenth of the time of ccm.py.
class Host:
    def __init__(self, key: bytes) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM

        aead = AESCCM(key, tag_length=ccm.TAG)
        self._encrypt = aead.encrypt
        self._decrypt = aead.decrypt
        self._invalid = InvalidTag

    def seal(self, nonce: bytes, aad: bytes, plain: bytes) -> bytes:
        ccm.check(nonce, aad, len(plain))
        return self._encrypt(nonce, plain, aad)

    def open(self, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        ccm.check_sealed(nonce, aad, sealed)
        try:
            return self._decrypt(nonce, sealed, aad)
        except self._invalid:
            raise Forged("tag does not match") from None


# seal(nonce, aad, plain) -> cipher and tag; open(nonce, aad, sealed) -> plain, or Forged.
class Ccm:
    def __init__(self, key: bytes) -> None:
        if len(key) != KEY:
            raise Malformed("key must be 16 bytes")
        engine = (Board if sys.implementation.name == "micropython" else Host)(bytes(key))
        self.seal = engine.seal
        self.open = engine.open
