# When to sample, and when a value is urgent. Pure: ticks and values in, decisions out.
#
# A sample is kept and sent; a look is neither, it only asks whether a sample is due at once. Looks
# come every look_s if the configuration has that (flash-flood), every few seconds in fast mode
# near the alarm mark, and at the usual interval while a low battery stretches that of samples.
#
# The usual instants, of samples and of looks, lie on multiples of their interval, slot_s later:
# neighbours then speak one after the other, and none has to wait for its turn awake.

from amont_node.marks import Marks

_FAST_HOLD_SAMPLES = 10  # stay fast this long after the last reason, so that the rate cannot flap
_HINT_HOLD_S = 3600  # the guard repeats its wish with each acknowledgement

# Over the alarm mark the guard wants three votes in a row, a lone survivor's ten, all soon.
_ALERT_S = 10
_ALERT_SAMPLES = 12
# Alert samples that may be sent, one back for each ordinary one: a level that trembles around the
# mark must not use up the airtime.
_ALERT_CREDIT = 24
_RATE_SIREN = 2
_LATE_S = 30  # a boot takes a few
# A float switch that waves or a branch keep closing makes the node fast for so long, then no more
# until it has been left alone as long.
_FLOAT_HOLD_S = 7200

# Of the battery. What the marks ask for is done at every level.
FULL = 0
LOW = 1
EMPTY = 2
_STRETCH = (1, 2, 4)  # of the usual interval
_STRETCHED_S = 3600  # beyond this no interval is stretched


class Sampler:
    def __init__(self, config, tick_s: int) -> None:  # type: ignore[no-untyped-def]
        self._config = config
        self._marks = Marks()
        self._fast_until_s = 0
        self._hint_until_s = 0
        self._over = False  # the last good value was at or above the alarm mark
        self._float_until_s = 0  # closings of the float switch before this are chatter
        self._float_since_s = 0  # the first of closings that came close upon each other
        self._float_last_s = -_FLOAT_HOLD_S  # the newest one
        self._tripped = False  # float switch or person: the next sample is to be urgent
        self._alone_s = -1  # instant of a sample that only this node takes
        self._alert_until_s = 0
        self._asked_until_s = 0  # an alert that the guard asked for
        self._credit = _ALERT_CREDIT
        self._rate = 0
        self._battery = FULL
        self._taken_s = -1  # instant of the last sample
        self._wanted_s: int | None = None  # a sample out of the usual order
        self.due_s = 0
        self.look_s: int | None = None  # when to look at the first probe between two samples
        self._looking = (_ALERT_S, 0)  # step and offset of looks
        self._schedule(tick_s)

    def configure(self, config, tick_s: int) -> None:  # type: ignore[no-untyped-def]
        self._config = config
        self._schedule(tick_s)

    def fast(self, tick_s: int) -> bool:
        hint_until_s = 0 if self._battery == EMPTY else self._hint_until_s
        return tick_s < max(self._fast_until_s, hint_until_s)

    # Samples come every few seconds, and each is told at once.
    def alert(self, tick_s: int) -> bool:
        return self._credit > 0 and tick_s < max(self._alert_until_s, self._asked_until_s)

    # When to be asked again.
    def wake_s(self) -> int:
        return self.due_s if self.look_s is None else min(self.due_s, self.look_s)

    # The instant to sample for, if one has come. Instants are evenly spaced; those that were slept
    # through are gone.
    def take_due(self, tick_s: int) -> int | None:
        if tick_s < self.due_s:
            return None
        interval_s, offset_s = self._rhythm(tick_s)
        instant_s = max(self.due_s, _on_grid(tick_s, interval_s, offset_s))
        spent = -1 if self.alert(tick_s) else 1
        self._credit = min(self._credit + spent, _ALERT_CREDIT)
        self._taken_s = instant_s
        self._wanted_s = None
        self._schedule(instant_s)
        return instant_s

    # The instant to look for, if one has come: a reading that is neither kept nor sent.
    def take_look(self, tick_s: int) -> int | None:
        if self.look_s is None or tick_s < self.look_s:
            return None
        instant_s = max(self.look_s, _on_grid(tick_s, self._looking[0], self._looking[1]))
        self._schedule_look(instant_s)
        return instant_s

    # Whether neighbours that sample in the same rhythm do so at other instants.
    def is_staggered(self, instant_s: int) -> bool:
        if instant_s == self._alone_s:
            return True
        config = self._config
        step_s = int(config.interval_s if config.look_s is None else config.look_s)
        return (instant_s - int(config.slot_s)) % step_s == 0

    # What that look saw. Beyond a mark, or steeper than one: a sample, now.
    def looked(self, instant_s: int, value: int) -> None:
        config = self._config
        mark = config.alarm_mark
        self._marks.remember(instant_s, value)
        if mark is not None and value >= mark and self._credit > 0:
            self._alert_until_s = instant_s + _ALERT_SAMPLES * _ALERT_S
            self._sample_at(instant_s)
        elif self._marks.begins(config, value):
            self._sample_at(instant_s)
        elif not self.fast(instant_s) and self._marks.steep(config):
            self._sample_at(instant_s)

    # The float switch closed: a sample now, urgent whatever it says, then fast. One that chatters
    # on the waves adds nothing: it has to rest for as long as it makes the node fast.
    def tripped(self, tick_s: int) -> None:
        rested = tick_s >= self._float_until_s
        if tick_s - self._float_last_s >= _FLOAT_HOLD_S:
            self._float_since_s = tick_s
        self._float_last_s = tick_s
        if self.float_worn(tick_s):
            return
        self._stay_fast(tick_s)
        self._float_until_s = self._fast_until_s
        if rested:
            self._tripped = True
            self._schedule(tick_s)
            self._sample_at(tick_s)

    # The float switch has closed again and again for so long that its closings do not count now.
    def float_worn(self, tick_s: int) -> bool:
        lasted_s = self._float_last_s - self._float_since_s
        return lasted_s >= _FLOAT_HOLD_S > tick_s - self._float_last_s

    # Somebody stands beside the node and waits: a sample now, sent and committed at once, then
    # fast for a while.
    def attend(self, tick_s: int) -> None:
        self._tripped = True
        self._stay_fast(tick_s)
        self._schedule(tick_s)
        self._sample_at(tick_s)

    # After a sleep. Whoever slept too long, for the supply was gone, takes a sample of now: none
    # of now is passed off as one of then.
    def woke(self, tick_s: int) -> None:
        if tick_s - self.due_s > _LATE_S:
            self._schedule(tick_s)
            self._sample_at(tick_s)

    # What the guard asks for: 0 normal, 1 sample fast, 2 for two minutes as in an alert, too.
    def hint(self, rate: int, tick_s: int) -> None:
        before = self._rhythm(tick_s)
        self._hint_until_s = tick_s + _HINT_HOLD_S if rate > 0 else 0
        if rate >= _RATE_SIREN > self._rate:
            self._asked_until_s = tick_s + _ALERT_SAMPLES * _ALERT_S
        self._rate = rate
        if self._rhythm(tick_s) < before:
            self._schedule(tick_s)

    # How full the battery is.
    def battery(self, level: int, tick_s: int) -> None:
        if level != self._battery:
            self._battery = level
            self._schedule(tick_s)

    # Take the value that the marks are about; None: the probe had none. True: tell the guard at
    # once.
    def reading(self, tick_s: int, value: int | None) -> bool:
        urgent = self._tripped
        if urgent:
            self._alone_s = tick_s
        self._tripped = False
        if value is None:
            return urgent
        config = self._config
        before = self._rhythm(tick_s)
        was_fast = self.fast(tick_s)
        begins = self._marks.take(config, tick_s, value)
        steep = self._marks.steep(config)
        # A steep change in fast mode is told by each sample anyway.
        urgent = urgent or begins or (steep and not was_fast)
        if steep or self._marks.beyond():
            self._stay_fast(tick_s)
        self._take_alarm_mark(tick_s, value)
        if self._rhythm(tick_s) != before or self.look_s is None:
            self._schedule(tick_s)
        return urgent or self.alert(tick_s)

    def _take_alarm_mark(self, tick_s: int, value: int) -> None:
        mark = self._config.alarm_mark
        over = mark is not None and value >= mark
        if over and not self._over:
            self._alert_until_s = tick_s + _ALERT_SAMPLES * _ALERT_S
        elif not over:
            self._alert_until_s = 0
        self._over = over

    def _stay_fast(self, tick_s: int) -> None:
        self._fast_until_s = tick_s + _FAST_HOLD_SAMPLES * self._config.fast_interval_s

    # Interval of samples, and by how much they come after its multiples.
    def _rhythm(self, tick_s: int) -> tuple[int, int]:
        config = self._config
        fast_s = int(config.fast_interval_s)
        if self.alert(tick_s):
            return min(_ALERT_S, fast_s), 0
        if self.fast(tick_s):
            return fast_s, 0
        usual_s = int(config.interval_s)
        stretched_s = min(usual_s * _STRETCH[self._battery], _STRETCHED_S)
        return max(usual_s, stretched_s), int(config.slot_s)

    def _sample_at(self, instant_s: int) -> None:
        self._wanted_s = max(instant_s, self._taken_s + 1)
        self.due_s = min(self.due_s, self._wanted_s)

    def _schedule(self, tick_s: int) -> None:
        interval_s, offset_s = self._rhythm(tick_s)
        self.due_s = _on_grid(tick_s, interval_s, offset_s) + interval_s
        if self._wanted_s is not None:
            self.due_s = min(self.due_s, self._wanted_s)
        self._schedule_look(tick_s)

    def _schedule_look(self, tick_s: int) -> None:
        step_s = self._looking_s(tick_s)
        self.look_s = None
        if step_s is not None:
            offset_s = 0 if step_s == _ALERT_S else int(self._config.slot_s)
            self._looking = (step_s, offset_s)
            following_s = _on_grid(tick_s, step_s, offset_s) + step_s
            self.look_s = following_s if following_s < self.due_s else None

    def _looking_s(self, tick_s: int) -> int | None:
        config = self._config
        if config.alarm_mark is not None and not self._over and self.fast(tick_s):
            return _ALERT_S
        if config.look_s is not None:
            return int(config.look_s)
        if self._battery == FULL or not _has_marks(config):
            return None
        return int(config.interval_s)


# The last instant of a rhythm that is not after the tick.
def _on_grid(tick_s: int, interval_s: int, offset_s: int) -> int:
    return (tick_s - offset_s) // interval_s * interval_s + offset_s


def _has_marks(config) -> bool:  # type: ignore[no-untyped-def]
    marks = (
        config.high_mark, config.low_mark, config.rise_mark, config.fall_mark, config.alarm_mark,
    )  # fmt: skip
    return any([mark is not None for mark in marks])
