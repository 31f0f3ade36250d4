# The level of one station over time: up at once, down only after clear_s below
# the limit less hysteresis.
from amont_watch.siren import whole_number
from amont_watch.vote import NORMAL, Vote


class Hazard:
    # After a restart without any valid reading a standing level is kept for HOLD_S and clear_s.
    HOLD_S = 180

    def __init__(self, clear_s: int) -> None:
        self.clear_s = clear_s
        self.level = NORMAL
        self._clear_since_s: int | None = None  # None: not clearing
        self._floor = NORMAL  # highest hold seen while clearing
        self.awaiting = False  # level restored, nothing heard since
        self._deadline_s = 0  # while awaiting
        self._cleared_s = 0  # while awaiting: how long it had been clearing before the restart

    def take(self, vote: Vote, now_s: int) -> str:
        # The rule that changed the level, or "".
        if self.awaiting and (vote.valid or vote.level > NORMAL):
            self.awaiting = False
            if self._cleared_s:  # the time in between counts neither for nor against it
                self._clear_since_s = now_s - self._cleared_s
        if vote.level > self.level:
            self.level, self._clear_since_s = vote.level, None
            return vote.rule
        if self.awaiting and now_s >= self._deadline_s:
            self.level, self.awaiting = NORMAL, False
            return "no data since restart"
        return self._clear(vote.hold, now_s)

    def _clear(self, hold: int, now_s: int) -> str:
        if hold >= self.level:
            self._clear_since_s = None
            return ""
        if self._clear_since_s is None:
            self._clear_since_s, self._floor = now_s, hold
        self._floor = max(self._floor, hold)
        if now_s - self._clear_since_s < self.clear_s:
            return ""
        self.level, self._clear_since_s = self._floor, None
        return "cleared"

    def as_dict(self, now_s: int) -> dict[str, object]:
        cleared_s = self._cleared_s if self.awaiting else 0
        if self._clear_since_s is not None:
            cleared_s = min(now_s - self._clear_since_s, self.clear_s)
        return {"level": self.level, "cleared_s": cleared_s, "floor": self._floor}

    def restore(self, saved: dict[str, object], now_s: int) -> None:
        level = whole_number(saved["level"], "level", 4)
        # .get: what an older release saved must not cost a standing alarm
        self._cleared_s = whole_number(saved.get("cleared_s", 0), "cleared_s", self.clear_s)
        self._floor = whole_number(saved.get("floor", 0), "floor", 4)
        self.level = level
        self.awaiting = self.level > NORMAL
        self._deadline_s = now_s + self.HOLD_S + self.clear_s
