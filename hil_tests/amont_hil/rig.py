"""Benches: a file says on what boards the tests run and what they provide."""

import contextlib
import os
import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from amont_hil.process import Process
from amont_provision.serial_port import SerialPort
from amont_provision.virtual import VirtualBoard

START_S = 20.0
LOG = "board.log"


@dataclass(frozen=True)
class Rig:
    """One bench, as its file describes it.

    provides: what tests may ask for. board: its kind and what that kind needs to know.
    """

    name: str
    default: bool
    provides: frozenset[str]
    board: dict[str, Any]


class RigBoard(Protocol):
    """The board of a bench while a test has it."""

    micropython: tuple[int, ...]
    root: Path

    def open(self) -> SerialPort:
        """Open its serial port, as a command does; raise Refused."""


def load(path: Path) -> Rig:
    """Read a bench's file."""
    value = tomllib.loads(path.read_text())
    return Rig(value["name"], value["default"], frozenset(value["provides"]), value["board"])


def rigs(folder: Path) -> dict[str, Rig]:
    """Read all benches of a folder, by name."""
    found = [load(path) for path in sorted(folder.glob("*.toml"))]
    return {rig.name: rig for rig in found}


class SimBoard:
    """A simulated board, whose cable can be pulled and whose power can be cut."""

    def __init__(self, rig: Rig, root: Path) -> None:
        self.micropython = tuple(rig.board["micropython"])
        self.root = root
        self.virtual = VirtualBoard(root, rig.board["heap"])
        root.mkdir(parents=True, exist_ok=True)
        self.virtual.start()

    def open(self) -> SerialPort:
        """Open its terminal."""
        return SerialPort(self.virtual.terminal(), "sim")

    def close(self) -> None:
        """End it."""
        self.virtual.stop()


class QemuBoard:
    """A chip that QEMU emulates, with its first UART on a pseudo-terminal."""

    def __init__(self, rig: Rig, root: Path) -> None:
        self.micropython = tuple(rig.board["micropython"])
        self.root = root
        image = Path(rig.board["image"])
        program = shutil.which("qemu-system-arm")
        if program is None or not image.exists():
            raise RuntimeError(f"{rig.name} needs qemu-system-arm and {image} (docs/rigs.md)")
        root.mkdir(parents=True, exist_ok=True)
        line = [
            program, "-M", rig.board["machine"], "-device", f"loader,file={image}",
            "-display", "none", "-monitor", "none", "-serial", "pty",
        ]  # fmt: skip
        self._process = Process(line, os.environ, root, root / LOG)
        self._terminal = self._named()

    def open(self) -> SerialPort:
        """Open its terminal."""
        return SerialPort(self._terminal, "qemu")

    def close(self) -> None:
        """End it."""
        self._process.kill()

    def _named(self) -> str:
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s and self._process.running():
            found = re.search(r"/dev/pts/\d+", (self.root / LOG).read_text())
            if found:
                return found[0]
            time.sleep(0.02)
        self._process.kill()
        raise RuntimeError(f"QEMU did not start: {(self.root / LOG).read_text()}")


class RealBoard:
    """A board on a cable."""

    def __init__(self, rig: Rig, root: Path, port: str) -> None:
        self.micropython = tuple(rig.board["micropython"])
        self.root = root
        self._port = port

    def open(self) -> SerialPort:
        """Open its port."""
        return SerialPort(self._port)

    def close(self) -> None:
        """Leave it as it is."""


@contextlib.contextmanager
def powered(rig: Rig, root: Path, port: str | None) -> Iterator[RigBoard]:
    """Give a bench's board to a test; root is a folder of the test's own."""
    kind = rig.board["kind"]
    if kind == "serial" and port is None:
        raise RuntimeError("a real board needs --port, for example --port /dev/ttyACM0")
    board: SimBoard | QemuBoard | RealBoard
    if kind == "virtual":
        board = SimBoard(rig, root)
    elif kind == "qemu":
        board = QemuBoard(rig, root)
    else:
        board = RealBoard(rig, root, port or "")
    try:
        yield board
    finally:
        board.close()
