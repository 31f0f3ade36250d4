"""Lay out the records that the screening is tuned and judged on, each with its truth.

``part`` is "tune" or "judge"; recipes/screening.toml splits by site, time or sensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import numpy as np

from amont_gateway.scoring.crosscheck import Around
from amont_models import data
from amont_models.records import sensors
from amont_models.records.folder import utc_ms
from amont_models.records.table import GOOD, Channel, DataError, Floats, Record, Times
from amont_models.screen import Case, Flags

Recipe = dict[str, Any]
Put = Callable[[Floats, float, np.random.Generator], tuple[Floats, Flags]]
MINUTE_MS = 60_000
STEP_MS = 15 * MINUTE_MS
SPIKES_A_YEAR, LONG_A_YEAR = 120, 24
LONG_STEPS = (8, 192)  # 2 h to 2 days


def logan(recipe: Recipe, part: str, record: Record | None = None) -> list[Case]:
    """Return the site-periods of a part; bad is what a technician flagged."""
    record = record or sensors.logan()
    cases = []
    for name in recipe["logan"][part]:
        stage, water = record.find(name, "stage"), record.find(name, "temperature")
        if stage is None or water is None:
            raise DataError(f"{record.name}: no site-period {name}")
        stage, water = stage.known(), water.known()
        around = Around(water_c=(water.t_ms, water.value))
        bad = stage.quality != GOOD
        value = np.round(stage.value, 1)
        every = np.ones(len(bad), bool)
        cases.append(Case(name, "stage_mm", stage.t_ms, value, bad, every, around))
    return cases


def trout(
    recipe: Recipe, part: str, clear: bool = False, record: Record | None = None
) -> list[Case]:
    """Return the logs of a part; bad is what lies far from the median of the hours around it.

    With ``clear``, readings that are neither clearly good nor bad do not count.
    """
    settings = recipe["trout"]
    from_ms = int(utc_ms([settings["judge_from"]])[0])
    cases = []
    for one in (record or sensors.trout_creek()).channels:
        off = np.abs(one.value - medians_around(one.value, settings["window"]))
        bad = off > settings["bad_mm"]
        late = one.t_ms >= from_ms
        judged = np.isfinite(off) & (late if part == "judge" else ~late)
        if clear:
            judged &= bad | (off <= settings["clear_mm"])
        if judged.any():
            cases.append(Case(one.name, "range_mm", one.t_ms, one.value, bad, judged))
    return cases


def medians_around(value: Floats, window: int) -> Floats:
    """Return the median of ``window`` readings about each one; NaN at the ends."""
    half = window // 2
    out = np.full(len(value), np.nan)
    if len(value) >= window:
        table = np.lib.stride_tricks.sliding_window_view(value, window)
        out[half : half + len(table)] = np.median(table, axis=1)
    return out


def floodnet(recipe: Recipe, part: str, record: Record | None = None) -> list[Case]:
    """Return street sensors of a part: real floods in a dry record, with spikes put in.

    The two absurd events stay: their readings are bad, each one a long run.
    """
    record = record or sensors.floodnet()
    wanted = int(recipe["floodnet"]["judge_odd"]) == int(part == "judge")
    events = _events(record)
    cases = []
    for one in record.channels:
        if (crc32(one.name.encode()) % 2 == 1) == wanted and one.name in events:
            cases.append(_street(recipe, one, events[one.name]))
    return cases


def _events(record: Record) -> dict[str, list[tuple[int, int, bool]]]:
    out: dict[str, list[tuple[int, int, bool]]] = {}
    for label in record.labels:
        span = (label.start_ms, label.end_ms, label.kind == sensors.ABSURD)
        out.setdefault(label.site, []).append(span)
    return out


def _street(recipe: Recipe, one: Channel, events: list[tuple[int, int, bool]]) -> Case:
    settings = recipe["floodnet"]
    dry = round(settings["dry_h"] * 60)
    times: list[Times] = []
    depths: list[Floats] = []
    absurd: list[Flags] = []
    behind_ms = 0
    for start_ms, end_ms, wrong in events:
        first, last = np.searchsorted(one.t_ms, (max(start_ms, behind_ms), end_ms + 1))
        if last - first < 2:
            continue
        t_ms = one.t_ms[first:last]
        lead = t_ms[0] - MINUTE_MS * np.arange(dry, 0, -1, dtype=np.int64)
        lead = lead[lead > behind_ms]
        times += [lead, t_ms]
        depths += [np.zeros(len(lead)), one.value[first:last]]
        absurd += [np.zeros(len(lead), bool), np.full(len(t_ms), wrong)]
        behind_ms = int(t_ms[-1])
    t_ms, depth, bad = np.concatenate(times), np.concatenate(depths), np.concatenate(absurd)
    rng = np.random.default_rng([recipe["seed"], crc32(one.name.encode())])
    wet = np.flatnonzero((depth > 0.0) & ~bad)
    put = _apart(rng.permutation(wet)[: len(wet) // settings["spike_every"]])
    value = depth.copy()
    low, high = np.log(settings["spike_mm"])
    sizes = rng.choice((-1.0, 1.0), len(put), p=(0.3, 0.7)) * np.exp(
        rng.uniform(low, high, len(put))
    )
    value[put] = np.maximum(0.0, depth[put] + sizes)  # nothing is below the street
    changed = np.abs(value - depth) >= settings["spike_mm"][0] / 2.0
    value = np.where(changed, value, depth)
    return Case(one.name, "stage_mm", t_ms, value, bad | changed, (depth > 0.0) | changed)


def _apart(places: Times) -> Times:
    ordered = np.sort(places)
    return ordered[np.insert(np.diff(ordered) > 4, 0, True)] if len(ordered) else ordered


def synthetic(recipe: Recipe, part: str) -> list[Case]:
    """Return a packaged river, every 15 min with a sensor's noise, with faults put in."""
    return _packaged(recipe, part, put_faults)


def plateaus(recipe: Recipe, part: str) -> list[Case]:
    """Return the same river with other faults: runs of four to six readings that come back."""
    return _packaged(recipe, part, put_plateaus)


def _packaged(recipe: Recipe, part: str, put: Put) -> list[Case]:
    settings = recipe["synthetic"]
    record = data.river(settings["station"])
    count = int(settings["years"] * 365 * 24)
    half = slice(-2 * count, -count) if part == "tune" else slice(-count, None)
    hourly, level = record.t_ms[half], record.stage_mm[half]
    known = np.isfinite(level)
    hourly, level = hourly[known], level[known]
    t_ms = np.arange(hourly[0], hourly[-1], STEP_MS, dtype=np.int64)
    gap = hourly[np.searchsorted(hourly, t_ms)] - t_ms
    t_ms = t_ms[gap < 4 * STEP_MS]
    rng = np.random.default_rng([recipe["seed"], int(part == "judge")])
    clean = np.interp(t_ms, hourly, level) + settings["noise_mm"] * rng.standard_normal(len(t_ms))
    value, bad = put(np.round(clean), settings["years"], rng)
    return [Case(settings["station"], "stage_mm", t_ms, value, bad, np.ones(len(bad), bool))]


def put_faults(clean: Floats, years: float, rng: np.random.Generator) -> tuple[Floats, Flags]:
    """Return readings with spikes and drops of 1 to 3, and stuck or shifted runs of hours."""
    value, bad = _put_short(clean, years, (1, 4), rng)
    for place, (start, length) in enumerate(
        _runs(len(clean), round(LONG_A_YEAR * years), LONG_STEPS, rng)
    ):
        part = slice(start, start + length)
        if place % 2:
            value[part] = clean[start]
        else:  # something lies in the way, or the mount has slipped
            value[part] = clean[part] + round(rng.uniform(100.0, 600.0)) * rng.choice((-1.0, 1.0))
        bad[part] = True
    return value, bad


def put_plateaus(clean: Floats, years: float, rng: np.random.Generator) -> tuple[Floats, Flags]:
    """Return readings with runs of 4 to 6 that are off by the same, and come back."""
    return _put_short(clean, years, (4, 7), rng)


def _put_short(
    clean: Floats, years: float, lengths: tuple[int, int], rng: np.random.Generator
) -> tuple[Floats, Flags]:
    value, bad = clean.copy(), np.zeros(len(clean), bool)
    for start, length in _runs(len(clean), round(SPIKES_A_YEAR * years), lengths, rng):
        size = np.exp(rng.uniform(np.log(30.0), np.log(1500.0))) * rng.choice((-1.0, 1.0))
        value[start : start + length] = np.round(clean[start : start + length] + size)
        bad[start : start + length] = True
    return value, bad


def _runs(
    readings: int, wanted: int, lengths: tuple[int, int], rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    for start in np.sort(rng.integers(1000, readings - lengths[1], wanted)).tolist():
        yield start, int(rng.integers(*lengths))
