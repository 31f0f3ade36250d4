"""Read the live windows as the models see them: good readings up to now, never later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.timeline import HOUR_MS, NO_SERIES, Series, good_series


class Windows(Protocol):
    """The live windows, as far as models need them."""

    def series(
        self, sensor: str, since_ms: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """Return (t_ms, value, quality) of a sensor, oldest first."""


def good_until(windows: Windows, sensor: str, since_ms: int, now_ms: int) -> Series:
    """Return the good readings of a sensor, none later than ``now_ms``."""
    t_ms, value, quality = windows.series(sensor, since_ms)
    series = good_series(t_ms, value, quality)
    until = int(np.searchsorted(series.t_ms, now_ms, side="right"))
    return Series(series.t_ms[:until], series.value[:until])


def fullest(windows: Windows, sensors: Sequence[str], since_ms: int, now_ms: int) -> Series:
    """Return the sensor whose newest reading is newest; at a tie the one with more readings."""
    choices = [good_until(windows, sensor, since_ms, now_ms) for sensor in sensors]
    known = [series for series in choices if len(series.t_ms)]
    if not known:
        return NO_SERIES
    return max(known, key=lambda series: (int(series.t_ms[-1]) // HOUR_MS, len(series.t_ms)))
