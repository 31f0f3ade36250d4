"""Add up stations, and draw the stations' bootstrap."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.river_features import HORIZONS_H, QUANTILES
from amont_models import bootstrap, metrics
from amont_models.river_truth import Warned
from amont_models.score_tally import CURVE, FORECASTS, JUDGED_H, Tally

NOMINAL = QUANTILES[-1] - QUANTILES[0]
_NAN = float("nan")
ORDER = (
    "warning",
    "first day",
    "watch",
    "persistence",
    "threshold",
    "p98 mark",
    "linear",
    "ridge",
    "ridge + 1 sd",
    "LightGBM",
    "random",
)
Floats = NDArray[np.float64]


def tables(tallies: Sequence[Tally]) -> dict[str, Any]:
    """Return the events, skill and coverage of some stations, with 95 % over the stations."""
    rules = [name for name in ORDER if name in tallies[0].warned]
    return {
        "warnings": {name: _warnings(tallies, name) for name in rules},
        "curve": {name: metrics.summary(total(tallies, name)) for name in CURVE},
        "skill": {
            f"{name}_{hours}h": _skill(tallies, name, hours)
            for name in FORECASTS
            for hours in JUDGED_H
            if (name, hours) in tallies[0].skill
        },
        "coverage": {f"{hours}h": _coverage(tallies, hours) for hours in HORIZONS_H},
    }


def total(tallies: Sequence[Tally], rule: str) -> Warned:
    """Return the counts of a rule over some stations."""
    return metrics.add_up([tally.warned[rule] for tally in tallies])


def _counts(parts: Sequence[Warned]) -> Floats:
    """Return (stations, 5): events, warned, groups, false, months."""
    rows = [(one.events, one.warned, one.groups, one.false, one.months) for one in parts]
    return np.array(rows, dtype=np.float64)


def _warnings(tallies: Sequence[Tally], rule: str) -> dict[str, Any]:
    parts = [tally.warned[rule] for tally in tallies]
    counts, leads = _counts(parts), [part.leads_h for part in parts]
    one = total(tallies, rule)
    quartiles = np.percentile(one.leads_h, [25, 50, 75]).tolist() if one.leads_h else [_NAN] * 3
    return {
        "events": one.events,
        "warned": one.warned,
        "groups": one.groups,
        "false": one.false,
        "pod": bootstrap.of_sums(counts, lambda sums: bootstrap.ratio(sums[:, 1], sums[:, 0])),
        "far": bootstrap.of_sums(counts, lambda sums: bootstrap.ratio(sums[:, 3], sums[:, 2])),
        "csi": bootstrap.of_sums(
            counts, lambda sums: bootstrap.ratio(sums[:, 1], sums[:, 0] + sums[:, 3])
        ),
        "lead_h": bootstrap.interval(leads, _middle_lead),
        "lead_quartiles_h": quartiles,
        "false_per_station_month": metrics.ratio(one.false, one.months),
        "months": one.months,
    }


def _middle_lead(leads: Sequence[tuple[float, ...]]) -> float:
    """Return the median lead of some stations; ``statistics`` is quicker than numpy on few."""
    every = [lead for station in leads for lead in station]
    return statistics.median(every) if every else _NAN


def _skill(tallies: Sequence[Tally], name: str, hours: float) -> dict[str, Any]:
    parts = [tally.skill[name, hours] for tally in tallies]
    squared = [(one.squared, one.squared_still) for one in parts]
    pinball = [(one.pinball, one.pinball_still) for one in parts]
    return {
        "pi": bootstrap.of_sums(squared, _skill_of),
        "pinball_skill": bootstrap.of_sums(pinball, _skill_of),
        "steps": sum(one.steps for one in parts),
    }


def _skill_of(sums: Floats) -> Floats:
    """Return 1 - loss / loss of "it stays"."""
    return 1.0 - bootstrap.ratio(sums[:, 0], sums[:, 1])


def _coverage(tallies: Sequence[Tally], hours: float) -> dict[str, Any]:
    """Return the share inside the band on event hours; its interval draws whole events."""
    blocks = [block for tally in tallies for block in tally.inside[hours]]
    return {
        "nominal": NOMINAL,
        "share": bootstrap.share(blocks),
        "events": len(blocks),
        "steps": sum(steps for _, steps in blocks),
    }
