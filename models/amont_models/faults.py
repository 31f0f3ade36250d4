"""Put the faults of real sensors and radios into a clean record, from one seed.

Only what a rule sees is altered, never what counts as true. Every kind comes as often as a bad
station has it in a year; records shorter than that get their share, at least one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from amont_models.records.table import Channel, Floats, channel

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
YEAR_MS = 365 * DAY_MS
SPIKES_A_YEAR, STUCK_A_YEAR, DRIFTS_A_YEAR, GAPS_A_YEAR = 50, 8, 4, 12
LOST_SHARE = 0.2  # of readings that no frame brought, in bursts of about four
LOST_BURST = 4.0

Random = np.random.Generator


def _count(stage: Channel, a_year: int) -> int:
    span = int(stage.t_ms[-1] - stage.t_ms[0]) if len(stage.t_ms) else 0
    return max(1, round(a_year * span / YEAR_MS))


def _starts(stage: Channel, count: int, rng: Random) -> NDArray[np.int64]:
    return rng.integers(0, max(1, len(stage.t_ms)), count)


def _end(stage: Channel, start: int, length_ms: float) -> int:
    return int(np.searchsorted(stage.t_ms, stage.t_ms[start] + length_ms, side="right"))


def _with(stage: Channel, value: Floats) -> Channel:
    return channel(stage.name, "stage", stage.t_ms, np.round(value), stage.quality)


def _without(stage: Channel, gone: NDArray[np.bool_]) -> Channel:
    keep = ~gone
    parts = (stage.t_ms[keep], stage.value[keep], stage.quality[keep])
    return channel(stage.name, "stage", *parts)


def spikes(stage: Channel, rng: Random) -> Channel:
    """Return the stage with one to three readings off by 0.3 to 3 m, up or down."""
    value = stage.value.copy()
    for start in _starts(stage, _count(stage, SPIKES_A_YEAR), rng):
        size = rng.uniform(300.0, 3000.0) * rng.choice((-1.0, 1.0))
        value[start : start + int(rng.integers(1, 4))] += size
    return _with(stage, value)


def stuck(stage: Channel, rng: Random) -> Channel:
    """Return the stage with runs of 2 to 48 h at one value."""
    value = stage.value.copy()
    for start in _starts(stage, _count(stage, STUCK_A_YEAR), rng):
        value[start : _end(stage, start, rng.uniform(2, 48) * HOUR_MS)] = value[start]
    return _with(stage, value)


def drift(stage: Channel, rng: Random) -> Channel:
    """Return the stage with drifts of up to 0.5 m over 3 to 14 days that end in one step."""
    value = stage.value.copy()
    for start in _starts(stage, _count(stage, DRIFTS_A_YEAR), rng):
        end = _end(stage, start, rng.uniform(3, 14) * DAY_MS)
        share = (stage.t_ms[start:end] - stage.t_ms[start]) / (14.0 * DAY_MS)
        value[start:end] += rng.uniform(100.0, 500.0) * rng.choice((-1.0, 1.0)) * share
    return _with(stage, value)


def gaps(stage: Channel, rng: Random) -> Channel:
    """Return the stage without runs of 3 to 72 h."""
    gone = np.zeros(len(stage.t_ms), dtype=bool)
    for start in _starts(stage, _count(stage, GAPS_A_YEAR), rng):
        gone[start : _end(stage, start, rng.uniform(3, 72) * HOUR_MS)] = True
    return _without(stage, gone)


def packet_loss(stage: Channel, rng: Random) -> Channel:
    """Return the stage without a fifth of its readings, lost in bursts."""
    length = len(stage.t_ms)
    leave = 1.0 / LOST_BURST
    enter = leave * LOST_SHARE / (1.0 - LOST_SHARE)
    draws = rng.random(length)
    gone = np.zeros(length, dtype=bool)
    lost = False
    for k, draw in enumerate(draws.tolist()):
        lost = draw >= leave if lost else draw < enter
        gone[k] = lost
    return _without(stage, gone)


KINDS: dict[str, Callable[[Channel, Random], Channel]] = {
    "spikes": spikes,
    "stuck": stuck,
    "drift": drift,
    "gaps": gaps,
    "packet loss": packet_loss,
}


def faulty(stage: Channel, kind: str, since_ms: int, seed: int) -> Channel:
    """Return ``stage`` with one kind of fault, or ``all`` of them, from ``since_ms`` on."""
    first = int(np.searchsorted(stage.t_ms, since_ms))
    before, part = _cut(stage, 0, first), _cut(stage, first, len(stage.t_ms))
    if not len(part.t_ms):
        return stage
    for name in KINDS if kind == "all" else (kind,):
        rng = np.random.default_rng([seed, list(KINDS).index(name), sum(stage.name.encode())])
        part = KINDS[name](part, rng)
    return channel(
        stage.name,
        "stage",
        np.concatenate((before.t_ms, part.t_ms)),
        np.concatenate((before.value, part.value)),
        np.concatenate((before.quality, part.quality)),
    )


def _cut(stage: Channel, first: int, last: int) -> Channel:
    part = slice(first, last)
    parts = (stage.t_ms[part], stage.value[part], stage.quality[part])
    return Channel(stage.name, "stage", *parts)
