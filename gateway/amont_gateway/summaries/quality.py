"""Say how good a sensor's day was: complete, believable, without gaps, in time."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from amont_gateway import series
from amont_gateway.lines import line
from amont_gateway.readings import MISSING, SUSPECT
from amont_gateway.summaries.day_readings import Readings

GAP_MS = 7_200_000  # longer without a value is a gap, if its interval promises more
_REFUSED = (2, 3, MISSING)  # out of range, sensor fault, missing
_SLACK = 0.25  # of an interval: a reading may come so much later than its interval says


def quality_line(
    site: str, sensor: str, readings: Readings, begin_ms: int, end_ms: int, interval_s: int
) -> str | None:
    """Return the line of a day [begin, end), cut at the present; None before it has any length."""
    interval_ms = interval_s * 1000
    promised = round((end_ms - begin_ms) / interval_ms)
    if promised < 1:
        return None
    quality = readings.quality
    valued = quality != MISSING
    gaps = _gaps_ms(readings.t_ms[valued], begin_ms, end_ms)
    missed = sum(max(0, math.ceil(gap / interval_ms - _SLACK) - 1) for gap in gaps)
    if not valued.any():
        missed = promised
    long_ms = [gap for gap in gaps if gap > max(GAP_MS, 2 * interval_ms)]
    fields: dict[str, float | int | str | None] = {
        "completeness_pct": 100.0 * (1 - min(missed, promised) / promised),
        "gaps": len(long_ms),
        "longest_gap_s": max(gaps) / 1000,
    }
    if len(quality):
        fields["suspect_pct"] = 100.0 * float(np.mean(quality == SUSPECT))
        fields["refused_pct"] = 100.0 * float(np.mean(np.isin(quality, _REFUSED)))
        delay_s = np.sort(np.maximum(readings.received_ms - readings.t_ms, 0)) / 1000
        middle, late = (float(delay_s[round(p * (len(delay_s) - 1))]) for p in (0.5, 0.95))
        fields |= {"delay_p50_s": middle, "delay_p95_s": late}
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in fields.items()}
    return line(series.QUALITY_DAY, site, {"sensor": sensor}, rounded, begin_ms)


def _gaps_ms(t_ms: NDArray[np.int64], begin_ms: int, end_ms: int) -> list[int]:
    """Return how long it was from one value to the next, with the day's two ends."""
    times = [begin_ms, *t_ms[t_ms < end_ms].tolist(), end_ms]
    return [after - before for before, after in pairwise(times)]
