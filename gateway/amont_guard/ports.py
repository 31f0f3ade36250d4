"""Find a serial port by what is plugged in, never by the number that it has today.

``usb:VID:PID`` or ``usb:VID:PID:SERIAL`` names a board; anything else is a path or an address of
pyserial's. To look reads /sys, so it is done off the loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from serial.tools import list_ports  # type: ignore[import-untyped]  # ships no types

_USB = re.compile(r"usb:([0-9a-f]{4}):([0-9a-f]{4})(?::(.+))?", re.IGNORECASE)
_TOLD = 4  # boards that a message names


class Board(NamedTuple):
    """One board that is plugged in, and the port that it has now."""

    device: str
    vid: int
    pid: int
    serial: str

    @property
    def name(self) -> str:
        """Return what a site's file may call it."""
        return f"usb:{self.vid:04x}:{self.pid:04x}" + (f":{self.serial}" if self.serial else "")


class Place(NamedTuple):
    """Where a named board is, and how many others fit its name too."""

    device: str
    others: int


Lister = Callable[[], Iterable[Board]]


class NotThere(OSError):
    """No board that is plugged in has this name; the text says which are."""


def plugged_in() -> list[Board]:
    """Return the USB boards that have a serial port now."""
    return [
        Board(port.device, port.vid, port.pid, plain(port.serial_number or ""))
        for port in list_ports.comports()
        if port.vid is not None and port.pid is not None
    ]


def find(name: str, boards: Lister = plugged_in) -> Place:
    """Return where a port is; of several boards that fit always the same one.

    Raises NotThere, also where the boards cannot be listed.
    """
    wanted = _USB.fullmatch(name)
    if wanted is None:
        return Place(name, 0)
    vid, pid, serial = int(wanted[1], 16), int(wanted[2], 16), wanted[3]
    try:
        found = sorted(boards())
    except Exception as error:  # pyserial's, of many kinds, when a board goes meanwhile
        raise NotThere(f"{name}; boards cannot be listed: {error}") from error
    fitting = [b.device for b in found if (b.vid, b.pid) == (vid, pid) and _is(serial, b.serial)]
    if not fitting:
        there = ", ".join(board.name for board in found[:_TOLD]) or "no board"
        raise NotThere(f"{name}; plugged in: {there}")
    return Place(fitting[0], len(fitting) - 1)


def plain(text: str) -> str:
    """Return what a board says of itself without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _is(wanted: str | None, serial: str) -> bool:
    return wanted is None or wanted.lower() == serial.lower()
