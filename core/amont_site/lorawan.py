"""Declare what a site's file says of LoRaWAN: the network server, and who each node is there.

LoRaWAN is a carrier: it takes the sealed frame as it is and learns nothing of what is in it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from amont_site.hardware import Part
from amont_site.parts import Broker

FPORT = 10  # of sealed frames, both ways; other ports are not ours
USUAL_TTN_DOWNLINKS = 8  # a day and node: fair use allows 10, the network itself needs some
NO_JOIN_EUI = "0000000000000000"
UUID_PATTERN = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
NAME_PATTERN = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
EUI_PATTERN = "^[0-9a-f]{16}$"

Eui = Annotated[str, Meta(pattern=EUI_PATTERN)]
Name = Annotated[str, Meta(pattern=NAME_PATTERN, min_length=2, max_length=36)]


class Lorawan(Part, frozen=True, kw_only=True):
    """The network server that carries sealed frames of nodes with ``carrier: lorawan``."""

    server: Literal["chirpstack", "ttn"]
    application: Name  # ChirpStack: its UUID; The Things Stack: its id
    tenant: Name | None = None  # of The Things Stack: ttn, or one's own; none in its open source
    broker: Broker | None = None  # the site's if absent
    # downlinks a node and day; if absent USUAL_TTN_DOWNLINKS with ttn, as many as fit otherwise
    downlinks_day: Annotated[int, Meta(ge=1, le=1_000)] | None = None


class Device(Part, frozen=True, kw_only=True):
    """Who a node is in LoRaWAN; its keys come from its own secret, never from this file."""

    dev_eui: Eui
    join_eui: Eui = NO_JOIN_EUI


def downlinks_day(lorawan: Lorawan) -> int | None:
    """Return how many downlinks a node may get in 24 hours, None for no such limit."""
    if lorawan.downlinks_day is None and lorawan.server == "ttn":
        return USUAL_TTN_DOWNLINKS
    return lorawan.downlinks_day


def device_id(node: int) -> str:
    """Return what a node is called at The Things Stack."""
    return f"amont-{node}"
