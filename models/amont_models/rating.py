"""Turn a discharge into the stage that a gauge would show.

The records that arrive by pip hold discharge, our nodes measure stage. No rating curve of these
gauges is published with them, so this one is **ours**: a power law of a wide, shallow section,
``stage = 450 mm * Q ** 0.4`` (Q in m3/s). It keeps the order of all values, so crossings of
percentiles stay where they were; it does not claim to be the depth that a person would have seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# 450 mm puts the largest flood of the Black River (1,290 m3/s) at 7.9 m, inside an 8 m probe.
SCALE_MM = 450.0
EXPONENT = 0.4


def stage_mm(discharge_m3s: float) -> int:
    """Return the stage in mm for a discharge in m3/s; negative or NaN raises ValueError."""
    if not discharge_m3s >= 0.0:
        raise ValueError(f"discharge must be 0 m3/s or more, not {discharge_m3s}")
    return round(SCALE_MM * float(discharge_m3s**EXPONENT))


def stages_mm(discharge_m3s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return whole-millimetre stages as floats for an array of discharges; NaN stays NaN."""
    if np.any(discharge_m3s < 0.0):
        raise ValueError("discharge must be 0 m3/s or more")
    return np.round(SCALE_MM * np.power(discharge_m3s, EXPONENT))
