"""Turn two public records into what four simulated probes will measure.

Recorded: the Black River's discharge and rain (hourly, February and March 2018) and the inflow of
a metered area (hourly, November and December 2022). Added by us, and said so on the page: the turn
of discharge into stage, straight lines between the hours, a little sensor noise, the leak, and the
date. Ticks are the nodes' own seconds; ``HISTORY_S`` is the moment at which it all begins.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from amont_demo.clock import HISTORY_S
from amont_models.data import black_river, zone_inflow
from amont_models.recipe import DEMO_RIVER, DEMO_ZONE

LOCAL = ZoneInfo("Europe/Paris")
INTERVAL_S = 900
MINUTE_S = 60
HOUR_S = 3600
RIVER_HISTORY_S = 9 * 86400
FORWARD_S = 60 * HOUR_S
LEAK_BEFORE_S = 38 * HOUR_S  # opened on Monday at noon: the second night proves it
LEAK_SHARE = 0.25  # of the area's mean inflow

# Both are a Wednesday at 02:00 on the record's own clock, so that hour and day of the week agree.
START_HOUR = 2
_QUEENSLAND = dt.timezone(dt.timedelta(hours=10))
_RIVER_START = dt.datetime(2018, 2, 28, START_HOUR, tzinfo=_QUEENSLAND)
_RIVER_START_MS = int(_RIVER_START.timestamp() * 1000)
_ZONE_START_MS = int(dt.datetime(2022, 12, 14, START_HOUR, tzinfo=LOCAL).timestamp() * 1000)
_WEDNESDAY = 2
_DAYS_BACK = 3  # the whole replay lies in the past, so no clock on the way calls it the future

Times = NDArray[np.int64]
Values = NDArray[np.int64]


@dataclass(frozen=True)
class Track:
    """What one probe will show: ``ticks_s`` and ``values`` to replay, and samples of the past."""

    ticks_s: Times
    values: Values
    history: list[tuple[int, int]]

    def with_noise(self, most: int, seed: int) -> Track:
        """Return the track as shown by a sensor that errs by at most ``most``, each minute."""
        random = np.random.default_rng(seed)
        minutes = np.arange(int(self.ticks_s[0]), int(self.ticks_s[-1]) + 1, MINUTE_S)
        clean = np.round(np.interp(minutes, self.ticks_s, self.values)).astype(np.int64)
        noise = random.integers(-most, most, size=len(minutes), endpoint=True)
        past = random.integers(-most, most, size=len(self.history), endpoint=True)
        history = [(t, v + int(n)) for (t, v), n in zip(self.history, past, strict=True)]
        return Track(minutes, clean + noise, history)

    def replay_lines(self) -> Iterator[str]:
        """Yield the lines of a replay probe's file, from shortly before the beginning."""
        for tick, value in zip(self.ticks_s, self.values, strict=True):
            if tick >= HISTORY_S - HOUR_S:
                yield f"{tick} {value}\n"

    def history_lines(self) -> Iterator[str]:
        """Yield the lines of a node's history file."""
        for tick, value in self.history:
            yield f"{tick} {value}\n"


def epoch_ms(today: dt.datetime) -> int:
    """Return the date that the beginning is given: a Wednesday at 02:00 that is over, Unix ms."""
    day = today.astimezone(LOCAL).date() - dt.timedelta(days=_DAYS_BACK)
    day -= dt.timedelta(days=(day.weekday() - _WEDNESDAY) % 7)
    start = dt.datetime.combine(day, dt.time(START_HOUR), tzinfo=LOCAL)
    return int(start.timestamp() * 1000)


def stage() -> Track:
    """Return the river's stage in mm."""
    t_ms, _, stage_mm = black_river()
    ticks = _ticks(t_ms, _RIVER_START_MS)
    keep = _between(ticks, RIVER_HISTORY_S) & (t_ms >= DEMO_RIVER.start_ms)
    return _track(ticks[keep], stage_mm[keep], INTERVAL_S, RIVER_HISTORY_S)


def rain() -> Track:
    """Return rain in µm per quarter of an hour; each hour's rain is spread evenly."""
    t_ms, rain_mm, _ = black_river()
    ticks = _ticks(t_ms, _RIVER_START_MS)
    keep = _between(ticks, RIVER_HISTORY_S) & (t_ms >= DEMO_RIVER.start_ms)
    quarters = HOUR_S // INTERVAL_S
    fine = np.concatenate([ticks[keep] - i * INTERVAL_S for i in reversed(range(quarters))])
    amounts = np.tile(rain_mm[keep] * 1000 / quarters, quarters)
    order = np.argsort(fine, kind="stable")
    return _track(fine[order], amounts[order], INTERVAL_S, RIVER_HISTORY_S)


def inflow() -> Track:
    """Return the area's inflow in l/h with our leak in it; the past is hourly."""
    t_ms, flow_l_h = zone_inflow(int(DEMO_ZONE.record))
    ticks = _ticks(t_ms, _ZONE_START_MS)
    keep = _between(ticks, HISTORY_S) & (t_ms >= DEMO_ZONE.start_ms)
    ticks, flow = ticks[keep], flow_l_h[keep]
    leak = [leak_l_h(int(tick), float(np.nanmean(flow))) for tick in ticks]
    return _track(ticks, flow + np.array(leak), HOUR_S, HISTORY_S)


def leak_l_h(tick_s: int, mean_l_h: float) -> float:
    """Return the leak at a tick: abrupt, 25 % of the mean inflow, 5 % more at 03:00.

    More at night because the pressure is higher then; the same shape as the labelled leaks of the
    training records.
    """
    since_s = tick_s - HISTORY_S + LEAK_BEFORE_S
    if since_s < 0:
        return 0.0
    hour = (START_HOUR + (tick_s - HISTORY_S) / HOUR_S) % 24
    return LEAK_SHARE * mean_l_h * (1 + 0.05 * math.cos(2 * math.pi * (hour - 3) / 24))


def _ticks(t_ms: Times, start_ms: int) -> Times:
    return HISTORY_S + (t_ms - start_ms) // 1000


def _between(ticks: Times, history_s: int) -> NDArray[np.bool_]:
    after = ticks >= max(0, HISTORY_S - history_s)
    return np.asarray(after & (ticks <= HISTORY_S + FORWARD_S))


def _track(ticks: Times, values: NDArray[np.float64], step_s: int, history_s: int) -> Track:
    known = np.isfinite(values)
    ticks, whole = ticks[known], np.round(values[known]).astype(np.int64)
    first = max(int(ticks[0]), HISTORY_S - history_s)
    first += -first % step_s
    past = range(first, HISTORY_S, step_s)
    # A gap of the record stays a gap: a sample needs a recorded value less than an hour later.
    near = np.abs(ticks[np.searchsorted(ticks, past).clip(max=len(ticks) - 1)] - np.array(past))
    between = np.round(np.interp(past, ticks, whole)).astype(int)
    rows = zip(past, between, near, strict=True)
    return Track(ticks, whole, [(tick, int(v)) for tick, v, gap in rows if gap < HOUR_S])
