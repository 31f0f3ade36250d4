"""A pyserial URL ``air://<name>``: the bridge's port as an end of a socket pair, in one process.

What one end writes the other can read at once, so a village in virtual time needs no waiting.
"""

from __future__ import annotations

import socket
from typing import Any

import serial

_ENDS: dict[str, socket.socket] = {}  # the guard's end, while it is plugged in


def plug(name: str) -> socket.socket:
    """Make the line; return the bridge's end."""
    unplug(name)
    near, _ENDS[name] = socket.socketpair()
    for end in (near, _ENDS[name]):
        end.setblocking(False)
    return near


def unplug(name: str) -> None:
    """Take the guard's end away."""
    if name in _ENDS:
        _ENDS.pop(name).close()


class Serial:
    """What the guard opens; it takes the descriptor and closes."""

    def __init__(self, port: str | None, *_args: Any, **_options: Any) -> None:
        self.port = port or ""

    def open(self) -> None:
        if self.port.partition("://")[2] not in _ENDS:
            raise serial.SerialException(f"{self.port}: not there")

    def fileno(self) -> int:
        end = _ENDS.get(self.port.partition("://")[2])
        if end is None:
            raise OSError("hung up")
        return end.fileno()

    def close(self) -> None:
        """Leave the line: another life of the guard opens it again."""
