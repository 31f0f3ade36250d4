"""Configure real mosquitto and real influxd for ``make run-servers``.

mosquitto: TLS only, a client certificate each, the certificate's name is the user name, and the
access list lets a node write its own ``up`` topic and read its own ``down`` topic, nothing else.
influxd 1.x: its own folder and loopback ports. Both run as children, never as system services.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from amont_demo.certificates import make_authority

GATEWAY_IDENTITY = "gateway"


class MissingServer(RuntimeError):
    """A server is not installed; the message says how to install it."""


def find(program: str, package: str) -> str:
    """Return the path of a server's program, also from the sbin folders; raise MissingServer."""
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin" + os.pathsep + "/usr/local/sbin"
    found = shutil.which(program, path=path)
    if found is None:
        raise MissingServer(f"{program} is not installed: sudo apt-get install {package}")
    return found


def mosquitto(folder: Path, port: int, site: str, nodes: list[int]) -> tuple[list[str], Path]:
    """Write configuration and certificates; return the command and the certificates' folder."""
    folder.mkdir(parents=True, exist_ok=True)
    certificates = folder / "tls"
    make_authority(certificates, [GATEWAY_IDENTITY, *map(str, nodes)])
    access = folder / "access"
    access.write_text(
        f"user {GATEWAY_IDENTITY}\n"
        f"topic read amont/{site}/+/up\ntopic write amont/{site}/+/down\n"
        f"pattern write amont/{site}/%u/up\npattern read amont/{site}/%u/down\n"
    )
    access.chmod(0o600)
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\n"
        f"cafile {certificates}/ca.crt\n"
        f"certfile {certificates}/broker.crt\nkeyfile {certificates}/broker.key\n"
        "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n"
        f"acl_file {access}\n"
        "max_packet_size 4096\nmax_queued_messages 0\nmax_queued_bytes 16777216\n"
        f"persistence true\npersistence_location {folder}/\nlog_dest stdout\n"
        + ("user root\n" if os.geteuid() == 0 else "")
    )
    return [find("mosquitto", "mosquitto"), "-c", str(configuration)], certificates


def influxd(folder: Path, port: int, rpc_port: int) -> list[str]:
    """Write a configuration for InfluxDB 1.x in its own folder; return the command."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "influxdb.conf"
    configuration.write_text(
        "reporting-disabled = true\n"
        f'bind-address = "127.0.0.1:{rpc_port}"\n'
        f'[meta]\n  dir = "{folder}/meta"\n'
        f'[data]\n  dir = "{folder}/data"\n  wal-dir = "{folder}/wal"\n'
        f'[http]\n  bind-address = "127.0.0.1:{port}"\n  log-enabled = false\n'
    )
    return [find("influxd", "influxdb"), "-config", str(configuration)]
