"""Doubt readings by what stands beside a sensor: water temperature, neighbours, rain, its pulses.

As ``screening``: causal, numpy only, flags and never deletes. Other sensors' readings are given
as pairs of arrays (t_ms, value), oldest first; what they say counts only while it is fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from amont_gateway.scoring.screening import (
    APART,
    FROZEN,
    LOOKS,
    PULSES,
    Bools,
    Checked,
    check,
    margins,
)
from amont_gateway.scoring.timeline import HOUR_MS, Floats, Times

Other = tuple[Times, Floats]  # another sensor's good readings

FREEZING_C = 0.1  # as a thermometer tells freezing water; melting snow keeps a stream above it
COLD_MS = HOUR_MS  # below it for so long
HEARD_MS = 2 * HOUR_MS  # for which what the thermometer told last stands
ICE_MARGINS = 1.5  # cold water alone is no ice: the stage must have left its level, too
LEVEL_MS = 24 * HOUR_MS  # before the cold, which tells that level
SOAKED_UM = 10_000.0  # of rain at one gauge, within
SOAKED_MS = 6 * HOUR_MS  # so long: any rise may be the flood
DRY_MS = 24 * HOUR_MS
DRY_UM = 200.0  # one tip of the bucket: dew, a spider
AGREE_SHARE = 0.5  # of a move, that makes a neighbour's move the same
FRESH_STEPS = 1.5  # usual steps for which a neighbour's reading stands
APART_MM = 60.0  # more than two masts of a station differ by in calm water
APART_NOISE = 4.0
LATELY_MS = 6 * HOUR_MS
USUAL_MS = 28 * 24 * HOUR_MS
BROKEN = 3  # readings of no flow at all, on a meter that never stands still
NEVER_ZERO = 0.002  # share of zeros of a meter that does not stand still
BURST_TIMES = 8.0  # of the highest flow of two weeks: no burst, a chattering contact
WEEKS_MS = 14 * 24 * HOUR_MS
CLOUDBURST_UM_H = 400_000.0  # twice the heaviest hour of rain in France
SAME_TIPS = 6  # readings in a row with the same rain: a contact that chatters, no cloud
WET_UM = 15_000.0  # of rain at the neighbours in a day, of which a gauge must see something


class Around(NamedTuple):
    """What stands beside a sensor, each as (t_ms, value) of good readings, oldest first."""

    rain: tuple[Other, ...] = ()  # µm per reading
    neighbours: tuple[Other, ...] = ()  # the same quantity at the same place
    water_c: Other | None = None  # °C at the same place


def screen(
    quantity: str, t_ms: Times, value: Floats, around: Around, caution: float = 1.0
) -> Checked:
    """Return the codes of a sensor's readings in wire units; quantities not judged get zeros.

    ``caution`` widens the margins of levels, for those who want to see the curve.
    """
    if quantity in ("stage_mm", "range_mm"):
        up = 1.0 if quantity == "stage_mm" else -1.0  # a distance falls where the water rises
        return _screen_level(t_ms, up * value, up, around, caution)
    code = np.zeros((len(t_ms), LOOKS), np.uint8)
    if quantity == "rain_um":
        code[rain_pulses(t_ms, value, around.neighbours)] = PULSES
    elif quantity == "flow_l_h":
        code[flow_pulses(t_ms, value)] = PULSES
    return Checked(t_ms, code)


def _screen_level(
    t_ms: Times, level: Floats, up: float, around: Around, caution: float
) -> Checked:
    others = [(theirs_ms, up * theirs) for theirs_ms, theirs in around.neighbours]
    checked = check(
        t_ms,
        level,
        still(t_ms, around.rain) if around.rain else None,
        agrees(t_ms, level, others) if others else None,
        soaked(t_ms, around.rain) if around.rain else None,
        caution,
    )
    if len(others) >= 2:
        checked.code[apart(t_ms, level, others)] |= APART
    if around.water_c is not None and len(t_ms) > 1:
        ice = frozen(t_ms, level, margins(t_ms, level), around.water_c)
        checked.code[ice] |= FROZEN
    return checked


def latest(other: Other, at_ms: Times, hold_ms: Times | int) -> Floats:
    """Return the other's newest value at or before each time; NaN if older than ``hold_ms``."""
    t_ms, value = other
    place = np.searchsorted(t_ms, at_ms, side="right") - 1
    found = np.full(len(at_ms), np.nan)
    known = place >= 0
    found[known] = value[place[known]]
    age = np.full(len(at_ms), np.iinfo(np.int64).max)
    age[known] = at_ms[known] - t_ms[place[known]]
    return np.where(age <= hold_ms, found, np.nan)


def total(other: Other, at_ms: Times, span_ms: int) -> Floats:
    """Return the other's sum over the span before each time; NaN without a reading in it."""
    t_ms, value = other
    sums = np.concatenate(([0.0], np.cumsum(value)))
    first = np.searchsorted(t_ms, at_ms - span_ms, side="right")
    last = np.searchsorted(t_ms, at_ms, side="right")
    return np.where(last > first, sums[last] - sums[first], np.nan)


def still(t_ms: Times, rain: Sequence[Other]) -> Bools:
    """Return when every rain gauge near has been heard for a day and says that it was dry."""
    dry = np.full(len(t_ms), bool(rain))
    for gauge in rain:
        fallen = total(gauge, t_ms, DRY_MS)
        long = latest(gauge, t_ms - DRY_MS + HOUR_MS, HOUR_MS)  # heard at the day's begin, too
        dry &= np.isfinite(long) & np.isfinite(fallen) & (np.nan_to_num(fallen) <= DRY_UM)
    return dry


def soaked(t_ms: Times, rain: Sequence[Other]) -> Bools:
    """Return when a rain gauge near has told so much rain that no rise is out of the blue."""
    fallen = [np.nan_to_num(total(gauge, t_ms, SOAKED_MS)) for gauge in rain]
    return np.asarray(np.any([one >= SOAKED_UM for one in fallen], axis=0))


def agrees(t_ms: Times, value: Floats, others: Sequence[Other]) -> Bools:
    """Return which moves since the last reading a neighbour made as well."""
    out = np.zeros(len(t_ms), bool)
    if len(t_ms) < 2:
        return out
    step_ms = np.diff(t_ms, prepend=2 * t_ms[0] - t_ms[1])
    moved = np.diff(value, prepend=value[0])
    hold = (FRESH_STEPS * step_ms).astype(np.int64)
    for other in others:
        # the same span of time, so a neighbour that moved before or does later says nothing
        theirs = latest(other, t_ms, hold) - latest(other, t_ms - step_ms, hold)
        with np.errstate(invalid="ignore"):
            out |= (moved != 0.0) & (theirs * np.sign(moved) >= AGREE_SHARE * np.abs(moved))
    return out


def frozen(t_ms: Times, value: Floats, margin: Floats, water_c: Other) -> Bools:
    """Return which readings stand under ice: freezing water, and a level left since the cold."""
    out = np.zeros(len(t_ms), bool)
    cold = _cold(t_ms, water_c)
    starts = np.flatnonzero(cold & ~np.concatenate(([False], cold[:-1])))
    for start in starts:
        rest = np.flatnonzero(~cold[start:])
        end = start + int(rest[0]) if len(rest) else len(t_ms)
        until_ms = int(t_ms[start]) - COLD_MS
        first, last = np.searchsorted(t_ms, (until_ms - LEVEL_MS, until_ms))
        if last - first < 4:
            continue
        level = float(np.median(value[first:last]))
        left = np.abs(value[start:end] - level) > ICE_MARGINS * margin[start:end]
        out[start:end] = np.logical_or.accumulate(left)
    return out


def _cold(t_ms: Times, water_c: Other) -> Bools:
    """Return when the water has been freezing for ``COLD_MS``, by a reading that still stands."""
    water_ms, degrees = water_c
    if len(water_ms) < 2:
        return np.zeros(len(t_ms), bool)
    place = np.arange(len(water_ms))
    warm = np.maximum.accumulate(np.where(degrees > FREEZING_C, place, -1))
    since = water_ms[np.minimum(warm + 1, len(water_ms) - 1)]
    long = (warm < place) & (water_ms - since >= COLD_MS * 3 // 4)
    at = np.searchsorted(water_ms, t_ms, side="right") - 1
    last = np.maximum(at, 0)
    return np.asarray((at >= 0) & long[last] & (t_ms - water_ms[last] <= HEARD_MS))


def apart(t_ms: Times, value: Floats, others: Sequence[Other]) -> Bools:
    """Return when a sensor has drifted away from two or more neighbours that stay together."""
    out = np.zeros(len(t_ms), bool)
    if len(others) < 2 or not len(t_ms):
        return out
    near = np.stack([latest(other, t_ms, LATELY_MS // 2) for other in others])
    ordered = np.sort(near, axis=0)
    middle = np.where(np.isfinite(ordered[1]), (ordered[0] + ordered[1]) / 2.0, np.nan)
    off, between = value - middle, ordered[1] - ordered[0]
    blocks = t_ms // LATELY_MS
    for block in np.unique(blocks):
        now_ms = int(block) * LATELY_MS
        spans = ((now_ms - USUAL_MS, now_ms - 4 * LATELY_MS), (now_ms - LATELY_MS, now_ms))
        usual, lately = (slice(*np.searchsorted(t_ms, span)) for span in spans)
        ours, theirs = _left(off, usual, lately), _left(between, usual, lately)
        if ours[0] > max(APART_MM, APART_NOISE * ours[1]) and theirs[0] < ours[0] / 3.0:
            out[slice(*np.searchsorted(t_ms, (now_ms, now_ms + LATELY_MS)))] = True
    return out


def _left(value: Floats, usual: slice, lately: slice) -> tuple[float, float]:
    """Return by how much the median left the usual one, and the usual spread; NaN if unknown."""
    before, after = (part[np.isfinite(part)] for part in (value[usual], value[lately]))
    if len(before) < 24 or len(after) < 6:
        return float("nan"), float("nan")
    middle = float(np.median(before))
    spread = 1.4826 * float(np.median(np.abs(before - middle)))
    return abs(float(np.median(after)) - middle), spread


def flow_pulses(t_ms: Times, l_h: Floats) -> Bools:
    """Return which flows come from a pulse chain that broke, or from a contact that chatters."""
    out = np.zeros(len(t_ms), bool)
    if not len(t_ms):
        return out
    zero = l_h <= 0.0
    place = np.arange(len(t_ms))
    run = place - np.maximum.accumulate(np.where(zero, -1, place))
    first = np.searchsorted(t_ms, t_ms - WEEKS_MS)
    start = place - run  # the last reading before the run of zeros
    zeros = np.concatenate(([0], np.cumsum(zero)))
    seen = np.maximum(start - first, 0)
    share = (zeros[np.maximum(start, first)] - zeros[first]) / np.maximum(seen, 1)
    known = t_ms - t_ms[0] >= WEEKS_MS // 2
    out |= known & zero & (run >= BROKEN) & (share <= NEVER_ZERO) & (seen >= 100)
    days = t_ms // (24 * HOUR_MS)
    for day in np.unique(days):
        here = slice(*np.searchsorted(days, (day, day + 1)))
        past = l_h[np.searchsorted(t_ms, int(t_ms[here.start]) - WEEKS_MS) : here.start]
        if len(past) >= 100:
            out[here] |= l_h[here] > BURST_TIMES * max(float(past.max()), 1.0)
    return out


def rain_pulses(t_ms: Times, rain_um: Floats, others: Sequence[Other]) -> Bools:
    """Return which rain no cloud gives: too heavy, the same again and again, or none at all."""
    count = len(t_ms)
    if count < 2:
        return np.zeros(count, bool)
    gap_ms = np.diff(t_ms, prepend=2 * t_ms[0] - t_ms[1])
    hours = np.maximum(gap_ms, 300_000) / HOUR_MS
    out = rain_um > CLOUDBURST_UM_H * hours
    place = np.arange(count)
    changed = np.concatenate(([True], np.diff(rain_um) != 0.0))
    run = place - np.maximum.accumulate(np.where(changed, place, 0)) + 1
    heavy = rain_um > DRY_UM  # one tip each quarter of an hour is drizzle
    out |= heavy & (run >= SAME_TIPS)
    if len(others) >= 2:
        nothing = np.nan_to_num(total((t_ms, rain_um), t_ms, 2 * DRY_MS), nan=1.0) <= 0.0
        wet = [np.nan_to_num(total(other, t_ms, DRY_MS)) >= WET_UM for other in others]
        out |= nothing & (np.sum(wet, axis=0) >= 2)
    return np.asarray(out)
