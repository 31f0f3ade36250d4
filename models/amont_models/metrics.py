"""Score forecasts and warnings: pure functions over arrays.

Early-warning definitions: the *mark* is the 99.5th percentile of the training part. An *event*
is an upward crossing after 12 h below. A *warning* is an hour, still below, whose forecast reaches
the mark. An event is *warned* if one comes in the 6 h before it; *lead* is the crossing minus the
first of those. Warnings in the 12 h after the water was last above do not count. A *false alarm*
is a group of warnings, gaps under 6 h, with no crossing within 6 h of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amont_models.data import Floats

Flags = NDArray[np.bool_]

BEFORE_H = 6
CALM_H = 12


def persistence_index(truth: Floats, forecast: Floats, persisted: Floats) -> float:
    """Return 1 - SSE(forecast) / SSE(persistence) over finite triples; NaN without any error."""
    known = np.isfinite(truth) & np.isfinite(forecast) & np.isfinite(persisted)
    floor = float(((truth - persisted)[known] ** 2).sum())
    if not floor > 0.0:
        return float("nan")
    return 1.0 - float(((truth - forecast)[known] ** 2).sum()) / floor


def coverage(truth: Floats, low: Floats, high: Floats) -> float:
    """Return the share of finite truths inside [low, high]."""
    known = np.isfinite(truth) & np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return float("nan")
    return float(((truth >= low) & (truth <= high))[known].mean())


@dataclass(frozen=True)
class Warned:
    """Counts of an early-warning rule over one or more records."""

    events: int = 0
    warned: int = 0
    groups: int = 0
    false: int = 0
    leads_h: tuple[float, ...] = ()

    def __add__(self, other: Warned) -> Warned:
        """Add the counts of another record."""
        return Warned(
            self.events + other.events,
            self.warned + other.warned,
            self.groups + other.groups,
            self.false + other.false,
            self.leads_h + other.leads_h,
        )

    def summary(self) -> dict[str, float]:
        """Return POD, FAR, CSI and the median lead; NaN where nothing can be said."""
        miss = self.events - self.warned
        tried = self.warned + self.false + miss
        return {
            "events": self.events,
            "pod": self.warned / self.events if self.events else float("nan"),
            "far": self.false / self.groups if self.groups else float("nan"),
            "csi": self.warned / tried if tried else float("nan"),
            "lead_h": float(np.median(self.leads_h)) if self.leads_h else float("nan"),
        }


def crossings(stage: Floats, mark: float) -> NDArray[np.int64]:
    """Return the indices where hourly ``stage`` reaches ``mark`` after 12 h below."""
    above = stage >= mark
    starts = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    clear = [i for i in starts if not above[max(0, i - CALM_H) : i].any()]
    return np.array(clear, dtype=np.int64)


def eligible(stage: Floats, mark: float) -> Flags:
    """Return the hours at which a warning counts: below, and 12 h after the last hour above."""
    above = stage >= mark
    recent = np.convolve(above, np.ones(CALM_H + 1), mode="full")[: len(stage)] > 0.5
    return ~recent


def warnings(stage: Floats, mark: float, warn: Flags) -> Warned:
    """Count events, warned events and false alarms of hourly flags ``warn``."""
    events = crossings(stage, mark)
    times = np.flatnonzero(warn & eligible(stage, mark))
    leads = []
    for event in events:
        ahead = times[(times >= event - BEFORE_H) & (times < event)]
        if len(ahead):
            leads.append(float(event - ahead[0]))
    groups = np.split(times, np.flatnonzero(np.diff(times) >= BEFORE_H) + 1) if len(times) else []
    false = sum(
        not ((events >= group[0] - BEFORE_H) & (events <= group[-1] + BEFORE_H)).any()
        for group in groups
    )
    return Warned(len(events), len(leads), len(groups), false, tuple(leads))
