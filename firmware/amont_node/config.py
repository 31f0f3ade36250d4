# The node's configuration and secret: what is in the files, and what may be in them.
#
# config.a / config.b (see pair.py), JSON:
#   {"schema": 1, "id": 17, "generation": 1, "version": 1, "interval_s": 900,
#    "fast_interval_s": 60, "high_mark": 1200 | null, "rise_mark": 20 | null,
#    "alarm_mark": 2500 | null, "overlap": 24,
#    "frame_samples": 1, "outbox_segments": 96,
#    "channels": [{"index": 0, "quantity": 1, "step": 1,
#                  "probe": {"kind": "replay", "file": "stage.txt"}}],
#    "carrier": {"kind": "radio", "host": "127.0.0.1", "port": 7700}}
# or "carrier": {"kind": "mqtt", "host": …, "port": 8883, "site": "sainte-amonette",
#                "user": "", "password": "",
#                "tls": null | {"ca": "ca.pem", "name": …, "cert": …, "key": …}}
# secret.json: {"schema": 1, "secret": "<32 hex>"}; apart, so that a configuration can be shown.
# Marks are about the first channel, in wire units; rise_mark is per minute.

import json

from amont_node.pair import PairFile, make_durable

SCHEMA = 1
_CARRIERS = ("radio", "mqtt")
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200)
# Wire key of a configuration downlink: name, least and greatest value.
_BY_DOWNLINK = {
    1: ("interval_s", 1, 86400),
    2: ("fast_interval_s", 1, 86400),
    3: ("high_mark", -(1 << 24), 1 << 24),
    4: ("rise_mark", 0, 1 << 24),
    5: ("overlap", 0, 63),
    6: ("alarm_mark", -(1 << 24), 1 << 24),
}


class ConfigError(ValueError):
    pass


class ChannelConfig:
    def __init__(self, data: dict[str, object]) -> None:
        self.index = _integer(data, "index", 0, 3)
        self.quantity = _integer(data, "quantity", 1, 31)
        self.step = _integer(data, "step", 1, 200, 1)
        if self.step not in _STEPS:
            raise ConfigError("step: %d is not one of %s" % (self.step, str(_STEPS)))
        self.probe = _mapping(data, "probe")


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
        self.overlap = _integer(data, "overlap", 0, 63, 24)
        self.frame_samples = _integer(data, "frame_samples", 1, 64, 1)
        self.outbox_segments = _integer(data, "outbox_segments", 2, 1024, 96)
        self.carrier = _mapping(data, "carrier")
        if self.carrier.get("kind") not in _CARRIERS:
            raise ConfigError("carrier.kind: must be one of %s" % (_CARRIERS,))
        channels = data.get("channels")
        if not isinstance(channels, list) or not 1 <= len(channels) <= 4:
            raise ConfigError("channels: needs 1 to 4")
        self.channels = [ChannelConfig(channel) for channel in channels]
        indices = [channel.index for channel in self.channels]
        if sorted(set(indices)) != indices:
            raise ConfigError("channels: indices must rise, each once")

    # What a configuration downlink makes of this one. Everything or nothing.
    def changed(self, version: int, items: list[tuple[int, int]]) -> "NodeConfig":
        if version <= self.version:
            raise ConfigError("version: %d does not rise over %d" % (version, self.version))
        data = dict(self.data)
        data["version"] = version
        for key, value in items:
            if key not in _BY_DOWNLINK:
                raise ConfigError("key %d is unknown" % key)
            name, low, high = _BY_DOWNLINK[key]
            if not low <= value <= high:
                raise ConfigError("%s: %d is not within %d and %d" % (name, value, low, high))
            data[name] = value
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
    value = data.get(name, default)
    # True is an int to Python, not to a person.
    if not isinstance(value, int) or value is True or value is False:
        raise ConfigError("%s: %s is not an integer" % (name, value))
    if not low <= value <= high:
        raise ConfigError("%s: %d is not within %d and %d" % (name, value, low, high))
    return value


def _optional(data, name: str) -> int | None:  # type: ignore[no-untyped-def]
    if data.get(name) is None:
        return None
    return _integer(data, name, -(1 << 24), 1 << 24)


def _mapping(data, name: str) -> dict[str, object]:  # type: ignore[no-untyped-def]
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, dict):
        raise ConfigError("%s: must be an object" % name)
    return value
