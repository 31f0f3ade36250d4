import hashlib
import hmac
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from hypothesis import given
from hypothesis import strategies as st

from amont_wire import aes, ccm, keys
from amont_wire.errors import Forged, Malformed

RFC3610 = json.loads((Path(__file__).parent / "rfc3610.json").read_text())
KEY = bytes(range(16))
NONCE = bytes(13)


class CryptolibAes:
    """What cryptolib.aes does on a board: one direction, CBC keeps its state."""

    def __init__(self, key, mode, vector=None):
        chosen = modes.ECB() if mode == 1 else modes.CBC(vector)
        self.encrypt = Cipher(algorithms.AES(key), chosen).encryptor().update


@pytest.fixture
def board(monkeypatch):
    cryptolib = ModuleType("cryptolib")
    cryptolib.aes = CryptolibAes
    monkeypatch.setitem(sys.modules, "cryptolib", cryptolib)
    return aes.Board


@pytest.mark.parametrize("engine", ["board", "host"])
@pytest.mark.parametrize("vector", RFC3610, ids=lambda v: str(v["vector"]))
def test_rfc3610_packet_vectors(engine, vector, board):
    key, nonce, aad, plain, sealed = [
        bytes.fromhex(vector[name]) for name in ("key", "nonce", "aad", "plain", "sealed")
    ]
    cipher = board(key) if engine == "board" else aes.Ccm(key)
    assert cipher.seal(nonce, aad, plain) == sealed
    assert cipher.open(nonce, aad, sealed) == plain


@given(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=13, max_size=13),
    st.binary(min_size=1, max_size=40),
    st.binary(max_size=80),
)
def test_pure_ccm_equals_openssl(key, nonce, aad, plain):
    class Blocks:
        ecb = staticmethod(lambda data: CryptolibAes(key, 1).encrypt(data))
        cbc = staticmethod(lambda data: CryptolibAes(key, 2, bytes(16)).encrypt(data))

    sealed = AESCCM(key, tag_length=8).encrypt(nonce, plain, aad)
    assert ccm.seal(Blocks, nonce, aad, plain) == sealed
    assert ccm.open(Blocks, nonce, aad, sealed) == plain


def test_micropython_takes_the_board_engine(board, monkeypatch):
    monkeypatch.setattr(sys.implementation, "name", "micropython")
    sealed = aes.Ccm(KEY).seal(NONCE, b"aad", b"plain")
    monkeypatch.undo()
    assert aes.Ccm(KEY).open(NONCE, b"aad", sealed) == b"plain"


@pytest.mark.parametrize("engine", ["board", "host"])
def test_every_flipped_bit_is_refused(engine, board):
    cipher = board(KEY) if engine == "board" else aes.Ccm(KEY)
    parts = [NONCE, b"aad", cipher.seal(NONCE, b"aad", b"plain")]
    for which, part in enumerate(parts):
        for bit in range(len(part) * 8):
            flipped = bytearray(part)
            flipped[bit // 8] ^= 1 << bit % 8
            changed = [*parts[:which], bytes(flipped), *parts[which + 1 :]]
            with pytest.raises(Forged):
                cipher.open(*changed)


@pytest.mark.parametrize("engine", ["board", "host"])
@pytest.mark.parametrize(
    ("nonce", "aad", "text"),
    [
        (bytes(12), b"a", bytes(9)),
        (NONCE, b"", bytes(9)),
        (NONCE, bytes(0xFF00), bytes(9)),
        (NONCE, b"a", bytes(0x10000)),
        (NONCE, b"a", bytes(7)),
    ],
)
def test_lengths_outside_the_profile_are_refused(engine, board, nonce, aad, text):
    cipher = board(KEY) if engine == "board" else aes.Ccm(KEY)
    with pytest.raises(Malformed):
        cipher.open(nonce, aad, text)
    if len(text) != 7:
        with pytest.raises(Malformed):
            cipher.seal(nonce, aad, text)


def test_key_of_another_length_is_refused():
    with pytest.raises(Malformed):
        aes.Ccm(bytes(24))


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [(b"", b"", True), (b"ab", b"ab", True), (b"ab", b"ac", False), (b"ab", b"abc", False)],
)
def test_same_compares_all_bytes(a, b, equal):
    assert ccm.same(a, b) is equal


# RFC 4231, cases 1 to 4, 6 and 7
HMAC_CASES = [
    (b"\x0b" * 20, b"Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    (b"\xaa" * 131, b"This is a test using a larger than block-size key and a larger than "
     b"block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "message", "digest"), HMAC_CASES)
def test_rfc4231(key, message, digest):
    assert keys.hmac_sha256(key, message).hex() == digest


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_hmac_equals_the_standard_library(key, message):
    assert keys.hmac_sha256(key, message) == hmac.new(key, message, hashlib.sha256).digest()


def test_derivation_is_sp800_108_in_counter_mode():
    fixed = b"\x01" + b"amont uplink" + b"\x00" + b"\x02\x01" + b"\x04\x03" + b"\x00\x80"
    expected = hmac.new(KEY, fixed, hashlib.sha256).digest()[:16]
    assert keys.derive(KEY, 0x0102, 0x0304, keys.UPLINK_LABEL) == expected


def test_every_purpose_node_and_generation_has_its_own_key():
    labels = (keys.UPLINK_LABEL, keys.DOWNLINK_LABEL, keys.UPDATE_LABEL)
    made = [keys.derive(KEY, n, g, label) for n in (1, 2) for g in (1, 2) for label in labels]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("secret", "node", "generation"),
    [(KEY[1:], 1, 1), (KEY, 0, 1), (KEY, 65535, 1), (KEY, 1, 0), (KEY, 1, 65536)],
)
def test_keys_outside_their_range_are_refused(secret, node, generation):
    with pytest.raises(Malformed):
        keys.derive(secret, node, generation, keys.UPLINK_LABEL)
