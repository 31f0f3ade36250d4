# The node's configuration and secret: what is in the files, and what may be in them.
#
# config.a / config.b (see pair.py), JSON:
#   {"schema": 1, "id": 17, "generation": 1, "version": 1, "interval_s": 900,
#    "fast_interval_s": 60, "high_mark": 1200 | null, "rise_mark": 20 | null,
#    "alarm_mark": 2500 | null, "overlap": 60,
#    "frame_samples": 1, "outbox_segments": 96,
#    "channels": [{"index": 0, "quantity": 1, "step": 1,
#                  "probe": {"kind": "replay", "file": "stage.txt"}}],
#    "carrier": {"kind": "radio", "host": "127.0.0.1", "port": 7700}}
# or "carrier": {"kind": "mqtt", "host": …, "port": 8883, "site": "sainte-amonette",
#                "user": "", "password": "",
#                "tls": null | {"ca": "ca.pem", "name": …, "cert": …, "key": …}}
# or "carrier": {"kind": "lora", "chip": "sx1262" | "sx1261" | "rak3172" | "sim", "pins": {…}, see
#                radio_sx126x.py, or "uart" of the rak3172, "lora": {…, "channels_khz": [868100,
#                868300, 868500], "power_dbm": 14, "listen_ms": 2600}}, see docs/radio.md
# or "carrier": {"kind": "lorawan", "chip": "rak3172", "uart": {"id": 1, "tx": 4, "rx": 5},
#                "dev_eui": "<16 hex>", "join_eui": "<16 hex>", "key": "lorawan.json",
#                "band": "EU868", "answer_ms": 900000, "lora": {"sf": 10, "overhead_bytes": 13}}
#    with lorawan.json: {"schema": 1, "app_key": "<32 hex>"}; lora is what it joins with.
# secret.json: {"schema": 1, "secret": "<32 hex>"}; apart, so that a configuration can be shown.
# Marks are about the first channel, in wire units; rise_mark and fall_mark are per minute.
#
# May be left out:
#   "profile": "slow-river" | "pipe" | "flash-flood" | null
#   "low_mark", "fall_mark": null | as high_mark and rise_mark, downwards (a burst pipe)
#   "look_s": null | seconds between readings that are neither kept nor sent; flash-flood: 60 to
#             120, 60 if left out, null where a float switch wakes the node
#   "slot_s": how long after its samples the node sends; with a profile it follows from the id
#   "airtime_permille": 10, of each sliding hour, on a radio that has this or "lora"
#   "max_awake_s": 60
#   "battery": {"low_mv": 2400, "empty_mv": 2150}
#   "board": {"name": "pico" | "pico-w" | "pico2" | "esp32" | "unix", "watchdog_s": 8,
#             "button": pin | null, "led": pin | null, "rtc": null | "ds3231" | "pcf8563",
#             "i2c": null | {…}, of the rtc,
#             "sleep": "light" | "deep" (esp32) | "gate" (with an rtc, see gate.py),
#             "gate": pin | null, high while the supply is to stay on,
#             "float": null | {"pin": …, "active": 0, "wakes": true}}
#   channels[i]."calibration": {"multiply": 1, "divide": 1, "add": 0}, of the probe's raw value
#   carrier."lora": {"sf": 9, "bw_khz": 125, "cr": 5, "preamble": 8, "overhead_bytes": 0}

import json

from amont_node.drivers.fields import whole
from amont_node.pair import PairFile, make_durable
from amont_node.settings import ConfigError
from amont_wire.airtime import fits
from amont_wire.const import MAX_FRAME

SCHEMA = 1
_CARRIERS = ("radio", "lora", "mqtt", "lorawan")
_CHIPS = ("sx1262", "sx1261", "rak3172", "sim")
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200)
_LEVELS = (1, 9, 10)  # stage, level, range
_LEVEL_STEP_MM = 500  # more than twice what a flood rises in a minute
SLOW_RIVER = "slow-river"
PIPE = "pipe"
FLASH_FLOOD = "flash-flood"
_PROFILES = (None, SLOW_RIVER, PIPE, FLASH_FLOOD)
_FLASH_LOOK_S = (60, 120)
_SLOTS = 32  # nodes of one site that differ in their slot if their ids follow each other
_SLOT_S = 2  # a frame of 51 bytes at SF10, or the error between two clocks
_BOARDS = ("pico", "pico-w", "pico2", "esp32", "unix")
_CLOCK_CHIPS = (None, "ds3231", "pcf8563")
LIGHT = "light"
DEEP = "deep"
GATE = "gate"
_SLEEPS = (LIGHT, DEEP, GATE)
_DEEP_SLEEPERS = ("esp32", "unix")  # the others' deep sleep forgets the time
_BANDWIDTHS_KHZ = (125, 250, 500)
_FACTOR_MAX = 1 << 24
# Wire key of a configuration downlink: name, least and greatest value.
_BY_DOWNLINK = {
    1: ("interval_s", 1, 86400),
    2: ("fast_interval_s", 1, 86400),
    3: ("high_mark", -(1 << 24), 1 << 24),
    4: ("rise_mark", 0, 1 << 24),
    5: ("overlap", 0, 63),
    6: ("alarm_mark", -(1 << 24), 1 << 24),
    7: ("look_s", 0, 3600),  # 0: none
    8: ("low_mark", -(1 << 24), 1 << 24),
    9: ("fall_mark", 0, 1 << 24),
    10: ("slot_s", 0, 3600),
    11: ("frame_samples", 1, 64),
}


class ChannelConfig:
    def __init__(self, data: dict[str, object]) -> None:
        self.index = _integer(data, "index", 0, 3)
        self.quantity = _integer(data, "quantity", 1, 31)
        self.step = _integer(data, "step", 1, 200, 1)
        if self.step not in _STEPS:
            raise ConfigError("step: %d is not one of %s" % (self.step, str(_STEPS)))
        # None, or {"multiply", "divide", "add"}: raw * multiply / divide + add, nearest.
        self.calibration = _calibration(data)
        self.probe = _probe(_mapping(data, "probe"), self.quantity, self.calibration)


# Of the board itself; all of it may be left out.
class BoardConfig:
    def __init__(self, data: dict[str, object]) -> None:
        self.name = _choice("board.name", data.get("name", "unix"), _BOARDS)
        self.watchdog_s = _integer(data, "watchdog_s", 1, 120, 8)
        self.button = _pin(data, "button")
        self.led = _pin(data, "led")
        self.rtc = _choice("board.rtc", data.get("rtc"), _CLOCK_CHIPS)
        self.i2c = None if data.get("i2c") is None else _mapping(data, "i2c")
        self.gate = _pin(data, "gate")
        self.float = None if data.get("float") is None else FloatConfig(_mapping(data, "float"))
        self.sleep = _choice("board.sleep", data.get("sleep", LIGHT), _SLEEPS)
        if self.sleep == DEEP and self.name not in _DEEP_SLEEPERS:
            raise ConfigError("board.sleep: deep is not for %s: light or gate" % self.name)
        if self.sleep == GATE:
            if self.rtc is None:
                raise ConfigError("board.sleep: gate needs board.rtc, which ends it")
            if self.i2c is None and self.name != "unix":
                raise ConfigError("board.i2c: missing; board.rtc needs it")
            if self.gate is None and self.float is not None and self.float.wakes:
                raise ConfigError("board.gate: missing; a wake by the float switch needs it")


# Closed when its pin has the level `active`: 0, the usual one, is a switch to ground.
class FloatConfig:
    def __init__(self, data: dict[str, object]) -> None:
        self.pin = _integer(data, "pin", 0, 63)
        self.active = _integer(data, "active", 0, 1, 0)
        self.wakes = data.get("wakes", True)
        if self.wakes is not True and self.wakes is not False:
            raise ConfigError("float.wakes: %s is not true or false" % self.wakes)


# How long a frame is on the air depends on these.
class LoraConfig:
    def __init__(self, data: dict[str, object]) -> None:
        self.sf = _integer(data, "sf", 7, 12, 9)
        self.bw_khz = _integer(data, "bw_khz", 125, 500, 125)
        _choice("lora.bw_khz", self.bw_khz, _BANDWIDTHS_KHZ)
        self.cr = _integer(data, "cr", 5, 8, 5)  # 4/5 to 4/8
        self.preamble = _integer(data, "preamble", 6, 2000, 8)
        self.overhead_bytes = _integer(data, "overhead_bytes", 0, 32, 0)  # LoRaWAN: 13
        if "power_dbm" in data:
            _integer(data, "power_dbm", -9, 22)
        if "listen_ms" in data:
            _integer(data, "listen_ms", 500, 10000)
        channels = data.get("channels_khz", [868100])
        if not isinstance(channels, list) or not 1 <= len(channels) <= 16:
            raise ConfigError("lora.channels_khz: needs 1 to 16")
        for khz in channels:
            whole({"khz": khz}, "khz", None, 137000, 1020000, "lora.channels_")


class NodeConfig:
    # data: the parsed JSON. ConfigError says which field is wrong and why.
    def __init__(self, data: dict[str, object]) -> None:
        self.data = data
        if data.get("schema") != SCHEMA:
            raise ConfigError("schema: %s, expected %d" % (data.get("schema"), SCHEMA))
        self.id = _integer(data, "id", 1, 65534)
        self.generation = _integer(data, "generation", 1, 65535)
        self.version = _integer(data, "version", 0, 65535, 0)
        self.interval_s = _integer(data, "interval_s", 1, 86400)
        self.fast_interval_s = _integer(data, "fast_interval_s", 1, 86400)
        if self.fast_interval_s > self.interval_s:
            raise ConfigError("fast_interval_s: %d is over interval_s" % self.fast_interval_s)
        self.high_mark = _optional(data, "high_mark")
        self.rise_mark = _optional(data, "rise_mark")
        self.alarm_mark = _optional(data, "alarm_mark")
        self.low_mark = _optional(data, "low_mark")
        self.fall_mark = _optional(data, "fall_mark")
        self.overlap = _integer(data, "overlap", 0, 63, 60)
        self.frame_samples = _integer(data, "frame_samples", 1, 64, 1)
        self.outbox_segments = _integer(data, "outbox_segments", 2, 1024, 96)
        self.carrier = _mapping(data, "carrier")
        if self.carrier.get("kind") not in _CARRIERS:
            raise ConfigError("carrier.kind: must be one of %s" % (_CARRIERS,))
        self._take_policy(data)
        self.has_board = "board" in data
        self.board = BoardConfig(_mapping(data, "board", {}))
        self._take_channels(data)

    def _take_policy(self, data: dict[str, object]) -> None:
        self.profile = _choice("profile", data.get("profile"), _PROFILES)
        self.look_s = self._look(data)
        self.slot_s = _integer(data, "slot_s", 0, 3600, self._slot_of_id())
        if self.slot_s > self.interval_s // 2:
            raise ConfigError("slot_s: %d is over half of interval_s" % self.slot_s)
        self.airtime_permille = _integer(data, "airtime_permille", 1, 1000, 10)
        self.max_awake_s = _integer(data, "max_awake_s", 10, 600, 60)
        battery = _mapping(data, "battery", {})
        self.low_mv = _integer(battery, "low_mv", 500, 30000, 2400)
        self.empty_mv = _integer(battery, "empty_mv", 500, 30000, min(2150, self.low_mv))
        if self.empty_mv > self.low_mv:
            raise ConfigError("battery.empty_mv: %d is over low_mv" % self.empty_mv)
        lora = _mapping(self.carrier, "lora", {})
        # A simulated radio of which nothing is said occupies no air.
        kind = self.carrier["kind"]
        counts = kind in ("lora", "lorawan") or (
            kind == "radio" and ("lora" in self.carrier or "airtime_permille" in data)
        )
        if kind == "lora":
            _choice("carrier.chip", self.carrier.get("chip"), _CHIPS)
        self.lora = LoraConfig(lora) if counts else None
        if not fits(self.lora, self.airtime_permille, MAX_FRAME):
            raise ConfigError("airtime_permille: too little for one frame an hour at this sf")

    def _look(self, data: dict[str, object]) -> int | None:
        is_flash = self.profile == FLASH_FLOOD
        low, high = _FLASH_LOOK_S if is_flash else (10, 3600)
        usual = low if is_flash and low < self.interval_s else None
        if data.get("look_s", usual) is None:
            return None
        look_s = _integer(data, "look_s", low, high, usual)
        if look_s > self.interval_s:
            raise ConfigError("look_s: %d is over interval_s" % look_s)
        return look_s

    # Neighbours in number send at different seconds. Without a profile a node sends at once.
    def _slot_of_id(self) -> int:
        if self.profile is None:
            return 0
        return self.id % _SLOTS * _SLOT_S % max(1, self.interval_s // 4)

    def _take_channels(self, data: dict[str, object]) -> None:
        channels = data.get("channels")
        if not isinstance(channels, list) or not 1 <= len(channels) <= 4:
            raise ConfigError("channels: needs 1 to 4")
        self.channels = [ChannelConfig(channel) for channel in channels]
        indices = [channel.index for channel in self.channels]
        if sorted(set(indices)) != indices:
            raise ConfigError("channels: indices must rise, each once")

    # What a configuration downlink makes of this one. Everything or nothing.
    def changed(self, version: int, items: list[tuple[int, int]]) -> "NodeConfig":
        return NodeConfig(newer(self.data, version, items))


# The data that a configuration downlink makes of these.
def newer(before, version: int, items: list[tuple[int, int]]) -> dict[str, object]:  # type: ignore[no-untyped-def]
    known = before.get("version", 0)
    if version <= known:
        raise ConfigError("version: %d does not rise over %d" % (version, known))
    data = dict(before)
    data["version"] = version
    for key, value in items:
        if key not in _BY_DOWNLINK:
            raise ConfigError("key %d is unknown" % key)
        name, low, high = _BY_DOWNLINK[key]
        if not low <= value <= high:
            raise ConfigError("%s: %d is not within %d and %d" % (name, value, low, high))
        data[name] = None if name == "look_s" and value == 0 else value
    return data


# The configuration of safe mode: samples at the normal interval and nothing else.
def plain(config: NodeConfig) -> NodeConfig:
    data = dict(config.data)
    for name in ("profile", "look_s", "high_mark", "rise_mark", "alarm_mark", "low_mark",
                 "fall_mark"):  # fmt: skip
        data[name] = None
    data["fast_interval_s"] = data["interval_s"]
    return NodeConfig(data)


class ConfigStore:
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._pair = PairFile(folder, "config")

    def load(self) -> NodeConfig:
        data = self._pair.load()
        if not isinstance(data, dict):
            raise ConfigError("%s/config: no good copy" % self._folder)
        return NodeConfig(data)

    def damaged(self) -> int:
        return self._pair.damaged

    def save(self, config: NodeConfig) -> None:
        self._pair.save(config.data)


def load_secret(folder: str) -> bytes:
    path = folder + "/secret.json"
    with open(path) as file:
        data = json.load(file)
    text = data.get("secret") if isinstance(data, dict) and data.get("schema") == SCHEMA else None
    if not isinstance(text, str) or len(text) != 32:
        raise ConfigError("%s: needs schema %d and 32 hex digits" % (path, SCHEMA))
    return bytes.fromhex(text)


def save_secret(folder: str, secret: bytes) -> None:
    with open(folder + "/secret.json", "w") as file:
        file.write(json.dumps({"schema": SCHEMA, "secret": secret.hex()}))
        make_durable(file)


def _integer(data, name: str, low: int, high: int, default=None) -> int:  # type: ignore[no-untyped-def]
    return whole(data, name, default, low, high, "")


def _optional(data, name: str) -> int | None:  # type: ignore[no-untyped-def]
    if data.get(name) is None:
        return None
    return _integer(data, name, -(1 << 24), 1 << 24)


def _mapping(data, name: str, default=None) -> dict[str, object]:  # type: ignore[no-untyped-def]
    value = data.get(name) if isinstance(data, dict) else None
    if value is None:
        value = default
    if not isinstance(value, dict):
        raise ConfigError("%s: must be an object" % name)
    return value


def _choice(name: str, value, known):  # type: ignore[no-untyped-def]
    if value not in known:
        raise ConfigError("%s: %s is not one of %s" % (name, value, str(known)))
    return value


def _pin(data, name: str) -> int | None:  # type: ignore[no-untyped-def]
    return None if data.get(name) is None else _integer(data, name, 0, 63)


# A probe as it is configured, and what its raw value may step in a minute: where it does not say,
# a level may step 500 mm, be it measured in mm, in tenths of them or in microamperes.
def _probe(probe, quantity: int, calibration):  # type: ignore[no-untyped-def]
    if quantity not in _LEVELS or calibration is None or "step_max" in probe:
        return probe
    step_max = _LEVEL_STEP_MM * calibration["divide"] // abs(calibration["multiply"])
    return dict(probe, step_max=max(1, step_max))


def _calibration(data):  # type: ignore[no-untyped-def]
    if data.get("calibration") is None:
        return None
    given = _mapping(data, "calibration")
    for name, low, usual in (
        ("multiply", -_FACTOR_MAX, 1),
        ("divide", 1, 1),
        ("add", -_FACTOR_MAX, 0),
    ):
        _integer(given, name, low, _FACTOR_MAX, usual)
    if given.get("multiply", 1) == 0:
        raise ConfigError("multiply: 0 would hide the probe")
    return {
        "multiply": given.get("multiply", 1),
        "divide": given.get("divide", 1),
        "add": given.get("add", 0),
    }
