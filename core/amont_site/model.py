"""Declare what one commune's file may say: plain structs, bounds, and defaults by quantity.

Lengths end in their unit. ``msgspec.json.schema`` of ``Site`` is docs/site.schema.json.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Slug = Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", min_length=1, max_length=40)]
Line = Annotated[str, Meta(min_length=1, max_length=80)]
Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Stage = Annotated[int, Meta(ge=-20_000, le=50_000)]
Value = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
PinHash = Annotated[str, Meta(pattern="^scrypt\\$8192\\$8\\$2\\$[0-9a-f]{32}\\$[0-9a-f]{64}$")]
Quantity = Literal[
    "stage_mm", "rain_um", "flow_l_h", "pressure_pa10", "volume_l",
    "water_temp_cc", "air_temp_cc", "battery_mv", "level_mm", "range_mm",
]  # fmt: skip


class QuantityDefaults(Struct, frozen=True):
    """Usual bounds of a quantity; a step or flat limit of 0 means that it is not checked."""

    min: int
    max: int
    step_per_min: int = 0
    flat_samples: int = 0


# Only a river's stage always moves a little and has a known fastest rise; dry weather, closed
# valves and full tanks are flat for days.
DEFAULTS: dict[str, QuantityDefaults] = {
    "stage_mm": QuantityDefaults(-500, 8_000, 500, 60),
    "rain_um": QuantityDefaults(0, 200_000),
    "flow_l_h": QuantityDefaults(-500_000, 2_000_000),
    "pressure_pa10": QuantityDefaults(-10_000, 250_000),
    "volume_l": QuantityDefaults(0, 2**31 - 1),
    "water_temp_cc": QuantityDefaults(-500, 4_500),
    "air_temp_cc": QuantityDefaults(-5_000, 7_000),
    "battery_mv": QuantityDefaults(0, 30_000),
    "level_mm": QuantityDefaults(0, 30_000),
    "range_mm": QuantityDefaults(0, 30_000),
}


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """The strictness that every part of the file shares."""


class Text(_Part, frozen=True, kw_only=True):
    """A name in both languages."""

    fr: Line
    en: Line


class Bridge(_Part, frozen=True, kw_only=True):
    """The LoRa bridge on the Pi."""

    port: Line = "/dev/amont-bridge"
    baud: Annotated[int, Meta(ge=1_200, le=4_000_000)] = 115_200


class Broker(_Part, frozen=True, kw_only=True):
    """The MQTT broker for nodes that do not come through the bridge."""

    host: Line
    port: Port = 8_883
    tls: bool = True


class History(_Part, frozen=True, kw_only=True):
    """The InfluxDB database that keeps the series."""

    url: Annotated[str, Meta(pattern="^https?://[^/\\s]+(/.*)?$", max_length=200)]
    database: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=64)]


class Channel(_Part, frozen=True, kw_only=True):
    """One sensor on a node; its place in the list is its channel number on the wire."""

    sensor: Slug
    quantity: Quantity
    name: Text | None = None  # the node's name if absent
    validity_s: Seconds | None = None  # three intervals if absent
    min: Value | None = None  # DEFAULTS if absent, as the next three
    max: Value | None = None
    step_per_min: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    flat_samples: Annotated[int, Meta(ge=0, le=10_000)] | None = None


class Node(_Part, frozen=True, kw_only=True):
    """One device with its sensors."""

    id: Annotated[int, Meta(ge=1, le=65_534)]
    name: Text
    carrier: Literal["bridge", "mqtt"]
    interval_s: Seconds = 900
    fast_interval_s: Seconds = 60
    channels: Annotated[list[Channel], Meta(min_length=1, max_length=4)]


class Station(_Part, frozen=True, kw_only=True):
    """A river place with thresholds."""

    id: Slug
    name: Text
    river: Line
    sensors: Annotated[list[Slug], Meta(min_length=1, max_length=3)]
    watch_mm: Stage
    warning_mm: Stage
    alarm_mm: Stage
    alarm_plus_mm: Stage
    hysteresis_mm: Annotated[int, Meta(ge=10, le=1_000)] = 100
    clear_s: Annotated[int, Meta(ge=60, le=7_200)] = 600
    rise_support_mm: Annotated[int, Meta(ge=20, le=1_000)] = 100
    rise_support_s: Annotated[int, Meta(ge=60, le=7_200)] = 900


class RainGauge(_Part, frozen=True, kw_only=True):
    """A rain gauge that forecasts may use."""

    id: Slug
    name: Text
    sensor: Slug


class Zone(_Part, frozen=True, kw_only=True):
    """A district metered area."""

    id: Slug
    name: Text
    inflow: Annotated[list[Slug], Meta(min_length=1, max_length=16)]
    night_from: Clock = "02:00"
    night_to: Clock = "04:00"
    holidays: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "FR"


class Output(_Part, frozen=True, kw_only=True):
    """What makes a siren sound."""

    kind: Literal["simulated", "gpio"]
    pin: Annotated[int, Meta(ge=0, le=27)] | None = None  # GPIO number on the Pi's header


class Siren(_Part, frozen=True, kw_only=True):
    """One siren and the stations that sound it."""

    id: Slug
    name: Text
    stations: Annotated[list[Slug], Meta(min_length=1, max_length=16)]
    output: Output
    max_on_s: Annotated[int, Meta(ge=10, le=360)] = 180
    pause_s: Annotated[int, Meta(ge=0, le=300)] = 120


class Person(_Part, frozen=True, kw_only=True):
    """Somebody who may act on the alarm."""

    name: Line
    role: Literal["mayor", "deputy", "technician", "duty"]
    pin: PinHash


class Site(_Part, frozen=True, kw_only=True):
    """One commune's installation."""

    format: Literal[1]
    id: Slug
    name: Text
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    time_zone: Line
    bridge: Bridge | None = None
    broker: Broker | None = None
    history: History | None = None
    nodes: Annotated[list[Node], Meta(min_length=1, max_length=500)]
    stations: list[Station] = []
    rain_gauges: list[RainGauge] = []
    zones: list[Zone] = []
    sirens: list[Siren] = []
    people: list[Person] = []

    def sensors(self) -> dict[str, tuple[Node, Channel]]:
        """Return every sensor's node and channel by sensor id."""
        return {c.sensor: (node, c) for node in self.nodes for c in node.channels}


def limits(node: Node, channel: Channel) -> dict[str, int]:
    """Return a channel's validity_s, min, max, step_per_min, flat_samples, defaults filled in."""
    usual = DEFAULTS[channel.quantity]
    names = ("min", "max", "step_per_min", "flat_samples")
    filled = {name: getattr(channel, name) for name in names}
    validity_s = 3 * node.interval_s if channel.validity_s is None else channel.validity_s
    return {"validity_s": validity_s} | {
        name: getattr(usual, name) if value is None else value for name, value in filled.items()
    }
