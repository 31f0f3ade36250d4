"""Make the files that a node reads at boot; ``amont_node`` defines and checks their content."""

from __future__ import annotations

import json
from binascii import crc32
from pathlib import Path
from typing import Any

from amont_provision.port import Port
from amont_provision.texts import Refused
from amont_site.model import Channel, Node, Site
from amont_wire.const import QUANTITY_CODES

SCHEMA = 1
SECRET = "secret.json"
COPIES = ("config.a", "config.b")  # a node keeps its configuration twice
Json = dict[str, Any]


def configuration(site: Site, node: Node, generation: int, version: int, carrier: Json) -> Json:
    """Return what the node's configuration holds."""
    return {
        "schema": SCHEMA,
        "id": node.id,
        "generation": generation,
        "version": version,
        "interval_s": node.interval_s,
        "fast_interval_s": min(node.fast_interval_s, node.interval_s),
        **_marks(site, node.channels[0]),
        "channels": [
            {
                "index": index,
                "quantity": QUANTITY_CODES[channel.quantity],
                "step": 1,
                "probe": {"kind": "replay", "file": f"{channel.sensor}.txt"},
            }
            for index, channel in enumerate(node.channels)
        ],
        "carrier": carrier,
    }


def carrier(site: Site, node: Node, radio: tuple[str, int], tls: bool) -> Json:
    """Return how the node sends; raise Refused if the site's file lacks what that needs."""
    if node.carrier == "bridge":
        return {"kind": "radio", "host": radio[0], "port": radio[1]}
    if site.broker is None:
        raise Refused("no-broker", site=site.id, node=node.id)
    if site.broker.tls and not tls:
        raise Refused("no-tls", node=node.id)
    named = {"ca": "ca.crt", "cert": f"{node.id}.crt", "key": f"{node.id}.key"}
    return {
        "kind": "mqtt",
        "host": site.broker.host,
        "port": site.broker.port,
        "site": site.id,
        "user": "",
        "password": "",
        "tls": {"name": site.broker.host, **named} if site.broker.tls else None,
    }


def certificates(folder: Path, node: int) -> dict[str, bytes]:
    """Return the PEM files that a node needs for TLS; raise Refused if one is missing."""
    names = ("ca.crt", f"{node}.crt", f"{node}.key")
    try:
        return {name: (folder / name).read_bytes() for name in names}
    except OSError:
        raise Refused("no-tls", node=node) from None


def pair_text(value: Json, revision: int) -> bytes:
    """Return one copy of a value that survives power cuts, as the node's ``pair.py`` reads it."""
    body = json.dumps(value)
    return f"amont 1 {revision} {crc32(body.encode()):08x}\n{body}\n".encode()


def secret_text(secret: bytes) -> bytes:
    """Return the content of the file that holds the secret, apart from what may be shown."""
    return json.dumps({"schema": SCHEMA, "secret": secret.hex()}).encode()


def enrolled(port: Port) -> tuple[int, int]:
    """Return the node id and configuration version that a board holds, (0, 0) if none."""
    found = [json.loads(body) for body in map(_good_body, map(port.read, COPIES)) if body]
    newest = max(found, key=lambda value: int(value["version"]), default={"id": 0, "version": 0})
    return int(newest["id"]), int(newest["version"])


def _good_body(content: bytes | None) -> bytes | None:
    head, _, body = (content or b"").partition(b"\n")
    words = head.split()
    body = body.rstrip(b"\n")
    good = len(words) == 4 and words[:2] == [b"amont", b"1"] and b"%08x" % crc32(body) == words[3]
    return body if good else None


def _marks(site: Site, first: Channel) -> Json:
    """Return the stage and rise from which the node speaks at once, of its first channel."""
    for station in site.stations:
        if first.sensor in station.sensors and first.quantity == "stage_mm":
            rise_mm_min = station.rise_support_mm * 60 // station.rise_support_s
            return {
                "high_mark": station.watch_mm,
                "rise_mark": max(1, rise_mm_min),
                "alarm_mark": station.alarm_mm,
            }
    return {"high_mark": None, "rise_mark": None, "alarm_mark": None}
