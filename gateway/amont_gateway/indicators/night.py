"""Find a zone's minimum night flow, the pressure beside it, and what is usual there.

Minimum night flow: the lowest mean of the net inflow over sixty minutes in a row within the
zone's night. Where hardly anybody draws water, most of it is leakage; it rises with the pressure,
which is why that is shown beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from amont_gateway.indicators.curve import HOUR_MS, Curve, Floats, Times

STEP_MS = 300_000  # between the beginnings of the hours that are tried
KNOWN = 0.8  # of such an hour, by each meter: else it does not count
TRIED = 0.5  # of all such hours must count, or the lowest may have been missed
USUAL_NIGHTS = 28
USUAL_LEAST = 7
USUAL_LAG_DAYS = 2  # the last nights may already hold what is looked for
USUAL_REACH_DAYS = 120
SPREAD_LEAST = 0.02  # of the usual flow: no zone is quieter than its meters
_MAD = 1.4826  # a standard deviation is so many median deviations, where errors are normal


def night_flow(
    inflow: Sequence[Curve], outflow: Sequence[Curve], begin_ms: int, end_ms: int
) -> float | None:
    """Return the minimum night flow of [begin, end) in l/h, None if too little is known."""
    length_ms = min(HOUR_MS, end_ms - begin_ms)
    begins = np.arange(begin_ms, end_ms - length_ms + 1, STEP_MS, dtype=np.int64)
    total = np.zeros(len(begins))
    for sign, curves in ((1.0, inflow), (-1.0, outflow)):
        for curve in curves:
            total += sign * _flows(curve, begins, length_ms)
    known = np.isfinite(total)
    if known.sum() < max(1, TRIED * len(begins)):
        return None
    return float(total[known].min())


def _flows(curve: Curve, begins: Times, length_ms: int) -> Floats:
    """Return the mean flow from each beginning on, NaN where too little is known."""
    edges = np.stack((begins, begins + length_ms), axis=1).ravel()
    litres, known_ms = (x[::2] for x in curve.between(edges))
    enough = known_ms >= KNOWN * length_ms
    return np.asarray(np.where(enough, litres / np.where(enough, known_ms, 1.0) * HOUR_MS, np.nan))


def mean_pressure(readings: Iterable[Floats]) -> float | None:
    """Return the mean of the sensors' means in their own unit, None without any reading."""
    means = [float(values.mean()) for values in readings if len(values)]
    return sum(means) / len(means) if means else None


def usual_night(
    nights: Mapping[int, float], day: int, leaking: Iterable[int]
) -> tuple[float, float] | None:
    """Return the usual night flow before a day and its standard deviation, None if not known yet.

    ``nights`` by day number; those in ``leaking`` are no example. Medians, so that single odd
    nights have no say.
    """
    odd = set(leaking)
    known = [
        nights[d]
        for d in range(day - USUAL_LAG_DAYS, day - USUAL_REACH_DAYS, -1)
        if d in nights and d not in odd
    ][:USUAL_NIGHTS]
    if len(known) < USUAL_LEAST:
        return None
    middle = _median(known)
    spread = _MAD * _median([abs(flow - middle) for flow in known])
    return middle, max(spread, SPREAD_LEAST * abs(middle))


def _median(values: Sequence[float]) -> float:
    """Return the median; numpy's would load 5 MiB of masked arrays for it."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2
