"""A site for tests with real processes: its description, the guard's state folder, the keys."""

from __future__ import annotations

import json
from pathlib import Path

from amont_site import Site, load, write_guard

INFLOWS = 16  # of one zone, at most
SECRET = "00112233445566778899aabbccdd{:04x}"


def secret_of(node: int) -> bytes:
    return bytes.fromhex(SECRET.format(node))


def dev_eui_of(node: int) -> str:
    return f"70b3d57ed000{node:04x}"


def make_site(
    folder: Path, bridge_port: str, broker_port: int, carriers: dict[int, str], lorawan: str = ""
) -> Site:
    """Write site.yaml, guard.json and keys.json; ``carriers`` maps nodes to their carriers.

    ``lorawan`` is what the file says of the network server.
    """
    lines = [
        "format: 1",
        "id: essai",
        "name: {fr: Essai, en: Trial}",
        "latitude: 44.0",
        "longitude: 4.0",
        "time_zone: Europe/Paris",
        f"bridge: {{port: {bridge_port}}}",
        f"broker: {{host: 127.0.0.1, port: {broker_port}, tls: false}}",
        *([f"lorawan: {{{lorawan}}}"] if lorawan else []),
        "nodes:",
    ]
    for node, carrier in carriers.items():
        lines += [
            f"  - id: {node}",
            f"    name: {{fr: N{node}, en: N{node}}}",
            f"    carrier: {carrier}",
            "    interval_s: 60",
            *([f"    lorawan: {{dev_eui: {dev_eui_of(node)}}}"] if carrier == "lorawan" else []),
            f"    channels: [{{sensor: debit-{node}, quantity: flow_l_h}}]",
        ]
    lines.append("zones:")
    nodes = list(carriers)
    for first in range(0, len(nodes), INFLOWS):
        meters = ", ".join(f"debit-{node}" for node in nodes[first : first + INFLOWS])
        lines += [
            f"  - id: zone-{first}",
            f"    name: {{fr: Z{first}, en: Z{first}}}",
            f"    inflow: [{meters}]",
        ]
    path = folder / "site.yaml"
    path.write_text("\n".join(lines) + "\n")
    site = load(path)
    state = folder / "guard"
    state.mkdir(mode=0o700)
    write_guard(site, state / "guard.json")
    nodes = {str(n): {"generation": 1, "secret": SECRET.format(n)} for n in carriers}
    keys = state / "keys.json"
    keys.write_text(json.dumps({"format": 1, "nodes": nodes}))
    keys.chmod(0o600)
    return site
