"""Carry identities to the bridges in one file: sealed for a passphrase or a laptop, for some days.

The file is JSON: a head that anybody may read (site, nodes, dates, how it is locked), and the
identities under AES-256-GCM, with the head as associated data. The key comes from a passphrase by
scrypt, or by X25519 from the laptop's public key. On the laptop ``Bundle`` gives each identity to
one board, and keeps beside the laptop's key which one that was: a copy of the file is no second
bundle.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from amont_provision.enrol import Identity
from amont_provision.texts import Refused
from amont_provision.whole import replace

FORMAT = "amont bundle 1"
BYTES_MAX = 4_000_000
# A guess takes 128 MiB and a third of a second; never read from the file: it could ask for more
_SCRYPT = {"n": 1 << 17, "r": 8, "p": 1, "maxmem": 160 << 20, "dklen": 32}
PASSPHRASE_MIN = 12
_INFO = b"amont bundle"
_NONCE_BYTES = 12
_ID = re.compile("[0-9a-f]{16}")
_KEY_BYTES = 32
_SLACK_S = 86_400  # clocks of Pi and laptop differ; one in 1970 differs more
Json = dict[str, Any]


class Recipient(NamedTuple):
    """Who can open a bundle: who knows the passphrase, or else has the key of this public one."""

    passphrase: str = ""
    public: bytes = b""

    def __repr__(self) -> str:
        """Show nothing secret."""
        return f"Recipient(public={self.public.hex()!r})"


def laptop_key(path: Path) -> X25519PrivateKey:
    """Return the laptop's own key, made at first use and readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(path, X25519PrivateKey.generate().private_bytes_raw().hex().encode() + b"\n")
    try:
        return X25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    except ValueError:
        raise Refused("laptop-key", path=path) from None


def public_text(key: X25519PrivateKey) -> str:
    """Return a laptop's public key as people pass it on."""
    return key.public_key().public_bytes_raw().hex()


def public_of(text: str) -> bytes:
    """Return the public key that a text is; raise Refused."""
    try:
        public = bytes.fromhex(text)
        X25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise Refused("public-key", text=text[:80]) from None
    return public


def seal(head: Json, inside: Json, recipient: Recipient) -> bytes:
    """Return a bundle's bytes; ``inside`` is what only the recipient may read."""
    key, lock = _lock(recipient)
    head = {"format": FORMAT, **head, "lock": lock}
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, json.dumps(inside).encode(), _bytes(head))
    told = {"nonce": nonce.hex(), "sealed": base64.b64encode(sealed).decode()}
    return json.dumps({**head, **told}, indent=1).encode() + b"\n"


class Bundle:
    """A bundle on the laptop: opened, still good, and each identity for one board alone."""

    def __init__(
        self,
        path: Path,
        passphrase: Callable[[], str],
        key: Callable[[], X25519PrivateKey],
        notes: Path,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Open a bundle; ask for what opens it. notes: this laptop's folder. Raises Refused."""
        self._path = path
        head, nonce, sealed = _read(path)
        self.site, self._id = str(head["site"]), str(head["id"])
        self._used_path = notes / f"bundle-{self._id}.json"
        self.until_s = int(head["until_s"])
        _check_dates(int(head["made_s"]), self.until_s, now_s())
        try:
            opened = AESGCM(_unlock(head["lock"], passphrase, key))
            inside = json.loads(opened.decrypt(nonce, sealed, _bytes(head)))
        except (InvalidTag, ValueError, KeyError, TypeError):
            raise Refused("bundle-closed", path=path) from None
        self._nodes: dict[str, Json] = inside["nodes"]
        self._files: dict[str, str] = inside["files"]
        self._used = self._read_used()

    def nodes(self) -> list[int]:
        """Return the nodes that it holds identities of."""
        return sorted(map(int, self._nodes))

    def board_of(self, node: int) -> str:
        """Return the name of the board that has a node's identity, "" if none has."""
        return self._used.get(str(node), "")

    def pems(self, node: int) -> dict[str, bytes]:
        """Return the TLS files of a node that came along, by name; empty if there are none."""
        names = ("ca.crt", f"{node}.crt", f"{node}.key")
        return {name: self._files[name].encode() for name in names if name in self._files}

    def offer(self, node: int, board_name: str, renew: bool) -> Identity:  # noqa: ARG002
        """Return the identity of a node for a board; raise Refused if another board has it.

        Whether the node had one before was asked when the bundle was made.
        """
        entry, used = self._nodes.get(str(node)), self.board_of(node)
        if entry is None:
            raise Refused("bundle-node", node=node, nodes=", ".join(map(str, self.nodes())))
        if used and used != board_name:
            raise Refused("bundle-used", node=node, board=used)
        generation, secret = int(entry["generation"]), bytes.fromhex(entry["secret"])
        return Identity(generation, secret, bool(used))

    def keep(self, node: int, identity: Identity, board_name: str) -> None:
        """Note durably which board gets an identity, before it does."""
        if not identity.kept:
            self._used[str(node)] = board_name
            content = {"bundle": self._id, "boards": self._used}
            self._used_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace(self._used_path, json.dumps(content, indent=1).encode() + b"\n")

    def settle(self, node: int) -> None:
        """Do nothing: the node's first sealed hello settles it at the guard."""

    def _read_used(self) -> dict[str, str]:
        if not self._used_path.exists():
            return {}
        try:
            value = json.loads(self._used_path.read_bytes())
            if value["bundle"] != self._id:
                raise ValueError("of another bundle")
            return {str(int(node)): str(board) for node, board in value["boards"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused("bundle-notes", path=self._used_path, why=error) from None


def head_of(path: Path) -> Json:
    """Return what anybody may read of a bundle; raise Refused."""
    return _read(path)[0]


def _check_dates(made_s: int, until_s: int, now_s: float) -> None:
    if now_s < made_s - _SLACK_S:  # a clock that lost its time must not make it last for ever
        raise Refused("clock-back", now=_day(now_s), made=_day(made_s))
    if now_s > until_s:
        raise Refused("bundle-over", day=_day(until_s))


def _day(at_s: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at_s))


def _lock(recipient: Recipient) -> tuple[bytes, Json]:
    """Return a new key, and what lets the recipient find it again."""
    if recipient.public:
        ephemeral = X25519PrivateKey.generate()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient.public))
        made = ephemeral.public_key().public_bytes_raw()
        lock = {"kind": "x25519", "made": made.hex(), "for": recipient.public.hex()}
        return _derived(shared, made + recipient.public), lock
    if len(recipient.passphrase) < PASSPHRASE_MIN:
        raise Refused("passphrase-short", least=PASSPHRASE_MIN)
    salt = secrets.token_bytes(16)
    return stretched(recipient.passphrase, salt), {"kind": "passphrase", "salt": salt.hex()}


def _unlock(
    lock: Json, passphrase: Callable[[], str], key: Callable[[], X25519PrivateKey]
) -> bytes:
    if lock["kind"] == "passphrase":
        return stretched(passphrase(), bytes.fromhex(lock["salt"]))
    own, made = key(), bytes.fromhex(lock["made"])
    public = own.public_key().public_bytes_raw()
    if lock["kind"] != "x25519" or lock["for"] != public.hex():
        raise Refused("bundle-other", wanted=str(lock.get("for"))[:16], own=public.hex()[:16])
    return _derived(own.exchange(X25519PublicKey.from_public_bytes(made)), made + public)


def stretched(passphrase: str, salt: bytes) -> bytes:
    """Return the key that a passphrase gives; slow on purpose."""
    return hashlib.scrypt(passphrase.encode(), salt=salt, **_SCRYPT)


def _derived(shared: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt, _INFO).derive(shared)


def _bytes(head: Json) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode()


def _read(path: Path) -> tuple[Json, bytes, bytes]:
    """Return head, nonce and what is sealed; raise Refused."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(BYTES_MAX))
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']!r:.40}")
        nonce = bytes.fromhex(value.pop("nonce"))
        sealed = base64.b64decode(value.pop("sealed"), validate=True)
        wanted = {"format", "id", "site", "made_s", "until_s", "nodes", "lock"}
        named = isinstance(value["id"], str) and _ID.fullmatch(value["id"])
        if value.keys() != wanted or len(nonce) != _NONCE_BYTES or not named:
            raise ValueError("it is not whole")
        int(value["made_s"]), int(value["until_s"])
        if not isinstance(value["lock"], dict):
            raise ValueError("it is not whole")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("bundle-unreadable", path=path, why=error) from None
    return value, nonce, sealed
