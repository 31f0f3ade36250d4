"""Declare what one commune's file may say: plain structs, bounds, and defaults by quantity.

Lengths end in their unit. ``msgspec.json.schema`` of ``Site`` is docs/site.schema.json.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from amont_site.foreign import ForeignSensor as ForeignSensor
from amont_site.foreign import ForeignSource as ForeignSource
from amont_site.hardware import Board, Marks, Probe
from amont_site.lorawan import Device, Lorawan
from amont_site.parts import Broker, Clock, Latitude, Line, Longitude, Slug
from amont_site.parts import Text as Text
from amont_site.radio import Bridge as Bridge
from amont_site.radio import Radio
from amont_site.water import Network
from amont_site.water import RainForecast as RainForecast
from amont_site.water import RainGauge as RainGauge
from amont_site.water import Service as Service
from amont_site.water import Zone as Zone

Seconds = Annotated[int, Meta(ge=1, le=86_400)]
Stage = Annotated[int, Meta(ge=-20_000, le=50_000)]
Pin = Annotated[int, Meta(ge=0, le=27)]
Register = Annotated[int, Meta(ge=0, le=65_535)]
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


# What a node of a profile does where the file does not say otherwise
PROFILES: dict[str, dict[str, int]] = {
    "slow-river": {"interval_s": 900, "fast_interval_s": 60},
    "pipe": {"interval_s": 900, "fast_interval_s": 300},
    "flash-flood": {"interval_s": 900, "fast_interval_s": 60, "look_s": 60},
}
FRAME_SAMPLES_MOST = 4  # more hardly save any energy
LIMITS_ROOM_MM = 500  # how far people may move limits beyond the file's lowest and highest

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


class History(_Part, frozen=True, kw_only=True):
    """The InfluxDB database that keeps the series."""

    url: Annotated[str, Meta(pattern="^https?://[^/@\\s]+(/.*)?$", max_length=200)]
    # two more beside it, _h by the hour and _d by the day and the events, are kept for ever
    database: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=62)]
    keep_days: Annotated[int, Meta(ge=31, le=36_500)] = 400
    org: Line | None = None  # of InfluxDB 2.x; the only one that its token can see, if absent


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
    probe: Probe | None = None  # how it is wired; a simulated board's recording if absent


class Node(_Part, frozen=True, kw_only=True):
    """One device with its sensors."""

    id: Annotated[int, Meta(ge=1, le=65_534)]
    name: Text
    carrier: Literal["bridge", "mqtt", "lorawan"]
    radio: Radio | None = None  # of carrier bridge, where it differs from the bridge's
    lorawan: Device | None = None  # of carrier lorawan
    profile: Literal["slow-river", "pipe", "flash-flood"] | None = None
    interval_s: Seconds = 900  # PROFILES if absent, as the next two
    fast_interval_s: Seconds = 60
    # senses so often without sending; 0: never (a float switch wakes it)
    look_s: Annotated[int, Meta(ge=0, le=3_600)] | None = None
    # new samples a frame while it is calm; as many as the readings' validity allows if absent
    frame_samples: Annotated[int, Meta(ge=1, le=16)] | None = None
    marks: Marks | None = None  # where no station's limits do it
    board: Board | None = None  # a simulated one if absent
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
    # where people may move the four limits to; if absent, LIMITS_ROOM_MM around the four
    bounds_mm: Annotated[list[Stage], Meta(min_length=2, max_length=2)] | None = None
    limits_delay_s: Annotated[int, Meta(ge=60, le=86_400)] = 600  # from agreed to in force
    # other stations whose water comes past here later, nearest first: the forecast looks at them
    upstream: Annotated[list[Slug], Meta(max_length=4)] = []
    # the rain gauges that tell of this river; if absent, all of the file
    rain: Annotated[list[Slug], Meta(min_length=1, max_length=16)] | None = None
    latitude: Latitude | None = None  # for the map, as of all places: both or none
    longitude: Longitude | None = None


class Output(_Part, frozen=True, kw_only=True):
    """What makes a siren sound. ``OUTPUT_KEYS`` says what each kind knows and needs."""

    kind: Literal["simulated", "gpio", "modbus"]
    pin: Pin | None = None  # GPIO numbers on the Pi's header, as the three below
    active_high: bool | None = None
    readback_pin: Pin | None = None
    isolate_pin: Pin | None = None
    isolate_readback_pin: Pin | None = None
    port: Line | None = None
    baud: Annotated[int, Meta(ge=1_200, le=115_200)] | None = None
    parity: Literal["N", "E", "O"] | None = None
    unit: Annotated[int, Meta(ge=1, le=247)] | None = None  # the module's Modbus address
    coil: Register | None = None
    readback_input: Register | None = None  # discrete inputs, as isolate_readback_input
    isolate_coil: Register | None = None
    isolate_readback_input: Register | None = None


# kind: its keys with what an absent one means; NEEDED must be there, None stays absent
NEEDED = "needed"
OUTPUT_KEYS: dict[str, dict[str, Any]] = {
    "simulated": {},
    "gpio": {
        "pin": NEEDED, "active_high": True, "readback_pin": None, "isolate_pin": None,
        "isolate_readback_pin": None,
    },
    "modbus": {
        "port": NEEDED, "baud": 9_600, "parity": "N", "unit": 1, "coil": NEEDED,
        "readback_input": None, "isolate_coil": None, "isolate_readback_input": None,
    },
}  # fmt: skip


class Measure(_Part, frozen=True, kw_only=True):
    """One measured value: where it is read, how a count becomes the unit, what is normal.

    ``at`` is a channel of the MCP3208 (gpio) or an input register (modbus). With ``series_ohm``
    the count is the tap of a divider: ohm = series_ohm * count / (full - count).
    """

    at: Register
    low: Annotated[int, Meta(ge=0, le=10_000_000)]
    high: Annotated[int, Meta(ge=1, le=10_000_000)] = 10_000_000
    per_count: Annotated[float, Meta(ge=0.000_001, le=10_000)] = 1.0
    series_ohm: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    full: Annotated[int, Meta(ge=1, le=65_535)] = 4_095


class Supervision(_Part, frozen=True, kw_only=True):
    """What is measured around a siren; docs/wiring.en.md says how it is wired."""

    line_ohm: Measure | None = None
    earth_ohm: Measure | None = None
    coil_ma: Measure | None = None
    horn_ma: Measure | None = None
    battery_mv: Measure | None = None
    mains: Register | None = None  # pin or input: closed while the mains is there
    tamper: Register | None = None  # pin or input: closed while the box is shut


class Key(_Part, frozen=True, kw_only=True):
    """The local key: the two contacts of the mute button, and the bypass switch."""

    mute_no: Register
    mute_nc: Register
    bypass: Register | None = None


class Drill(_Part, frozen=True, kw_only=True):
    """The audible drill each month, and the two people who agreed on it."""

    weekday: Literal[
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    ]  # fmt: skip
    nth: Annotated[int, Meta(ge=1, le=4)]
    at: Clock
    seconds: Annotated[int, Meta(ge=5, le=120)]
    agreed_by: Annotated[list[Line], Meta(min_length=2, max_length=2)]


class Practice(_Part, frozen=True, kw_only=True):
    """When the siren is tried."""

    silent_test: Clock = "10:00"
    drill: Drill | None = None


class Siren(_Part, frozen=True, kw_only=True):
    """One siren and the stations that sound it."""

    id: Slug
    name: Text
    stations: Annotated[list[Slug], Meta(min_length=1, max_length=16)]
    output: Output
    supervision: Supervision = Supervision()
    key: Key | None = None
    practice: Practice = Practice()
    max_on_s: Annotated[int, Meta(ge=10, le=360)] = 180
    pause_s: Annotated[int, Meta(ge=0, le=300)] = 120
    latitude: Latitude | None = None
    longitude: Longitude | None = None


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
    latitude: Latitude
    longitude: Longitude
    time_zone: Line
    bridge: Bridge | None = None
    broker: Broker | None = None  # for nodes that come over MQTT
    lorawan: Lorawan | None = None
    history: History | None = None
    nodes: Annotated[list[Node], Meta(min_length=1, max_length=500)]
    stations: list[Station] = []
    rain_gauges: list[RainGauge] = []
    zones: list[Zone] = []
    networks: Annotated[list[Network], Meta(max_length=8)] = []
    service: Service | None = None
    rain_forecast: RainForecast | None = None
    foreign_sources: Annotated[list[ForeignSource], Meta(max_length=50)] = []
    sirens: list[Siren] = []
    people: list[Person] = []

    def sensors(self) -> dict[str, tuple[Node, Channel]]:
        """Return every sensor's node and channel by sensor id."""
        return {c.sensor: (node, c) for node in self.nodes for c in node.channels}

    def foreign_sensors(self) -> dict[str, tuple[ForeignSource, ForeignSensor]]:
        """Return every foreign sensor with its source by sensor id."""
        return {s.sensor: (source, s) for source in self.foreign_sources for s in source.sensors}


def fill_profiles(plain: Any) -> None:
    """Put the defaults of each node's profile into a file's plain content, sound or not."""
    nodes = plain.get("nodes") if isinstance(plain, dict) else None
    for node in nodes if isinstance(nodes, list) else ():
        for key, value in PROFILES.get(str(node and node.get("profile")), {}).items():
            node.setdefault(key, value)


def limits(node: Node, channel: Channel) -> dict[str, int]:
    """Return a channel's validity_s, min, max, step_per_min, flat_samples, defaults filled in."""
    return _filled(node.interval_s, channel)


def foreign_limits(source: ForeignSource, sensor: ForeignSensor) -> dict[str, int]:
    """Return the same of a foreign sensor."""
    return _filled(source.interval_s, sensor)


def _filled(interval_s: int, channel: Channel | ForeignSensor) -> dict[str, int]:
    usual = DEFAULTS[channel.quantity]
    names = ("min", "max", "step_per_min", "flat_samples")
    filled = {name: getattr(channel, name) for name in names}
    validity_s = 3 * interval_s if channel.validity_s is None else channel.validity_s
    return {"validity_s": validity_s} | {
        name: getattr(usual, name) if value is None else value for name, value in filled.items()
    }


def frame_samples(node: Node) -> int:
    """Return how many new samples a frame carries while it is calm.

    Where the file does not say it, a node of a profile saves up as many as leave each reading
    valid although a whole frame is lost, repetitions and all.
    """
    if node.frame_samples is not None:
        return node.frame_samples
    if node.profile is None:
        return 1
    least_s = min(limits(node, channel)["validity_s"] for channel in node.channels)
    return max(1, min(FRAME_SAMPLES_MOST, (least_s // node.interval_s - 1) // 2))


def validity_for(interval_s: int, samples: int) -> int:
    """Return the validity in s from which on a frame carries so many samples by itself."""
    return (2 * samples + 1) * interval_s


def bounds_mm(site: Site, station: Station) -> list[int]:
    """Return where people may move a station's limits: as written, or near the file's four.

    Whoever came by two PINs, or two people who err, make no station deaf by that.
    """
    if station.bounds_mm is not None:
        return station.bounds_mm
    least, most = reach_mm(site, station)
    low, high = station.watch_mm - LIMITS_ROOM_MM, station.alarm_plus_mm + LIMITS_ROOM_MM
    return [max(least, low), min(most, high)]


def reach_mm(site: Site, station: Station) -> list[int]:
    """Return what all sensors of a station can read."""
    sensors = site.sensors()
    filled = [limits(*sensors[sensor]) for sensor in station.sensors if sensor in sensors]
    return [max(f["min"] for f in filled), min(f["max"] for f in filled)]


def output_keys(output: Output) -> dict[str, Any]:
    """Return what the guard is told of an output: its kind's keys, defaults filled in."""
    filled: dict[str, Any] = {"kind": output.kind}
    for key, usual in OUTPUT_KEYS[output.kind].items():
        value = getattr(output, key)
        filled[key] = usual if value is None else value
    return filled
