"""Made rivers for tests: steady flow, floods at known times, rain before them, some gaps."""

import numpy as np

from amont_models.records.table import Record, Site, Source, channel

HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
NOBODY = Source("made", "made", "none", "nobody")


def flood(hours, at_h, height_mm):
    """Return a flood that rises in 4 h and falls in 24."""
    since = hours - at_h
    rise = np.clip(since / 4.0, 0.0, 1.0)
    fall = np.exp(-np.clip(since - 4.0, 0.0, None) / 8.0)
    return height_mm * rise * fall


def stage(days=60, step_min=60, every_days=5, seed=1, name="bridge", start_ms=START_MS):
    """Return a stage channel in whole mm with a flood every few days of differing heights."""
    rng = np.random.default_rng(seed)
    count = days * 1440 // step_min
    t_ms = start_ms + step_min * 60_000 * np.arange(count, dtype=np.int64)
    hours = (t_ms - start_ms) / HOUR_MS
    value = 400.0 + rng.normal(0.0, 3.0, count)
    for k, at_h in enumerate(np.arange(24.0 * every_days, 24.0 * days, 24.0 * every_days)):
        value += flood(hours, at_h, 600.0 + 250.0 * (k % 4))
    value[rng.random(count) < 0.01] = np.nan
    return channel(name, "stage", t_ms, np.round(value))


def rain(of, name="bridge"):
    """Return rain that falls in the two hours before the water rises by much."""
    value = np.nan_to_num(of.value, nan=400.0)
    ahead = np.roll(value, -2) - value
    return channel(name, "rain", of.t_ms, np.where(ahead > 100.0, 8.0, 0.0))


def record(stations=1, wet=True, **made):
    """Return a record of made stations; the second and later ones have no rain."""
    channels, sites = [], []
    for k in range(stations):
        name = f"bridge{k}" if k else "bridge"
        one = stage(seed=k + 1, name=name, **made)
        channels.append(one)
        wet_here = wet and k == 0
        if wet_here:
            channels.append(rain(one, name))
        sites.append(Site(name, rain=(name,) if wet_here else ()))
    return Record("made", "river", NOBODY, tuple(channels), tuple(sites))
