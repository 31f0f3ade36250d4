# Measuring honestly: many pings to one value with its quality. Pure; integers only.
#
# Nothing here alters or withholds a value. A flood that rises 2.2 m in 10 minutes passes as good;
# a step that no river makes is measured again at once, and what both bursts say goes out as
# suspect. The guard decides what a suspect value is worth (docs/drivers.md says what makes one).

from amont_node.drivers.fields import ANY, whole
from amont_node.measure import ProbeError, nearest
from amont_wire.const import GOOD, OUT_OF_RANGE, SUSPECT

_STEP_S = 60  # faster samples than one a minute are allowed a minute's step: waves are no flood


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
        value, quality = self._judge(values, self._pings)
        now = value
        if self._is_step(value, clock_s):
            value, quality, now = self._look_again(ping, value, quality)
        if self._low <= now <= self._high:
            self._last, self._last_s = now, clock_s
        return value, quality

    # A second burst. The one that is farther from before is told, as it was measured: a step that
    # is gone again was there, and a step that only now begins is one. What is out of range tells
    # less than what is not. Returns (value, quality, where it is now).
    def _look_again(self, ping, first: int, quality: int) -> tuple[int, int, int]:  # type: ignore[no-untyped-def]
        before = self._last or 0
        try:
            second, later = self._judge(self._values(ping, self._pings), self._pings)
        except ProbeError:
            second, later = first, quality
        is_first = abs(first - before) >= abs(second - before)
        if (quality == OUT_OF_RANGE) != (later == OUT_OF_RANGE):
            is_first = later == OUT_OF_RANGE
        self.why = "step from %d to %d, then %d" % (before, first, second)
        return first if is_first else second, max(quality if is_first else later, SUSPECT), second

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
