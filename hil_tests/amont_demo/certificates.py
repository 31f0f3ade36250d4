"""Make a throw-away certificate authority with one identity for the broker and one a client.

Only for the demonstration and for tests: a site's authority is made by provisioning and lives on.
Elliptic-curve keys (P-256) because MicroPython's TLS on small boards handles them fastest.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A node with a clock in 1970 must still be able to check the broker's certificate.
_FROM = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)
_DAYS = 3650
_ENCODINGS = ((".%s", serialization.Encoding.PEM), (".%s.der", serialization.Encoding.DER))


def make_authority(folder: Path, clients: list[str]) -> None:
    """Write ca, broker and client certificates and keys, each as PEM and DER, into a folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("amont demonstration authority", authority_key, None, authority_key)
    _write(folder, "ca", authority, None)
    key = ec.generate_private_key(ec.SECP256R1())
    _write(folder, "broker", _certificate("localhost", key, authority, authority_key), key)
    for client in clients:
        key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, client, _certificate(client, key, authority, authority_key), key)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=_DAYS)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(until)
        .add_extension(
            x509.BasicConstraints(ca=authority is None, path_length=None), critical=True
        )
    )
    if authority is not None:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        ).add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
    return builder.sign(authority_key, hashes.SHA256())


def _write(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None
) -> None:
    for suffix, encoding in _ENCODINGS:
        (folder / (name + suffix % "crt")).write_bytes(certificate.public_bytes(encoding))
        if key is None:
            continue
        path = folder / (name + suffix % "key")
        path.write_bytes(
            key.private_bytes(
                encoding,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        path.chmod(0o600)
