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
        self._clear_since_s = -1  # -1: not clearing
        self._floor = NORMAL  # highest hold seen while clearing
        self.awaiting = False  # level restored, nothing heard since
        self._deadline_s = 0  # while awaiting

    def take(self, vote: Vote, now_s: int) -> str:
        # The rule that changed the level, or "".
        if vote.valid or vote.level > NORMAL:
            self.awaiting = False
        if vote.level > self.level:
            self.level, self._clear_since_s = vote.level, -1
            return vote.rule
        if self.awaiting and now_s >= self._deadline_s:
            self.level, self.awaiting = NORMAL, False
            return "no data since restart"
        return self._clear(vote.hold, now_s)

    def _clear(self, hold: int, now_s: int) -> str:
        if hold >= self.level:
            self._clear_since_s = -1
            return ""
        if self._clear_since_s < 0:
            self._clear_since_s, self._floor = now_s, hold
        self._floor = max(self._floor, hold)
        if now_s - self._clear_since_s < self.clear_s:
            return ""
        self.level, self._clear_since_s = self._floor, -1
        return "cleared"

    def as_dict(self) -> dict[str, object]:
        return {"level": self.level}

    def restore(self, saved: dict[str, object], now_s: int) -> None:
        self.level = whole_number(saved["level"], "level", 4)
        self.awaiting = self.level > NORMAL
        self._deadline_s = now_s + self.HOLD_S + self.clear_s
