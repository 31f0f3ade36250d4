"""Turn a station's readings into the numbers that the river network sees; causal by construction.

Training imports this module, so what a model learned from is what it is fed. Every function takes
"now" as a value and looks at nothing later than it. Missing values stay NaN until a mask stands
beside them; then they become zero.
"""

from __future__ import annotations

import numpy as np

from amont_gateway.scoring.screening import Checked
from amont_gateway.scoring.timeline import HOUR_MS, Floats, Series, Times, last_at, sum_between

# Within the hour only where readings come that often: an hourly gauge does not know them.
FINE_LAGS_H = (0.25, 0.5, 0.75)
STAGE_LAGS_H = (*FINE_LAGS_H, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 24, 36, 48, 72)
FINE_HOLD_MS = 9 * 60_000  # a reading stands for a quarter of an hour, give or take a minute
FINE_EARLY_MS = 60_000  # a reading of a few seconds later than the quarter still tells it
# Rain sums over (t - end, t - start] hours: fine for what runs off now, coarse for wetness.
RAIN_SPANS_H = (
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (4, 6),
    (6, 9),
    (9, 12),
    (12, 24),
    (24, 48),
    (48, 72),
)
HORIZONS_H = (1, 3, 6)
QUANTILES = (0.1, 0.5, 0.9)
RIVER_FEATURES = 2 * (len(STAGE_LAGS_H) + len(RAIN_SPANS_H))
# A stage stands for its hour for 90 min, so that one lost hourly reading is a gap and not a value.
STAGE_HOLD_MS = 90 * 60_000
# Differences are compressed by asinh: one unit is a twentieth of the station's own spread, so that
# 8 bits resolve both the first centimetres and a flood.
RISE_GAIN = 20.0
# The training records never rose by more than 2.7 spreads in 6 h: beyond 3, a forecast is only
# the sinh of a guess.
RISE_MAX = 3.0


def compress(rise_mm: Floats, spread_mm: Floats | float) -> Floats:
    """Map a difference in mm to model units."""
    return np.asarray(np.arcsinh(RISE_GAIN * rise_mm / spread_mm), dtype=np.float64)


def expand(unit: Floats, spread_mm: Floats | float) -> Floats:
    """Map model units back to mm; units that no river has give infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(np.sinh(unit) / RISE_GAIN * spread_mm, dtype=np.float64)


def river_rows(stage: Series, rain: Series, now_ms: Times, spread_mm: float) -> Floats:
    """Return one row of features for each time; shape (n, RIVER_FEATURES).

    ``rain`` holds µm per reading and may be empty. Rows whose stage is unknown at ``now`` are NaN.
    Order: stage differences, rain sums, stage masks, rain masks (1 known, 0 not).
    """
    here = last_at(stage, now_ms, STAGE_HOLD_MS)
    before = [_before(stage, now_ms, lag) for lag in STAGE_LAGS_H]
    differences = compress(here[:, None] - np.stack(before, axis=1), spread_mm)
    sums = [
        sum_between(rain, now_ms - end * HOUR_MS, now_ms - start * HOUR_MS)
        for start, end in RAIN_SPANS_H
    ]
    wet = np.log1p(np.maximum(np.stack(sums, axis=1), 0.0) / 1000.0)
    values = np.concatenate((differences, wet), axis=1)
    known = np.isfinite(values)
    rows = np.concatenate((np.where(known, values, 0.0), known.astype(np.float64)), axis=1)
    rows[~np.isfinite(here)] = np.nan
    return np.asarray(rows)


def screened_rows(
    t_ms: Times, value: Floats, checked: Checked, rain: Series, spread_mm: float
) -> tuple[Times, Floats]:
    """Return the steps of a whole record and their rows as the live gateway would see them.

    A step is a reading that was not doubted when it came. Its row rests on the doubts known then:
    a reading that a later look doubted counts until that look, one that was cleared from then on.
    """
    step = np.flatnonzero(checked.code[:, 0] == 0)
    sure = checked.settled == 0
    rows = river_rows(Series(t_ms[sure], value[sure]), rain, t_ms[step], spread_mm)
    before = np.maximum(step - 1, 0)
    changed = (checked.code[:, 1] == 0) != sure
    for place in np.flatnonzero(~sure[step] | changed[before]):
        now = int(t_ms[step[place]])
        code = checked.as_of(now)
        keep = code == 0
        then = Series(t_ms[: len(code)][keep], value[: len(code)][keep])
        rows[place] = river_rows(then, rain, np.array([now]), spread_mm)[0]
    return t_ms[step], rows


def _before(stage: Series, now_ms: Times, lag_h: float) -> Floats:
    """Return the stage ``lag_h`` hours before each time, NaN where no reading tells it."""
    if lag_h in FINE_LAGS_H:
        return last_at(stage, now_ms - round(lag_h * HOUR_MS) + FINE_EARLY_MS, FINE_HOLD_MS)
    return last_at(stage, now_ms - round(lag_h * HOUR_MS), STAGE_HOLD_MS)


def river_bands(output: Floats, spread_mm: float) -> Floats:
    """Return rises in mm, shape (n, horizons, quantiles), from the network's output.

    Quantiles are sorted and never fall with the horizon: a highest stage within 6 h is not below
    the highest within 3 h. Rises end at ``RISE_MAX`` spreads. NaN and infinity stay what they are.
    """
    units = output.reshape(-1, len(HORIZONS_H), len(QUANTILES))
    ordered = np.maximum.accumulate(np.sort(units, axis=2), axis=1)
    rises = expand(np.asarray(ordered, dtype=np.float64), spread_mm)
    return np.asarray(np.where(np.isfinite(rises), np.minimum(rises, RISE_MAX * spread_mm), rises))
