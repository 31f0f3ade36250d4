"""Seal files of any size for a passphrase: AES-256-GCM over pieces, each bound to its place.

A sealed file is a mark, eight random bytes, then the pieces. A piece's nonce is those bytes and
its number; the file's name and whether it is the last piece are associated data. So pieces cannot
be left out, moved, or taken from another file without that showing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from amont_provision.texts import Refused

MARK = b"AMS1"
PIECE_BYTES = 1 << 20
_PREFIX_BYTES, _TAG_BYTES = 8, 16


def seal(source: BinaryIO, target: BinaryIO, key: bytes, name: str) -> None:
    """Write what ``source`` holds to ``target``, sealed under ``name``."""
    prefix, cipher = os.urandom(_PREFIX_BYTES), AESGCM(key)
    target.write(MARK + prefix)
    for number, piece, last in _pieces(source, PIECE_BYTES):
        target.write(cipher.encrypt(_nonce(prefix, number), piece, _bound(name, last)))


def unseal(source: BinaryIO, target: BinaryIO, key: bytes, name: str) -> None:
    """Write what was sealed under ``name``; raise Refused if this is not all of it, or not it."""
    cipher = AESGCM(key)
    head = source.read(len(MARK) + _PREFIX_BYTES)
    try:
        if head[: len(MARK)] != MARK:
            raise InvalidTag
        for number, piece, last in _pieces(source, PIECE_BYTES + _TAG_BYTES):
            nonce = _nonce(head[len(MARK) :], number)
            target.write(cipher.decrypt(nonce, piece, _bound(name, last)))
    except (InvalidTag, ValueError):
        raise Refused("backup-closed", name=name) from None


def _pieces(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    number, piece = 0, source.read(size)
    while True:
        after = source.read(size)
        yield number, piece, not after
        if not after:
            return
        number, piece = number + 1, after


def _nonce(prefix: bytes, number: int) -> bytes:
    return prefix + number.to_bytes(4, "big")


def _bound(name: str, last: bool) -> bytes:
    return f"{name}\0{int(last)}".encode()


def seal_in_place(path: Path, key: bytes, name: str) -> None:
    """Replace a file by its sealed form."""
    beside = path.with_name(path.name + ".sealed")
    with path.open("rb") as source, beside.open("wb") as target:
        seal(source, target, key, name)
    beside.rename(path)
