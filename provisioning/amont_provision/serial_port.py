"""Reach a board over pyserial: any device or URL that pyserial opens, exclusively."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Iterator

import serial  # type: ignore[import-untyped]  # ships no types

from amont_provision.repl import Repl
from amont_provision.repl_files import Files
from amont_provision.texts import Refused

BAUD = 115200
GIVE_S = 5.0  # longest wait for a board that takes no data
RETURN_S = 12.0  # a board with its own USB is away for so long when it restarts
RETRY_S = 0.1
SLICE_S = 0.01  # one wait of pyserial's; a new time-out for each would set the line up anew
_REASONS = {
    errno.ENOENT: "port-absent",
    errno.ENODEV: "port-absent",
    errno.ENXIO: "port-absent",
    errno.EACCES: "port-denied",
    errno.EPERM: "port-denied",
    errno.EBUSY: "port-busy",
    errno.EAGAIN: "port-busy",
}


def looks_serial(text: str) -> bool:
    """Tell whether a text is a device's path or a URL, as pyserial takes them."""
    return bool(re.match(r"/|COM\d+$|[a-z0-9]+://", text))


class SerialLine:
    """Bytes over pyserial; every failure is a Refused.

    url: what pyserial opens. shown: the port as a person knows it.
    """

    def __init__(self, url: str, shown: str) -> None:
        self._url, self._shown = url, shown
        self._returns_until_s = 0.0  # until then a lost line is a board that restarts
        self._serial: serial.Serial | None = self._opened()

    def take(self, wait_s: float) -> bytes:
        """Return what has come, waiting at most so long for the first byte."""
        if self._serial is None and not self._back(wait_s):
            return b""
        assert self._serial is not None
        until_s = time.monotonic() + wait_s
        try:
            while True:
                waiting = self._serial.in_waiting
                if not waiting and wait_s <= 0:
                    return b""
                data = bytes(self._serial.read(max(1, waiting)))
                if data or time.monotonic() >= until_s:
                    return data
        except OSError:
            self._lost()
            return b""

    def give(self, data: bytes) -> None:
        """Send all of it."""
        if self._serial is None:
            self._lost()
            return
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:
            raise Refused("port-stuck", port=self._shown) from None
        except OSError:
            self._lost()

    def may_leave(self) -> None:
        """Expect the line to be lost soon, and to come back."""
        self._returns_until_s = time.monotonic() + RETURN_S

    def close(self) -> None:
        """Give the port back."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def _opened(self) -> serial.Serial:
        try:
            return serial.serial_for_url(
                self._url, BAUD, timeout=SLICE_S, write_timeout=GIVE_S, exclusive=True
            )
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None)
            locked = "exclusively lock" in str(error)
            code = "port-busy" if locked else _REASONS.get(number or 0, "port-broken")
            raise Refused(code, port=self._shown, why=error) from None

    def _lost(self) -> None:
        self.close()
        if time.monotonic() >= self._returns_until_s:
            raise Refused("port-pulled", port=self._shown)

    # Look for a board that restarts, for at most the given time.
    def _back(self, wait_s: float) -> bool:
        until_s = time.monotonic() + wait_s
        while True:
            try:
                self._serial = self._opened()
                return True
            except Refused:
                now_s = time.monotonic()
                if now_s >= self._returns_until_s:
                    raise Refused("port-pulled", port=self._shown) from None
                if now_s >= until_s:
                    return False
                time.sleep(min(RETRY_S, until_s - now_s))


class SerialPort:
    """A board behind a serial line; see ``port.Port``."""

    def __init__(self, url: str, shown: str | None = None) -> None:
        self._line = SerialLine(url, shown or url)
        self._repl = Repl(self._line, shown or url)
        self._files = Files(self._repl)
        self._closed = False

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        return self._files.read(name)

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole and durably; check what arrived."""
        self._files.write(name, content)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        self._files.remove(name)

    def list(self, folder: str = "") -> dict[str, tuple[int, str]]:
        """Return all files below a folder: size in bytes and SHA-256 of each."""
        return self._files.list(folder)

    def exec(self, code: str, timeout_s: float = 10.0) -> bytes:
        """Run Python on the board; return what it printed."""
        return self._repl.exec(code, timeout_s)

    def reset(self) -> None:
        """Restart the board by its own ``machine.reset()``."""
        self._repl.send_last("import machine\nmachine.reset()")
        self.restarting()

    def restarting(self) -> None:
        """Know that the board restarts: its line may leave and come back."""
        self._line.may_leave()
        self._repl.restarted()
        self._files.forget()

    def lines(self, timeout_s: float) -> Iterator[str]:
        """Yield what the running program prints, until time is up."""
        if self._repl.interrupted:
            self._start()
        return self._repl.lines(timeout_s)

    def close(self) -> None:
        """Start the program that was interrupted and give the port back."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._repl.interrupted:
                self._start()
        except Refused:
            pass  # the board is gone or deaf: whoever asked for something has been told
        finally:
            self._line.close()

    def _start(self) -> None:
        self._repl.start()
        self._line.may_leave()
        self._files.forget()
