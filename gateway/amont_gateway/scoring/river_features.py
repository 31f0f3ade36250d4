"""Turn a station's readings into the numbers that the river network sees; causal by construction.

Training imports this module, so what a model learned from is what it is fed. Every function takes
"now" as a value and looks at nothing later than it. Missing values stay NaN until a mask stands
beside them; then they become zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from amont_gateway.scoring.screening import Bools, Checked
from amont_gateway.scoring.timeline import (
    HOUR_MS,
    NO_SERIES,
    Floats,
    Series,
    Times,
    last_at,
    sum_between,
)

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
# Within the hour, where a gauge tells it: one that sums up hours does not.
RAIN_FINE_H = ((0, 0.25), (0.25, 0.5), (0.5, 1))
RAIN_FINE_LEAST = 3  # readings within the hour
# How the nearest known station upstream moved, as shares of its own spread.
UPSTREAM_LAGS_H = (0.25, 0.5, 1, 2, 3, 4, 6, 9, 12, 24, 48)
# Sums of rain that is foretold over (t + start, t + end] hours.
FORECAST_SPANS_H = ((0, 1), (1, 2), (2, 3), (3, 6))
HORIZONS_H = (0.5, 1, 3, 6)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MEDIAN = QUANTILES.index(0.5)
# A station that tells less often says nothing of its next half hour.
FINE_STEP_MS = 20 * 60_000
# What a row holds, in this order; the masks follow in the same order.
STAGES, RAINS = len(STAGE_LAGS_H), len(RAIN_SPANS_H) + len(RAIN_FINE_H)
UPSTREAMS, FORECASTS = len(UPSTREAM_LAGS_H), len(FORECAST_SPANS_H)
STAGE = slice(0, STAGES)
RAIN = slice(STAGES, STAGES + RAINS)
UPSTREAM = slice(RAIN.stop, RAIN.stop + UPSTREAMS)
FURTHER = slice(UPSTREAM.stop, UPSTREAM.stop + UPSTREAMS)  # the second one upstream
FORECAST = slice(FURTHER.stop, FURTHER.stop + FORECASTS)
VALUES = FORECAST.stop
RIVER_FEATURES = 2 * VALUES
# A stage stands for its hour for 90 min, so that one lost hourly reading is a gap and not a value.
STAGE_HOLD_MS = 90 * 60_000
# Behind a longer gap than that, up to this one, the water before "now" lies on a straight line
# between the readings around it. Without, the first reading after some lost hours says next to
# nothing of a flood. The gap begins within what a live window holds.
BRIDGED_MS = 24 * HOUR_MS
BRIDGED_FROM_MS = (STAGE_LAGS_H[-1] + 2) * HOUR_MS
# Differences are compressed by asinh: one unit is a twentieth of the station's own spread, so that
# 8 bits resolve both the first centimetres and a flood.
RISE_GAIN = 20.0
# The training records never rose by more than 2.7 spreads in 6 h: beyond 3, a forecast is only
# the sinh of a guess.
RISE_MAX = 3.0


class RiverInputs(NamedTuple):
    """What is known around a station; all but ``stage`` may be wanting.

    ``rain`` and ``rain_forecast`` hold µm, the forecast stamped with the end of the time that it
    covers and known at "now"; ``upstream`` the stage in mm and the spread in mm of each station
    above, nearest first: the network sees the first two that are known.
    """

    stage: Series
    rain: Series = NO_SERIES
    upstream: tuple[tuple[Series, float], ...] = ()
    rain_forecast: Series = NO_SERIES


class Told(NamedTuple):
    """A sensor's readings with what the screening doubted of them, and when."""

    t_ms: Times
    value: Floats
    checked: Checked

    def as_of(self, now_ms: int) -> Series:
        """Return the readings that were not doubted as far as was known at ``now_ms``."""
        code = self.checked.as_of(now_ms)
        keep = code == 0
        return Series(self.t_ms[: len(code)][keep], self.value[: len(code)][keep])

    def settled(self) -> Series:
        """Return the readings that the last look leaves."""
        sure = self.checked.settled == 0
        return Series(self.t_ms[sure], self.value[sure])

    def unsettled(self, at_ms: Times) -> Bools:
        """Return the times at which another series was known than ``settled`` up to them."""
        if not len(self.t_ms):
            return np.zeros(len(at_ms), dtype=bool)
        last = np.searchsorted(self.t_ms, at_ms, side="right") - 1
        return np.asarray((last >= 0) & self.checked.unsettled[np.maximum(last, 0)])


def compress(rise_mm: Floats, spread_mm: Floats | float) -> Floats:
    """Map a difference in mm to model units."""
    return np.asarray(np.arcsinh(RISE_GAIN * rise_mm / spread_mm), dtype=np.float64)


def expand(unit: Floats, spread_mm: Floats | float) -> Floats:
    """Map model units back to mm; units that no river has give infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(np.sinh(unit) / RISE_GAIN * spread_mm, dtype=np.float64)


def river_rows(
    inputs: RiverInputs, now_ms: Times, spread_mm: float, bridged: bool = True
) -> Floats:
    """Return one row of features for each time; shape (n, RIVER_FEATURES).

    Rows whose stage is unknown at ``now`` are NaN. Order: stage differences, rain sums,
    differences of two stations upstream, foretold rain, then a mask of each (1 known, 0 not).
    Gaps of the stage are ``bridged``, but for who is to learn what it is to know less.
    """
    here = last_at(inputs.stage, now_ms, STAGE_HOLD_MS)
    values = np.concatenate(
        (
            _differences(inputs.stage, now_ms, STAGE_LAGS_H, spread_mm, bridged),
            _rain(inputs.rain, now_ms, tuple((-end, -start) for start, end in RAIN_SPANS_H)),
            _rain_within_the_hour(inputs.rain, now_ms),
            _upstream(inputs.upstream, now_ms),
            _rain(inputs.rain_forecast, now_ms, FORECAST_SPANS_H),
        ),
        axis=1,
    )
    known = np.isfinite(values)
    rows = np.concatenate((np.where(known, values, 0.0), known.astype(np.float64)), axis=1)
    rows[~np.isfinite(here)] = np.nan
    return np.asarray(rows)


def known_parts(rows: Floats) -> dict[str, Bools]:
    """Say for each row whether its rain, a station upstream and foretold rain are known."""
    masks = rows[:, VALUES:]
    return {
        "rain": np.asarray(masks[:, RAIN][:, :4].all(axis=1)),
        "upstream": np.asarray(masks[:, UPSTREAM].any(axis=1)),
        "rain forecast": np.asarray(masks[:, FORECAST].any(axis=1)),
    }


def _differences(
    stage: Series,
    now_ms: Times,
    lags_h: tuple[float, ...],
    spread_mm: float,
    bridged: bool = False,
) -> Floats:
    """Return the stage now minus before, in model units; NaN where either is not known."""
    here = last_at(stage, now_ms, STAGE_HOLD_MS)
    before = [_before(stage, now_ms, lag) for lag in lags_h]
    if bridged and len(stage.t_ms) > 1:
        for place, lag in enumerate(lags_h):
            if lag not in FINE_LAGS_H:  # an hourly gauge does not know them
                before[place] = _bridged(stage, now_ms, lag, before[place])
    return compress(here[:, None] - np.stack(before, axis=1), spread_mm)


def _rain(rain: Series, now_ms: Times, spans_h: tuple[tuple[float, float], ...]) -> Floats:
    """Return log sums over (now + start, now + end]; NaN where no reading tells them."""
    sums = [
        sum_between(rain, now_ms + round(start * HOUR_MS), now_ms + round(end * HOUR_MS))
        for start, end in spans_h
    ]
    return np.log1p(np.maximum(np.stack(sums, axis=1), 0.0) / 1000.0)


def _rain_within_the_hour(rain: Series, now_ms: Times) -> Floats:
    sums = _rain(rain, now_ms, tuple((-end, -start) for start, end in RAIN_FINE_H))
    ends = (np.searchsorted(rain.t_ms, at, side="right") for at in (now_ms - HOUR_MS, now_ms))
    before, until = ends
    sums[until - before < RAIN_FINE_LEAST] = np.nan
    return sums


def _upstream(upstream: tuple[tuple[Series, float], ...], now_ms: Times) -> Floats:
    """Return how the first two stations upstream that are known moved; NaN where none is."""
    out = np.full((2, len(now_ms), UPSTREAMS), np.nan)
    found = np.zeros(len(now_ms), dtype=np.int64)
    for stage, spread_mm in upstream:
        known = np.isfinite(last_at(stage, now_ms, STAGE_HOLD_MS))
        for place in (1, 0):
            here = known & (found == place)
            out[place, here] = _differences(stage, now_ms[here], UPSTREAM_LAGS_H, spread_mm)
            found[here] += 1
    return np.concatenate((out[0], out[1]), axis=1)


def screened_rows(
    stage: Told,
    spread_mm: float,
    rain: Series = NO_SERIES,
    upstream: tuple[tuple[Told, float], ...] = (),
    rain_forecast: Series = NO_SERIES,
    bridged: bool = True,
) -> tuple[Times, Floats]:
    """Return the steps of a whole record and their rows as the live gateway would see them.

    A step is a reading that was not doubted when it came. Its row rests on the doubts known then,
    of its own readings as of those upstream: a reading that a later look doubted counts until that
    look, one that was cleared from then on.
    """
    steps = stage.t_ms[stage.checked.code[:, 0] == 0]
    last = RiverInputs(
        stage.settled(), rain, tuple((one.settled(), mm) for one, mm in upstream), rain_forecast
    )
    rows = river_rows(last, steps, spread_mm, bridged)
    again = np.any([one.unsettled(steps) for one in (stage, *(o for o, _ in upstream))], axis=0)
    for place in np.flatnonzero(again):
        now = int(steps[place])
        above = tuple((one.as_of(now), mm) for one, mm in upstream)
        then = RiverInputs(stage.as_of(now), rain, above, rain_forecast)
        rows[place] = river_rows(then, np.array([now]), spread_mm, bridged)[0]
    return steps, rows


def _before(stage: Series, now_ms: Times, lag_h: float) -> Floats:
    """Return the stage ``lag_h`` hours before each time, NaN where no reading tells it."""
    if lag_h in FINE_LAGS_H:
        return last_at(stage, now_ms - round(lag_h * HOUR_MS) + FINE_EARLY_MS, FINE_HOLD_MS)
    return last_at(stage, now_ms - round(lag_h * HOUR_MS), STAGE_HOLD_MS)


def _bridged(stage: Series, now_ms: Times, lag_h: float, told: Floats) -> Floats:
    """Return what was ``told`` of ``lag_h`` hours before, on a straight line across lost hours.

    The reading behind the gap must be known "now": nothing later is looked at.
    """
    at_ms = now_ms - round(lag_h * HOUR_MS)
    behind = np.searchsorted(stage.t_ms, at_ms, side="right")
    is_between = (behind > 0) & (behind < len(stage.t_ms))
    behind = np.clip(behind, 1, len(stage.t_ms) - 1)
    first_ms, last_ms = stage.t_ms[behind - 1], stage.t_ms[behind]
    gap_ms = last_ms - first_ms
    is_between &= (gap_ms > STAGE_HOLD_MS) & (gap_ms <= BRIDGED_MS)
    is_between &= (last_ms <= now_ms) & (first_ms >= now_ms - BRIDGED_FROM_MS)
    share = (at_ms - first_ms) / np.maximum(gap_ms, 1)
    line = (1.0 - share) * stage.value[behind - 1] + share * stage.value[behind]
    return np.where(is_between, line, told)


def river_bands(output: Floats, spread_mm: Floats | float) -> Floats:
    """Return rises in mm, shape (n, horizons, quantiles), from the network's output.

    Quantiles are sorted and never fall with the horizon: a highest stage within 6 h is not below
    the highest within 3 h. The half hour gives way to the hour, as most gauges tell no half hour.
    Rises end at ``RISE_MAX`` spreads. NaN and infinity stay what they are.
    """
    units = output.reshape(-1, len(HORIZONS_H), len(QUANTILES))
    ordered = np.sort(units, axis=2)
    ordered[:, 1:] = np.maximum.accumulate(ordered[:, 1:], axis=1)
    ordered[:, 0] = np.minimum(ordered[:, 0], ordered[:, 1])
    rises = expand(np.asarray(ordered, dtype=np.float64), spread_mm)
    return np.asarray(np.where(np.isfinite(rises), np.minimum(rises, RISE_MAX * spread_mm), rises))
