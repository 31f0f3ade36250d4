"""Say when a siren's silent test and its drill are due. Pure: domain and wall time come in.

A silent test must come, whatever the clock says: at its hour where the clock can be believed, else
24 h after the last. A drill calls people out, so it must not come by mistake: only within
``WINDOW_S`` after its hour, by a clock that is believed, once a date, and only after that date is
on the disk (``kept``): a restart in the middle makes a drill missed, never two. What did not come
is a finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

TEST, DRILL = "test", "drill"
LEVELS = {TEST: 2, DRILL: 1}  # of a missed one: a siren that nobody tried may be dead
PLANS = {TEST: "silent_test", DRILL: "drill"}
DAY_S = 86_400
MISSED_S = {TEST: 2 * DAY_S, DRILL: 36 * DAY_S}
GAP_S = DAY_S // 2  # at least between two silent tests, whatever is done to the clock
WINDOW_S = 900  # people were told the hour: a drill that is later than this is none
CLAIM_S = 120  # before its hour a drill's date goes to the disk
STEP_S = 120  # a clock that is set by less is not worth doubting
SETTLE_S = 600  # a clock is believed when it ran on for so long after a start or a small step,
LEAP_S = 30 * DAY_S  # or so long after a leap that nothing explains
STOPPED_S, SET_S = 400 * DAY_S, 3600  # what explains one: a stop of the guard; somebody set it
EARLIEST_S, LATEST_S = 1_767_225_600, 2_398_377_600  # 2026 to 2046: no other clock is plausible


class WallClock:
    """Believes a wall clock as far as domain time, which nobody can set, bears it out."""

    def __init__(self, now_s: float, wall_s: float, slack_s: float) -> None:
        """Expect ``wall_s`` now, or at most ``slack_s`` more."""
        self._now_s, self._wall_s, self.slack_s = now_s, wall_s, slack_s
        self._offset_s, self._since_s = float("inf"), now_s

    def expected_s(self, now_s: float) -> float:
        """Return what the clock that was believed would show now."""
        return self._wall_s + now_s - self._now_s

    def believe(self, now_s: float, wall_s: float) -> bool:
        """Tell whether ``wall_s`` can be believed; to be asked all the time."""
        if abs(wall_s - now_s - self._offset_s) > STEP_S:
            self._offset_s, self._since_s = wall_s - now_s, now_s
        near = -SET_S <= wall_s - self.expected_s(now_s) <= self.slack_s
        if now_s - self._since_s < (SETTLE_S if near else LEAP_S):
            return False
        if not near or self.slack_s > SET_S:
            self._now_s, self._wall_s, self.slack_s = now_s, wall_s, SET_S
        return True


@dataclass(slots=True)
class _Record:
    began_s: float  # domain time of the last start
    passed_s: float  # and of the last that passed; both at first: when the guard was set up
    last_ms: int | None = None
    ok: bool | None = None
    found: dict[str, int] = field(default_factory=dict)  # code and level, by the last whole test
    day: int = 0  # of a drill: the newest date (ordinal) that is taken, begun or not


class Practice:
    """The silent tests and drills of all sirens."""

    def __init__(self, plans: dict[str, dict[str, Any]], time_zone: str, now_s: float) -> None:
        """Take each siren's ``practice`` of guard.json."""
        self._plans, self._believed = plans, False
        self._records = {s: {kind: _Record(now_s, now_s) for kind in PLANS} for s in plans}
        self._clock = WallClock(now_s, EARLIEST_S, LATEST_S - EARLIEST_S)
        self._open: dict[str, int] = {}  # dates of drills taken in this run and not begun yet
        self._kept: dict[str, int] = {}  # dates of drills that are on the disk
        try:
            self._zone: ZoneInfo | None = ZoneInfo(time_zone)
        except (KeyError, ValueError, OSError):  # no siren less for a missing table of zones:
            self._zone = None  # then no clock is believed

    def look(
        self, now_s: float, wall_ms: int, calm: Callable[[str], bool]
    ) -> list[tuple[str, str]]:
        """Return what to start now, as (siren, test or drill); to be asked each second."""
        wall_s = wall_ms / 1000
        plausible = self._zone is not None and EARLIEST_S <= wall_s <= LATEST_S
        self._believed = plausible and self._clock.believe(now_s, wall_s)
        found = []
        for siren, records in self._records.items():
            drill = self._drill_due(siren, wall_s)
            if (drill or self._test_due(siren, now_s, wall_s)) and calm(siren):
                kind = DRILL if drill else TEST
                if drill:
                    del self._open[siren]
                records[kind].began_s = now_s
                found.append((siren, kind))
        return found

    def done(
        self, siren: str, kind: str, ok: bool | None, now_s: float, wall_ms: int,
        found: dict[str, int],
    ) -> None:  # fmt: skip
        """Take the outcome (None: cut off) of a test or drill, also of one that people started.

        What a test found outlives the guard: a relay that is dead is so after a restart, too.
        """
        record = self._records[siren][kind]
        record.last_ms, record.ok = wall_ms, ok
        record.passed_s = now_s if ok else record.passed_s
        record.found = record.found if ok is None else found

    def findings(self, siren: str, now_s: float, wall_ms: int) -> dict[str, int]:
        """Return what was missed and what the last test found, as code and level."""
        found = {**self._records[siren][TEST].found}
        for kind, record in self._records[siren].items():
            ago_s, most_s = now_s - record.passed_s, float(MISSED_S[kind])
            if kind == DRILL and self._believed and self._plans[siren]["drill"]:
                over_s = wall_ms / 1000 - self._hour(siren, kind, wall_ms / 1000, -1).timestamp()
                most_s = min(most_s, over_s) if over_s > 2 * WINDOW_S else most_s
            if ago_s > most_s and self._plans[siren][PLANS[kind]]:
                found[f"{kind}_missed"] = LEVELS[kind]
        return found

    def show(self, siren: str, now_s: float, wall_ms: int) -> dict[str, dict[str, Any]]:
        """Return when each was last (Unix ms), whether it passed, and when the next is."""
        found = {}
        for kind, record in self._records[siren].items():
            next_s = record.began_s + DAY_S - now_s + wall_ms / 1000 if kind == TEST else None
            if self._believed and self._plans[siren][PLANS[kind]]:
                next_s = self._hour(siren, kind, wall_ms / 1000, 1).timestamp()
            next_ms = None if next_s is None else int(next_s * 1000)
            found[PLANS[kind]] = {"last_ms": record.last_ms, "ok": record.ok, "next_ms": next_ms}
        return found

    def as_dict(self, now_s: float) -> dict[str, Any]:
        """Return what must survive a restart; ``kept`` must be told once it is on the disk."""
        return {
            "now_s": now_s, "wall_s": self._clock.expected_s(now_s),
            "slack_s": self._clock.slack_s,
            "sirens": {s: {kind: asdict(r[kind]) for kind in r} for s, r in self._records.items()},
        }  # fmt: skip

    def kept(self, saved: dict[str, Any]) -> None:
        """Take note that ``saved`` is durable; may be called from another thread."""
        self._kept = {siren: records[DRILL]["day"] for siren, records in saved["sirens"].items()}

    def restore(self, saved: dict[str, Any], now_s: float) -> None:
        """Take ``as_dict`` back or nothing; raise KeyError, TypeError or ValueError."""
        shift_s = now_s - saved["now_s"]
        clock = WallClock(now_s, float(saved["wall_s"]), max(STOPPED_S, saved["slack_s"]))
        known = saved["sirens"].keys() & self._plans.keys()
        read = {s: {k: _Record(**saved["sirens"][s][k]) for k in PLANS} for s in known}
        for record in (record for records in read.values() for record in records.values()):
            record.began_s, record.passed_s = record.began_s + shift_s, record.passed_s + shift_s
            record.day = int(record.day)
        self._clock = clock
        self._records.update(read)

    def _test_due(self, siren: str, now_s: float, wall_s: float) -> bool:
        ago_s = now_s - self._records[siren][TEST].began_s
        if ago_s < GAP_S or not self._believed:
            return ago_s >= DAY_S
        return ago_s > wall_s - self._hour(siren, TEST, wall_s, -1).timestamp()

    def _drill_due(self, siren: str, wall_s: float) -> bool:
        if not (self._believed and self._plans[siren]["drill"]):
            return False
        at = self._hour(siren, DRILL, wall_s + CLAIM_S, -1)
        record, day, late_s = self._records[siren][DRILL], at.toordinal(), wall_s - at.timestamp()
        if late_s >= WINDOW_S:
            return False
        if day > record.day:
            record.day = self._open[siren] = day
        return late_s >= 0 and day == self._open.get(siren) and self._kept.get(siren, 0) >= day

    def _hour(self, siren: str, kind: str, wall_s: float, towards: int) -> datetime:
        # The newest planned hour that is over (-1), or the next one (1). An hour that a day skips
        # is the one after it, of an hour that comes twice it is the first.
        plan = self._plans[siren][PLANS[kind]]
        today = datetime.fromtimestamp(wall_s, self._zone).date()
        days = (today + timedelta(number * towards) for number in range(-1, 40))
        hours = (
            datetime.combine(day, time(plan["hour"], plan["minute"]), self._zone)
            for day in days
            if plan.get("weekday") in (None, day.weekday())
            and plan.get("nth") in (None, (day.day + 6) // 7)
        )
        return next(at for at in hours if (at.timestamp() - wall_s) * towards >= 0)
