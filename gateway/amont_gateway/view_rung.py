"""Declare what the page tells of a rung of the fallback ladder.

The rungs (``series.RUNGS``): "full" | "no rain" | "no upstream" | "local only" (its own stage
alone) | "thresholds only" (no forecast) | "watch lost" (no fresh stage: nothing watches).
"""

from __future__ import annotations

import msgspec


class RungCost(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a lower rung of the ladder costs, as measured; pairs are (on it, with all there is)."""

    stations: int  # that it was measured on
    notice_min: tuple[int, int]  # median of the floods announced
    told_percent: tuple[int, int]  # of the floods
    false_percent: tuple[int, int]  # of the warnings
    error_more_percent: int  # of the forecast 3 h ahead
