"""Make the files that a node reads at boot; ``amont_node`` defines and checks their content."""

from __future__ import annotations

import json
import secrets
from binascii import crc32
from pathlib import Path
from typing import Any, NamedTuple

from amont_provision import app_key, boards
from amont_provision.port import Port
from amont_provision.release import Release
from amont_provision.texts import Refused
from amont_site.hardware import plain
from amont_site.lorawan import downlinks_day
from amont_site.model import Bridge, Channel, Node, Site, frame_samples
from amont_site.radio import spreading_factor
from amont_wire.airtime import scan_preamble
from amont_wire.const import QUANTITY_CODES

SCHEMA = 1
RADIO = ("127.0.0.1", 7700)  # where a simulated board's radio is
LISTEN_MS = 2600  # a node listens so long after each frame (docs/radio.md)
SECRET = "secret.json"
COPIES = ("config.a", "config.b")  # a node keeps its configuration twice
NAME = "board.id"  # a name of its own that a board keeps, so that two are never taken for one
NAME_BYTES = 8
LORAWAN_SF = 9  # a node joins with it, and its airtime is counted so; then the network chooses
LORAWAN_BYTES = 13  # around a frame
ANSWER_S = 900
DAY_S = 86_400
Json = dict[str, Any]
# What the driver of an SX126x needs of micropython-lib (firmware/radio.lock), as a release has it.
RADIO_FILES = ("lora/__init__.mpy", "lora/modem.mpy", "lora/sx126x.mpy", "lora/sync_modem.mpy")


class Held(NamedTuple):
    """The newest good configuration on a board, and where it stands."""

    config: Json  # empty if there is none
    revision: int = 0
    copy: str = COPIES[1]

    @property
    def node(self) -> int:
        """Return the node's number, 0 if there is none."""
        return int(self.config.get("id", 0))

    @property
    def version(self) -> int:
        """Return the configuration's version, 0 if there is none."""
        return int(self.config.get("version", 0))

    def next_copy(self) -> str:
        """Return the copy that a newer configuration goes to: never the newest good one."""
        return COPIES[1 - COPIES.index(self.copy)]


def configuration(site: Site, node: Node, generation: int, version: int, carrier: Json) -> Json:
    """Return what the node's configuration holds."""
    return {
        "schema": SCHEMA,
        "id": node.id,
        "generation": generation,
        "version": version,
        "interval_s": node.interval_s,
        "fast_interval_s": min(node.fast_interval_s, node.interval_s),
        "frame_samples": frame_samples(node),
        **_marks(site, node.channels[0]),
        **_own_marks(node),
        **_hardware(node),
        "channels": [
            {
                "index": index,
                "quantity": QUANTITY_CODES[channel.quantity],
                "step": 1,
                "probe": _probe(channel),
            }
            for index, channel in enumerate(node.channels)
        ],
        "carrier": carrier,
    }


def usual(site: Site, node: Node) -> dict[str, int]:
    """Return what a node holds of what may be asked for by the air, as the site's file says."""
    marks = {
        name: value for name, value in _marks(site, node.channels[0]).items() if value is not None
    }
    fast_s = min(node.fast_interval_s, node.interval_s)
    return {"interval_s": node.interval_s, "fast_interval_s": fast_s, **marks}


def carrier(site: Site, node: Node, radio: tuple[str, int] | None, tls: bool) -> Json:
    """Return how the node sends; raise Refused if the site's file lacks what that needs.

    radio: where a simulated radio sends to; None: that of the node's board, if it has one.
    """
    if node.carrier == "bridge":
        if radio is None and (wired := boards.radio(node)):
            return lora(site, node, wired)
        host, port = radio or RADIO
        factor = spreading_factor(site.bridge, node.radio)
        # without lora the node would count no airtime
        return {"kind": "radio", "host": host, "port": port, "lora": {"sf": factor}}
    if node.carrier == "lorawan":
        return lorawan(site, node)
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


def lora(site: Site, node: Node, wired: Json) -> Json:
    """Return how a node sends to the bridge by a radio that is wired so."""
    bridge = site.bridge or Bridge()
    own = spreading_factor(bridge, node.radio)
    others = [other for other in site.nodes if other.carrier == "bridge"]
    factors = sorted({own, *(spreading_factor(bridge, other.radio) for other in others)})
    return {
        "kind": "lora",
        **wired,
        "lora": {
            "sf": own,
            "preamble": scan_preamble(len(bridge.channels_khz), factors, own),
            "channels_khz": list(bridge.channels_khz),
            "power_dbm": bridge.power_dbm,
            "listen_ms": LISTEN_MS,
        },
    }


def lorawan(site: Site, node: Node) -> Json:
    """Return how a node sends over LoRaWAN; its key is in a file of its own."""
    if node.lorawan is None or site.lorawan is None:  # the site's rules see to that
        raise Refused("no-dev-eui", node=node.id)
    a_day = downlinks_day(site.lorawan)
    seldom_s = DAY_S // max(1, a_day * 3 // 4) if a_day else 0  # some are kept for what is urgent
    return {
        "kind": "lorawan",
        "chip": "rak3172",
        "uart": boards.modem(node),
        "dev_eui": node.lorawan.dev_eui,
        "join_eui": node.lorawan.join_eui,
        "key": app_key.FILE,
        "band": "EU868",
        # an acknowledgement comes with the next frame at best, or when the network allows one
        "answer_ms": 1000 * max(ANSWER_S, node.interval_s * 5 // 4, seldom_s * 5 // 4),
        "lora": {"sf": LORAWAN_SF, "overhead_bytes": LORAWAN_BYTES},
    }


def check_radio(settings: Json, release: Release) -> None:
    """Raise Refused if a release lacks what the radio of these settings needs."""
    needs = str(settings.get("chip", "")).startswith("sx126")
    missing = [path for path in RADIO_FILES if needs and path not in release.files]
    if missing:
        raise Refused("release-no-radio", name=release.name, path=missing[0])


def keep_calibrations(before: Json, after: Json) -> None:
    """Carry calibrations over to a newer configuration, where the probe is still the same one."""
    known = {
        (channel.get("index"), channel.get("quantity"), channel["probe"].get("kind")): channel
        for channel in before.get("channels", ())
    }
    for channel in after["channels"]:
        same = known.get((channel["index"], channel["quantity"], channel["probe"]["kind"]), {})
        for word in ("calibration", "step"):
            if word in same:
                channel[word] = same[word]


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
    found = held(port)
    return found.node, found.version


def held(port: Port) -> Held:
    """Return the configuration by which a board's node would live."""
    found = [Held({})]
    for copy in COPIES:
        revision, config = _parsed(port.read(copy))
        if config:
            found.append(Held(config, revision, copy))
    return max(found, key=lambda one: one.revision)


def name(port: Port) -> str:
    """Return a board's own name, "" if it has none yet."""
    content = port.read(NAME) or b""
    good = len(content) == 2 * NAME_BYTES and content.isalnum()
    return content.decode() if good else ""


def new_name() -> str:
    """Return a name for a board that has none."""
    return secrets.token_hex(NAME_BYTES)


def _parsed(content: bytes | None) -> tuple[int, Json]:
    head, _, body = (content or b"").partition(b"\n")
    words = head.split()
    body = body.rstrip(b"\n")
    if len(words) != 4 or words[:2] != [b"amont", b"1"] or b"%08x" % crc32(body) != words[3]:
        return 0, {}
    try:
        config = json.loads(body)
        return int(words[2]), config if isinstance(config, dict) else {}
    except (ValueError, RecursionError):
        return 0, {}


def _hardware(node: Node) -> Json:
    """Return what the site's file says beyond intervals; what it leaves out stays out."""
    found: Json = {} if node.profile is None else {"profile": node.profile}
    if node.look_s is not None:
        found["look_s"] = node.look_s or None  # 0: a float switch wakes the node
    if node.board is not None:
        found["board"] = plain(node.board)
    return found


def _own_marks(node: Node) -> Json:
    """Return the marks of a node that belongs to no station; the site's rules see to that."""
    if node.marks is None:
        return {}
    said = node.marks
    names = ("high_mark", "low_mark", "rise_mark", "fall_mark")
    values = (said.high, said.low, said.rise_per_min, said.fall_per_min)
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _probe(channel: Channel) -> Json:
    if channel.probe is None:  # of a simulated board
        return {"kind": "replay", "file": f"{channel.sensor}.txt"}
    return plain(channel.probe)


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
