# The one file that knows which AES is there: MicroPython's cryptolib, or CPython's `cryptography`.
# `Ccm(key)` has seal(nonce, aad, plain) -> cipher and tag, and open(nonce, aad, sealed) -> plain
# or Forged.

from amont_wire import ccm
from amont_wire.errors import Forged, Malformed

KEY = 16

try:
    import cryptolib  # type: ignore[import-not-found]
except ImportError:
    cryptolib = None


def _checked(key: bytes) -> bytes:
    if len(key) != KEY:
        raise Malformed("key must be 16 bytes")
    return bytes(key)


if cryptolib is not None:
    _MODE_ECB = 1
    _MODE_CBC = 2

    class Ccm:
        def __init__(self, key: bytes) -> None:
            self._key = _checked(key)
            self._ecb = cryptolib.aes(self._key, _MODE_ECB)

        def ecb(self, blocks: bytes) -> bytes:
            return bytes(self._ecb.encrypt(blocks))

        # A cryptolib object keeps its CBC state, so each MAC takes a new one.
        def cbc(self, blocks: bytes) -> bytes:
            return bytes(cryptolib.aes(self._key, _MODE_CBC, bytes(16)).encrypt(blocks))

        def seal(self, nonce: bytes, aad: bytes, plain: bytes) -> bytes:
            return ccm.seal(self, nonce, aad, plain)

        def open(self, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
            return ccm.open(self, nonce, aad, sealed)

else:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    class Ccm:  # type: ignore[no-redef]
        def __init__(self, key: bytes) -> None:
            aead = AESCCM(_checked(key), tag_length=ccm.TAG)
            self._encrypt = aead.encrypt
            self._decrypt = aead.decrypt

        def seal(self, nonce: bytes, aad: bytes, plain: bytes) -> bytes:
            if len(nonce) != ccm.NONCE:
                raise Malformed("nonce must be 13 bytes")
            return self._encrypt(nonce, plain, aad)

        def open(self, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
            if len(nonce) != ccm.NONCE or len(sealed) < ccm.TAG:
                raise Malformed("nonce or sealed text of wrong length")
            try:
                return self._decrypt(nonce, sealed, aad)
            except InvalidTag:
                raise Forged("tag does not match") from None
