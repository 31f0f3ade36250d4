"""Let a board read one of its probes several times, without its program around it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from amont_provision import bootrecord
from amont_provision.port import Port
from amont_provision.texts import Refused

COUNT, PAUSE_MS = 9, 300  # 3 s of waves on a river
READ_TIMEOUT_S = 30.0  # the slowest driver is an SDI-12 measurement
RAW_MAX = 1 << 31
QUALITY_MAX = 7
_ANSWER = "amont-raw "
UNKNOWN = "unknown"
VALUE = "value"  # of a simulated probe: the channel's own unit

# By the kind of its driver, what a probe counts in (docs/drivers.md). A register or an SDI-12
# value may be a distance or a level already: nobody but the person at the river knows.
RAW_UNITS = {
    "a02yyuw": "range_mm",
    "jsn_sr04t": "range_mm",
    "modbus_rtu": UNKNOWN,
    "sdi12": UNKNOWN,
    "ads1115_420ma": "current_ua",
    "pulse": "pulses",
    "tipping_bucket": "pulses",
    "ds18b20": "temp_cc",
    "battery": "mv",
}

# The interpreter keeps its names between two calls, so a pulse counter goes on counting.
_OPEN = """
import json, os, sys, time
if {slot!r} and {slot!r} not in sys.path: sys.path.insert(0, {slot!r})
if sys.platform in ("rp2", "esp32"): from amont_node import hal_board as _hal
else: from amont_node import hal_unix as _hal
from amont_node.probes import make_probe
_probe = make_probe(json.loads({probe!r}), ".")
_clock = _hal.Clock("clock" if "clock" in os.listdir() else None)
"""
_READ = """
try:
    _found = _probe.read(_clock.now_s())
    _found = [_found, 0] if isinstance(_found, int) else list(_found)
except Exception as _error:
    _found = [None, str(_error)]
print({answer!r} + json.dumps(_found))
time.sleep_ms({pause_ms})
"""
_CLOSE = """
if hasattr(_probe, "close"): _probe.close()
"""

Told = Callable[[int, int], None]


def raw_unit(channel: dict[str, Any]) -> str:
    """Return what a channel's probe counts in."""
    return RAW_UNITS.get(str(channel["probe"].get("kind")), VALUE)


class BoardProbe:
    """One probe of a board, opened there; ``close`` gives it back.

    Raises Refused when the board cannot make it. The node's program stands still meanwhile.
    """

    def __init__(self, port: Port, channel: dict[str, Any]) -> None:
        self._port = port
        probe = dict(channel["probe"])
        if raw_unit(channel) == "pulses":
            probe["raw"] = "count"  # a factor is about pulses, whatever the node makes of them
        self._file = str(probe.get("file", "?"))
        record = bootrecord.read(port)
        slot = record.running if record else ""  # without slots the files are on the path
        port.exec(_OPEN.format(slot=slot, probe=json.dumps(probe)), READ_TIMEOUT_S)

    def read(
        self, count: int = COUNT, pause_ms: int = PAUSE_MS, told: Told | None = None
    ) -> list[tuple[int, int] | None]:
        """Return so many readings (raw value, quality), None for each that failed."""
        readings = []
        why = ""
        for done in range(1, count + 1):
            code = _READ.format(answer=_ANSWER, pause_ms=pause_ms)
            value, what = _reading(self._port.exec(code, READ_TIMEOUT_S))
            readings.append(None if value is None else (value, int(what)))
            why = str(what) if value is None else why
            if told is not None:
                told(done, count)
        if all(reading is None for reading in readings):
            raise self._silent(why[:200])
        return readings

    def _silent(self, why: str) -> Refused:
        if "ENOENT" in why:  # only a simulated probe reads a file
            return Refused("probe-water", name=self._file)
        absent = any(name in why for name in ("ENODEV", "EIO", "ETIMEDOUT"))
        return Refused("probe-absent" if absent else "probe-silent", why=why)

    def close(self) -> None:
        """Give the probe's pins back."""
        self._port.exec(_CLOSE)


def _reading(printed: bytes) -> tuple[int | None, int | str]:
    """Return (raw, quality), or (None, why); whatever else a driver printed is passed over."""
    for line in printed.decode(errors="replace").splitlines():
        if line.startswith(_ANSWER):
            try:
                raw, what = json.loads(line[len(_ANSWER) :])
            except (ValueError, TypeError, RecursionError):
                break
            if raw is None and isinstance(what, str):
                return None, what
            if _whole(raw, RAW_MAX) and _whole(what, QUALITY_MAX) and what >= 0:
                return raw, what
            break
    raise Refused("probe-answer", answer=repr(printed[:80])[2:-1])


def _whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= most
