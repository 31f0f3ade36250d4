"""Check what a site's file says of its bridges, their ports and channels."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from amont_site.model import Site
from amont_site.radio import USB, USUAL_DBM, Bridge, band_dbm
from amont_site.reading import Path

DIPOLE_DBI = 2.15  # the law counts beside a half-wave dipole
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
        yield from _place(site.bridge)
    for i, node in enumerate(site.nodes):
        if node.radio is None:
            continue
        if node.carrier != "bridge":
            yield ("nodes", i, "radio"), "radio-useless", {"value": node.carrier}
            continue
        if node.radio.obstacle_m is not None and node.radio.setting != "valley":
            yield ("nodes", i, "radio", "obstacle_m"), "obstacle-useless", {}
        if site.bridge is not None:
            path: Path = ("nodes", i, "radio", "antenna_gain_db")
            yield from _radiated(path, site.bridge, node.radio.antenna_gain_db)


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
    most = _most_dbm(bridge)
    if bridge.power_dbm > most:
        yield ("bridge", "power_dbm"), "power-band", {"value": bridge.power_dbm, "most": most}


def _place(bridge: Bridge) -> Iterator[Problem]:
    known = [x for x in ("latitude", "longitude") if getattr(bridge, x) is not None]
    if len(known) == 1:
        yield ("bridge", known[0]), "one-coordinate", {"value": "bridge"}
    yield from _radiated(("bridge", "antenna_gain_db"), bridge, bridge.antenna_gain_db)


def _radiated(path: Path, bridge: Bridge, gain_db: float | None) -> Iterator[Problem]:
    """Yield an antenna that makes more of the power than may be radiated."""
    most = _most_dbm(bridge)
    over_db = bridge.power_dbm + (gain_db or 0.0) - DIPOLE_DBI - most
    if gain_db is not None and over_db > 0 and bridge.power_dbm <= most:
        power = bridge.power_dbm - ceil(over_db)
        yield path, "radiated-band", {"value": gain_db, "power": power}


def _most_dbm(bridge: Bridge) -> int:
    allowed = [band_dbm(khz) for khz in bridge.channels_khz]
    return min((dbm for dbm in allowed if dbm is not None), default=USUAL_DBM)
