"""Declare the pipes and the rain of a site: zones, networks, the water service, rain gauges."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from amont_site.parts import Clock, Latitude, Line, Longitude, Slug, Text

Kilometres = Annotated[float, Meta(ge=0.01, le=99_999)]
Meters = Annotated[list[Slug], Meta(max_length=32)]


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """The strictness that every part of the file shares."""


class RainGauge(_Part, frozen=True, kw_only=True):
    """A rain gauge that forecasts may use."""

    id: Slug
    name: Text
    sensor: Slug
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class Zone(_Part, frozen=True, kw_only=True):
    """A district metered area."""

    id: Slug
    name: Text
    inflow: Annotated[list[Slug], Meta(min_length=1, max_length=16)]
    outflow: Annotated[list[Slug], Meta(max_length=16)] = []  # to other zones, or out of the site
    pressures: Annotated[list[Slug], Meta(max_length=16)] = []  # shown beside the night flow
    length_km: Kilometres | None = None  # of mains, without service pipes
    night_from: Clock = "02:00"
    night_to: Clock = "04:00"
    holidays: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "FR"
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class Network(_Part, frozen=True, kw_only=True):
    """Pipes whose flows and pressures are looked at together, to find leaks and where they are.

    A meter may belong to a zone as well; ``inner`` are flows from one part of it to another.
    Without pressures the flows alone are looked at, and no place is named.
    """

    id: Slug
    name: Text
    inflow: Annotated[list[Slug], Meta(min_length=1, max_length=16)]
    inner: Annotated[list[Slug], Meta(max_length=32)] = []
    levels: Annotated[list[Slug], Meta(max_length=16)] = []  # of tanks
    pressures: Annotated[list[Slug], Meta(max_length=64)] = []  # none, or two and more


class RainForecast(_Part, frozen=True, kw_only=True):
    """That forecasts may use the file of rain that something on this machine drops."""

    max_age_h: Annotated[int, Meta(ge=1, le=72)] = 12  # older than that it is as if absent


class Service(_Part, frozen=True, kw_only=True):
    """The water service whose yield the state asks for, and the meters at its borders."""

    name: Line
    length_km: Kilometres  # of mains, without service pipes
    # from a zone de répartition des eaux, more than 2 million m³ a year
    scarce: bool = False
    produced: Meters = []  # flow_l_h or volume_l, as the next two
    imported: Meters = []
    exported: Meters = []
