# Judge one sensor's readings, one at a time. Flag names after QARTOD (gross range, rate of change,
# spike, flat line).
#
# A flag withholds trust, it never alters a value:
#   RANGE    outside the sensor's bounds: takes no part
#   FAULT    the node says that the sensor is faulty or missing: takes no part
#   FLAT     exactly the same value for flat_samples samples. It counts against a sensor only
#            while the water should move (see vote.py), so that 60 is right for a coarse gauge, too
#   RATE     moved faster than step_per_min since the sample before: this sample only
#   SUSPECT  a RATE step less than 30 minutes ago, unless a neighbour agrees (see vote.py)
#   SPIKE    back where it was before the step: the samples between were a spike, this one is good
#   DROP     fell in one sample by more than water does: a sensor lifted out, a shifted datum. For
#            people alone: the vote knows nothing of it, as a doubted low reading ends no flood
#
# The usual limit of 500 mm a minute lies above real floods (2.2 m in 10 minutes is 220 mm a
# minute), so a flood is not filtered away. A step is never removed, it waits for a second opinion.

RANGE = 1
RATE = 2
SPIKE = 4
FLAT = 8
SUSPECT = 16
FAULT = 32
DROP = 64

_NAMES = ("range", "rate", "spike", "flat", "suspect", "fault", "drop")  # from the lowest bit

# Of step_per_min, in one sample whatever its interval: 150 mm of the usual 500. Two in five of the
# bad samples of technicians' visits fell so far, and hardly one good one in ten thousand.
_DROP_TENTHS = 3
_DROP_S = 1800  # behind a longer gap the water may have fallen

SUSPECT_S = 1800  # a sensor hit by debris recovers or stays wrong well within half an hour

# Quality codes on the wire (docs/wire-format.md). Held (5) is no fresh opinion; missing (4) and
# test (6) are no values.
_WIRE_FLAGS = {0: 0, 1: SUSPECT, 2: RANGE, 3: FAULT, 4: FAULT, 5: SUSPECT, 6: FAULT, 7: FAULT}


def flag_names(flags: int) -> list[str]:
    # The names of the set flags; empty means good.
    return [name for i, name in enumerate(_NAMES) if flags >> i & 1]


class SensorQuality:
    def __init__(self, min: int, max: int, step_per_min: int, flat_samples: int) -> None:
        self.min = min
        self.max = max
        self.step_per_min = step_per_min  # 0: not checked
        self.flat_samples = flat_samples  # 0: not checked
        self.restart()

    def restart(self) -> None:
        # A new life of the node: its ticks begin again, nothing before can be compared.
        self.remember([-1, 0, 0, -1, 0])

    def memory(self) -> list[int]:
        # What the guard must not forget when it starts again: the next sample may be a step.
        return [self._tick_s, self._value, self._same, self._suspect_until_s, self._before]

    def remember(self, memory: list[int]) -> None:
        # _tick_s: of the last usable sample; -1: none yet. _same: samples in a row with exactly
        # this value. _before: value before the step that made it suspect.
        self._tick_s, self._value, self._same, self._suspect_until_s, self._before = memory

    def judge(self, tick_s: int, value: int, wire_quality: int) -> int:
        # Samples come in order of tick; one that is not newer is checked for its range alone.
        flags = _WIRE_FLAGS.get(wire_quality, FAULT)
        if value < self.min or value > self.max:
            flags |= RANGE
        if flags & (RANGE | FAULT) or tick_s <= self._tick_s:
            return flags
        if self._tick_s >= 0:
            rate = self._rate(tick_s, value)
            flags |= rate if rate & SPIKE else rate | self._drop(tick_s, value)
        flags |= self._flat(value)
        self._tick_s = tick_s
        self._value = value
        return flags

    def _rate(self, tick_s: int, value: int) -> int:
        flags = 0
        if tick_s < self._suspect_until_s and self._near(value, self._before, 60):
            self._suspect_until_s = -1
            return SPIKE
        if not self._near(value, self._value, tick_s - self._tick_s):
            if tick_s >= self._suspect_until_s:
                self._before = self._value
            self._suspect_until_s = tick_s + SUSPECT_S
            flags = RATE
        if tick_s < self._suspect_until_s:
            flags |= SUSPECT
        return flags

    def _drop(self, tick_s: int, value: int) -> int:
        if self.step_per_min == 0 or tick_s - self._tick_s > _DROP_S:
            return 0
        return DROP if (self._value - value) * 10 > self.step_per_min * _DROP_TENTHS else 0

    def _near(self, value: int, other: int, seconds: int) -> bool:
        # Faster samples than one a minute are allowed a minute's step: waves are not a flood.
        if self.step_per_min == 0:
            return True
        return abs(value - other) * 60 <= self.step_per_min * (seconds if seconds > 60 else 60)

    def _flat(self, value: int) -> int:
        self._same = self._same + 1 if self._same and value == self._value else 1
        return FLAT if 0 < self.flat_samples <= self._same else 0
