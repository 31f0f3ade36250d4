"""Declare what many parts of a site's file are made of."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from amont_site.hardware import Part

Port = Annotated[int, Meta(ge=1, le=65_535)]
Slug = Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", min_length=1, max_length=40)]
Line = Annotated[str, Meta(min_length=1, max_length=80)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Text(Part, frozen=True, kw_only=True):
    """A name in both languages."""

    fr: Line
    en: Line


class Broker(Part, frozen=True, kw_only=True):
    """An MQTT broker; who we are there is in the environment."""

    host: Line
    port: Port = 8_883
    tls: bool = True
