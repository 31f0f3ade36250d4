"""Declare what a site's file says of LoRa: the bridge, its second receivers, a node's own rate."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, field

from amont_site.hardware import Part
from amont_site.parts import Latitude, Line, Longitude

# A board by its USB id, whatever number its port has today; the serial number says which of two
USB = re.compile(r"usb:([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})(?::(.+))?")
USUAL_KHZ = (868_100, 868_300, 868_500)  # EU868, band g1: 1 % of airtime, 14 dBm
USUAL_DBM = 14
# Where 125 kHz fit into a band of Europe that allows 1 % or more: kHz, kHz, dBm radiated
BANDS = (
    (865_063, 868_537, USUAL_DBM),
    (869_463, 869_587, 22),  # 27 by law, 22 is all that the chips have
    (869_763, 869_937, USUAL_DBM),
)

Factor = Annotated[int, Meta(ge=7, le=12)]
Frequency = Annotated[int, Meta(ge=863_000, le=870_000)]
# Of planning alone (amont-provision plan): nothing else depends on these
AntennaHeight = Annotated[float, Meta(ge=0, le=100)]  # above the ground around it
AntennaGain = Annotated[float, Meta(ge=-10, le=12)]  # beside a sphere (dBi), less the cable's loss


class Bridge(Part, frozen=True, kw_only=True):
    """The LoRa bridge on the Pi, and further ones that only listen."""

    port: Line = "/dev/amont-bridge"  # or usb:VID:PID, or usb:VID:PID:SERIAL
    baud: Annotated[int, Meta(ge=1_200, le=4_000_000)] = 115_200
    # the ports of those
    listeners: Annotated[list[Line], Meta(max_length=3)] = field(default_factory=list)
    spreading_factor: Factor = 9  # of each node that has none of its own
    # USUAL_KHZ if absent
    channels_khz: Annotated[list[Frequency], Meta(min_length=1, max_length=8)] = field(
        default_factory=lambda: list(USUAL_KHZ)
    )
    power_dbm: Annotated[int, Meta(ge=0, le=22)] = USUAL_DBM
    latitude: Latitude | None = None  # where its antenna is: both or none
    longitude: Longitude | None = None
    antenna_m: AntennaHeight | None = None
    antenna_gain_db: AntennaGain | None = None


class Radio(Part, frozen=True, kw_only=True):
    """How one node sends to the bridge where it differs from the others, and where it stands."""

    spreading_factor: Factor | None = None
    chip: Literal["sx1262", "sx1261", "rak3172"] | None = None  # the board's usual one if absent
    distance_m: Annotated[int, Meta(ge=1, le=50_000)] | None = None  # by the map if absent
    # what lies between both antennas
    setting: Literal["clear", "open", "village", "valley", "manhole"] | None = None
    antenna_m: AntennaHeight | None = None
    antenna_gain_db: AntennaGain | None = None
    # how far a valley's spur reaches above the line between both
    obstacle_m: Annotated[int, Meta(ge=0, le=500)] | None = None


def spreading_factor(bridge: Bridge | None, radio: Radio | None) -> int:
    """Return the spreading factor of a node: its own, or the bridge's."""
    own = None if radio is None else radio.spreading_factor
    return (bridge or Bridge()).spreading_factor if own is None else own


def band_dbm(khz: int) -> int | None:
    """Return what may be radiated on a channel; None: nothing of 125 kHz with 1 % of the time."""
    return next((dbm for low, high, dbm in BANDS if low <= khz <= high), None)
