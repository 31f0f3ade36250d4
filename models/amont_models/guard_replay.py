"""Replay a station's readings on the code that sounds the siren: quality, vote, level, siren.

A node samples in the record's own step while all is calm, and each minute from the watch limit on,
which no record holds: between two readings the water is taken to move in a straight line, where it
is known at both. Such samples depend on the sensor alone. Calm days are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from amont_models.records.table import Floats, Times
from amont_watch import siren, vote
from amont_watch.hazard import Hazard
from amont_watch.machine import step
from amont_watch.quality import SensorQuality

FAST_S = 60
BRIDGED = 1.5  # usual steps between two readings, over which the water is known in between
BOUNDS_MM = (-(2**30), 2**30)
STEP_PER_MIN, FLAT_SAMPLES = 500, 60  # what enrolment writes for a level sensor
BEFORE_S, AFTER_S = 86_400, 6 * 3600  # more than any rule looks back, but for sixty of the same
RESET_S = 1_800  # people reset a siren so long after the hazard is over
Sample = tuple[int, int, int]  # second, sensor, mm
Span = tuple[int, int]  # seconds: from, until


@dataclass(frozen=True)
class Limits:
    """The limits of a station, mm; the rest is what a site's file has by default."""

    watch_mm: int
    warning_mm: int
    alarm_mm: int
    alarm_plus_mm: int
    hysteresis_mm: int = 100
    clear_s: int = 600
    rise_support_mm: int = 100
    rise_support_s: int = 900

    def as_dict(self) -> dict[str, int]:
        """Return them as the guard reads a station."""
        return dict(vars(self))


@dataclass(frozen=True)
class Feed:
    """What one sensor says: ``value`` at its own steps ``t_ms``, in mm.

    ``water`` is what it would say in between, NaN where nobody knows. ``spikes`` gives, by the
    place of a reading, by how many mm it and the samples after it are off, and how many these are.
    """

    t_ms: Times
    value: Floats
    water: Floats
    spikes: Mapping[int, tuple[float, int]] = field(default_factory=dict)


def samples(feed: Feed, sensor: int, limits: Limits, fast: bool = True) -> Iterator[Sample]:
    """Yield what the node of a sensor sends; without ``fast`` its own steps alone."""
    seconds = (feed.t_ms // 1000).tolist()
    if not seconds:
        return
    usual_s = BRIDGED * float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0
    ends = zip(feed.water[:-1].tolist(), feed.water[1:].tolist(), strict=True)
    spike = _Spike()
    for place, (water, then) in enumerate((*ends, (float("nan"), float("nan")))):
        now_s, after = seconds[place], seconds[min(place + 1, len(seconds) - 1)]
        spike.begin(feed.spikes.get(place))
        said = spike.on(feed.value[place])
        yield now_s, sensor, said
        if not fast or after - now_s > usual_s or not math.isfinite(water + then):
            continue
        awake = said >= limits.watch_mm
        for at_s in range(now_s + FAST_S, after, FAST_S):
            level = water + (then - water) * (at_s - now_s) / (after - now_s)
            if awake or level >= limits.alarm_mm:  # the node looks between two samples
                said = spike.on(level)
                yield at_s, sensor, said
                awake = said >= limits.watch_mm


class _Spike:
    """An offset that some samples in a row have."""

    def __init__(self) -> None:
        self._off_mm, self._left = 0.0, 0

    def begin(self, spike: tuple[float, int] | None) -> None:
        if spike is not None:
            self._off_mm, self._left = spike

    def on(self, level_mm: float) -> int:
        off_mm = self._off_mm if self._left else 0.0
        self._left = max(0, self._left - 1)
        return round(level_mm + off_mm)


def eventful(heard: Sequence[Sample], limits: Limits) -> list[Sample]:
    """Return the samples from a day before any at the watch limit until some hours after it."""
    at_s = np.array([one[0] for one in heard], dtype=np.int64)
    high_s = at_s[np.array([one[2] >= limits.watch_mm for one in heard], dtype=bool)]
    if not len(high_s):
        return []
    after = np.searchsorted(high_s, at_s)
    soon = high_s[np.minimum(after, len(high_s) - 1)] - at_s
    since = at_s - high_s[np.maximum(after - 1, 0)]
    keep = ((soon >= 0) & (soon <= BEFORE_S)) | ((since >= 0) & (since <= AFTER_S))
    return [heard[place] for place in np.flatnonzero(keep).tolist()]


class Station:
    """The rules of one station and its siren, and people who reset it."""

    def __init__(self, limits: Limits, sensors: int, interval_s: int) -> None:
        """Begin in calm."""
        self._rules = vote.StationConfig(limits.as_dict())
        validity_s = 3 * interval_s
        self._sensors = [
            vote.SensorState(str(i), validity_s, min(validity_s, 5 * FAST_S))
            for i in range(sensors)
        ]
        self._qualities = [
            SensorQuality(*BOUNDS_MM, STEP_PER_MIN, FLAT_SAMPLES) for _ in range(sensors)
        ]
        self._hazard = Hazard(limits.clear_s)
        self._siren, self._limits = siren.State(), siren.Limits()
        self.onsets: list[int] = []
        self.ends: list[int] = []
        self.rules: list[str] = []

    def live(self, heard: Sequence[Sample], fast: bool = True) -> list[Span]:
        """Take samples in order of time, all or the eventful; return when the siren sounded."""
        for sensor in self._sensors:
            sensor.fast = fast
        for place, (now_s, which, value) in enumerate(heard):
            flags = self._qualities[which].judge(now_s, value, 0)
            state = self._sensors[which]
            vote.observe(self._rules, state, now_s, value, flags, vote.PROVED)
            next_s = heard[place + 1][0] if place + 1 < len(heard) else now_s + RESET_S
            self._decide(now_s)
            while not self._calm() and now_s + FAST_S < next_s:  # the guard looks each second
                now_s += FAST_S
                self._decide(now_s)
        until = [*self.ends, heard[-1][0] if heard else 0][: len(self.onsets)]
        return list(zip(self.onsets, until, strict=True))

    def _decide(self, now_s: int) -> None:
        rule = self._hazard.take(vote.decide(self._rules, self._sensors, now_s), now_s)
        was = self._siren.annunciation
        if self._hazard.level != self._siren.level:  # else the event would change nothing
            self._step(siren.Event(siren.HAZARD, level=self._hazard.level), now_s)
        now = self._siren.annunciation
        if now == siren.SOUND and was != siren.SOUND:
            self.onsets.append(now_s)
            self.rules.append(rule)
        elif now != siren.SOUND and was == siren.SOUND:
            self.ends.append(now_s)
        if now == siren.LATCH and now_s - self.ends[-1] >= RESET_S:
            for kind in (siren.ACKNOWLEDGE, siren.RESET):
                self._step(siren.Event(kind, person="Anne"), now_s)

    def _step(self, event: siren.Event, now_s: int) -> None:
        self._siren, _ = step(self._siren, event, now_s, self._limits)

    def _calm(self) -> bool:
        idle = self._siren.annunciation == siren.IDLE and self._hazard.level == vote.NORMAL
        return idle and not any(sensor.votes[0] for sensor in self._sensors)


def threshold(heard: Sequence[Sample], limits: Limits, readings: int = 1) -> list[Span]:
    """Return when the median of a sensor's last readings is at the alarm limit."""
    active: list[int] = []
    last: dict[int, tuple[int, ...]] = {}
    for now_s, sensor, value in heard:
        last[sensor] = (*last.get(sensor, ()), value)[-readings:]
        if (
            len(last[sensor]) == readings
            and sorted(last[sensor])[readings // 2] >= limits.alarm_mm
        ):
            active.append(now_s)
    return spans(active, limits.clear_s + RESET_S)


def spans(at_s: Sequence[int], most_s: int) -> list[Span]:
    """Return the spans of times that lie no further apart than ``most_s``."""
    if not len(at_s):
        return []
    times = np.asarray(at_s, dtype=np.int64)
    parts = np.split(times, np.flatnonzero(np.diff(times) > most_s) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]
