"""Say which readings of any time are doubted: now by the live windows, before by what was kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from amont_gateway.doubts import Doubts
from amont_gateway.windows import Windows


class AllDoubts:
    """For any thread; a call may raise sqlite3.Error."""

    def __init__(self, windows: Windows, kept: Doubts) -> None:
        self._windows, self._kept = windows, kept

    def __call__(self, sensor: str, t_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of each time whether the sensor's reading of it is doubted."""
        found = self._windows.doubted(sensor, t_ms)
        begin_ms = self._windows.first_ms(sensor)
        before = np.ones(len(t_ms), bool) if begin_ms is None else t_ms < begin_ms
        if before.any():
            found[before] |= self._kept.doubted(sensor, t_ms[before])
        return found
