"""Model what a station draws from its cells, from stated currents, and compare a recorded trace.

Every current and duration has its source; those that nobody measured are marked as assumed. All
are taken as drawn from the cells: ``Board.converter`` is the factor that a buck-boost converter
costs everything behind it, 1 where, as in the figures that this model is compared with, none is
counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from amont_provision import framesizes
from amont_provision.board import LORAWAN_BYTES
from amont_wire.airtime import PREAMBLE, time_on_air_ms

DAY_S = 86_400
CELLS_MAH = 2600.0  # two AA cells in series, alkaline, at some mA
USABLE = 0.85  # before the voltage is too low
SELF_DISCHARGE_YEAR = 0.02
HEALTH_A_DAY = 4  # of a node with a profile
PLAIN_HEALTH_A_DAY = 24  # of one without
RIVER = ("stage_mm",)  # what a frame is taken to hold

ASLEEP, AWAKE, SENDING = STATES = ("asleep", "awake", "sending")
PARTS = ("sleep", "clock", "start", "work", "sensor", "transmit", "receive")


@dataclass(frozen=True)
class Figure:
    """A number, its unit, and who says so; ``assumed``: nobody measured it."""

    value: float
    unit: str
    source: str
    assumed: bool = False


FIGURES: dict[str, Figure] = {
    "clock_ma": Figure(0.00025, "mA", "PCF8563 datasheet, 3 V, 25 °C, CLKOUT off"),
    "gate_ma": Figure(0.005, "mA", "load switches' leakage, worst of datasheets", assumed=True),
    "pico_lightsleep_ma": Figure(0.99, "mA", "MicroPython PR 8832, bare Pico, measured"),
    "esp32_lightsleep_ma": Figure(0.8, "mA", "ESP32 datasheet, light sleep", assumed=True),
    "esp32_deepsleep_ma": Figure(0.02, "mA", "ESP32 datasheet 0.01, and its board", assumed=True),
    "rp2040_ma": Figure(24.0, "mA", "RP2040 at 125 MHz under MicroPython", assumed=True),
    "esp32_ma": Figure(40.0, "mA", "ESP32 datasheet, modem sleep, 30 to 68 mA", assumed=True),
    "boot_s": Figure(0.15, "s", "from power to the first line of main.py", assumed=True),
    "import_s": Figure(0.142, "s", "224 KB as .mpy, 0.63 ms/KB on an emulated RP2040"),
    "import_py_s": Figure(1.484, "s", "224 KB as .py, 6.6 ms/KB on an emulated RP2040"),
    "store_s": Figure(0.05, "s", "outbox, counters, configuration", assumed=True),
    "ultrasonic_ma": Figure(8.0, "mA", "A02YYUW datasheet, below 8 mA"),
    "ultrasonic_s": Figure(0.4, "s", "three frames of 100 ms, and the first", assumed=True),
    "loop_ma": Figure(94.0, "mA", "4-20 mA at 20 mA, 12 V from 3 V at 85 %", assumed=True),
    "loop_s": Figure(0.5, "s", "settling of a transmitter", assumed=True),
    "pulses_ma": Figure(0.0, "mA", "reed contact into a counter that runs on the clock's supply"),
    "pulses_s": Figure(0.01, "s", "one transfer on the bus", assumed=True),
    "thermometer_ma": Figure(1.5, "mA", "DS18B20 datasheet, active, greatest"),
    "thermometer_s": Figure(0.76, "s", "DS18B20 datasheet, 750 ms at 12 bits, and the transfers"),
    "bus_ma": Figure(60.0, "mA", "radar or SDI-12 sensor, 12 V from 3 V at 85 %", assumed=True),
    "bus_s": Figure(3.0, "s", "start and answer of such a sensor", assumed=True),
    "divider_ma": Figure(0.0, "mA", "the board's own converter"),
    "divider_s": Figure(0.01, "s", "one conversion", assumed=True),
    "look_s": Figure(0.2, "s", "one frame of the sensor", assumed=True),
    # 90 mA with the settings for +22 dBm; the driver sets the amplifier for +14 (13.1.14)
    "transmit_ma": Figure(45.0, "mA", "SX1262 datasheet, +14 dBm, amplifier's best settings"),
    "receive_ma": Figure(4.6, "mA", "SX1262 datasheet, LoRa 125 kHz, DC-DC"),
    "listen_s": Figure(2.6, "s", "window after each frame; an answer, after 2, ends it at 2.5"),
    "listen_ma": Figure(1.8, "mA", "processor in it: naps of 82 ms, looks of 3", assumed=True),
    "lorawan_wait_s": Figure(2.3, "s", "until LoRaWAN's second window, 2 s later, is over"),
    "lorawan_receive_s": Figure(0.3, "s", "both windows, the second at SF12", assumed=True),
    "wifi_ma": Figure(110.0, "mA", "Wi-Fi, connecting and sending, mean", assumed=True),
    "wifi_s": Figure(4.0, "s", "association, DHCP, TLS, MQTT", assumed=True),
}


@dataclass(frozen=True)
class Board:
    """What a board draws, in names of FIGURES; ``forgets``: each wake starts Python anew."""

    name: str
    sleep: str
    awake: str
    forgets: bool
    converter: float = 1.0
    imports: str = "import_s"


@dataclass(frozen=True)
class Profile:
    """How often a station wakes, and for what; seconds between looks, None: it has none."""

    name: str
    interval_s: int
    frame_samples: int
    sensor: str
    look_s: int | None = None
    more: tuple[str, ...] = ()  # sensors besides the one that looks
    health_a_day: int = HEALTH_A_DAY


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board("pico-gated", "gate_ma", "rp2040_ma", forgets=True),
        Board("pico", "pico_lightsleep_ma", "rp2040_ma", forgets=False),
        Board("esp32-light", "esp32_lightsleep_ma", "esp32_ma", forgets=False),
        Board("esp32-gated", "gate_ma", "esp32_ma", forgets=True),
        Board("esp32", "esp32_deepsleep_ma", "esp32_ma", forgets=True),
    )
}
RECOMMENDED = "pico-gated"
PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("slow-river", 900, 4, "ultrasonic"),
        Profile("pipe", 900, 4, "pulses"),
        Profile("flash-flood", 900, 4, "ultrasonic", look_s=60),
        Profile("flash-flood-120", 900, 4, "ultrasonic", look_s=120),
        Profile("flash-flood-float", 900, 4, "ultrasonic"),
    )
}
SENSORS = ("ultrasonic", "loop", "pulses", "thermometer", "bus", "divider")
CARRIERS = ("lora", "lorawan", "wifi")


@dataclass(frozen=True)
class Segment:
    """A state and how long a day it lasts; what is drawn in it, in mA, by part."""

    state: str
    seconds: float
    draws: Mapping[str, float]

    @property
    def current_ma(self) -> float:
        """Return the sum of what is drawn."""
        return sum(self.draws.values())


@dataclass(frozen=True)
class Budget:
    """A day of a station: mAh by part, and how long two AA cells bear it."""

    segments: tuple[Segment, ...]
    frames: float  # a day

    @property
    def parts(self) -> dict[str, float]:
        """Return mAh a day by part."""
        return {
            part: sum(s.seconds * s.draws.get(part, 0.0) for s in self.segments) / 3600
            for part in PARTS
        }

    @property
    def mah_day(self) -> float:
        """Return mAh a day of all parts; what the cells lose by themselves is not among them."""
        return sum(self.parts.values())

    @property
    def years(self) -> float:
        """Return the life of two AA cells in years, their self-discharge included."""
        own_mah_day = CELLS_MAH * SELF_DISCHARGE_YEAR / 365.25
        return CELLS_MAH * USABLE / (self.mah_day + own_mah_day) / 365.25

    def state(self, name: str) -> tuple[float, float]:
        """Return seconds and mAh a day of a state."""
        mine = [s for s in self.segments if s.state == name]
        return sum(s.seconds for s in mine), sum(s.seconds * s.current_ma for s in mine) / 3600


def air_s(size: int, sf: int, preamble: int = PREAMBLE) -> float:
    """Return the time on air in s at 125 kHz, 4/5, as the node counts it."""
    return time_on_air_ms(size, sf, 125, 5, preamble) / 1000


@dataclass(frozen=True)
class Air:
    """How a node's frames are on the air; ``tries``: how often each goes out until answered.

    ``naps``: the radio hears on by itself while the processor sleeps.
    """

    sf: int = 9
    preamble: int = PREAMBLE
    tries: float = 1.0
    naps: bool = True


def budget(
    profile: Profile, board: Board, sf: int = 9, carrier: str = "lora", air: Air | None = None
) -> Budget:
    """Return a day of this profile on this board; ``air`` says more than ``sf``."""
    samples = DAY_S / profile.interval_s
    looks = DAY_S / profile.look_s - samples if profile.look_s else 0.0
    sensors = [(_value(f"{of}_ma"), _value(f"{of}_s")) for of in (profile.sensor, *profile.more)]
    sensor_ma, sensor_s = sensors[0]
    cpu_ma = _value(board.awake)
    start_s = _value("boot_s") + _value(board.imports) if board.forgets else 0.0
    look_s = min(_value("look_s"), sensor_s)
    awake = [
        Segment(AWAKE, (samples + looks) * start_s, {"start": cpu_ma}),
        Segment(AWAKE, samples * _value("store_s"), {"work": cpu_ma}),
        *[Segment(AWAKE, samples * s, {"work": cpu_ma, "sensor": ma}) for ma, s in sensors],
        Segment(AWAKE, looks * look_s, {"work": cpu_ma, "sensor": sensor_ma}),
    ]
    frames = samples / profile.frame_samples
    awake += (
        _wifi(frames + profile.health_a_day, cpu_ma)
        if carrier == "wifi"
        else _radio(frames, profile, cpu_ma, carrier, air or Air(sf))
    )
    asleep_s = DAY_S - sum(segment.seconds for segment in awake)
    asleep = Segment(ASLEEP, asleep_s, {"sleep": _value(board.sleep)})
    segments = [_behind(segment, board.converter) for segment in awake] + [asleep]
    clock = {"clock": _value("clock_ma")}
    with_clock = tuple(replace(s, draws={**s.draws, **clock}) for s in segments if s.seconds > 0)
    return Budget(with_clock, frames + profile.health_a_day)


def used(profile: Profile, board: Board, carrier: str = "lora") -> list[str]:
    """Return the names of the figures that such a day rests on."""
    names = ["clock_ma", board.sleep, board.awake, "store_s"]
    names += ["boot_s", board.imports] if board.forgets else []
    for sensor in dict.fromkeys((profile.sensor, *profile.more)):
        names += [f"{sensor}_ma", f"{sensor}_s"]
    names += ["look_s"] if profile.look_s else []
    if carrier == "wifi":
        return [*names, "wifi_ma", "wifi_s"]
    windows = {
        "lora": ("listen_ma", "listen_s"),
        "lorawan": ("lorawan_wait_s", "lorawan_receive_s"),
    }
    return [*names, "transmit_ma", "receive_ma", *windows[carrier]]


def longest_start_s(profile: Profile, board: Board, goal_mah_day: float, sf: int = 9) -> float:
    """Return how long the start of each wake may take for a day to stay within the goal."""
    left_mah = goal_mah_day - budget(profile, board, sf).mah_day
    wakes = DAY_S / (profile.look_s or profile.interval_s)
    start_s = _value("boot_s") + _value(board.imports) if board.forgets else 0.0
    return start_s + left_mah * 3600 / (wakes * _value(board.awake) * board.converter)


def _radio(
    frames: float, profile: Profile, cpu_ma: float, carrier: str, air: Air
) -> list[Segment]:
    """Return what is drawn while the radio sends, and while it waits for an answer.

    An answer may come after the next frame: so each holds the readings of the one before, too.
    """
    is_lorawan = carrier == "lorawan"
    more = LORAWAN_BYTES if is_lorawan else 0
    size = framesizes.samples(RIVER, 2 * profile.frame_samples).size
    sent_s = frames * air.tries * air_s(size + more, air.sf, air.preamble)
    health_s = air_s(framesizes.health_size() + more, air.sf, air.preamble)
    sent_s += profile.health_a_day * health_s
    waited_s = _value("lorawan_wait_s" if is_lorawan else "listen_s")
    heard_s = _value("lorawan_receive_s") if is_lorawan else waited_s
    receive_ma = _value("receive_ma") * heard_s / waited_s
    all_s = (frames * air.tries + profile.health_a_day) * waited_s
    # Whoever waits for a module's line stays awake.
    waiting_ma = _value("listen_ma") if air.naps and not is_lorawan else cpu_ma
    return [
        Segment(SENDING, sent_s, {"work": cpu_ma, "transmit": _value("transmit_ma")}),
        Segment(AWAKE, all_s, {"work": waiting_ma, "receive": receive_ma}),
    ]


def _wifi(frames: float, cpu_ma: float) -> list[Segment]:
    seconds = frames * _value("wifi_s")
    return [Segment(SENDING, seconds, {"work": cpu_ma, "transmit": _value("wifi_ma")})]


def _behind(segment: Segment, factor: float) -> Segment:
    return replace(segment, draws={part: ma * factor for part, ma in segment.draws.items()})


def _value(name: str) -> float:
    return FIGURES[name].value
