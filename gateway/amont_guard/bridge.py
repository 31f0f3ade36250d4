"""Speak to the bridge over its serial port: any pyserial URL or path, never waiting for it.

pyserial opens and configures the port; reading and writing go to the descriptor itself, because
pyserial's ``write`` spins while a port that was opened without waiting is full.
"""

from __future__ import annotations

import os
import random
import termios
import time
from collections import Counter, deque
from collections.abc import Iterator

import serial  # type: ignore[import-untyped]  # ships no types

from amont_wire.errors import WireError
from amont_wire.link import SENT_OK, Deframer, Received, Send, Sent, Status, unpack

_READ_BYTES = 4096
_QUEUE = 64  # downlinks that wait for a slow port
_RETRY_S = (0.2, 5.0)
_SENT = ("sent", "busy", "airtime used up", "malformed")


class Bridge:
    """The port, opened again by itself whenever it is lost."""

    def __init__(self, port: str, baud: int, counters: Counter[str]) -> None:
        """Open ``port`` if it is there; an empty one means that the site has no bridge."""
        self._port_name, self._baud, self._counters = port, baud, counters
        self._port: serial.SerialBase | None = None
        self._deframer = Deframer()
        self._bad = 0
        self._queue: deque[bytes] = deque()
        self._handle = 0
        self._failures = 0
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
        if self._port is not None:
            self._flush()
        elif self._port_name and time.monotonic() >= self._retry_at:
            self._open()

    def read(self) -> Iterator[Received]:
        """Yield the frames that have arrived; call it only when the port is readable.

        (An idle port also reads as nothing; one that is readable and gives nothing hung up.)
        """
        if self._port is None:
            return
        try:
            data = os.read(self._port.fileno(), _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error.strerror or str(error))
            return
        if not data:
            self._lost("hung up")
            return
        for payload in self._deframer.feed(data):
            received = self._take(payload)
            if received is not None:
                yield received
        self._counters["bridge: damaged lines"] += self._deframer.bad - self._bad
        self._bad = self._deframer.bad

    def send(self, frame: bytes) -> bool:
        """Queue a sealed downlink; False if too many wait already or there is no port."""
        if self._port is None or len(self._queue) >= _QUEUE:
            self._counters["bridge: downlinks dropped"] += 1
            return False
        self._handle = self._handle + 1 & 0xFFFF
        self._queue.append(Send(self._handle, frame).pack())
        self._flush()
        return True

    def close(self) -> None:
        """Give the port back."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _take(self, payload: bytes) -> Received | None:
        try:
            message = unpack(payload)
        except WireError:
            self._counters["bridge: malformed"] += 1
            return None
        if isinstance(message, Received):
            return message
        if isinstance(message, Sent) and message.result != SENT_OK:
            self._counters[f"bridge: {_SENT[message.result]}"] += 1
        elif isinstance(message, Status):
            self._counters["bridge: status"] += 1
        return None

    def _flush(self) -> None:
        while self._queue and self._port is not None:
            line = self._queue[0]
            try:
                written = os.write(self._port.fileno(), line)
            except BlockingIOError:
                return
            except OSError as error:
                self._lost(error.strerror or str(error))
                return
            if written < len(line):
                self._queue[0] = line[written:]
                return
            self._queue.popleft()

    def _open(self) -> None:
        try:
            alone = None if "://" in self._port_name else True
            self._port = serial.serial_for_url(
                self._port_name, self._baud, timeout=0, write_timeout=0, exclusive=alone
            )
        # SerialException is an OSError; a port that goes while it is opened gives termios.error
        except (OSError, ValueError, termios.error) as error:
            self._lost(str(error))
            return
        self.error, self._failures = "", 0
        self._deframer, self._bad = Deframer(), 0
        self._counters["bridge: opened"] += 1

    def _lost(self, error: str) -> None:
        self.close()
        self._queue.clear()
        self.error = error
        self._failures += 1
        wait_s = min(_RETRY_S[1], _RETRY_S[0] * 2 ** min(self._failures, 10))
        self._retry_at = time.monotonic() + random.uniform(0, wait_s)
        self._counters["bridge: lost"] += 1
