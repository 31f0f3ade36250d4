"""Judge the siren's decision on clean water with made faults, with one to three sensors.

Each station's own past gives its limits; the year after its training part is lived through, with
as many draws of faults as are asked for. Draws share the water: they say more of faults, and
nothing more of floods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge

import numpy as np

from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS
from amont_models import detection, faults, river_station
from amont_models.detection import Found
from amont_models.guard_replay import (
    BRIDGED,
    Feed,
    Limits,
    Sample,
    Span,
    Station,
    eventful,
    samples,
    threshold,
)
from amont_models.records.table import Channel, DataError, Record, channel
from amont_models.river_station import Station as Known

SENSORS = (1, 2, 3)
QUARTER_MS = HOUR_MS // 4
FAULT_MS = 365 * DAY_MS  # of each station, with made faults
APART = 10  # seeds between two draws: each sensor of a draw has its own


@dataclass(frozen=True)
class Trial:
    """Water that a station with these limits lives through; faults begin at ``since_ms``."""

    part: Channel
    since_ms: int
    limits: Limits

    @property
    def step_s(self) -> int:
        """Return a node's interval in calm."""
        return max(60, self.part.step_ms // 1000)

    @property
    def years(self) -> float:
        """Return for how long there are readings with faults."""
        return detection.known_years(self.part.t_ms[self.part.t_ms >= self.since_ms])

    def crossings(self) -> list[Span]:
        """Return when the water is high, however shortly."""
        t_s = (self.part.t_ms // 1000).tolist()
        return detection.events(t_s, self.part.value, self.limits.alarm_mm, 0)

    def said(self, seed: int) -> list[list[Sample]]:
        """Return what each of three sensors says, each with its own faults."""
        feeds = [faulty_feed(self.part, self.since_ms, seed + one) for one in range(len(SENSORS))]
        return [list(samples(feed, one, self.limits)) for one, feed in enumerate(feeds)]


def trial(stage: Channel, since_ms: int, until_ms: int, limits: Limits) -> Trial:
    """Return a part of a stage with a day before it, as often as a node samples."""
    part = quarters(stage.known())
    return Trial(part.between(since_ms - DAY_MS, until_ms), since_ms, limits)


def hearings(said: Sequence[list[Sample]], limits: Limits) -> list[list[Sample]]:
    """Return what a guard hears of the first sensor, of the first two, of all three."""
    return [eventful(list(merge(*said[:sensors])), limits) for sensors in SENSORS]


def lived(one: Trial, heard: Sequence[list[Sample]]) -> list[Found]:
    """Return the counts of the guard with one, two and three sensors."""
    water, years = one.crossings(), one.years
    stations = [Station(one.limits, sensors, one.step_s) for sensors in SENSORS]
    return [
        detection.judge(water, station.live(readings), years)
        for station, readings in zip(stations, heard, strict=True)
    ]


def with_faults(one: Trial, seed: int) -> dict[str, Found]:
    """Judge the guard with so many sensors, each with its own faults, and plain rules with one."""
    said, water, years = one.said(seed), one.crossings(), one.years
    counts = lived(one, hearings(said, one.limits))
    out = {f"guard, {n}": found for n, found in zip(SENSORS, counts, strict=True)}
    out["threshold"] = detection.judge(water, threshold(said[0], one.limits), years)
    out["median of three"] = detection.judge(water, threshold(said[0], one.limits, 3), years)
    return out


def known_stations(records: Iterable[Record]) -> Iterator[Known]:
    """Yield the stations of records that have a training part and something behind it."""
    for record in records:
        for site in record.sites:
            try:
                yield river_station.prepare(record, site)
            except DataError:
                continue


def limits_of(station: Known) -> Limits:
    """Return limits whose alarm lies half as far again over the median as the early mark."""
    known = station.constants
    return detection.limits_over(known.median_mm, 1.5 * (known.mark_mm - known.median_mm))


def by_station(records: Iterable[Record], seed: int, draws: int) -> dict[str, dict[str, Found]]:
    """Return, by station and rule, the counts of a year after its training part; draws add up."""
    table: dict[str, dict[str, Found]] = {}
    for station in known_stations(records):
        since_ms = station.constants.train_until_ms
        one = trial(station.stage, since_ms, since_ms + FAULT_MS, limits_of(station))
        counts = table.setdefault(station.site.name, {})
        for draw in range(draws):
            detection.add(counts, with_faults(one, seed + APART * draw))
    return table


def added(table: dict[str, dict[str, Found]]) -> dict[str, Found]:
    """Return the counts of all stations together, by rule."""
    total: dict[str, Found] = {}
    for counts in table.values():
        detection.add(total, counts)
    return total


def faulty_feed(
    stage: Channel,
    since_ms: int,
    seed: int,
    kinds: Sequence[str] = tuple(faults.KINDS),
    raw: bool = False,
) -> Feed:
    """Return a stage with these kinds of made fault from ``since_ms`` on, over its own if ``raw``.

    A spike is a number of samples, whatever their interval; the other faults last their time.
    """
    copy, spiked = stage, {}
    for kind in kinds:
        made = faults.faulty(copy, kind, since_ms, seed)
        if kind == "spikes":
            off = made.value - copy.value
            starts = np.flatnonzero((off != 0.0) & (np.diff(off, prepend=0.0) != 0.0))
            for first in starts.tolist():
                count = 1
                while count < 3 and first + count < len(off) and off[first + count] == off[first]:
                    count += 1
                spiked[int(stage.t_ms[first])] = (float(off[first]), count)
        else:
            copy = made
    places = {int(at): place for place, at in enumerate(copy.t_ms.tolist())}
    spikes = {places[at]: size for at, size in spiked.items() if at in places}
    water = detection.raw_feed(copy).water if raw else copy.value
    return Feed(copy.t_ms, copy.value, water, spikes)


def quarters(stage: Channel) -> Channel:
    """Return a stage every 15 min, as a node samples it; what comes more often stays as it is."""
    step_ms = stage.step_ms
    if step_ms <= QUARTER_MS:
        return stage
    t_ms = np.arange(-(-stage.t_ms[0] // QUARTER_MS) * QUARTER_MS, stage.t_ms[-1], QUARTER_MS)
    after = np.searchsorted(stage.t_ms, t_ms)
    near = stage.t_ms[after] - stage.t_ms[np.maximum(after - 1, 0)] <= BRIDGED * step_ms
    value = np.round(np.interp(t_ms, stage.t_ms, stage.value))
    return channel(stage.name, "stage", t_ms[near], value[near])
