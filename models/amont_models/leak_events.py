"""Judge leak alarms against labelled leaks: found, strictly found, false, delay, size, place.

A leak is *found* by an alarm within 14 days of an abrupt start, or before ten days after the peak
of an incipient one, and before its repair. It is *strictly* found within 24 h of an abrupt start,
or within 7 days of the time at which an incipient one passes 2 % of the mean inflow. An alarm
finds one leak: of those open and not yet found the one that began last, but where the alarm names
places, one at such a place goes first. An alarm inside the window of a leak that was found before
is a *repeat*; every other alarm is *false*. The strict F1 takes every alarm that did not find a
leak strictly as false, repeats too. Without labels there are only alarms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from amont_models.records import table

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
ABRUPT_DAYS = 14
PEAK_DAYS = 10
STRICT_ABRUPT_H = 24
STRICT_INCIPIENT_DAYS = 7
STRICT_SHARE = 0.02  # of the mean inflow, from which an incipient leak's 7 days count


@dataclass(frozen=True)
class Label:
    """A leak that is known: times in ms, its largest flow in l/h, the places that count as it."""

    start_ms: int
    peak_ms: int
    end_ms: int
    abrupt: bool
    size_l_h: float
    places: tuple[str, ...] = ()
    night_share: float = math.nan  # of the mean night flow


def leak_label(
    known: table.Label, night_l_h: float = math.nan, sensors: Sequence[str] = ()
) -> Label:
    """Return a record's leak as it is judged; ``night_l_h`` is the place's mean night flow.

    One that grows, and of which nobody says until when, grows until its end. ``sensors`` are those
    of the place: the name of one may hold spaces.
    """
    peak_ms = known.peak_ms
    if peak_ms is None:
        peak_ms = known.end_ms if known.kind == "incipient" else known.start_ms
    size = math.nan if known.size is None else known.size
    one_name = ";" in known.where or known.where in sensors
    parts = known.where.split(";") if one_name else known.where.split()
    places = tuple(part.strip() for part in parts if part.strip())
    abrupt = known.kind == "abrupt" or peak_ms <= known.start_ms
    share = size / night_l_h if night_l_h > 0.0 else math.nan
    return Label(known.start_ms, peak_ms, known.end_ms, abrupt, size, places, share)


@dataclass(frozen=True)
class Alarm:
    """What a rule said and when: since when, how large, how likely, nearest place first."""

    at_ms: int
    since_ms: int | None = None
    size_l_h: float = math.nan
    probability: float = math.nan
    places: tuple[str, ...] = ()


def flow_share(label: Label, at_ms: int) -> float:
    """Return the share of its largest flow that a leak has reached (incipient: time squared)."""
    if not label.start_ms < at_ms <= label.end_ms:
        return 0.0
    if label.abrupt or label.peak_ms <= label.start_ms:
        return 1.0
    return min(1.0, (at_ms - label.start_ms) / (label.peak_ms - label.start_ms)) ** 2


def last_call_ms(label: Label) -> int:
    """Return the time until which an alarm still finds the leak."""
    limit = (
        label.start_ms + ABRUPT_DAYS * DAY_MS
        if label.abrupt
        else label.peak_ms + PEAK_DAYS * DAY_MS
    )
    return min(limit, label.end_ms)


def strict_call_ms(label: Label, mean_l_h: float) -> int:
    """Return the time until which an alarm finds the leak strictly."""
    if label.abrupt:
        return min(label.start_ms + STRICT_ABRUPT_H * HOUR_MS, label.end_ms)
    share = min(1.0, math.sqrt(STRICT_SHARE * mean_l_h / max(label.size_l_h, 1e-9)))
    passed = label.start_ms + round(share * (label.peak_ms - label.start_ms))
    return min(passed + STRICT_INCIPIENT_DAYS * DAY_MS, label.end_ms)


@dataclass
class Tally:
    """Counts of a rule over one or more records; add records with ``+``."""

    leaks: int = 0
    large: int = 0  # of 15 % of the night flow and more
    found: int = 0
    large_found: int = 0
    strict: int = 0
    strict_false: int = 0
    placed: int = 0  # found by an alarm whose places name the leak
    alarms: int = 0
    repeats: int = 0
    false: int = 0
    years: float = 0.0
    abrupt_h: list[float] = field(default_factory=list)
    incipient_h: list[float] = field(default_factory=list)
    size_errors_l_h: list[float] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        """Return the counts of both."""
        return Tally(**{key: value + getattr(other, key) for key, value in vars(self).items()})

    def summary(self) -> dict[str, float | None]:
        """Return what the table prints; None where nothing can be said."""
        years = self.years or math.nan
        hits, misses = self.strict, self.leaks - self.strict
        tried = 2 * hits + misses + self.strict_false
        return {
            "leaks": self.leaks,
            "leaks_15": self.large,
            "found": self.found,
            "found_15": self.large_found,
            "strict": self.strict,
            "strict_f1": _known(2 * hits / tried if tried and self.leaks else math.nan),
            "placed": self.placed,
            "alarms": self.alarms,
            "repeats": self.repeats,
            "false": self.false,
            "years": round(self.years, 3),
            "false_per_year": _known(self.false / years),
            "alarms_per_year": _known(self.alarms / years),
            **_quartiles("abrupt", self.abrupt_h),
            **_quartiles("incipient", self.incipient_h),
            "size_error_m3h": _known(_middle(self.size_errors_l_h) / 1000.0),
        }


def _known(value: float, digits: int = 3) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _middle(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return float(np.median(finite)) if finite else math.nan


def _quartiles(name: str, delays_h: Sequence[float]) -> dict[str, float | None]:
    marks = np.percentile(delays_h, [25, 50, 75]).tolist() if delays_h else [math.nan] * 3
    return {
        f"{name}_h": _known(marks[1], 1),
        f"{name}_q1_h": _known(marks[0], 1),
        f"{name}_q3_h": _known(marks[2], 1),
    }


def counted(
    labels: Sequence[Label], alarms: Sequence[Alarm], first_ms: int, last_ms: int
) -> tuple[list[Label], list[Alarm]]:
    """Return the leaks that began within a span, and the alarms that count.

    Nobody can have seen another leak begin: an alarm of one that began before the span finds
    nothing, and is not false either.
    """
    inside = [one for one in labels if first_ms <= one.start_ms < last_ms]
    older = [one for one in labels if one.start_ms < first_ms]
    said = [
        alarm
        for alarm in alarms
        if any(_open(one, alarm.at_ms) for one in inside)
        or not any(_open(one, alarm.at_ms) for one in older)
    ]
    return inside, said


def _open(label: Label, at_ms: int) -> bool:
    return label.start_ms < at_ms <= last_call_ms(label)


def match(alarms: Sequence[Alarm], labels: Sequence[Label]) -> list[int | None]:
    """Return for each alarm, oldest first, the leak that it finds; -1 a repeat, None false."""
    free = set(range(len(labels)))
    out: list[int | None] = []
    for alarm in alarms:
        inside = [k for k, one in enumerate(labels) if _open(one, alarm.at_ms)]
        choice = [k for k in inside if k in free]
        if choice:
            best = max(choice, key=lambda k: (named(alarm, labels[k]), labels[k].start_ms))
            free.discard(best)
            out.append(best)
        else:
            out.append(-1 if inside else None)
    return out


def named(alarm: Alarm, label: Label) -> bool:
    """Say whether an alarm names a place that counts as the leak's."""
    return bool(set(alarm.places) & set(label.places))


def tally(
    alarms: Sequence[Alarm], labels: Sequence[Label], mean_l_h: float, years: float
) -> Tally:
    """Count the alarms of one record of ``years`` and mean inflow ``mean_l_h``."""
    total = Tally(years=years)
    for one in by_block(alarms, labels, mean_l_h, (0, 1), 1):
        total += one
    return total


def by_block(
    alarms: Sequence[Alarm],
    labels: Sequence[Label],
    mean_l_h: float,
    span_ms: tuple[int, int],
    count: int,
) -> list[Tally]:
    """Count by ``count`` equal stretches of a record; their sum is its whole, less the years.

    A leak, and the alarm that finds it, belong where it began; other alarms where they came.
    """
    first, last = span_ms
    blocks = [Tally() for _ in range(count)]

    def at(t_ms: int) -> Tally:
        return blocks[min(max(count * (t_ms - first) // max(1, last - first), 0), count - 1)]

    for label in labels:
        at(label.start_ms).leaks += 1
        at(label.start_ms).large += label.night_share >= 0.15
    ordered = sorted(alarms, key=lambda alarm: alarm.at_ms)
    for alarm, leak in zip(ordered, match(ordered, labels), strict=True):
        if leak is not None and leak >= 0:
            total = at(labels[leak].start_ms)
            _count(total, alarm, labels[leak], mean_l_h)
        else:
            total = at(alarm.at_ms)
            total.false += leak is None
            total.repeats += leak is not None
            total.strict_false += 1
        total.alarms += 1
    return blocks


def _count(total: Tally, alarm: Alarm, label: Label, mean_l_h: float) -> None:
    total.found += 1
    total.large_found += label.night_share >= 0.15
    total.placed += named(alarm, label)
    on_time = alarm.at_ms <= strict_call_ms(label, mean_l_h)
    total.strict += on_time
    total.strict_false += not on_time  # too late for the strict rule is as good as false
    delays = total.abrupt_h if label.abrupt else total.incipient_h
    delays.append((alarm.at_ms - label.start_ms) / HOUR_MS)
    truth = label.size_l_h * flow_share(label, alarm.at_ms)
    total.size_errors_l_h.append(abs(alarm.size_l_h - truth))
