"""Pack and open a release: one signed file that holds a node's whole application.

``NAME.amont`` is a zip without compression and without times, so that the same sources give the
same bytes: the files of a slot, ``main.py`` (the loader), ``release.json`` with the SHA-256 of
each, and ``signature``, Ed25519 over the bytes of ``release.json``. Nothing in the file is
believed before the signature and every hash have been checked.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from amont_provision.signing import public_bytes, signer
from amont_provision.texts import Flaw, Refused, cause

SCHEMA = 1
MANIFEST, SIGNATURE, LOADER = "release.json", "signature", "main.py"
SUFFIX = ".amont"
NUMBER_MAX = 0xFFFF  # it travels in 16 bits
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,31}")
# What a slot may hold. No dot but the suffix's: nothing can climb out of the slot.
PATH = re.compile(r"(?:[A-Za-z0-9_]+/){0,4}[A-Za-z0-9_]+\.mpy")
PATH_LENGTH_MAX = 64  # littlefs allows 255; a board's buffers should not have to
FILES_MAX = 256
RELEASE_BYTES_MAX = 1_000_000  # a Pico's file system has 1.4 MB, and two slots
# What zipfile raises for damaged files: cut off, encrypted, of a newer kind, odd extra fields.
ZIP_ERRORS = (
    zipfile.BadZipFile, ValueError, EOFError, OSError, RuntimeError, OverflowError, struct.error
)  # fmt: skip
EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's own beginning


@dataclass(frozen=True)
class Release:
    """A release whose signature and hashes hold."""

    number: int  # rises with each release
    name: str
    manifest: bytes  # release.json, byte for byte as it was signed
    files: Mapping[str, bytes] = field(repr=False)  # of a slot, without release.json
    loader: bytes = field(repr=False)
    signer: bytes  # the public key that signed it

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each file of a slot in hex."""
        return {path: sha256(content).hexdigest() for path, content in self.files.items()}


def pack(
    number: int, name: str, files: Mapping[str, bytes], loader: bytes, key: Ed25519PrivateKey
) -> bytes:
    """Return a release file; raise Refused if a board could not hold what it names."""
    value = {
        "schema": SCHEMA,
        "release": number,
        "name": name,
        "files": {path: sha256(files[path]).hexdigest() for path in sorted(files)},
        "loader": sha256(loader).hexdigest(),
    }
    manifest = json.dumps(value, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    members = {
        MANIFEST: manifest,
        SIGNATURE: key.sign(manifest),
        LOADER: loader,
        **{path: files[path] for path in sorted(files)},
    }
    content = _zipped(members)
    unpack(content, [public_bytes(key)])  # what we would refuse to install is never written
    return content


def load(path: Path, trusted: Iterable[bytes]) -> Release:
    """Return the release in a file; raise Refused as ``unpack`` does, or if it is missing."""
    try:
        with path.open("rb") as file:
            content = file.read(RELEASE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused("release-missing", path=path, why=cause(error)) from None
    return unpack(content, trusted, path.name)


def unpack(content: bytes, trusted: Iterable[bytes], name: str = "") -> Release:
    """Return the release that bytes hold; raise Refused unless a trusted key signed all of it."""
    if len(content) > RELEASE_BYTES_MAX:
        raise Refused("release-damaged", name=name, why=Flaw("flaw-large", most=RELEASE_BYTES_MAX))
    members = _members(content, name)
    for needed in (MANIFEST, SIGNATURE, LOADER):
        if needed not in members:
            raise Refused("release-damaged", name=name, why=Flaw("flaw-missing", name=needed))
    manifest = members.pop(MANIFEST)
    key = signer(manifest, members.pop(SIGNATURE), trusted)
    if key is None:
        raise Refused("release-untrusted", name=name)
    try:
        value = checked_manifest(manifest)
        loader = members.pop(LOADER)
        _check_hashes(value, members, loader)
    except Flaw as error:
        raise Refused("release-damaged", name=name, why=error) from None
    return Release(value["release"], value["name"], manifest, members, loader, key)


def checked_manifest(content: bytes) -> dict[str, Any]:
    """Return what ``release.json`` says; raise Flaw with the first thing that is wrong."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise Flaw("flaw-json", name=MANIFEST) from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise Flaw("flaw-schema", name=MANIFEST, schema=SCHEMA)
    number, name, files = value.get("release"), value.get("name"), value.get("files")
    if type(number) is not int or not 1 <= number <= NUMBER_MAX:
        raise Flaw("flaw-number", most=NUMBER_MAX)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Flaw("flaw-name")
    if not isinstance(files, dict) or not 1 <= len(files) <= FILES_MAX:
        raise Flaw("flaw-files", most=FILES_MAX)
    for path, digest in [*files.items(), (LOADER, value.get("loader"))]:
        allowed = path == LOADER or (PATH.fullmatch(path) and len(path) <= PATH_LENGTH_MAX)
        if not allowed or not isinstance(digest, str) or not _HEX.fullmatch(digest):
            raise Flaw("flaw-path", path=ascii(path)[:80])
    if LOADER in files:
        raise Flaw("flaw-path", path=LOADER)
    return value


_HEX = re.compile(r"[0-9a-f]{64}")


def _check_hashes(value: dict[str, Any], files: dict[str, bytes], loader: bytes) -> None:
    expected: dict[str, str] = {**value["files"], LOADER: value["loader"]}
    present = {**files, LOADER: loader}
    differing = expected.keys() ^ present.keys()
    if differing:
        raise Flaw("flaw-not-both", path=ascii(min(differing))[:80])
    for path, content in present.items():
        if sha256(content).hexdigest() != expected[path]:
            raise Flaw("flaw-hash", path=path)


def _members(content: bytes, name: str) -> dict[str, bytes]:
    """Return a zip's members; only as many and as large as a release may have."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > FILES_MAX + 3:
                raise Flaw("flaw-files", most=FILES_MAX)
            if sum(entry.file_size for entry in entries) > RELEASE_BYTES_MAX:
                raise Flaw("flaw-large", most=RELEASE_BYTES_MAX)
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise Flaw("flaw-compressed")
            if len({entry.filename for entry in entries}) != len(entries):
                raise Flaw("flaw-twice")
            return {entry.filename: archive.read(entry) for entry in entries}
    except Flaw as flaw:
        raise Refused("release-damaged", name=name, why=flaw) from None
    except ZIP_ERRORS:
        raise Refused("release-damaged", name=name, why=Flaw("flaw-zip")) from None


def _zipped(members: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for path, content in members.items():
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every system
            archive.writestr(entry, content)
    return written.getvalue()
