# Measuring honestly: many pings to one value with its quality. Pure; integers only.
#
# Nothing here alters or withholds a value. A flood that rises 2.2 m in 10 minutes passes as good;
# a step that no river makes is measured again at once, and what both bursts say goes out as
# suspect. The guard decides what a suspect value is worth (docs/drivers.md says what makes one).

from amont_wire.const import FAULT, GOOD, OUT_OF_RANGE, SUSPECT

ANY = 1 << 31  # no limit
_STEP_S = 60  # faster samples than one a minute are allowed a minute's step: waves are no flood

# Called while a driver waits, at least every 250 ms: the shell feeds its watchdog here.
on_wait = None

_left_ms = ANY  # how long the reading that is under way may still wait


# Nothing was measured. The text says what did not answer, and how.
class ProbeError(Exception):
    pass


# Let the reading that begins wait so long in all; returns what was left of the one around it.
def allow(wait_ms: int) -> int:
    global _left_ms
    left_ms, _left_ms = _left_ms, wait_ms
    return left_ms


# A driver has waited. ProbeError: too long in all, for the watchdog is fed meanwhile.
def waited(wait_ms: int) -> None:
    global _left_ms
    if on_wait is not None:
        on_wait()
    if _left_ms != ANY:
        _left_ms -= wait_ms
        if _left_ms < 0:
            raise ProbeError("it took too long")


# One value in wire units; None: missing.
class Reading:
    def __init__(self, value: int | None, quality: int, why: str = "") -> None:
        self.value = value
        self.quality = quality
        self.why = why  # it is not good, or what else a technician should know

    # The value for the node's own marks. A broken sensor's is no reason to hurry; a doubtful one
    # is, for the guard judges it, and only what arrives can be judged.
    def telling(self) -> int | None:
        return None if self.quality >= FAULT else self.value


# One reading. probe: `read(clock_s) -> (raw, quality)` or an integer, and `sense(clock_s)` where a
# cheaper look is possible. ProbeError and whatever else the probe raises passes through.
def take(probe, clock_s: int, calibration, is_look: bool) -> Reading:  # type: ignore[no-untyped-def]
    found = probe.sense(clock_s) if is_look and hasattr(probe, "sense") else probe.read(clock_s)
    if isinstance(found, int):
        found = found, GOOD
    raw, quality = found
    return Reading(calibrated(raw, calibration), quality, getattr(probe, "why", ""))


# The text of whatever a probe raised, for the log.
def reason(error) -> str:  # type: ignore[no-untyped-def]
    if isinstance(error, ProbeError):
        return str(error)
    return "%s: %s" % (type(error).__name__, error)


# calibration: None or {"multiply", "divide", "add"}: raw * multiply / divide + add, nearest.
def calibrated(raw: int, calibration) -> int:  # type: ignore[no-untyped-def]
    if calibration is None:
        return raw
    scaled = raw * calibration["multiply"]
    return nearest(scaled, calibration["divide"]) + int(calibration["add"])


# numerator / denominator to the nearest integer, halves up. denominator > 0.
def nearest(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def median(values: list[int]) -> int:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return nearest(ordered[middle - 1] + ordered[middle], 2)


# How far apart the middle half of the values lies: one raindrop in seven pings must not cast doubt
# on the other six. Of fewer than four values: how far all of them lie apart.
def spread(values: list[int]) -> int:
    ordered = sorted(values)
    cut = len(ordered) // 4
    return ordered[-1 - cut] - ordered[cut]


# Speed of sound in dry air, c = 331.3 + 0.606 T m/s (T in °C; within 0.1 % from -20 to 40 °C).
def sound_mm_s(temp_cc: int) -> int:
    return 331300 + nearest(606 * temp_cc, 100)


# The distance that an echo of this time came from.
def echo_mm(echo_us: int, temp_cc: int) -> int:
    return nearest(echo_us * sound_mm_s(temp_cc), 2000000)


# A distance by a sensor that took the air to have `assumed_cc`.
def corrected_mm(range_mm: int, temp_cc: int, assumed_cc: int) -> int:
    return nearest(range_mm * sound_mm_s(temp_cc), sound_mm_s(assumed_cc))


# Several pings to one value.
#   pings: asked for; fewer than half of them answered: suspect
#   spread_max: a wider spread is suspect; waves must fit in it
#   step_max: a greater step a minute since the last value is measured again; 0: none is
#   low, high: outside is out of range
class Burst:
    def __init__(self, pings: int, spread_max: int, step_max: int, low: int, high: int) -> None:
        self._pings = pings
        self._spread_max = spread_max
        self._step_max = step_max
        self._low = low
        self._high = high
        self._last: int | None = None  # what was told last
        self._last_s = 0
        self.why = ""  # of the last quality that is not good

    # ping() returns one raw value, None when nothing came back, or raises ProbeError.
    # Returns (value, quality).
    def read(self, ping, clock_s: int) -> tuple[int, int]:  # type: ignore[no-untyped-def]
        values = self._values(ping, self._pings)
        if not self._is_step(median(values), clock_s):
            value, quality = self._judge(values, self._pings)
        else:
            first = median(values)
            values = values + self._again(ping)
            value, quality = self._judge(values, 2 * self._pings)
            quality = max(quality, SUSPECT)
            self.why = "step from %d to %d, with a second look %d" % (self._last, first, value)  # type: ignore[str-format]
        if quality < OUT_OF_RANGE:
            self._last, self._last_s = value, clock_s
        return value, quality

    # A cheap look: three pings at most, compared with nothing.
    def sense(self, ping) -> tuple[int, int]:  # type: ignore[no-untyped-def]
        count = min(self._pings, 3)
        return self._judge(self._values(ping, count), count)

    def _judge(self, values: list[int], asked: int) -> tuple[int, int]:
        value = median(values)
        self.why = ""
        if not self._low <= value <= self._high:
            self.why = "%d is outside %d and %d" % (value, self._low, self._high)
            return value, OUT_OF_RANGE
        if spread(values) > self._spread_max:
            self.why = "spread %d of %d pings" % (spread(values), len(values))
        elif 2 * len(values) < asked:
            self.why = "%d of %d pings answered" % (len(values), asked)
        return value, SUSPECT if self.why else GOOD

    def _is_step(self, value: int, clock_s: int) -> bool:
        if self._last is None or not self._step_max or clock_s < self._last_s:
            return False
        seconds = max(_STEP_S, clock_s - self._last_s)
        return abs(value - self._last) * 60 > self._step_max * seconds

    def _values(self, ping, count: int) -> list[int]:  # type: ignore[no-untyped-def]
        values = []
        for _ in range(count):
            value = ping()
            if value is not None:
                values.append(value)
        if not values:
            raise ProbeError("no echo in %d pings" % count)
        return values

    def _again(self, ping) -> list[int]:  # type: ignore[no-untyped-def]
        try:
            return self._values(ping, self._pings)
        except ProbeError:
            return []  # the first burst stands, as suspect


# The Burst that a probe's configuration asks for; pings, spread_max, step_max, low, high: where
# it does not say.
def burst_of(config, pings: int, spread_max: int, step_max: int, low: int, high: int) -> Burst:  # type: ignore[no-untyped-def]
    return Burst(
        whole(config, "pings", pings, 1, 63),
        whole(config, "spread_max", spread_max, 0, ANY),
        whole(config, "step_max", step_max, 0, ANY),
        whole(config, "low", low, -ANY, ANY),
        whole(config, "high", high, -ANY, ANY),
    )


# An integer of a probe's configuration. None as default: it must be there. ValueError names it.
def whole(config, name: str, default, least: int, most: int) -> int:  # type: ignore[no-untyped-def]
    value = config.get(name, default)
    if not isinstance(value, int) or value is True or value is False:
        raise ValueError("probe.%s: %s is not an integer" % (name, value))
    if not least <= value <= most:
        raise ValueError("probe.%s: %d is not within %d and %d" % (name, value, least, most))
    return value


# One of these words.
def choice(config, name: str, words) -> str:  # type: ignore[no-untyped-def]
    value = config.get(name, words[0])
    if value not in words:
        raise ValueError("probe.%s: %s is none of %s" % (name, value, ", ".join(words)))
    return str(value)
