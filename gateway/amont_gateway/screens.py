"""Screen the live windows: every sensor whose readings have changed, beside its neighbours.

The doubts go into the windows, where the page, history and the models find them. They rest on
the windows alone, so after a restart they are what they were.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from amont_gateway.places import Places, Sensor
from amont_gateway.scoring.crosscheck import Around, Other, screen
from amont_gateway.scoring.screening import MEMORY
from amont_gateway.scoring.timeline import HOUR_MS, Series, good_series
from amont_gateway.windows import Windows

ROUND_S = 0.2  # real time for one round: what is left waits for the next
SCREENED = ("stage_mm", "range_mm", "rain_um", "flow_l_h")
AROUND_MS = 30 * 24 * HOUR_MS  # of the neighbours' readings
_CELSIUS = 0.01  # per wire unit


@dataclass(frozen=True)
class Doubt:
    """A reading whose doubt has changed: ``code`` as ``screening`` names its causes."""

    sensor: Sensor
    t_ms: int
    code: int


class Screens:
    """Which readings of a site are doubted; called from one thread."""

    def __init__(self, places: Places, windows: Windows) -> None:
        """Find each sensor's neighbours: the same place, the rain of the whole site."""
        self._windows = windows
        self._sensors = [s for s in places.sensors if s.quantity in SCREENED]
        # what is not sealed raises no doubt about what is
        sealed = [s for s in places.sensors if not s.source]
        self._rain = [s.id for s in sealed if s.quantity == "rain_um"]
        self._beside = {s.id: _beside(s, sealed) for s in self._sensors}
        self._water = {
            s.id: next(iter(_others(s, sealed, "water_temp_cc")), None) for s in self._sensors
        }
        self._done: dict[str, int] = {}  # state of each sensor's window when it was screened

    def update(self) -> list[Doubt]:
        """Screen what has changed, as far as a round goes; return the doubts that changed."""
        began, changed = time.monotonic(), []
        states = self._windows.changes()
        waiting = [s for s in self._sensors if states.get(s.id, 0) != self._done.get(s.id, 0)]
        for sensor in waiting:
            changed += self._screen(sensor)
            self._done[sensor.id] = states[sensor.id]
            self._sensors.remove(sensor)  # who waits is first next time
            self._sensors.append(sensor)
            if time.monotonic() - began > ROUND_S:
                break
        return changed

    def _screen(self, sensor: Sensor) -> list[Doubt]:
        own = self._good(sensor.id, 0)
        if sensor.id in self._done:  # what lies before was screened when it came
            own = Series(own.t_ms[-2 * MEMORY :], own.value[-2 * MEMORY :])
        t_ms = own.t_ms
        since_ms = int(t_ms[0]) - AROUND_MS if len(t_ms) else 0
        checked = screen(sensor.quantity, t_ms, own.value, self._around(sensor, since_ms))
        first = MEMORY if len(t_ms) >= 2 * MEMORY and sensor.id in self._done else 0
        times = t_ms[first:]
        codes = checked.as_of(int(t_ms[-1]))[first:] if len(t_ms) else checked.settled
        changed = self._windows.put_doubts(sensor.id, times, codes)
        found = dict(zip(times.tolist(), codes.tolist(), strict=True)) if changed else {}
        return [Doubt(sensor, when, found[when]) for when in changed]

    def _around(self, sensor: Sensor, since_ms: int) -> Around:
        rain = () if sensor.quantity == "rain_um" else self._read(self._rain, since_ms)
        water, water_c = self._water[sensor.id], None
        if water is not None:
            cold = self._good(water, since_ms)
            water_c = (cold.t_ms, cold.value * _CELSIUS)
        return Around(rain, self._read(self._beside[sensor.id], since_ms), water_c)

    def _read(self, sensors: Iterable[str], since_ms: int) -> tuple[Other, ...]:
        found = (self._good(name, since_ms) for name in sensors)
        return tuple((other.t_ms, other.value) for other in found)

    def _good(self, sensor: str, since_ms: int) -> Series:
        t_ms, value, quality = self._windows.told(sensor, since_ms)
        return good_series(t_ms, value, quality)


def _others(sensor: Sensor, sensors: Iterable[Sensor], quantity: str) -> list[str]:
    return [
        other.id
        for other in sensors
        if other.id != sensor.id and other.quantity == quantity and other.place == sensor.place
    ]


def _beside(sensor: Sensor, sensors: Iterable[Sensor]) -> list[str]:
    if sensor.quantity == "rain_um":  # the clouds of a commune are the same
        return [s.id for s in sensors if s.quantity == "rain_um" and s.id != sensor.id]
    return _others(sensor, sensors, sensor.quantity)
