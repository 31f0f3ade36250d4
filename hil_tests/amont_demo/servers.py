"""Configure real mosquitto and real influxd for ``make run-servers``.

mosquitto: TLS, a certificate each and an access list, as ``amont-provision broker`` makes them.
influxd 1.x: its own folder and loopback ports. Both run as children, never as system services.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from amont_provision import brokerfiles
from amont_provision.brokerca import Authority


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
    """Write configuration and certificates; return the command and the authority's folder."""
    made = folder / "tls"
    authority = Authority(made, ["localhost"])
    for name in authority.due(nodes):
        authority.make(name)
    (made / brokerfiles.ACCESS).write_text(brokerfiles.access(site, nodes))
    (made / brokerfiles.ACCESS).chmod(0o600)
    configuration = made / brokerfiles.CONFIGURATION
    user = "root" if os.geteuid() == 0 else ""
    configuration.write_text(
        brokerfiles.alone(folder, user) + brokerfiles.configuration(made, port, "127.0.0.1")
    )
    return [find("mosquitto", "mosquitto"), "-c", str(configuration)], made


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
