"""Compare each forecast with what came, once its horizon is over.

A forecast is the band of the highest stage within its horizon. What came is read from the live
windows, for as long as they reach; a horizon that the readings do not cover is not judged. The
last days are judged again now and then, for readings that came late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from amont_gateway import series
from amont_gateway.clock import Clock
from amont_gateway.lines import line
from amont_gateway.places import Places
from amont_gateway.records import Record, RecordReader
from amont_gateway.rounds import Outlet
from amont_gateway.scoring.timeline import GOOD
from amont_gateway.windows import Series, Windows

KIND = "seen forecast"
WAIT_MS = 600_000  # after the end, for readings to arrive
AGAIN_MS = 6 * 3_600_000  # between two looks at the last days
BACK_MS = 3 * 86_400_000
_LONGEST_H = 48.0  # of a horizon
_HOUR_MS = 3_600_000
_BATCH = 1_000


class ForecastCheck:
    """What the forecasts on record were worth, told to history."""

    def __init__(
        self, places: Places, records: Path, windows: Windows, outlet: Outlet, clock: Clock
    ) -> None:
        self._site, self._records = places.site, records
        self._windows, self._outlet, self._clock = windows, outlet, clock
        self._sensors = {
            s.id: [(x, 2_000 * places.by_sensor[x].validity_s) for x in s.sensors]
            for s in places.stations
        }
        self._judged_ms = 0  # horizons that ended until then were looked at
        self._again_ms = 0

    def step(self) -> bool:
        """Judge the horizons that are over since; raise Away, Denied or sqlite3.Error."""
        if not self._records.exists() or not self._windows.whole:
            return False
        until_ms = self._clock.wall_ms() - WAIT_MS
        after_ms, again_ms = self._judged_ms, self._again_ms
        if until_ms - again_ms >= AGAIN_MS:
            after_ms, again_ms = min(after_ms, until_ms - BACK_MS), until_ms
        lines: list[str] = []
        known: dict[str, Series] = {}
        for record in self._made_since(after_ms - int(_LONGEST_H * _HOUR_MS), until_ms):
            lines += self._judge(record, after_ms, until_ms, known)
            if len(lines) >= _BATCH:
                self._outlet.write(lines, series.FORECAST_ERROR.store)
                lines = []
        self._outlet.write(lines, series.FORECAST_ERROR.store)
        self._judged_ms, self._again_ms = max(self._judged_ms, until_ms), again_ms
        return False

    def close(self) -> None:
        """Forget the connection."""
        self._outlet.close()

    def _made_since(self, from_ms: int, until_ms: int) -> Iterator[Record]:
        reader = RecordReader(self._records)
        try:
            for _, record in reader.between(from_ms, until_ms):
                if record.get("kind") == KIND and record.get("station") in self._sensors:
                    yield record
        finally:
            reader.close()

    def _judge(
        self, record: Record, after_ms: int, until_ms: int, known: dict[str, Series]
    ) -> Iterator[str]:
        issued_ms, station = record.get("issued_ms"), str(record["station"])
        if not isinstance(issued_ms, int):
            return
        for horizon_h, low, middle, high in _steps(record):
            end_ms = issued_ms + int(horizon_h * _HOUR_MS)
            if not after_ms < end_ms <= until_ms:
                continue
            came_mm = self._highest(station, issued_ms, end_ms, known)
            if came_mm is None:
                continue
            model, horizon = str(record.get("model") or ""), f"{horizon_h:g}"
            tags = {"station": station, "model": model, "horizon": horizon}
            said = {"error_mm": middle - came_mm, "inside": int(low <= came_mm <= high)}
            written = line(series.FORECAST_ERROR, self._site, tags, said, end_ms)
            if written is not None:
                yield written

    def _highest(
        self, station: str, from_ms: int, until_ms: int, known: dict[str, Series]
    ) -> int | None:
        """Return the highest good stage of the first sensor whose readings cover the time."""
        for sensor, hold_ms in self._sensors[station]:
            if sensor not in known:
                found = self._windows.series(sensor)
                good = found.quality == GOOD
                known[sensor] = Series(found.t_ms[good], found.value[good], found.quality[good])
            own = known[sensor]
            first, last = np.searchsorted(own.t_ms, (from_ms, until_ms), "right").tolist()
            times = np.concatenate(([from_ms], own.t_ms[first:last], [until_ms]))
            if last > first and int(np.diff(times).max()) <= hold_ms:
                return int(own.value[first:last].max())
        return None


def _steps(record: Record) -> Iterator[Sequence[float]]:
    """Yield (horizon in hours, low, middle, high in mm) of a record, past what is none."""
    steps = record.get("steps")
    for step in steps if isinstance(steps, list) else ():
        is_step = isinstance(step, list) and len(step) == 4
        if is_step and all(type(x) in (int, float) for x in step) and 0 < step[0] <= _LONGEST_H:
            yield step
