"""Keep the key that signs releases, and read the keys that a person trusts.

A private key is 32 bytes in hex in a file of mode 0600; a public key is 32 bytes in hex, as text
or in a file. The development key is made at first use and never leaves this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from amont_provision.texts import Refused

KEY_VARIABLE = "AMONT_RELEASE_KEY"
KEY_BYTES = 32
PRIVATE = 0o600
KEY_FILE_BYTES_MAX = 4096  # a file of public keys, one a line; anything larger is another file


def development_key() -> Path:
    """Return where this person's own key is or will be."""
    named = os.environ.get(KEY_VARIABLE)
    usual = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(named) if named else usual / "amont" / "release.key"


def private_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a file, made there at first use; raise Refused if it is damaged."""
    if not path.exists():
        _make(path)
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    except (OSError, ValueError) as error:
        raise Refused("key-damaged", path=path, why=error) from None


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes that others verify with."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def trusted(named: Iterable[str]) -> tuple[bytes, ...]:
    """Return the public keys that ``named`` gives as hex or as files of hex lines.

    With nothing named that is the development key, if this machine has one. Raise Refused for
    what is no key, and if no key remains.
    """
    keys = [key for text in named for key in _keys(text)]
    if not keys and development_key().exists():
        keys = [public_bytes(private_key(development_key()))]
    if not keys:
        raise Refused("nothing-trusted")
    return tuple(dict.fromkeys(keys))


def signer(content: bytes, signature: bytes, keys: Iterable[bytes]) -> bytes | None:
    """Return which of ``keys`` signed ``content``, None if none did."""
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
        except (InvalidSignature, ValueError):
            continue
        return key
    return None


def fingerprint(key: bytes) -> str:
    """Return the start of a public key, enough to compare by eye."""
    return key.hex()[:16]


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    raw = Ed25519PrivateKey.generate().private_bytes(
        Encoding.Raw, PrivateFormat.Raw, NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
        file.write(raw.hex() + "\n")


def _keys(text: str) -> list[bytes]:
    found = _key(text)
    if found:
        return [found]
    try:
        with Path(text).open("rb") as file:
            lines = file.read(KEY_FILE_BYTES_MAX).decode("ascii").split()
    except (OSError, ValueError):
        raise Refused("no-public-key", key=text) from None
    keys = [_key(line) for line in lines]
    if not keys or None in keys:
        raise Refused("no-public-key", key=text)
    return [key for key in keys if key]


def _key(text: str) -> bytes | None:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == KEY_BYTES else None
