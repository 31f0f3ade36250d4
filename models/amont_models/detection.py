"""Judge the siren's decision on recorded water: crossings met, sirens from faults alone.

Two tables. *Raw*: telemetry with its own faults, marks 1 m and 2 m over the median of the first
seven days. *Faults*: clean records with made faults, marks from their own past, one to three
sensors. Beside the guard's decision stand a plain threshold and the median of three readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge

import numpy as np

from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS
from amont_models import faults, river_station
from amont_models.guard_replay import (
    BRIDGED,
    Feed,
    Limits,
    Span,
    Station,
    eventful,
    samples,
    spans,
    threshold,
)
from amont_models.records.table import (
    Channel,
    DataError,
    Floats,
    Record,
    Site,
    Times,
    channel,
)
from amont_models.river_chain import Chain
from amont_models.river_truth import cleaned

HOUR_S = 3600
CALM_MS = 7 * DAY_MS
QUARTER_MS = HOUR_MS // 4
MARKS_MM = (1000, 2000)
SENSORS = (1, 2, 3)
LEAST = 100  # readings: fewer are no record of a flood
LASTS_S = 1800  # a shorter crossing is no event
EARLY_S, LATE_S = 3 * HOUR_S, 1200  # an alarm in between is in time
APART_S = 6 * HOUR_S  # crossings and alarms nearer than that are one
OFF_MM = 100.0  # a reading further from the cleaned stage does not tell the water around it
FAULT_MS = 365 * DAY_MS  # of each station, with made faults


@dataclass(frozen=True)
class Found:
    """Counts of one rule; they add up over stations."""

    events: int = 0
    met: int = 0
    false: int = 0
    years: float = 0.0

    def __add__(self, other: Found) -> Found:
        """Add another station's."""
        return Found(
            self.events + other.events,
            self.met + other.met,
            self.false + other.false,
            self.years + other.years,
        )

    @property
    def csi(self) -> float:
        """Return events met over events and false alarms; NaN without any."""
        every = self.events + self.false
        return self.met / every if every else float("nan")


def events(
    t_s: Sequence[int], value: Floats, mark_mm: float, lasts_s: int = LASTS_S
) -> list[Span]:
    """Return when the water was above the mark for ``lasts_s``, spans near each other as one.

    What is above from the first reading on begins at minus infinity, in effect: it is no crossing.
    """
    above = np.concatenate(([False], value >= mark_mm, [False]))
    edges = np.flatnonzero(np.diff(above.astype(np.int8)))
    out: list[Span] = []
    for first, behind in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        start = t_s[first] if first else -(2**40)
        end = t_s[min(behind, len(t_s) - 1)]
        if end - start < lasts_s:
            continue
        if out and start - out[-1][1] < APART_S:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def judge(truth: Sequence[Span], alarms: Sequence[Span], years: float) -> Found:
    """Count events met in time, and groups of alarms with no high water within ``APART_S``."""
    crossings = [start for start, _ in truth if start > -(2**40)]
    met = sum(
        any(on <= at + LATE_S and off >= at - EARLY_S for on, off in alarms) for at in crossings
    )
    groups: list[Span] = []
    for on, off in alarms:
        if groups and on - groups[-1][1] < APART_S:
            groups[-1] = (groups[-1][0], off)
        else:
            groups.append((on, off))
    false = sum(
        not any(start <= off + APART_S and end >= on - APART_S for start, end in truth)
        for on, off in groups
    )
    return Found(len(crossings), met, false, years)


def raw_feed(stage: Channel) -> Feed:
    """Return a record's readings as a sensor told them, its faults left in."""
    water = cleaned(stage).value
    off = np.abs(stage.value - water) > OFF_MM
    return Feed(stage.t_ms, stage.value, np.where(off, np.nan, water))


def limits_over(median_mm: float, mark_mm: float) -> Limits:
    """Return limits whose alarm is the mark: watch at half its height, warning in between."""
    return Limits(*(round(median_mm + share * mark_mm) for share in (0.5, 0.75, 1.0, 1.5)))


def raw(stage: Channel, up_mm: float) -> dict[str, Found]:
    """Judge every rule but the model on one station's raw stage."""
    stage = stage.known()
    true = cleaned(stage)
    median = float(np.median(true.value[true.t_ms < true.t_ms[0] + CALM_MS]))
    limits = limits_over(median, up_mm)
    t_s = (stage.t_ms // 1000).tolist()
    water, years = events(t_s, true.value, limits.alarm_mm), known_years(stage.t_ms)
    feed, step_s = raw_feed(stage), max(60, stage.step_ms // 1000)
    out = {}
    for name, fast in (("guard", False), ("guard, each minute", True)):
        heard = eventful(list(samples(feed, 0, limits, fast)), limits)
        out[name] = judge(water, Station(limits, 1, step_s).live(heard, fast), years)
    heard = list(samples(feed, 0, limits, fast=False))
    out["threshold"] = judge(water, threshold(heard, limits), years)
    out["median of three"] = judge(water, threshold(heard, limits, 3), years)
    return out


def known_years(t_ms: Times) -> float:
    """Return for how long there are readings; of a gap its first hours count."""
    return float(np.minimum(np.diff(t_ms), 3 * HOUR_MS).sum()) / (365.0 * DAY_MS)


# --- made faults ---


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
    water = raw_feed(copy).water if raw else copy.value
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


def with_faults(
    stage: Channel, since_ms: int, limits: Limits, sensors: int, seed: int
) -> dict[str, Found]:
    """Judge the guard with so many sensors, each with its own faults, and plain rules with one."""
    part = quarters(stage.known())
    part = part.between(since_ms - DAY_MS, since_ms + FAULT_MS)
    step_s = max(60, part.step_ms // 1000)
    water = events((part.t_ms // 1000).tolist(), part.value, limits.alarm_mm, 0)
    years = known_years(part.t_ms[part.t_ms >= since_ms])
    each = [
        list(samples(faulty_feed(part, since_ms, seed + one), one, limits))
        for one in range(sensors)
    ]
    heard = eventful(list(merge(*each)), limits)
    out = {f"guard, {sensors}": judge(water, Station(limits, sensors, step_s).live(heard), years)}
    if sensors == 1:
        out["threshold"] = judge(water, threshold(each[0], limits), years)
        out["median of three"] = judge(water, threshold(each[0], limits, 3), years)
    return out


# --- records ---


def raw_table(records: Iterable[Record], chain: Chain) -> dict[str, dict[str, Found]]:
    """Return, by the mark's height, what every rule gives on raw records; stations add up."""
    table: dict[str, dict[str, Found]] = {str(up): {} for up in MARKS_MM}
    for record in records:
        for site in record.sites:
            stage = record.find(site.name, "stage")
            if stage is None or len(stage.known().t_ms) < LEAST:
                continue
            for up in MARKS_MM:
                _add(table[str(up)], raw(stage, up))
                _add(table[str(up)], {"warning": _warned(record, site, chain, up)})
    return table


def _warned(record: Record, site: Site, chain: Chain, up_mm: float) -> Found:
    """Judge the river model's warning as if it were an alarm."""
    try:
        station = river_station.prepare(record, site)
    except DataError:
        return Found()
    known = station.constants
    mark = round(known.median_mm + up_mm)
    seen = station.clean
    said = chain.decide(seen, replace(known, mark_mm=mark))["warning"].warn
    true = cleaned(station.stage)
    water = events((true.t_ms // 1000).tolist(), true.value, mark)
    alarms = spans((seen.t_ms[said] // 1000).tolist(), HOUR_S)
    return judge(water, alarms, known_years(true.t_ms))


def fault_table(records: Iterable[Record], seed: int) -> dict[str, Found]:
    """Return what each rule gives on a year of each station after its training part, with faults.

    The alarm lies half as far again over the station's median as its mark of early warning.
    """
    table: dict[str, Found] = {}
    for record in records:
        for site in record.sites:
            try:
                station = river_station.prepare(record, site)
            except DataError:
                continue
            known = station.constants
            limits = limits_over(known.median_mm, 1.5 * (known.mark_mm - known.median_mm))
            for sensors in SENSORS:
                made = with_faults(station.stage, known.train_until_ms, limits, sensors, seed)
                _add(table, made)
    return table


def _add(table: dict[str, Found], made: Mapping[str, Found]) -> None:
    for rule, found in made.items():
        table[rule] = table.get(rule, Found()) + found
