# What a value of the first channel means beside the marks of the configuration. Pure.
#
# Levels speak upwards (high_mark) and downwards (low_mark: a burst pipe loses its pressure), and
# so do rates (rise_mark, fall_mark). Each is told once, when it begins.

_HISTORY = 16
_SPAN_S = 300  # a shorter base would take waves for a flood
_APART_S = 30  # readings that are closer do not make the history longer


class Marks:
    def __init__(self) -> None:
        self.above = False  # the last kept value was at or above the high mark
        self.below = False  # or at or below the low mark
        self._recent: list[tuple[int, int]] = []  # (tick, value), oldest first

    # A kept value. True: it is the first beyond a mark.
    def take(self, config, tick_s: int, value: int) -> bool:  # type: ignore[no-untyped-def]
        self.remember(tick_s, value)
        above, below = _beyond(config, value)
        begins = above and not self.above or below and not self.below
        self.above = above
        self.below = below
        return begins

    # A value that is only looked at: would take() say so?
    def begins(self, config, value: int) -> bool:  # type: ignore[no-untyped-def]
        above, below = _beyond(config, value)
        return above and not self.above or below and not self.below

    def beyond(self) -> bool:
        return self.above or self.below

    # For the rates.
    def remember(self, tick_s: int, value: int) -> None:
        recent = self._recent
        if len(recent) > 1 and recent[-1][0] - recent[-2][0] < _APART_S:
            recent = recent[:-1]
        recent = [reading for reading in recent if reading[0] < tick_s]
        self._recent = recent[1 - _HISTORY :] + [(tick_s, value)]

    # Whether the newest value changes as fast as a mark says.
    def steep(self, config) -> bool:  # type: ignore[no-untyped-def]
        rise = config.rise_mark
        fall = config.fall_mark
        if (rise is None and fall is None) or len(self._recent) < 2:
            return False
        tick_s, value = self._recent[-1]
        span_s = max(_SPAN_S, tick_s - self._recent[-2][0])
        old_tick_s, old_value = [r for r in self._recent[:-1] if tick_s - r[0] <= span_s][0]
        apart_s = tick_s - old_tick_s
        change = (value - old_value) * 60
        rises = rise is not None and change >= rise * apart_s
        return rises or (fall is not None and -change >= fall * apart_s)


def _beyond(config, value: int) -> tuple[bool, bool]:  # type: ignore[no-untyped-def]
    above = config.high_mark is not None and value >= config.high_mark
    below = config.low_mark is not None and value <= config.low_mark
    return above, below
