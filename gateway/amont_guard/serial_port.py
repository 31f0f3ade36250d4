"""Hold one serial port without ever waiting for it: opened again by itself whenever it is lost.

A port is looked for, opened and closed off the loop, for a broken board may hold each of these up
for seconds. Reading and writing go to the descriptor itself, because pyserial's ``write`` spins
while a port that was opened without waiting is full.
"""

from __future__ import annotations

import os
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import serial  # type: ignore[import-untyped]  # ships no types

from .ports import Lister, find, plugged_in

READ_BYTES = 4096
WAITING_BYTES = 4096  # about 60 downlinks for a slow port
RETRY_S = 1.0
LOOK_S = 30.0  # until a board of the same name that was plugged in later is seen
OPENING_S = 5.0  # no sound board takes longer: people are told

Submit = Callable[[Callable[[], None]], bool]


class _Tried(NamedTuple):
    """What came of an attempt to open: a port, or why there is none."""

    port: Any
    device: str
    others: int
    error: str


class SerialPort:
    """One port by its name; every method returns at once."""

    def __init__(self, name: str, baud: int, submit: Submit, boards: Lister = plugged_in) -> None:
        """Know the name; ``submit`` does a job on a thread, one after the other."""
        self.name, self._baud, self._submit, self._boards = name, baud, submit, boards
        self._port: Any = None
        self._tried: _Tried | None = None  # put there by the thread
        self._trying_since: float | None = None
        self._retry_at = self._look_at = 0.0
        self._looking = False  # until the thread has looked
        self._unclosed: Any = None  # lost, and the thread could not take it yet
        self._over = False  # given back for good
        self._waiting = bytearray()
        self._full_since: float | None = None
        self.device, self.others = "", 0
        self.error = ""  # why it is not open; empty while that is not known yet

    @property
    def connected(self) -> bool:
        """Tell whether the port is open."""
        return self._port is not None

    def fileno(self) -> int:
        """Return the descriptor to select on, -1 while the port is not open."""
        return -1 if self._port is None else int(self._port.fileno())

    def poll(self, real_s: float) -> bool:
        """Go on with what is under way; return True in the moment in which the port is open."""
        if not self._give_back():
            return False
        if self._port is not None:
            self._push(real_s)
            self._look_again(real_s)
        elif self._tried is not None:
            return self._take(self._tried, real_s)
        elif self._trying_since is not None:
            if real_s - self._trying_since > OPENING_S:
                self.error = "opening it takes long"
        elif real_s >= self._retry_at and self._submit(self._open):
            self._trying_since = real_s
        return False

    def read(self, real_s: float) -> bytes:
        """Return what has arrived, at most READ_BYTES; call it only when the port is readable.

        (An idle port also reads as nothing; one that is readable and gives nothing hung up.)
        """
        data = self._try(os.read, READ_BYTES, real_s)
        if data == b"":
            self.lose("hung up", real_s)
        return data or b""

    def write(self, line: bytes, real_s: float) -> bool:
        """Queue a line; False if too much waits already or the port is not open."""
        if self._port is None or len(self._waiting) + len(line) > WAITING_BYTES:
            return False
        self._waiting += line
        self._push(real_s)
        return True

    def full_s(self, real_s: float) -> float:
        """Return for how long the port has taken no byte of what waits."""
        return 0.0 if self._full_since is None else real_s - self._full_since

    def lose(self, error: str, real_s: float) -> None:
        """Give the port up for now; it is tried again."""
        if self._port is not None:
            self._unclosed, self._port = self._port, None
        self._give_back()
        self._waiting.clear()
        self._full_since = None
        self.device, self.error, self._retry_at = "", error, real_s + RETRY_S

    def close(self, wait_s: float) -> None:
        """Give the port back for good; wait for that at most ``wait_s``."""
        self._over, done = True, threading.Event()
        self.lose("closed", float("inf"))
        if self._submit(partial(self._end, done)):
            done.wait(wait_s)

    def _take(self, tried: _Tried, real_s: float) -> bool:
        self._tried = self._trying_since = None
        self._port, self.device, self.others, self.error = tried
        self._retry_at, self._look_at = real_s + RETRY_S, real_s + LOOK_S
        return self._port is not None

    def _give_back(self) -> bool:
        # Held until the thread takes it: were it forgotten here, it would be closed here.
        if self._unclosed is not None and self._submit(partial(_close, self._unclosed)):
            self._unclosed = None
        return self._unclosed is None

    def _look_again(self, real_s: float) -> None:
        if self._looking or real_s < self._look_at:
            return
        self._looking = True
        if self._submit(self._look):
            self._look_at = real_s + LOOK_S
        else:
            self._looking = False

    def _push(self, real_s: float) -> None:
        if not self._waiting:
            return
        written = self._try(os.write, self._waiting, real_s)
        del self._waiting[: written or 0]
        if written or not self._waiting:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = real_s

    def _try(self, call: Callable[[int, Any], Any], argument: Any, real_s: float) -> Any:
        # None if it would wait; an error loses the port.
        if self._port is None:
            return None
        try:
            return call(self.fileno(), argument)
        except BlockingIOError:
            return None
        except OSError as error:
            self.lose(error.strerror or str(error), real_s)
            return None

    def _look(self) -> None:
        # on the thread, as the next; what is not found now is about to be lost
        try:
            self.others = find(self.name, self._boards).others
        except OSError:
            pass
        finally:
            self._looking = False

    def _open(self) -> None:
        try:
            place = find(self.name, self._boards)
            alone = None if "://" in place.device else True
            port = serial.serial_for_url(
                place.device, self._baud, timeout=0, write_timeout=0, exclusive=alone
            )
        # A port that goes while it is opened gives errors of many kinds. Whatever it is must be
        # told to the loop, which tries again only after an answer.
        except Exception as error:
            self._tried = _Tried(None, "", 0, str(error) or type(error).__name__)
            return
        if self._over:
            _close(port)
            return
        self._tried = _Tried(port, *place, "")

    def _end(self, done: threading.Event) -> None:
        # on the thread, behind any opening: what that brought, nobody else will take
        tried, self._tried = self._tried, None
        if tried is not None and tried.port is not None:
            _close(tried.port)
        done.set()


def _close(port: Any) -> None:
    # The kernel waits up to 30 s for a board that takes nothing, unless nothing is left to say.
    with suppress(OSError, termios.error, AttributeError):
        termios.tcflush(port.fileno(), termios.TCOFLUSH)
    with suppress(OSError, termios.error):
        port.close()
