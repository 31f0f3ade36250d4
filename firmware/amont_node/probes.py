# The one factory of probes, and the simulated ones: they need a file at most, so they serve
# wherever there is no river. What is wired to pins is in drivers/; docs/drivers.md has all fields.
#
# A probe: `read(clock_s)` returns (raw value, quality code of the wire) or raises ProbeError.
# It may have `sense(clock_s)`, a cheap look; `kept()`, told when what it read is stored; `why`, a
# text about the last quality that was not good; `close()`.
#
# {"kind": "constant", "value": 4000}
# {"kind": "replay", "file": "stage.txt", "noise": 2, "seed": 1}
#   The file: lines "<clock_s> <value>", integers, clocks rising; linear between two lines. Before
#   the first and after the last line there is nothing to read: ProbeError.
#   noise: at most that much is added or taken, the same for the same second, channel and seed.

import io

from amont_node.measure import ProbeError, reason
from amont_wire.const import GOOD

# kind: (module in drivers/, class, its bus in drivers/buses.py). Only the module that a
# configuration names is loaded.
_DRIVERS = {
    "a02yyuw": ("a02yyuw", "A02yyuw", "serial"),
    "jsn_sr04t": ("jsn_sr04t", "JsnSr04t", "Echo"),
    "ads1115_420ma": ("ads1115", "CurrentLoop", "i2c"),
    "modbus_rtu": ("modbus_rtu", "ModbusRtu", "serial"),
    "sdi12": ("sdi12", "Sdi12", "serial"),
    "pulse": ("pulse", "Pulse", None),
    "tipping_bucket": ("pulse", "TippingBucket", None),
    "ds18b20": ("ds18b20", "Ds18b20", "OneWire"),
    "battery": ("battery", "Battery", "Adc"),
}


class Constant:
    def __init__(self, value: int) -> None:
        self._value = value

    def read(self, clock_s: int) -> tuple[int, int]:  # noqa: ARG002
        return self._value, GOOD


# In the place of a probe that cannot be made: the node goes on without it, and says why.
class Broken:
    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, clock_s: int) -> tuple[int, int]:  # noqa: ARG002
        raise ProbeError(self._text)


class Replay:
    def __init__(self, path: str, noise: int, seed: int) -> None:
        self._path = path
        self._noise = noise
        self._seed = seed
        self._file: io.TextIOWrapper | None = None
        self._before: tuple[int, int] | None = None  # the lines around the last read
        self._after: tuple[int, int] | None = None

    def read(self, clock_s: int) -> tuple[int, int]:
        if self._file is None or (self._before is not None and clock_s < self._before[0]):
            self._rewind()
        while self._after is not None and self._after[0] < clock_s:
            self._before, self._after = self._after, self._line()
        if self._after is None or (self._before is None and clock_s < self._after[0]):
            raise ProbeError("%s: nothing at %d" % (self._path, clock_s))
        value = _between(self._before or self._after, self._after, clock_s)
        return value + self._jitter(clock_s), GOOD

    def _rewind(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = open(self._path)
        self._before = None
        self._after = self._line()

    def _line(self) -> tuple[int, int] | None:
        assert self._file is not None
        line = self._file.readline().split()
        if len(line) < 2:
            return None
        try:
            return int(line[0]), int(line[1])
        except ValueError:
            raise ProbeError("%s: not two integers: %s" % (self._path, line))  # noqa: B904

    # Scrambled from second and seed alone: a second reading of the same instant is the same.
    def _jitter(self, clock_s: int) -> int:
        if not self._noise:
            return 0
        state = (clock_s * 2654435761 + self._seed * 40503) & 0x7FFFFFFF
        for _ in range(3):
            state = (state ^ state >> 15) * 1103515245 + 12345 & 0x7FFFFFFF
        return (state >> 8) % (2 * self._noise + 1) - self._noise


def _between(before: tuple[int, int], after: tuple[int, int], clock_s: int) -> int:
    span_s = after[0] - before[0]
    if span_s == 0:
        return after[1]
    scaled = before[1] * (after[0] - clock_s) + after[1] * (clock_s - before[0])
    return (2 * scaled + span_s) // (2 * span_s)


# ValueError: the configuration says what cannot be.
def make_probe(config, folder: str):  # type: ignore[no-untyped-def]
    kind = config.get("kind")
    if kind == "constant":
        return Constant(config.get("value", 0))
    if kind == "replay":
        path = folder + "/" + config.get("file", "")
        return Replay(path, config.get("noise", 0), config.get("seed", 1))
    if kind not in _DRIVERS:
        raise ValueError("probe.kind: %s is not known here" % kind)
    return _wired(config, folder, *_DRIVERS[kind])


def _wired(config, folder: str, module: str, name: str, bus):  # type: ignore[no-untyped-def]
    from amont_node.drivers import buses
    from amont_node.drivers.wired import Wired

    driver = __import__("amont_node.drivers." + module, None, None, (name,))
    if bus is None:
        from amont_node.drivers.counters import make_counter

        probe = getattr(driver, name)(config, make_counter(config))
    else:
        probe = getattr(driver, name)(config, getattr(buses, bus)(config))
    if "temperature" in config:
        from amont_node.drivers.air import Air

        probe.air = Air(config, make_probe(config["temperature"], folder))
    return Wired(probe, buses.Switch(config) if "power" in config else None)


# As make_probe; a probe that cannot be made is Broken, for the node has to speak all the same.
def open_probe(config, folder: str):  # type: ignore[no-untyped-def]
    try:
        return make_probe(config, folder)
    except Exception as error:
        return Broken("probe %s: %s" % (config.get("kind"), reason(error)))
