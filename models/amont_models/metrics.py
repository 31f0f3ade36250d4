"""Score forecasts and warnings: pure functions over arrays and counts.

What an event, a warning, a lead and a false alarm are: ``river_truth``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amont_models.data import Floats
from amont_models.river_truth import Warned


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


def add_up(parts: Sequence[Warned]) -> Warned:
    """Return the counts of one rule over several stations."""
    leads = tuple(lead for part in parts for lead in part.leads_h)
    rows = [(one.events, one.warned, one.groups, one.false, one.months) for one in parts]
    events, hits, groups, false, months = np.array(rows, dtype=float).sum(axis=0).tolist()
    return Warned(events, hits, groups, false, months, leads)


def summary(one: Warned) -> dict[str, float]:
    """Return POD, FAR, CSI, median lead and false alarms; NaN where nothing can be said."""
    return {
        "events": one.events,
        "pod": ratio(one.warned, one.events),
        "far": ratio(one.false, one.groups),
        "csi": ratio(one.warned, one.events + one.false),
        "lead_h": float(np.median(one.leads_h)) if one.leads_h else float("nan"),
        "false_per_station_month": ratio(one.false, one.months),
    }


def f1(found: float, missed: float, false: float) -> float:
    """Return 2 found / (2 found + missed + false); NaN where there was nothing to find or say."""
    return ratio(2.0 * found, 2.0 * found + missed + false)


def ratio(part: float, whole: float) -> float:
    """Return part / whole; NaN where there is no whole."""
    return part / whole if whole > 0.0 else float("nan")
