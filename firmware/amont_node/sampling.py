# When to sample, and when a value is urgent. Pure: ticks and values in, decisions out.

_FAST_HOLD_SAMPLES = 10  # stay fast this long after the last reason, so that the rate cannot flap
_HINT_HOLD_S = 3600  # the guard repeats its wish with each acknowledgement
_HISTORY = 16
_RISE_SPAN_S = 300  # a shorter base would take waves for a flood

# Over the alarm mark the guard wants three votes in a row, a lone survivor's ten, all soon.
_ALERT_S = 10
_ALERT_SAMPLES = 12
# Alert samples that may be sent, one back for each ordinary one: a level that trembles around the
# mark must not use up the airtime.
_ALERT_CREDIT = 24
_RATE_SIREN = 2


class Sampler:
    def __init__(self, config, tick_s: int) -> None:  # type: ignore[no-untyped-def]
        self._config = config
        self._fast_until_s = 0
        self._hint_until_s = 0
        self._above = False  # the last good value was at or above the high mark
        self._over = False  # and the alarm mark
        self._alert_until_s = 0
        self._asked_until_s = 0  # an alert that the guard asked for
        self._credit = _ALERT_CREDIT
        self._rate = 0
        self._recent: list[tuple[int, int]] = []  # (tick, value), oldest first
        self.due_s = 0
        self.look_s: int | None = None  # when to look at the first probe between two samples
        self._schedule(tick_s)

    def configure(self, config, tick_s: int) -> None:  # type: ignore[no-untyped-def]
        self._config = config
        self._schedule(tick_s)

    def fast(self, tick_s: int) -> bool:
        return tick_s < max(self._fast_until_s, self._hint_until_s)

    # Samples come every few seconds, and each is told at once.
    def alert(self, tick_s: int) -> bool:
        return self._credit > 0 and tick_s < max(self._alert_until_s, self._asked_until_s)

    # When to be asked again.
    def wake_s(self) -> int:
        return self.due_s if self.look_s is None else min(self.due_s, self.look_s)

    # The instant to sample for, if one has come. Instants lie on multiples of the interval, so
    # that readings stay evenly spaced; those that were slept through are gone.
    def take_due(self, tick_s: int) -> int | None:
        if tick_s < self.due_s:
            return None
        interval_s = self._interval_s(tick_s)
        instant_s = max(self.due_s, tick_s // interval_s * interval_s)
        spent = -1 if self.alert(tick_s) else 1
        self._credit = min(self._credit + spent, _ALERT_CREDIT)
        self._schedule(instant_s)
        return instant_s

    # The instant to look for, if one has come: a reading that is neither kept nor sent.
    def take_look(self, tick_s: int) -> int | None:
        if self.look_s is None or tick_s < self.look_s:
            return None
        instant_s = tick_s // _ALERT_S * _ALERT_S
        self._schedule_look(instant_s)
        return instant_s

    # What that look saw. At or over the alarm mark: a sample, now.
    def looked(self, instant_s: int, value: int) -> None:
        mark = self._config.alarm_mark
        if mark is not None and value >= mark and self._credit > 0:
            self._alert_until_s = instant_s + _ALERT_SAMPLES * _ALERT_S
            self.due_s = min(self.due_s, instant_s)

    # What the guard asks for: 0 normal, 1 sample fast, 2 for two minutes as in an alert, too.
    def hint(self, rate: int, tick_s: int) -> None:
        interval_s = self._interval_s(tick_s)
        self._hint_until_s = tick_s + _HINT_HOLD_S if rate > 0 else 0
        if rate >= _RATE_SIREN > self._rate:
            self._asked_until_s = tick_s + _ALERT_SAMPLES * _ALERT_S
        self._rate = rate
        if self._interval_s(tick_s) < interval_s:
            self._schedule(tick_s)

    # Take the value that the marks are about. True: tell the guard at once.
    def reading(self, tick_s: int, value: int) -> bool:
        config = self._config
        interval_s = self._interval_s(tick_s)
        self._recent = self._recent[1 - _HISTORY :] + [(tick_s, value)]
        above = config.high_mark is not None and value >= config.high_mark
        urgent = above and not self._above
        self._above = above
        if above or self._rising():
            self._fast_until_s = tick_s + _FAST_HOLD_SAMPLES * config.fast_interval_s
        self._take_alarm_mark(tick_s, value)
        if self._interval_s(tick_s) != interval_s or self.look_s is None:
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

    def _rising(self) -> bool:
        mark = self._config.rise_mark
        if mark is None or len(self._recent) < 2:
            return False
        tick_s, value = self._recent[-1]
        span_s = max(_RISE_SPAN_S, tick_s - self._recent[-2][0])
        old_tick_s, old_value = [r for r in self._recent[:-1] if tick_s - r[0] <= span_s][0]
        return bool((value - old_value) * 60 >= mark * (tick_s - old_tick_s))

    def _interval_s(self, tick_s: int) -> int:
        fast_s = int(self._config.fast_interval_s)
        if self.alert(tick_s):
            return min(_ALERT_S, fast_s)
        return fast_s if self.fast(tick_s) else int(self._config.interval_s)

    def _schedule(self, tick_s: int) -> None:
        interval_s = self._interval_s(tick_s)
        self.due_s = (tick_s // interval_s + 1) * interval_s
        self._schedule_look(tick_s)

    def _schedule_look(self, tick_s: int) -> None:
        following_s = (tick_s // _ALERT_S + 1) * _ALERT_S
        wanted = self._config.alarm_mark is not None and not self._over and self.fast(tick_s)
        self.look_s = following_s if wanted and following_s < self.due_s else None
