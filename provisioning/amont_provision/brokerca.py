"""Keep the broker's certificate authority, one identity a client, and the list of revoked ones.

Everything begins to be valid at one fixed day in the past: the Pi may come back from a power cut
without a clock, and so may a node. The list of revoked certificates does not expire before the
authority, for an expired one would shut out every node. Keys are P-256, the fastest that small
boards have.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import grp
import ipaddress
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from amont_provision.texts import Refused
from amont_provision.whole import PRIVATE, READABLE, replace

BEGINS = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
AUTHORITY_DAYS, NODE_DAYS, OWN_DAYS = 9_131, 3_652, 825
# An own certificate is renewed by itself, so late enough; a node's needs a person and a cable.
RENEW_OWN_DAYS, WARN_NODE_DAYS = 90, 365
AUTHORITY, BROKER, GATEWAY, NODES, REVOKED = "ca", "broker", "gateway", "nodes", "revoked.crl"
LEDGER = "issued.json"
GROUP = 0o640  # also for the user whose group the folder has
# mode and group of each folder by its name; "" holds them all: others pass through it blindly
_FOLDERS = {"": (0o751, "mosquitto"), GATEWAY: (0o750, "amont"), NODES: (0o700, "")}


class Held(NamedTuple):
    """One identity: where it lies, whom it names, how long it is good."""

    folder: Path
    name: str
    days: int
    renew_days: int


class Ledger(NamedTuple):
    """Serial numbers, given to whom, and ended; names that the broker was ever given."""

    issued: dict[str, list[int]]
    revoked: list[int]
    names: list[str]


class Authority:
    """The authority in a folder of the Pi; raise Refused for files that cannot be used."""

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """Take the folder, and the names under which nodes and gateway reach the broker.

        Names that it was given before are kept: a renewal by a timer names none.
        """
        self.folder, self.now = folder, now
        kept = self._ledger().names if (folder / LEDGER).exists() else []
        self._names = tuple(dict.fromkeys([*names, *kept, "localhost", "127.0.0.1"]))

    def due(self, nodes: Sequence[int]) -> list[str]:
        """Return what is missing, ends soon or does not fit: "ca", "broker", "31", …"""
        if not self._path(AUTHORITY).exists():
            return [AUTHORITY, BROKER, GATEWAY, *map(str, nodes)]
        found = [held.name for held in self._held(nodes) if self._is_due(held)]
        return found if self._is_listed() else [*found, REVOKED]

    def ends(self, nodes: Sequence[int]) -> dict[str, dt.datetime]:
        """Return when each certificate ends, by name."""
        return {
            held.name: _certificate(held.folder / f"{held.name}.crt").not_valid_after_utc
            for held in self._held(nodes)
        }

    def make(self, name: str) -> None:
        """Make or renew one of what ``due`` names; the one before it is no longer known."""
        if name in (AUTHORITY, REVOKED):
            self._make_authority() if name == AUTHORITY else self._list_revoked()
            return
        held = self._of(name)
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(held, key)
        _folder(held.folder, *_FOLDERS.get(held.folder.name, _FOLDERS[""]))
        self._note(name, made.serial_number)
        mode = GROUP if name in (BROKER, GATEWAY) else PRIVATE
        put(held.folder / f"{name}.key", _pem_of(key), mode)
        put(held.folder / f"{name}.crt", _pem(made), READABLE)
        if held.folder != self.folder:
            put(held.folder / "ca.crt", self._path(AUTHORITY).read_bytes(), READABLE)

    def revoke(self, name: str) -> bool:
        """End every certificate that a client was given; False if it has none that counts."""
        ledger = self._ledger()
        ended = ledger.issued.pop(name, [])
        if not ended:
            return False
        ledger.revoked.extend(ended)
        self._keep(ledger)
        self._list_revoked()
        held = self._of(name)
        for suffix in ("key", "crt"):
            (held.folder / f"{name}.{suffix}").unlink(missing_ok=True)
        return True

    def _list_revoked(self) -> None:
        certificate, key = self._signer()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(certificate.subject)
            .last_update(BEGINS)
            .next_update(certificate.not_valid_after_utc)
        )
        for serial in sorted(self._ledger().revoked):
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(BEGINS)
            builder = builder.add_revoked_certificate(one.build())
        listed = builder.sign(key, hashes.SHA256())
        put(self._path(REVOKED), listed.public_bytes(serialization.Encoding.PEM), READABLE)

    def _is_listed(self) -> bool:
        """Tell whether the list of revoked ones is what it should be: a kill may come between."""
        try:
            listed = x509.load_pem_x509_crl(self._path(REVOKED).read_bytes())
        except (OSError, ValueError):
            return False
        return {one.serial_number for one in listed} == set(self._ledger().revoked)

    def _held(self, nodes: Sequence[int]) -> list[Held]:
        return [self._of(name) for name in (BROKER, GATEWAY, *map(str, nodes))]

    def _of(self, name: str) -> Held:
        if name == BROKER:
            return Held(self.folder, name, OWN_DAYS, RENEW_OWN_DAYS)
        if name == GATEWAY:
            return Held(self.folder / GATEWAY, name, OWN_DAYS, RENEW_OWN_DAYS)
        return Held(self.folder / NODES, name, NODE_DAYS, 0)

    def _is_due(self, held: Held) -> bool:
        path = held.folder / f"{held.name}.crt"
        if not path.exists() or not path.with_suffix(".key").exists():
            return True
        found = _certificate(path)
        try:
            found.verify_directly_issued_by(self._signer()[0])
        except (InvalidSignature, ValueError, TypeError):
            return True
        if held.name == BROKER and _names_in(found) != _wanted(self._names):
            return True
        left = found.not_valid_after_utc - self.now()
        return left < dt.timedelta(days=held.renew_days)

    def _make_authority(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        _folder(self.folder, *_FOLDERS[""])
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject("Amont broker authority")
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        made = (
            _builder(subject, subject, key.public_key(), AUTHORITY_DAYS, self.now())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        put(self._path(AUTHORITY, "key"), _pem_of(key), PRIVATE)
        put(self._path(AUTHORITY), _pem(made), READABLE)
        self._keep(Ledger({}, [], []))
        self._list_revoked()

    def _signed(self, held: Held, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        authority, signer = self._signer()
        use, names = ExtendedKeyUsageOID.CLIENT_AUTH, _alternatives([f"{held.name}.amont"])
        subject = _subject(held.name)
        if held.name == BROKER:
            use, names = ExtendedKeyUsageOID.SERVER_AUTH, _alternatives(self._names)
            subject = _subject(self._names[0])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        return (
            _builder(subject, authority.subject, key.public_key(), held.days, self.now())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(signer, hashes.SHA256())
        )

    def _signer(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        certificate, path = _certificate(self._path(AUTHORITY)), self._path(AUTHORITY, "key")
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise Refused("broker-file", path=path, why=_why(error)) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or (
            key.public_key() != certificate.public_key()
        ):
            raise Refused("broker-file", path=path, why="ca.key ≠ ca.crt")
        return certificate, key

    def _note(self, name: str, serial: int) -> None:
        ledger = self._ledger()
        ledger.issued.setdefault(name, []).append(serial)
        ledger.names[:] = self._names
        self._keep(ledger)

    def _ledger(self) -> Ledger:
        path = self.folder / LEDGER
        try:
            found = json.loads(path.read_bytes())
            issued = {str(k): [int(n) for n in v] for k, v in found["issued"].items()}
            names = [str(name) for name in found["names"]]
            return Ledger(issued, [int(n) for n in found["revoked"]], names)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused("broker-file", path=path, why=_why(error)) from None

    def _keep(self, ledger: Ledger) -> None:
        content = json.dumps({"format": 1, **ledger._asdict()}, indent=1)
        put(self.folder / LEDGER, content.encode() + b"\n", PRIVATE)

    def _path(self, name: str, suffix: str = "crt") -> Path:
        return self.folder / (name if name == REVOKED else f"{name}.{suffix}")


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    days: int,
    now: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(max(now, BEGINS) + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    """Return names and addresses; addresses also as names: boards compare those."""
    found: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            continue
    return found


def _wanted(names: Sequence[str]) -> set[str]:
    return {str(name.value) for name in _alternatives(names)}


def _names_in(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in found.value}


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Refused("broker-file", path=path, why=_why(error)) from None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    # the traditional form: MicroPython reads no other on small boards
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _folder(path: Path, mode: int, group: str) -> None:
    """Make a folder; as root with the group of the service that reads it, where there is one."""
    if path.exists():
        return
    path.mkdir(mode=0o700)
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
    path.chmod(mode)


def put(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole; its group is its folder's, so that the broker's own user may read."""
    replace(path, content, mode)
    if os.geteuid() == 0:
        os.chown(path, -1, path.parent.stat().st_gid)
