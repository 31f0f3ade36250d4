"""Set what a board holds besides its identity: settings, Wi-Fi, TLS files. Read back each time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from amont_provision import board, held
from amont_provision.board import Held, Json
from amont_provision.port import Port
from amont_provision.texts import Refused

WIFI = "wifi.json"
SSID_BYTES_MAX = 32  # IEEE 802.11
PASSWORD_LEAST, PASSWORD_MOST = 8, 63  # WPA2
_CLOCK_LEAST_S = 1_700_000_000  # before it this machine's own clock is not set
# name: least and greatest, as the node's configuration has them
BOUNDS = {
    "interval_s": (1, 86_400), "fast_interval_s": (1, 86_400),
    "high_mark": (-(1 << 24), 1 << 24), "rise_mark": (0, 1 << 24),
    "alarm_mark": (-(1 << 24), 1 << 24), "look_s": (10, 3_600), "overlap": (0, 63),
    "low_mark": (-(1 << 24), 1 << 24), "fall_mark": (0, 1 << 24), "frame_samples": (1, 64),
}  # fmt: skip
MAY_BE_NONE = {"high_mark", "rise_mark", "alarm_mark", "look_s", "low_mark", "fall_mark"}


def changed(found: Held, wishes: dict[str, int | None]) -> Json:
    """Return the configuration that a board should hold; raise Refused if it could not be."""
    for name, value in wishes.items():
        if name not in BOUNDS:
            raise Refused("set-name", name=name, names=", ".join(BOUNDS))
        least, most = BOUNDS[name]
        if (value is None and name not in MAY_BE_NONE) or not (
            value is None or least <= value <= most
        ):
            raise Refused("set-bounds", name=name, value=value, least=least, most=most)
    after = held.changed(found, lambda config: config.update(wishes))
    if after["fast_interval_s"] > after["interval_s"]:
        value = after["fast_interval_s"]
        raise Refused(
            "set-bounds", name="fast_interval_s", value=value, least=1, most=after["interval_s"]
        )
    if (after.get("look_s") or 0) > after["interval_s"]:
        value = after["look_s"]
        raise Refused("set-bounds", name="look_s", value=value, least=10, most=after["interval_s"])
    return after


def wifi(ssid: str, password: str) -> bytes:
    """Return the file that holds the network; raise Refused if it could not be one."""
    if not 1 <= len(ssid.encode()) <= SSID_BYTES_MAX:
        raise Refused("wifi-name", most=SSID_BYTES_MAX)
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST or not password.isprintable():
        raise Refused("wifi-password", least=PASSWORD_LEAST, most=PASSWORD_MOST)
    network = {"ssid": ssid, "password": password}
    return json.dumps({"schema": board.SCHEMA, "networks": [network]}).encode() + b"\n"


def pems(folder: Path, node: int, now_s: Callable[[], float] = time.time) -> dict[str, bytes]:
    """Return a node's TLS files; raise Refused unless they belong together and are not over.

    What the node's own clock says does not matter: it may well be in 1970. Where this machine's
    is not set either, dates are not judged.
    """
    found = board.certificates(folder, node)
    try:
        authority = x509.load_pem_x509_certificate(found["ca.crt"])
        own = x509.load_pem_x509_certificate(found[f"{node}.crt"])
        key = serialization.load_pem_private_key(found[f"{node}.key"], None)
        own.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Refused("tls-unfit", node=node, why=error or type(error).__name__) from None
    if key.public_key() != own.public_key():
        raise Refused("tls-unfit", node=node, why=f"{node}.key ≠ {node}.crt")
    now = datetime.fromtimestamp(now_s(), UTC)
    for name, one in (("ca.crt", authority), (f"{node}.crt", own)):
        if now_s() >= _CLOCK_LEAST_S and one.not_valid_after_utc <= now:
            raise Refused("tls-over", name=name, day=f"{one.not_valid_after_utc:%Y-%m-%d}")
    return found


def put(port: Port, files: dict[str, bytes]) -> None:
    """Write files and read them back; raise Refused. Cut off anywhere, the same again is right."""
    try:
        for name, content in files.items():
            if port.read(name) != content:
                port.write(name, content)
        for name, content in files.items():
            if port.read(name) != content:
                raise Refused("verify", name=name)
    except OSError as error:
        raise Refused("write", why=error) from None
