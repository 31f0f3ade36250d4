"""Find boards: serial ports by their USB numbers, drives in BOOTSEL mode, simulated boards.

Looking at the list opens nothing: opening a port restarts some boards and disturbs whoever uses
it. ``look`` opens one, exclusively, and reads what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from serial.tools import list_ports  # type: ignore[import-untyped]  # ships no types

from amont_provision import board, bootrecord, bridge_line, uf2
from amont_provision.bridge import ROLE, SAID
from amont_provision.port import Port, VirtualPort
from amont_provision.texts import Refused
from amont_wire.link import RADIO_FAULT

# What a port may be; texts_scan.py says it to people.
MICROPYTHON, BOOTSEL, CHIP, BRIDGE, OTHER = "micropython", "bootsel", "chip", "bridge", "other"
VIRTUAL = "virtual"
# USB vendor and product numbers as their makers publish them; None: any product of the vendor.
KNOWN: dict[tuple[int, int | None], tuple[str, str]] = {
    (0x2E8A, 0x0005): (MICROPYTHON, "Raspberry Pi Pico"),
    (0x2E8A, None): (CHIP, "RP2040 / RP2350"),
    (0x303A, 0x4001): (MICROPYTHON, "ESP32-S2 / S3"),
    (0x303A, None): (CHIP, "ESP32-S / C / H"),
    (0x10C4, 0xEA60): (BRIDGE, "CP210x"),
    (0x1A86, 0x7523): (BRIDGE, "CH340"),
    (0x1A86, 0x55D4): (BRIDGE, "CH9102"),
    (0x0403, 0x6001): (BRIDGE, "FT232R"),
    (0x0403, 0x6015): (BRIDGE, "FT231X"),
    (0x0D28, 0x0204): (MICROPYTHON, "micro:bit"),
}
BOARD_FILES = ("config.a", "config.b", "main.py", "boot.a", "boot.b", ".board")
_MACHINE = "import sys\nprint('machine', getattr(sys.implementation, '_machine', '?'))"


class Listed(Protocol):
    """What pyserial tells of a port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None


@dataclass(frozen=True)
class Found:
    """A port, or a drive in BOOTSEL mode."""

    port: str
    kind: str
    name: str  # the product, as its maker calls it
    usb: str | None = None
    serial_number: str | None = None


def serial_ports(listing: Callable[[], Iterable[Listed]] = list_ports.comports) -> list[Found]:
    """Return every serial port with a USB number, those that may be boards first."""
    found = []
    for one in listing():
        if one.vid is not None and one.pid is not None:
            kind, name = _known(one.vid, one.pid)
            usb = f"{one.vid:04x}:{one.pid:04x}"
            found.append(Found(one.device, kind, name, usb, one.serial_number))
    return sorted(found, key=lambda port: (port.kind == OTHER, port.port))


def drives() -> list[Found]:
    """Return every board in BOOTSEL mode whose drive is mounted."""
    return [Found(str(one.folder), BOOTSEL, one.board_id) for one in uf2.drives()]


def simulated(folder: Path) -> list[Found]:
    """Return the simulated boards in a folder: itself, or else the folders in it, bare or not.

    Raise Refused if there is no such folder.
    """
    if not folder.is_dir():
        raise Refused("scan-folder", folder=folder)
    inner = [path for path in sorted(folder.glob("[!.]*")) if path.is_dir()]
    alone = not inner or any((folder / name).exists() for name in BOARD_FILES)
    folders = [folder] if alone else inner
    return [Found(f"virtual:{path}", VIRTUAL, path.name) for path in folders]


def look(port: Port) -> dict[str, Any]:
    """Return what a board is: node, version, release, slot, state. Raise Refused."""
    node, version = board.enrolled(port)
    record = bootrecord.read(port)
    is_bridge = port.read(ROLE) == SAID
    seen: dict[str, Any] = {
        "board": None if isinstance(port, VirtualPort) else _machine(port),
        "node": node or None,
        "configuration": version or None,
        "release": None,
        "slot": None,
        "state": "bridge" if is_bridge else "bare" if node == 0 else "enrolled",
    }
    if record is not None:
        seen["slot"] = record.running
        seen["release"] = bootrecord.number(port, record.running) or record.release
        if not is_bridge:
            seen["state"] = _state(record, node)
    return seen


def look_at_bridge(text: str) -> dict[str, Any] | None:
    """Return what a bridge that runs says of itself, None if it is none. Raise Refused."""
    with closing(bridge_line.opened(text)) as line:
        seen = bridge_line.ask(line, bridge_line.ANSWER_S)
    if seen is None:
        return None
    fault = seen.radio == RADIO_FAULT
    return {
        "state": "bridge-faulty" if fault else "bridge-running",
        "unique": seen.unique,
        "release": seen.release,
    }


def _state(record: bootrecord.Record, node: int) -> str:
    if record.trying:
        return "trial"
    if record.is_safe:
        return "safe-mode"
    return "installed" if node else "no-identity"


def _machine(port: Port) -> str | None:
    words = port.exec(_MACHINE).decode("utf-8", "replace").split(None, 1)
    return words[1].strip()[:80] if len(words) == 2 and words[0] == "machine" else None


def _known(vendor: int, product: int) -> tuple[str, str]:
    return KNOWN.get((vendor, product)) or KNOWN.get((vendor, None)) or (OTHER, "USB")
