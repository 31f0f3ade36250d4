"""Ask the machine how it is: disk, memory, temperature, load, clock, supply; absent: not known."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path

STARTS = "starts"  # file: how often the gateway was started
_UNSYNCHRONISED = 0x40  # STA_UNSYNC of sys/timex.h
_UNDER_VOLTAGE_NOW = 0x1  # of the firmware's get_throttled
_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"

Numbers = dict[str, float | int | None]


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )  # fmt: skip


class MachineState:
    """This machine, as fields of ``series.GATEWAY``; ``root`` is / but for tests."""

    def __init__(self, folder: Path, root: Path = Path("/")) -> None:
        self._folder, self._root = folder, root
        self._began_s = time.monotonic()
        self._starts: int | None = None

    def begin(self) -> None:
        """Count a start, durably."""
        path, before = self._folder / STARTS, 0
        self._began_s = time.monotonic()
        with contextlib.suppress(OSError, ValueError):
            before = int(path.read_text("ascii"))
        self._starts = before + 1
        new = path.with_suffix(".new")
        with contextlib.suppress(OSError):  # a full disk is told by the journal
            new.write_text(f"{self._starts}\n", "ascii")
            new.replace(path)

    def fields(self) -> Numbers:
        """Return what the machine tells now."""
        clock_ms, synchronised = _clock()
        return {
            "disk_free_pct": self._disk_free_pct(),
            "memory_free_pct": self._memory_free_pct(),
            "cpu_c": self._cpu_c(),
            "load_pct": round(100.0 * os.getloadavg()[0] / (os.cpu_count() or 1), 1),
            "clock_ms": clock_ms,
            "clock_synchronised": synchronised,
            "under_voltage": self._under_voltage(),
            "uptime_s": round(time.monotonic() - self._began_s, 1),
            "starts": self._starts,
        }

    def _disk_free_pct(self) -> float | None:
        with contextlib.suppress(OSError):
            disk = os.statvfs(self._folder)
            return round(100.0 * disk.f_bavail / disk.f_blocks, 1) if disk.f_blocks else None
        return None

    def _memory_free_pct(self) -> float | None:
        found = {}
        for line in self._read("proc/meminfo").splitlines():
            name, _, rest = line.partition(":")
            if name in ("MemTotal", "MemAvailable"):
                found[name] = int(rest.split()[0])
        if len(found) < 2:
            return None
        return round(100.0 * found["MemAvailable"] / found["MemTotal"], 1)

    def _cpu_c(self) -> float | None:
        """Return the processor's temperature, else the hottest that there is."""
        zones = [
            ("cpu" in self._read_at(zone / "type") or "pkg" in self._read_at(zone / "type"), value)
            for zone in self._find("sys/class/thermal", "thermal_zone*")
            if (value := _number(self._read_at(zone / "temp"))) is not None
        ]
        of_cpu = [value for is_cpu, value in zones if is_cpu] or [value for _, value in zones]
        return round(max(of_cpu) / 1000, 1) if of_cpu else None

    def _under_voltage(self) -> int | None:
        for sensor in self._find("sys/class/hwmon", "hwmon*"):
            if self._read_at(sensor / "name") == "rpi_volt":
                value = _number(self._read_at(sensor / "in0_lcrit_alarm"))
                return None if value is None else int(value != 0)
        with contextlib.suppress(ValueError):
            return int(self._read(_THROTTLED).strip(), 16) & _UNDER_VOLTAGE_NOW
        return None

    def _find(self, folder: str, pattern: str) -> Iterator[Path]:
        with contextlib.suppress(OSError):
            yield from sorted((self._root / folder).glob(pattern))

    def _read(self, name: str) -> str:
        return self._read_at(self._root / name)

    @staticmethod
    def _read_at(path: Path) -> str:
        with contextlib.suppress(OSError, ValueError):
            return path.read_text("ascii").strip()
        return ""


def _number(text: str) -> int | None:
    with contextlib.suppress(ValueError):
        return int(text)
    return None


def _clock() -> tuple[float | None, int | None]:
    """Return the kernel's estimate of the clock's error in ms, and whether something steers it."""
    found = _Timex()
    try:
        if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(found)) < 0:
            return None, None
    except (AttributeError, OSError):  # another C library
        return None, None
    if found.status & _UNSYNCHRONISED:
        return None, 0
    # systemd-timesyncd tells only the bound, chrony and ntpd also the estimate
    return (found.esterror or found.maxerror) / 1000, 1
