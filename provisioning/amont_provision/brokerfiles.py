"""Write what mosquitto reads beside its certificates: its configuration and who may do what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from amont_provision.brokerca import GATEWAY, REVOKED

CONFIGURATION, ACCESS = "mosquitto.conf", "access"
FRAME_ROOM = 4_096  # bytes of one message; a sealed frame has 51
# For the gateway that is away: transport, never a store. Nodes keep what is not acknowledged.
QUEUE_BYTES = 16 << 20


def access(site: str, nodes: Sequence[int]) -> str:
    """Return the access list: a node writes its own frames and reads its own answers, no more."""
    lines = [
        f"user {GATEWAY}",
        f"topic read amont/{site}/+/up",
        f"topic write amont/{site}/+/down",
    ]
    for node in nodes:
        lines += [
            f"user {node}",
            f"topic write amont/{site}/{node}/up",
            f"topic read amont/{site}/{node}/down",
        ]
    return "\n".join(lines) + "\n"


def configuration(folder: Path, port: int, address: str = "") -> str:
    """Return a part of mosquitto's configuration: one listener, TLS only, a certificate each.

    It goes beside the system's own file (which says where mosquitto keeps and logs), or stands
    alone with ``alone`` in front. Checked with mosquitto 2.0.
    """
    return (
        "# Written by amont-provision broker; edit the site's file instead.\n"
        f"listener {port}{f' {address}' if address else ''}\n"
        f"cafile {folder}/ca.crt\n"
        f"certfile {folder}/broker.crt\nkeyfile {folder}/broker.key\n"
        f"crlfile {folder}/{REVOKED}\n"
        "tls_version tlsv1.2\n"
        "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n"
        f"acl_file {folder}/{ACCESS}\n"
        f"max_packet_size {FRAME_ROOM}\nmax_queued_messages 0\nmax_queued_bytes {QUEUE_BYTES}\n"
    )


def alone(folder: Path, user: str = "") -> str:
    """Return what stands in front where no configuration of the system does."""
    return f"persistence true\npersistence_location {folder}/\nlog_dest stdout\n" + (
        f"user {user}\n" if user else ""
    )
