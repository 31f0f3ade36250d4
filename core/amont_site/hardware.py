"""Declare a node's board and how its sensors are wired; docs/drivers.md says what each means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Pin = Annotated[int, Meta(ge=0, le=48)]
Raw = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Some = Annotated[int, Meta(ge=0, le=100_000)]
BusId = Annotated[int, Meta(ge=0, le=2)]
Celsius = Annotated[int, Meta(ge=-5_000, le=7_000)]  # 1/100 degree
Mark = Annotated[int, Meta(ge=-(2**24), le=2**24)]
Change = Annotated[int, Meta(ge=1, le=2**24)]
FileName = Annotated[str, Meta(min_length=1, max_length=80)]


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """The strictness that every part of the file shares."""


class I2c(Part, frozen=True, kw_only=True):
    """An I2C bus; several chips may share one."""

    id: BusId
    scl: Pin
    sda: Pin
    hz: Annotated[int, Meta(ge=1_000, le=1_000_000)] | None = None


class Uart(Part, frozen=True, kw_only=True):
    """A serial line; several sensors with addresses may share one."""

    id: BusId
    tx: Pin
    rx: Pin
    de: Pin | None = None  # driver enable of RS-485
    invert: bool | None = None


class Power(Part, frozen=True, kw_only=True):
    """The switch of a sensor's supply."""

    pin: Pin
    active: Annotated[int, Meta(ge=0, le=1)] | None = None
    warm_ms: Annotated[int, Meta(ge=0, le=30_000)] | None = None


class Thermometer(Part, frozen=True, kw_only=True):
    """A thermometer in the air beside an ultrasonic sensor."""

    kind: Literal["ds18b20"]
    pin: Pin


class PulseCounter(Part, frozen=True, kw_only=True):
    """What counts pulses while the node sleeps. ``COUNTER_KEYS`` says what each kind needs."""

    kind: Literal["pcf8583", "port", "pin", "latch"]
    i2c: I2c | None = None
    address: Annotated[int, Meta(ge=8, le=119)] | None = None
    id: Annotated[int, Meta(ge=0, le=7)] | None = None
    pin: Pin | None = None
    debounce_ms: Annotated[int, Meta(ge=0, le=1_000)] | None = None
    clear: Pin | None = None


class Probe(Part, frozen=True, kw_only=True):
    """How a channel's sensor is wired. ``PROBE_KEYS`` says what each kind knows and needs."""

    kind: Literal[
        "constant", "replay", "a02yyuw", "jsn_sr04t", "ads1115_420ma", "modbus_rtu", "sdi12",
        "pulse", "tipping_bucket", "ds18b20", "battery",
    ]  # fmt: skip
    value: Raw | None = None
    file: FileName | None = None
    noise: Some | None = None
    seed: Raw | None = None
    uart: Uart | None = None
    i2c: I2c | None = None
    pin: Pin | None = None
    trigger: Pin | None = None
    echo: Pin | None = None
    power: Power | None = None
    counter: PulseCounter | None = None
    temperature: Thermometer | None = None
    temp_cc: Celsius | None = None
    assumed_cc: Celsius | None = None
    pings: Annotated[int, Meta(ge=1, le=63)] | None = None
    spread_max: Some | None = None
    step_max: Some | None = None
    low: Raw | None = None
    high: Raw | None = None
    address: Annotated[int, Meta(ge=0, le=247)] | None = None
    input: Annotated[int, Meta(ge=0, le=3)] | None = None
    shunt_mohm: Annotated[int, Meta(ge=1_000, le=1_000_000)] | None = None
    register: Annotated[int, Meta(ge=0, le=65_535)] | None = None
    baud: Annotated[int, Meta(ge=300, le=115_200)] | None = None
    parity: Literal["none", "even", "odd"] | None = None
    function: Literal[3, 4] | None = None
    type: Literal["u16", "s16", "u32", "s32", "f32", "u32_swapped", "s32_swapped",
                  "f32_swapped"] | None = None  # fmt: skip
    decimals: Annotated[int, Meta(ge=0, le=6)] | None = None
    no_echo: Annotated[list[Raw], Meta(max_length=8)] | None = None
    command: Literal["M", "C"] | None = None
    number: Annotated[int, Meta(ge=0, le=9)] | None = None
    crc: bool | None = None
    wait_max_s: Annotated[int, Meta(ge=1, le=60)] | None = None
    raw: Literal["count", "rate", "total"] | None = None
    max_per_min: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    reference_mv: Annotated[int, Meta(ge=500, le=5_500)] | None = None
    multiply: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    divide: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class Marks(Part, frozen=True, kw_only=True):
    """From where on a node speaks at once, of its first channel; a station's node has its limits.

    In the channel's own unit, rise and fall a minute: a burst pipe is a fall of pressure.
    """

    high: Mark | None = None
    low: Mark | None = None
    rise_per_min: Change | None = None
    fall_per_min: Change | None = None


class FloatSwitch(Part, frozen=True, kw_only=True):
    """A float switch; ``active`` is the level of its pin when it is closed."""

    pin: Pin
    active: Annotated[int, Meta(ge=0, le=1)] | None = None  # 0 if absent: a switch to ground
    wakes: bool | None = None  # true if absent


class Board(Part, frozen=True, kw_only=True):
    """The node's board and what is soldered to it besides sensors."""

    name: Literal["pico", "pico-w", "pico2", "esp32", "unix"]
    watchdog_s: Annotated[int, Meta(ge=1, le=120)] | None = None
    button: Pin | None = None  # held at boot: service mode
    led: Pin | None = None
    rtc: Literal["ds3231", "pcf8563"] | None = None
    i2c: I2c | None = None  # of the clock chip
    # between wakes: light sleep, deep sleep (esp32), or no supply until the clock chip's alarm
    sleep: Literal["light", "deep", "gate"] | None = None
    gate: Pin | None = None  # keeps the supply on while it is high
    float: FloatSwitch | None = None


DEEP_SLEEPERS = ("esp32", "unix")  # the others' deep sleep forgets the time
# board: its highest pin, and whether it can speak MQTT
BOARDS: dict[str, tuple[int, bool]] = {
    "pico": (28, False), "pico-w": (28, True), "pico2": (28, False), "esp32": (48, True),
    "unix": (48, True),
}  # fmt: skip

_PINGED = "power pings spread_max step_max low high"
# kind: (what it needs, what it may have besides, the quantities that it can give; "": any)
_KINDS = {
    "constant": ("value", "", ""),
    "replay": ("file", "noise seed", ""),
    "a02yyuw": (
        "uart", f"{_PINGED} temperature temp_cc assumed_cc", "range_mm stage_mm level_mm"
    ),
    "jsn_sr04t": (
        "trigger echo", f"{_PINGED} temperature temp_cc", "range_mm stage_mm level_mm"
    ),
    "ads1115_420ma": ("i2c", f"{_PINGED} address input shunt_mohm", ""),
    "modbus_rtu": (
        "uart register", f"{_PINGED} baud parity address function type decimals no_echo", ""
    ),
    "sdi12": (
        "uart", f"{_PINGED} address command number crc value decimals wait_max_s no_echo", ""
    ),
    "pulse": ("counter", "raw max_per_min", "volume_l flow_l_h"),
    "tipping_bucket": ("counter", "max_per_min", "rain_um"),
    "ds18b20": ("pin", f"{_PINGED}", "water_temp_cc air_temp_cc"),
    "battery": ("pin", f"{_PINGED} reference_mv multiply divide", "battery_mv"),
}  # fmt: skip
PROBE_KEYS = {kind: tuple(part.split() for part in parts) for kind, parts in _KINDS.items()}
# kind: (what it needs, what it may have besides)
COUNTER_KEYS: dict[str, tuple[list[str], list[str]]] = {
    "pcf8583": (["i2c"], ["address"]), "port": (["pin"], ["id"]),
    "pin": (["pin"], ["debounce_ms"]), "latch": (["pin", "clear"], []),
}  # fmt: skip
_PINS = (
    "scl", "sda", "tx", "rx", "de", "pin", "trigger", "echo", "clear", "button", "led", "gate",
)  # fmt: skip


def pins(part: Struct) -> Iterator[tuple[tuple[str, ...], int, object]]:
    """Yield where each pin of a board or probe stands, its number, and the bus that may share it.

    Two buses that are equal are one bus; None is shared by nobody.
    """
    shared = part if isinstance(part, I2c | Uart) else None
    for key in part.__struct_fields__:
        value = getattr(part, key)
        if isinstance(value, Struct):
            for path, number, bus in pins(value):
                yield (key, *path), number, bus
        elif key in _PINS and value is not None:
            yield (key,), value, shared


def plain(part: Struct) -> dict[str, Any]:
    """Return what a node's configuration says of a part: what is written, and no more."""
    found: dict[str, Any] = {}
    for key in part.__struct_fields__:
        value = getattr(part, key)
        if value is not None:
            found[key] = plain(value) if isinstance(value, Struct) else value
    if found.get("kind") == "sdi12" and "address" in found:
        found["address"] = str(found["address"])  # one character on that bus
    return found
