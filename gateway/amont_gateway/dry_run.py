"""Try four limits of a station on the past, by the very rules that the guard judges by.

Each reading of the journal goes through ``amont_watch``: quality, vote, hazard. Readings are taken
in the order of their own times, also those that came too late to sound anything:
the question is what the water did, not what the radio did. Between readings time passes in
steps of a minute while a level stands, else to the next moment at which a reading grows too old.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from amont_gateway import view as v
from amont_gateway.clock import Clock
from amont_gateway.past import Past, Reading, read_past
from amont_gateway.places import Places, Sensor, Station
from amont_watch import vote
from amont_watch.hazard import Hazard
from amont_watch.quality import FAULT, RANGE, SensorQuality

BACK_S = 90 * 86_400
NEWEST = 10
_STEP_S = 60
_LEVELS = vote.LEVEL_NAMES[1:]


class DryRuns:
    """Trials one at a time: a second person who asks waits, and the Pi keeps its breath."""

    def __init__(self, places: Places, journal: Path, clock: Clock) -> None:
        self._stations = {s.id: s for s in places.stations}
        self._sensors = places.by_sensor
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()

    def run(self, station: str, limits_mm: Sequence[int], in_force: Sequence[int]) -> v.DryRun:
        """Try ``limits_mm`` beside those in force; takes seconds, so not on a loop's thread.

        Raise KeyError for an unknown station, ValueError unless four limits rise,
        sqlite3.Error or OSError if the journal cannot be read.
        """
        place = self._stations[station]
        for four in (limits_mm, in_force):
            if len(four) != 4 or sorted(set(four)) != list(four):
                raise ValueError(f"four limits must rise: {list(four)}")
        sensors = [self._sensors[name] for name in place.sensors]
        until_ms = self._clock.wall_ms()
        with self._lock:
            past = self._past(sensors, until_ms)
            trials = [_Trial(place, sensors, four) for four in (limits_mm, in_force)]
            span = _replay(past, sensors, trials, until_ms)
        return v.DryRun(
            station=station,
            from_ms=span[0],
            until_ms=span[1],
            wanted_s=BACK_S,
            readings=len(past),
            gaps_s=trials[1].silent_s,
            tried=trials[0].result(),
            in_force=trials[1].result(),
        )

    def _past(self, sensors: Sequence[Sensor], until_ms: int) -> Past:
        if not self._journal.exists():
            return Past.nothing()
        return read_past(self._journal, sensors, until_ms - BACK_S * 1000, until_ms)


def _replay(
    past: Past, sensors: Sequence[Sensor], trials: Sequence[_Trial], until_ms: int
) -> tuple[int | None, int | None]:
    """Put the past through the trials; return when it began and ended, Unix ms."""
    qualities = [SensorQuality(*s.quality) for s in sensors]
    epochs = [-1] * len(sensors)
    first_ms: int | None = None
    for reading in past:
        if first_ms is None:
            first_ms = reading.at_ms
        judge = qualities[reading.sensor]
        if reading.epoch != epochs[reading.sensor]:
            epochs[reading.sensor] = reading.epoch
            judge.restart()
        at_s = reading.at_ms // 1000
        flags = judge.judge(at_s, reading.value, reading.quality)
        for trial in trials:
            trial.advance(at_s)
            trial.take(reading, flags, at_s)
    if first_ms is None:
        return None, None
    for trial in trials:
        trial.advance(until_ms // 1000)
        trial.end(until_ms // 1000)
    return first_ms, until_ms


class _Trial:
    """One set of limits on its way through the past; times are Unix seconds."""

    def __init__(
        self, place: Station, sensors: Sequence[Sensor], limits_mm: Sequence[int]
    ) -> None:
        names = ("watch_mm", "warning_mm", "alarm_mm", "alarm_plus_mm")
        self._rules = vote.StationConfig({
            "id": place.id,
            "sensors": list(place.sensors),
            **dict(zip(names, limits_mm, strict=True)),
            "hysteresis_mm": place.hysteresis_mm,
            "clear_s": place.clear_s,
            "rise_support_mm": place.rise_support_mm,
            "rise_support_s": place.rise_support_s,
        })  # fmt: skip
        # Not the shorter validity of fast sampling: nodes sampled fast from the watch limit of
        # their day on, and with a lower one tried a slow node is not a lost one.
        self._sensors = [vote.SensorState(s.id, s.validity_s) for s in sensors]
        self._hazard = Hazard(place.clear_s)
        self._stood = [_Stood(level, mm) for level, mm in zip(_LEVELS, limits_mm, strict=True)]
        self._now_s = 0
        self._valid = 0
        self.silent_s = 0  # how long no sensor had a say

    def take(self, reading: Reading, flags: int, at_s: int) -> None:
        """Take a reading at its own time."""
        sensor = self._sensors[reading.sensor]
        vote.observe(self._rules, sensor, at_s, reading.value, flags, reading.time_quality)
        if not flags & (RANGE | FAULT):
            for stood in self._stood[: self._hazard.level]:
                stood.rise(reading.value)
        self._decide(at_s)

    def advance(self, until_s: int) -> None:
        """Let time pass up to a moment: readings grow old, levels clear."""
        while self._now_s:
            if self._hazard.level > vote.NORMAL:
                at_s = self._now_s + _STEP_S
            else:
                ends = [s.at_s + s.validity_s for s in self._sensors if s.value is not None]
                at_s = min((end for end in ends if end > self._now_s), default=until_s)
            if at_s >= until_s:
                return
            self._decide(at_s)

    def end(self, now_s: int) -> None:
        """Close what still stands."""
        self._decide(now_s)
        for stood in self._stood:
            stood.stop(now_s, ongoing=True)

    def result(self) -> list[v.LevelTried]:
        """Return what each level came to."""
        return [stood.tried() for stood in self._stood]

    def _decide(self, now_s: int) -> None:
        if self._now_s and not self._valid:
            self.silent_s += now_s - self._now_s
        self._now_s = max(now_s, self._now_s)
        found = vote.decide(self._rules, self._sensors, self._now_s)
        self._valid, before = found.valid, self._hazard.level
        self._hazard.take(found, self._now_s)
        if self._hazard.level != before:
            highest = max(
                (s.value for s in self._sensors if s.usable(now_s) and s.value), default=0
            )
            for level, stood in enumerate(self._stood, 1):
                if level <= self._hazard.level:
                    stood.start(self._now_s, highest)
                else:
                    stood.stop(self._now_s)


class _Stood:
    """When one level, or a higher one, stood."""

    def __init__(self, level: str, limit_mm: int) -> None:
        self._found = v.LevelTried(level=level, limit_mm=limit_mm, times=0, total_s=0)
        self._newest: list[v.Reach] = []
        self._from_s: int | None = None
        self._highest_mm = 0

    def start(self, now_s: int, highest_mm: int) -> None:
        if self._from_s is None:
            self._from_s, self._highest_mm = now_s, highest_mm

    def rise(self, value_mm: int) -> None:
        self._highest_mm = max(self._highest_mm, value_mm)

    def stop(self, now_s: int, *, ongoing: bool = False) -> None:
        if self._from_s is None:
            return
        found = self._found
        found.times += 1
        found.total_s += now_s - self._from_s
        reach = v.Reach(
            from_ms=self._from_s * 1000,
            until_ms=now_s * 1000,
            highest_mm=self._highest_mm,
            ongoing=ongoing,
        )
        self._newest = [reach, *self._newest[: NEWEST - 1]]
        self._from_s = None

    def tried(self) -> v.LevelTried:
        self._found.newest = self._newest
        return self._found
