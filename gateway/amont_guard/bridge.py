"""Speak to the bridge over its serial port: any pyserial URL or path, never waiting for it.

pyserial opens and configures the port; reading and writing go to the descriptor itself, because
pyserial's ``write`` spins while a port that was opened without waiting is full.
"""

from __future__ import annotations

import os
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import serial  # type: ignore[import-untyped]  # ships no types

from amont_wire.errors import WireError
from amont_wire.link import Deframer, Received, Send, Sent, unpack

_READ_BYTES = 4096
_WAITING_BYTES = 4096  # about 60 downlinks for a slow port
_RETRY_S = 1.0
_SENT = ("sent", "busy", "airtime used up", "malformed")


class Bridge:
    """The port, opened again by itself whenever it is lost."""

    def __init__(self, port: str, baud: int, counters: Counter[str]) -> None:
        """Open ``port`` if it is there; an empty one means that the site has no bridge."""
        self._port_name, self._baud, self._counters = port, baud, counters
        self._port: serial.SerialBase | None = None
        self._deframer = Deframer()
        self._waiting = bytearray()
        self._handle = 0
        self._retry_at = 0.0
        self.error = ""
        self.poll()

    @property
    def connected(self) -> bool:
        """Tell whether the port is open."""
        return self._port is not None

    def fileno(self) -> int:
        """Return the descriptor to select on, -1 while the port is not there."""
        return -1 if self._port is None else int(self._port.fileno())

    def poll(self) -> None:
        """Try to open the port again when its time has come, and push what waits."""
        if self._waiting:
            written = self._try(os.write, self._waiting)
            del self._waiting[: written or 0]
        elif self._port is None and self._port_name and time.monotonic() >= self._retry_at:
            self._open()

    def read(self) -> Iterator[Received]:
        """Yield the frames that have arrived; call it only when the port is readable.

        (An idle port also reads as nothing; one that is readable and gives nothing hung up.)
        """
        data = self._try(os.read, _READ_BYTES) if self.connected else None
        if data == b"":
            self._lost("hung up")
        bad = self._deframer.bad
        for payload in self._deframer.feed(data or b""):
            try:
                message = unpack(payload)
            except WireError:
                self._counters["bridge: malformed"] += 1
                continue
            if isinstance(message, Received):
                yield message
            else:
                what = _SENT[message.result] if isinstance(message, Sent) else "status"
                self._counters[f"bridge: {what}"] += 1
        self._counters["bridge: damaged lines"] += self._deframer.bad - bad

    def send(self, frame: bytes) -> bool:
        """Queue a sealed downlink; False if too many wait already or there is no port."""
        if self._port is None or len(self._waiting) >= _WAITING_BYTES:
            self._counters["bridge: downlinks dropped"] += 1
            return False
        self._handle = self._handle + 1 & 0xFFFF
        self._waiting += Send(self._handle, frame).pack()
        self.poll()
        return True

    def close(self) -> None:
        """Give the port back."""
        if self._port is not None:
            self._port.close()
        self._port = None

    def _try(self, call: Callable[[int, Any], Any], argument: Any) -> Any:
        # None if it would wait; an error loses the port.
        try:
            return call(self.fileno(), argument)
        except BlockingIOError:
            return None
        except OSError as error:
            self._lost(error.strerror or str(error))

    def _open(self) -> None:
        alone = None if "://" in self._port_name else True
        try:
            self._port = serial.serial_for_url(
                self._port_name, self._baud, timeout=0, write_timeout=0, exclusive=alone
            )
        # SerialException is an OSError; a port that goes while it is opened gives termios.error
        except (OSError, ValueError, termios.error) as error:
            self._lost(str(error))
            return
        self.error, self._deframer = "", Deframer()
        self._counters["bridge: opened"] += 1

    def _lost(self, error: str) -> None:
        self.close()
        self._waiting.clear()
        self.error, self._retry_at = error, time.monotonic() + _RETRY_S
        self._counters["bridge: lost"] += 1
