"""Keep this machine's own certificate authority and the page's certificate that it signs.

People act over HTTPS only, and no public authority certifies ``pi.local`` in a town hall without
internet. So the machine has an authority of its own, which people install once. It is made once
and never replaced by itself; it vouches for local names alone, so that even a stolen key opens no
one's bank. The page's certificate is short-lived and renewed by itself, also when the machine's
names or addresses change.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from amont_gateway.machine import own_addresses, own_names

AUTHORITY_DAYS = 3650
PAGE_DAYS = 397  # the most that browsers take of public ones
RENEW_DAYS = 30  # so long before its end the page's certificate is renewed
# A clock that was never set must not make certificates that ended long ago.
EARLIEST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
# Where names of a local network end, besides the machine's own: mDNS, home routers, RFC 8375.
LOCAL = ("localhost", "local", "lan", "home", "home.arpa", "internal")
_PRIVATE, _PUBLIC = 0o600, 0o644


class AuthorityError(Exception):
    """The authority's files cannot be used; says which and why."""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Authority:
    """The authority and the page's certificate in one folder (0700)."""

    def __init__(
        self,
        folder: Path,
        extra_names: Sequence[str] = (),
        *,
        now: Callable[[], dt.datetime] = _now,
        addresses: Callable[[], list[str]] = own_addresses,
    ) -> None:
        self._folder = folder
        self._extra = tuple(extra_names)
        self._now = now
        self._addresses = addresses
        self.certificate_path = folder / "authority.crt"
        self.key_path = folder / "authority.key"
        self.page_path = folder / "page.pem"  # key and certificate: one file is never half new

    def names(self) -> list[str]:
        """Return the machine's names, and those that it was told."""
        return own_names(self._extra)

    def renew(self) -> bool:
        """Make or renew what is missing or due; tell whether the page's certificate is new.

        Raise ``AuthorityError`` if a file is damaged, OSError if the disk refuses.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.certificate_path.exists() and not self.key_path.exists():
            self._make_authority()
        if not self.due():
            return False
        self._make_page()
        return True

    def pem(self) -> bytes:
        """Return the authority's certificate, for people to install."""
        return self.certificate_path.read_bytes()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the authority's certificate in pairs, as devices show it."""
        digest = self._certificate().fingerprint(hashes.SHA256())
        return " ".join(f"{byte:02X}" for byte in digest)

    def problems(self) -> list[str]:
        """Return what is wrong with the authority's own files; renewing does not mend these."""
        try:
            return [*self._open_files(), *self._authority_dates()]
        except (AuthorityError, OSError) as error:
            return [str(error)]

    def ends(self) -> dt.datetime:
        """Return when the page's certificate ends."""
        return self._page_certificate().not_valid_after_utc

    def _open_files(self) -> Iterable[str]:
        for path in (self.key_path, self.page_path):
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
            if mode & 0o077:
                yield f"{path}: others may read it (mode {mode:o}): chmod 600"

    def _authority_dates(self) -> Iterable[str]:
        end = self._certificate().not_valid_after_utc
        if end - self._now() < dt.timedelta(days=RENEW_DAYS):
            yield f"{self.certificate_path}: ends on {end:%Y-%m-%d}: remove the folder"

    def due(self) -> list[str]:
        """Return why the page's certificate must be made anew; empty if it is good."""
        if not self.page_path.exists():
            return [f"{self.page_path}: there is none"]
        try:
            page = self._page_certificate()
            page.verify_directly_issued_by(self._certificate())
        except (AuthorityError, InvalidSignature, TypeError, ValueError):
            return [f"{self.page_path}: damaged, or not of this authority"]
        now, end = self._date(), page.not_valid_after_utc
        reasons = []
        if not page.not_valid_before_utc <= now <= end - dt.timedelta(days=RENEW_DAYS):
            reasons.append(f"{self.page_path}: ends on {end:%Y-%m-%d}")
        if _names_in(page) != {str(name.value) for name in self._wanted()}:
            reasons.append(f"{self.page_path}: this machine's names or addresses are others now")
        return reasons

    def _date(self) -> dt.datetime:
        return max(self._now(), EARLIEST)

    def _wanted(self) -> list[x509.GeneralName]:
        """Return the names that the page's certificate should carry: those that we vouch for."""
        permitted = _permitted(self._certificate())
        names = [n for n in self.names() if any(_within(n, tree) for tree in permitted)]
        found: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        return found + [x509.IPAddress(ipaddress.ip_address(a)) for a in self._addresses()]

    def _certificate(self) -> x509.Certificate:
        return _read_certificate(self.certificate_path)

    def _page_certificate(self) -> x509.Certificate:
        return _read_certificate(self.page_path)

    def _make_authority(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        host, date = socket.gethostname(), self._date()
        subject = _subject(f"Amont {host[:30]} {date:%Y-%m-%d}")
        trees = sorted({*LOCAL, *self.names()})
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        constraints = x509.NameConstraints([x509.DNSName(tree) for tree in trees], None)
        certificate = (
            _builder(subject, subject, key.public_key(), date, AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(constraints, critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(self.key_path, _pem_of(key), _PRIVATE)
        _write(self.certificate_path, _pem(certificate), _PUBLIC)

    def _make_page(self) -> None:
        authority, signer = self._certificate(), _read_key(self.key_path)
        if signer.public_key() != authority.public_key():
            raise AuthorityError(f"{self.key_path} does not belong to {self.certificate_path}")
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = self._wanted()
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        certificate = (
            _builder(
                _subject("Amont"), authority.subject, key.public_key(), self._date(), PAGE_DAYS
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(wanted), critical=False)
            .add_extension(usage, critical=False)
            .add_extension(issuer, critical=False)
            .sign(signer, hashes.SHA256())
        )
        _write(self.page_path, _pem_of(key) + _pem(certificate), _PRIVATE)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    date: dt.datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(date - dt.timedelta(days=1))  # clocks differ
        .not_valid_after(date + dt.timedelta(days=days - 1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _names_in(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(name.value) for name in found.value}


def _permitted(authority: x509.Certificate) -> list[str]:
    found = authority.extensions.get_extension_for_class(x509.NameConstraints)
    return [str(tree.value) for tree in found.value.permitted_subtrees or []]


def _within(name: str, tree: str) -> bool:
    return name == tree or name.endswith(f".{tree}")


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise AuthorityError(f"{path}: no certificate can be read from it") from error


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise AuthorityError(f"{path}: no key can be read from it") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError(f"{path}: a key of another kind")
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all, never readable by others even for a moment."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.fchmod(descriptor, mode)
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
