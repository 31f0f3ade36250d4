"""Measure the siren's rule for leaps at other settings, on training parts alone.

A setting is what the rule itself has: from how many mm on a reading leaps, and how many readings
must then stand. One reading is no rule at all. Faults are made as for the judged table, over the
last years of each station's training part; limits are those of the whole of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from amont_gateway.scoring.timeline import DAY_MS
from amont_models import detection_faults
from amont_models.detection import LEAST, Found
from amont_models.detection_faults import FAULT_MS
from amont_models.records.table import Record
from amont_watch import vote

SIREN_STEP_S = 10  # a node samples so often while the guard has not decided
MOST_MS = 2 * FAULT_MS  # of a station: one record alone has more years than all others together
SETTINGS = (
    (vote.LEAP_MM, 1),
    (vote.LEAP_MM, 3),
    (vote.LEAP_MM, 4),
    (vote.LEAP_MM, 5),
    (200, 4),
    (500, 4),
)
SHIPPED = (vote.LEAP_MM, vote.STEADY)


@dataclass
class Counts:
    """What one setting gives, by number of sensors."""

    found: list[Found] = field(default_factory=lambda: [Found()] * len(detection_faults.SENSORS))

    def add(self, found: list[Found]) -> None:
        """Add a station's."""
        self.found = [old + new for old, new in zip(self.found, found, strict=True)]


@contextlib.contextmanager
def leap_rule(leap_mm: int, readings: int) -> Iterator[None]:
    """Let the guard's rule have other settings for the length of a block."""
    vote.LEAP_MM, vote.STEADY = leap_mm, readings
    try:
        yield
    finally:
        vote.LEAP_MM, vote.STEADY = SHIPPED


def curve(records: Iterable[Record], seed: int) -> dict[str, Any]:
    """Return what each setting gives on training parts, for the card."""
    counts = {setting: Counts() for setting in SETTINGS}
    for station in detection_faults.known_stations(records):
        limits, stage = detection_faults.limits_of(station), station.stage
        until_ms = station.constants.train_until_ms
        first_ms = max(int(stage.t_ms[0]) + DAY_MS, until_ms - MOST_MS)
        one = detection_faults.trial(stage, first_ms, until_ms, limits)
        if len(one.part.t_ms) < LEAST:
            continue
        heard = detection_faults.hearings(one.said(seed), limits)
        for setting in SETTINGS:
            with leap_rule(*setting):
                counts[setting].add(detection_faults.lived(one, heard))
    first = counts[SETTINGS[0]].found[0]
    return {
        "crossings": first.events,
        "years": round(first.years, 2),
        "settings": [_row(*setting, counts[setting].found) for setting in SETTINGS],
    }


def _row(leap_mm: int, readings: int, found: list[Found]) -> dict[str, Any]:
    return {
        "leap_mm": leap_mm,
        "readings": readings,
        "waits_s": SIREN_STEP_S * (readings - 1),
        "ships": (leap_mm, readings) == SHIPPED,
        "met": [one.met for one in found],
        "false": [one.false for one in found],
    }
