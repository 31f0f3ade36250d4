"""Check what a site's file says of its bridges, their ports and channels."""

from __future__ import annotations

from collections.abc import Iterator

from amont_site.model import Site
from amont_site.radio import USB, USUAL_DBM, Bridge, band_dbm
from amont_site.reading import Path

Problem = tuple[Path, str, dict[str, object]]  # where, code, values


def uses(site: Site) -> tuple[list[tuple[Path, object]], list[tuple[Path, object]]]:
    """Return the ports and the channels that the bridge takes, each of which may stand once."""
    if site.bridge is None:
        return [], []
    channels = enumerate(site.bridge.channels_khz)
    return (
        [(path, name.lower()) for path, name in _ports(site.bridge)],
        [(("bridge", "channels_khz", i), khz) for i, khz in channels],
    )


def problems(site: Site) -> Iterator[Problem]:
    """Yield what is wrong with the site's plain LoRa."""
    if site.bridge is not None:
        yield from _named(site.bridge)
        yield from _channels(site.bridge)
    for i, node in enumerate(site.nodes):
        if node.radio is not None and node.carrier != "bridge":
            yield ("nodes", i, "radio"), "radio-useless", {"value": node.carrier}


def _ports(bridge: Bridge) -> list[tuple[Path, str]]:
    listeners = enumerate(bridge.listeners)
    return [(("bridge", "port"), bridge.port)] + [
        (("bridge", "listeners", i), name) for i, name in listeners
    ]


def _named(bridge: Bridge) -> Iterator[Problem]:
    found = [(path, name, USB.fullmatch(name)) for path, name in _ports(bridge)]
    boards = [tuple(part.lower() for part in match.groups()[:2]) for _, _, match in found if match]
    for path, name, match in found:
        if match is None and name.lower().startswith("usb:"):
            yield path, "usb-form", {"value": name}
        if match and match[3] is None and boards.count((match[1].lower(), match[2].lower())) > 1:
            yield path, "usb-serial", {"value": name}


def _channels(bridge: Bridge) -> Iterator[Problem]:
    allowed = [band_dbm(khz) for khz in bridge.channels_khz]
    for i, (khz, dbm) in enumerate(zip(bridge.channels_khz, allowed, strict=True)):
        if dbm is None:
            yield ("bridge", "channels_khz", i), "channel-band", {"value": khz}
    most = min((dbm for dbm in allowed if dbm is not None), default=USUAL_DBM)
    if bridge.power_dbm > most:
        yield ("bridge", "power_dbm"), "power-band", {"value": bridge.power_dbm, "most": most}
