"""Say of a sensor what was read last, and which readings were left out, and why."""

from __future__ import annotations

from typing import Any

from amont_gateway.scoring.live_windows import good_until
from amont_gateway.scoring.screening import cause_names
from amont_gateway.scoring.timeline import DAY_MS
from amont_gateway.windows import Windows

WINDOW_MS = 160 * DAY_MS  # a little more than the gateway's windows hold
DOUBTS_MS = 3 * DAY_MS
MOST_DOUBTS = 20
Found = dict[str, Any]


def newest(windows: Windows, sensor: str, at_ms: int) -> Found:
    """Return a sensor's last reading, and when its last good one was."""
    last, good = windows.last(sensor), good_until(windows, sensor, at_ms - WINDOW_MS, at_ms)
    return {
        "value": last and last.value,
        "t_ms": last and last.t_ms,
        "good_t_ms": int(good.t_ms[-1]) if len(good.t_ms) else None,
    }


def doubts(windows: Windows, sensor: str, at_ms: int) -> list[Found]:
    """Return the newest readings that are not good, and why."""
    t_ms, value, quality = windows.told(sensor, at_ms - DOUBTS_MS)
    found = []
    for when, number, told in zip(t_ms.tolist(), value.tolist(), quality.tolist(), strict=True):
        causes = cause_names(windows.doubt(sensor, when))
        if when <= at_ms and (causes or told):
            said = {"quality": told, "causes": causes}
            found.append({"sensor": sensor, "t_ms": when, "value": number, **said})
    return found[-MOST_DOUBTS:]
