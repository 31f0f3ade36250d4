"""Check what a site's file says of LoRaWAN."""

from __future__ import annotations

import re
from collections.abc import Iterator

from amont_site.lorawan import NO_JOIN_EUI, USUAL_TTN_DOWNLINKS, UUID_PATTERN, Lorawan
from amont_site.model import Site
from amont_site.reading import Path

Problem = tuple[Path, str, dict[str, object]]  # where, code, values
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_FAIR_USE = 10


def uses(site: Site) -> Iterator[list[tuple[Path, object]]]:
    """Yield the DevEUIs, each of which may stand once."""
    yield [
        (("nodes", i, "lorawan", "dev_eui"), node.lorawan.dev_eui)
        for i, node in enumerate(site.nodes)
        if node.lorawan is not None
    ]


def problems(site: Site) -> Iterator[Problem]:
    """Yield what is wrong with the site's LoRaWAN."""
    carried = [i for i, node in enumerate(site.nodes) if node.carrier == "lorawan"]
    if carried and site.lorawan is None:
        values: dict[str, object] = {"value": site.nodes[carried[0]].id}
        yield ("nodes", carried[0], "carrier"), "no-lorawan", values
    for i, node in enumerate(site.nodes):
        if node.carrier == "lorawan" and node.lorawan is None:
            yield ("nodes", i, "carrier"), "no-dev-eui", {"value": node.id}
        if node.carrier != "lorawan" and node.lorawan is not None:
            yield ("nodes", i, "lorawan"), "lorawan-useless", {"value": node.carrier}
        if node.lorawan is not None and node.lorawan.dev_eui == NO_JOIN_EUI:
            yield ("nodes", i, "lorawan", "dev_eui"), "eui-zero", {}
    if site.lorawan is not None:
        yield from _server(site, site.lorawan)


def _server(site: Site, lorawan: Lorawan) -> Iterator[Problem]:
    chirpstack = lorawan.server == "chirpstack"
    if chirpstack and not re.fullmatch(UUID_PATTERN, lorawan.application):
        yield ("lorawan", "application"), "application-uuid", {"value": lorawan.application}
    if chirpstack and lorawan.tenant is not None:
        yield ("lorawan", "tenant"), "tenant-useless", {}
    if lorawan.broker is None and site.broker is None:
        yield ("lorawan",), "lorawan-no-broker", {}
    broker = lorawan.broker
    if broker is not None and not broker.tls and broker.host not in _LOOPBACK:
        yield ("lorawan", "broker", "tls"), "no-tls", {"value": broker.host}
    a_day = lorawan.downlinks_day
    if lorawan.tenant == "ttn" and a_day is not None and a_day > _FAIR_USE:
        values: dict[str, object] = {
            "value": a_day,
            "usual": USUAL_TTN_DOWNLINKS,
            "most": _FAIR_USE,
        }
        yield ("lorawan", "downlinks_day"), "fair-use", values
