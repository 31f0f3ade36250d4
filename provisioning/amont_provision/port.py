"""Reach a board: its files, its interpreter, its console. ``open_port`` knows every kind.

``virtual:FOLDER`` is a simulated board whose root is FOLDER (``virtual.py``); anything else is a
pyserial URL and goes through the raw REPL (``serial_port.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from amont_provision.repl_files import checked
from amont_provision.serial_port import SerialPort, looks_serial
from amont_provision.texts import Refused
from amont_provision.virtual import VirtualBoard
from amont_provision.whole import replace

Listing = dict[str, tuple[int, str]]  # name below the folder: (size in bytes, SHA-256 in hex)


class Port(Protocol):
    """One board. Every method raises Refused with what to do next, and always ends.

    Names are relative to the board's root, with "/" between folders. The node's program goes on
    running until ``exec`` (or, on a serial port, a file) needs the interpreter; what was
    interrupted is started again by ``reset``, ``lines`` and ``close``.
    """

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole and durably, making its folders; check what arrived."""

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""

    def list(self, folder: str = "") -> Listing:
        """Return all files below a folder (empty if there is none), but no hidden ones."""

    def exec(self, code: str, timeout_s: float = 10.0) -> bytes:
        r"""Run Python on the board; return what it printed, lines ended by \r\n.

        Raises ``repl.BoardError`` (a Refused with the board's ``traceback``) for an exception.
        """

    def reset(self) -> None:
        """Restart the board as its reset button does; its program runs then."""

    def lines(self, timeout_s: float) -> Iterator[str]:
        """Yield what the running program prints, a line each without its end, until time is up.

        From the moment of the call: what was printed before is not kept.
        """

    def close(self) -> None:
        """Start what was interrupted and give the port back. Twice does no harm."""


class VirtualPort:
    """A simulated board: files go straight to its folder, the rest over its terminal.

    The board is started when the first ``exec``, ``reset`` or ``lines`` needs it, and goes on
    running afterwards (``virtual.VirtualBoard.stop`` ends it).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._serial: SerialPort | None = None

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        path = self._path(name)
        return path.read_bytes() if path.is_file() else None

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole and durably, readable by its owner only."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, content)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        self._path(name).unlink(missing_ok=True)

    def list(self, folder: str = "") -> Listing:
        """Return all files below a folder (empty if there is none), but no hidden ones."""
        top = self._path(folder) if folder else self._folder
        found: Listing = {}
        for path in sorted(top.rglob("*")):
            inner = path.relative_to(top)
            if path.is_file() and not any(part.startswith(".") for part in inner.parts):
                content = path.read_bytes()
                found[inner.as_posix()] = (len(content), sha256(content).hexdigest())
        return found

    def exec(self, code: str, timeout_s: float = 10.0) -> bytes:
        """Run Python on the board, which is started if need be; return what it printed."""
        return self._terminal().exec(code, timeout_s)

    def reset(self) -> None:
        """Press the simulated board's reset button."""
        port, board = self._terminal(), VirtualBoard(self._folder)
        port.restarting()
        board.reset()

    def lines(self, timeout_s: float) -> Iterator[str]:
        """Yield what the running program prints, until time is up."""
        return self._terminal().lines(timeout_s)

    def close(self) -> None:
        """Give the terminal back; the board goes on running."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def _terminal(self) -> SerialPort:
        if self._serial is None:
            board = VirtualBoard(self._folder)
            board.start()
            self._serial = SerialPort(board.terminal(), shown=f"virtual:{self._folder}")
        return self._serial

    def _path(self, name: str) -> Path:
        return self._folder / checked(name)


def open_port(text: str) -> Port:
    """Return the port that ``virtual:FOLDER`` or a pyserial URL names; raise Refused."""
    kind, _, rest = text.partition(":")
    if kind == "virtual" and rest:
        folder = Path(rest)
        if not folder.is_dir():
            raise Refused("port-missing", port=text)
        return VirtualPort(folder)
    if not looks_serial(text):
        raise Refused("port-unknown", port=text)
    return SerialPort(text)
