"""Say which stations a foreign sensor sees at watch or above: advice, and never more than that."""

from __future__ import annotations

from collections.abc import Iterable

from amont_gateway.places import Places, Station
from amont_gateway.windows import Windows

WATCH = "watch"  # the most that an unsealed reading can advise
HOLD_S = 300.0  # of advice that no model gives: said again each round
_GOOD = 0


def watches(
    stations: Iterable[Station], places: Places, windows: Windows, now_ms: int
) -> dict[str, str]:
    """Return per station the first of its foreign sensors with a fresh, sound stage at watch."""
    found: dict[str, str] = {}
    for station in stations:
        for sensor in station.advisory:
            last = windows.last(sensor)
            if last is None or last.quality != _GOOD:
                continue
            is_fresh = now_ms - last.t_ms <= places.by_sensor[sensor].validity_s * 1000
            if is_fresh and last.value >= station.thresholds.watch_mm:
                found.setdefault(station.id, sensor)
    return found


def capped(level: str, watch_at_most: bool) -> str:
    """Return a model's level where part of what it looked at was not sealed."""
    return WATCH if watch_at_most and level not in ("none", WATCH) else level
