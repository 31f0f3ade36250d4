"""Judge the siren's decision on recorded water: crossings met, sirens from faults alone.

Here are the counts, and the first table: raw telemetry with its own faults, marks 1 m and 2 m over
the median of the first seven days. ``detection_faults`` has the other, of made faults. Beside the
guard's decision stand a plain threshold and the median of three readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS
from amont_models import river_station
from amont_models.guard_replay import (
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
)
from amont_models.river_chain import Chain
from amont_models.river_truth import cleaned

HOUR_S = 3600
CALM_MS = 7 * DAY_MS
MARKS_MM = (1000, 2000)
LEAST = 100  # readings: fewer are no record of a flood
LASTS_S = 1800  # a shorter crossing is no event
EARLY_S, LATE_S = 3 * HOUR_S, 1200  # an alarm in between is in time
APART_S = 6 * HOUR_S  # crossings and alarms nearer than that are one
OFF_MM = 100.0  # a reading further from the cleaned stage does not tell the water around it


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


def raw_table(records: Iterable[Record], chain: Chain) -> dict[str, dict[str, Found]]:
    """Return, by the mark's height, what every rule gives on raw records; stations add up."""
    table: dict[str, dict[str, Found]] = {str(up): {} for up in MARKS_MM}
    for record in records:
        for site in record.sites:
            stage = record.find(site.name, "stage")
            if stage is None or len(stage.known().t_ms) < LEAST:
                continue
            for up in MARKS_MM:
                add(table[str(up)], raw(stage, up))
                add(table[str(up)], {"warning": _warned(record, site, chain, up)})
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


def add(table: dict[str, Found], made: Mapping[str, Found]) -> None:
    """Add a station's counts to a table, rule by rule."""
    for rule, found in made.items():
        table[rule] = table.get(rule, Found()) + found
