"""Examine this laptop: can it flash, build, deploy and enrol, also without a network?

Each check returns findings; a finding says what was seen and, unless all is well, what to do
next. Checks change nothing and open nothing but the port that was named.
"""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amont_provision import compile as compiling
from amont_provision import deps, esp, images, signing
from amont_provision.cache import Cache
from amont_provision.logbook import EARLIEST
from amont_provision.port import open_port
from amont_provision.texts import Refused

WELL, ODD, BAD = "well", "odd", "bad"  # only the last one makes the exit code 1
PYTHON_MIN, PYTHON_END = (3, 11), (3, 14)
DEVICES = ("ttyACM*", "ttyUSB*")
MEDDLER = "ModemManager"  # talks to every new serial port for half a minute


@dataclass(frozen=True)
class Finding:
    """What one check saw."""

    check: str
    state: str
    code: str  # of its text
    values: dict[str, Any]


def well(check: str, code: str, **values: Any) -> Finding:
    """Return a finding that all is well."""
    return Finding(check, WELL, code, values)


def odd(check: str, code: str, **values: Any) -> Finding:
    """Return a finding that hinders only some commands."""
    return Finding(check, ODD, code, values)


def bad(check: str, code: str, **values: Any) -> Finding:
    """Return a finding that has to be mended first."""
    return Finding(check, BAD, code, values)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> list[Finding]:
    """Tell whether this Python is one that Amont runs on."""
    shown = ".".join(map(str, version))
    fits = PYTHON_MIN <= version[:2] < PYTHON_END
    return [well("python", "doctor-python", version=shown) if fits else bad(
        "python", "doctor-python-other", version=shown)]  # fmt: skip


def clock(now_s: float) -> list[Finding]:
    """Tell whether the clock has lost its time."""
    shown = time.strftime("%Y-%m-%d %H:%M", time.gmtime(now_s))
    return [well("clock", "doctor-clock", shown=shown) if now_s >= EARLIEST.timestamp() else bad(
        "clock", "doctor-clock-lost", shown=shown)]  # fmt: skip


def compiler() -> list[Finding]:
    """Tell whether releases can be built here."""
    try:
        return [well("compiler", "doctor-compiler", version=compiling.compiler_version())]
    except Refused as error:
        return [odd("compiler", error.code, **error.values)]


def serial_access(devices: Path = Path("/dev")) -> list[Finding]:
    """Tell whether this person may open the serial ports that are there, or would be."""
    if not sys.platform.startswith("linux"):
        return []
    nodes = sorted(path for pattern in DEVICES for path in devices.glob(pattern))
    closed = [path for path in nodes if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        return [bad("serial", "doctor-serial-closed", port=closed[0], user=getpass.getuser())]
    if nodes or os.geteuid() == 0 or _in_group("dialout"):
        return [well("serial", "doctor-serial", count=len(nodes))]
    return [bad("serial", "doctor-serial-group", user=getpass.getuser())]


def meddlers(processes: Path = Path("/proc")) -> list[Finding]:
    """Tell whether a program runs that opens every new serial port."""
    for path in processes.glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == MEDDLER:
                return [odd("meddler", "doctor-meddler", name=MEDDLER)]
        except OSError:  # it has just ended
            continue
    return []


def firmware(cache: Cache) -> list[Finding]:
    """Tell which images are kept and sound."""
    try:
        lock = images.locked(cache)
    except Refused as error:
        return [bad("images", error.code, **error.values)]
    if not lock:
        return [odd("images", "doctor-images-none")]
    findings = []
    for board, entry in sorted(lock.items()):
        try:
            images.image(board, cache)
            findings.append(well("images", "doctor-image-sound", board=board, name=entry["name"]))
        except Refused as error:
            findings.append(bad("images", error.code, **error.values))
    if set(lock) & set(esp.CHIPS) and not any(map(shutil.which, esp.PROGRAMS)):
        findings.append(odd("esptool", "no-esptool"))
    return findings


def libraries(lock: Path | None, cache: Cache) -> list[Finding]:
    """Tell whether what a lock file names is kept."""
    if lock is None:
        return []
    try:
        count = len(deps.sources(deps.read_lock(lock), cache, lock))
    except Refused as error:
        return [bad("libraries", error.code, **error.values)]
    return [well("libraries", "doctor-libraries", count=count, lock=lock)]


def keys(named: Iterable[str]) -> list[Finding]:
    """Tell whose releases this laptop believes, and whether the private key is private."""
    findings = []
    try:
        found = ", ".join(signing.fingerprint(key) for key in signing.trusted(named))
        findings.append(well("keys", "doctor-keys", keys=found))
    except Refused as error:
        findings.append(odd("keys", error.code, **error.values))
    path = signing.development_key()
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        findings.append(bad("keys", "doctor-key-open", path=path))
    return findings


def port(text: str | None, opened: Callable[[str], Any] = open_port) -> list[Finding]:
    """Tell whether a port can be had, and who has it if not."""
    if text is None:
        return []
    try:
        with closing(opened(text)):
            return [well("port", "doctor-port-free", port=text)]
    except Refused as error:
        who = holder(text)
        findings = [bad("port", error.code, **error.values)]
        return findings + ([odd("port", "doctor-port-held", port=text, who=who)] if who else [])


def holder(device: str, processes: Path = Path("/proc")) -> str | None:
    """Return name and number of a program that has a device open, None if none is seen."""
    wanted = os.path.realpath(device)
    for link in processes.glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == wanted and int(link.parts[-3]) != os.getpid():
                name = (link.parents[1] / "comm").read_text().strip()
                return f"{name} ({link.parts[-3]})"
        except OSError:  # it has just ended, or is another person's
            continue
    return None


def examine(
    cache: Cache, trust: Iterable[str], lock: Path | None, device: str | None, now_s: float
) -> list[Finding]:
    """Return the findings of all checks."""
    return [
        *python(),
        *clock(now_s),
        *compiler(),
        *serial_access(),
        *meddlers(),
        *firmware(cache),
        *libraries(lock, cache),
        *keys(trust),
        *port(device),
    ]


def _in_group(name: str) -> bool:
    try:
        return grp.getgrnam(name).gr_gid in os.getgroups()
    except KeyError:
        return False
