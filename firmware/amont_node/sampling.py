# When to sample, and when a value is urgent. Pure: ticks and values in, decisions out.

_FAST_HOLD_SAMPLES = 10  # stay fast this long after the last reason, so that the rate cannot flap
_HINT_HOLD_S = 3600  # the guard repeats its wish with each acknowledgement
_HISTORY = 16
_RISE_SPAN_S = 300  # a shorter base would take waves for a flood


class Sampler:
    def __init__(self, config, tick_s: int) -> None:  # type: ignore[no-untyped-def]
        self._config = config
        self._fast_until_s = 0
        self._hint_until_s = 0
        self._above = False  # the last good value was at or above the high mark
        self._recent: list[tuple[int, int]] = []  # (tick, value), oldest first
        self.due_s = 0
        self._schedule(tick_s)

    def configure(self, config, tick_s: int) -> None:  # type: ignore[no-untyped-def]
        self._config = config
        self._schedule(tick_s)

    def fast(self, tick_s: int) -> bool:
        return tick_s < max(self._fast_until_s, self._hint_until_s)

    # The instant to sample for, if one has come. Instants lie on multiples of the interval, so
    # that readings stay evenly spaced; those that were slept through are gone.
    def take_due(self, tick_s: int) -> int | None:
        if tick_s < self.due_s:
            return None
        interval_s = self._interval_s(tick_s)
        instant_s = max(self.due_s, tick_s // interval_s * interval_s)
        self._schedule(instant_s)
        return instant_s

    # What the guard asks for: 0 normal, 1 or more: sample fast.
    def hint(self, rate: int, tick_s: int) -> None:
        was_fast = self.fast(tick_s)
        self._hint_until_s = tick_s + _HINT_HOLD_S if rate > 0 else 0
        if self.fast(tick_s) and not was_fast:
            self._schedule(tick_s)

    # Take the value that the marks are about. True: tell the guard at once.
    def reading(self, tick_s: int, value: int) -> bool:
        config = self._config
        was_fast = self.fast(tick_s)
        self._recent = self._recent[1 - _HISTORY :] + [(tick_s, value)]
        above = config.high_mark is not None and value >= config.high_mark
        urgent = above and not self._above
        self._above = above
        if above or self._rising():
            self._fast_until_s = tick_s + _FAST_HOLD_SAMPLES * config.fast_interval_s
            if not was_fast:
                self._schedule(tick_s)
        return urgent

    def _rising(self) -> bool:
        mark = self._config.rise_mark
        if mark is None or len(self._recent) < 2:
            return False
        tick_s, value = self._recent[-1]
        span_s = max(_RISE_SPAN_S, tick_s - self._recent[-2][0])
        old_tick_s, old_value = [r for r in self._recent[:-1] if tick_s - r[0] <= span_s][0]
        return bool((value - old_value) * 60 >= mark * (tick_s - old_tick_s))

    def _interval_s(self, tick_s: int) -> int:
        if self.fast(tick_s):
            return int(self._config.fast_interval_s)
        return int(self._config.interval_s)

    def _schedule(self, tick_s: int) -> None:
        interval_s = self._interval_s(tick_s)
        self.due_s = (tick_s // interval_s + 1) * interval_s
