"""Simulated boards: the device's own files on real MicroPython, or on CPython without it."""

import contextlib
import json
import os
import pty
import socket
import tty
from collections.abc import Mapping
from pathlib import Path

from amont_hil.process import CPYTHON, MICROPYTHON, Process, command, micropython_path
from amont_node.config import ConfigStore, NodeConfig, save_secret

HEAP = "192k"  # what a Pico has; objects are twice as large here, so this is the stricter
# These boards compile the sources themselves, which a board with its .mpy files never has to.
SOURCE_HEAP = "256k"
LOG = "board.log"


def default_runtime() -> str:
    """Return "micropython" where its wheel is installed, else "cpython"."""
    return MICROPYTHON if micropython_path() is not None else CPYTHON


class SimulatedBoard:
    """A node in a folder.

    root: the board's own folder, made if it is missing; what is in it already stays, so a board
        can be made again on an old folder.
    config: as amont_node/config.py describes it; None leaves the one that is there.
    secret: 16 bytes; None leaves the one that is there.
    files: further files by name (probe tables, "history", certificates): text, bytes or a path
        to link to.
    clock: the clock file to follow; None for real time.
    littlefs: keep the flash in a littlefs image (MicroPython only) rather than in a plain folder.

    Raises ConfigError for a configuration that the node would refuse.
    """

    def __init__(
        self,
        root: Path,
        config: Mapping[str, object] | None = None,
        secret: bytes | None = None,
        *,
        files: Mapping[str, str | bytes | Path] | None = None,
        clock: Path | None = None,
        littlefs: bool = True,
        runtime: str | None = None,
        heap: str = SOURCE_HEAP,
    ) -> None:
        self.root = root
        self.runtime = runtime or default_runtime()
        self._heap = heap
        self._littlefs = littlefs and self.runtime == MICROPYTHON
        self._process: Process | None = None
        root.mkdir(parents=True, exist_ok=True)
        if config is not None:
            write_config(root, config)
        if secret is not None:
            save_secret(str(root), secret)
            (root / "secret.json").chmod(0o600)
        for name, content in (files or {}).items():
            _place(root / name, content)
        if clock is not None:
            _place(root / "clock", clock)

    @property
    def pid(self) -> int | None:
        """The process number while it runs or ran, None before the first start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it; the log is appended to. Raises RuntimeError if it runs already."""
        if self.running():
            raise RuntimeError(f"board in {self.root} runs already")
        arguments = ["."]
        if self._littlefs:
            arguments.append("flash.img")
        line, environment = command(self.runtime, "amont_node.app", arguments, self._heap)
        self._process = Process(line, environment, self.root, self.root / LOG)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ask it to end, then make it."""
        if self._process is not None:
            self._process.stop(timeout_s)

    def kill(self) -> None:
        """Cut it off at once, as kill -9 does."""
        if self._process is not None:
            self._process.kill()

    def running(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.running()

    def log(self) -> str:
        """Return all that it printed since the folder was made."""
        path = self.root / LOG
        return path.read_text(errors="replace") if path.exists() else ""


def write_config(root: Path, config: Mapping[str, object]) -> None:
    """Check a node's configuration and store it as the node itself would."""
    store = ConfigStore(str(root))
    with contextlib.suppress(ValueError):
        store.load()  # so that the revision rises over the one that is there
    store.save(NodeConfig(dict(config)))


def _place(path: Path, content: str | bytes | Path) -> None:
    if path.is_symlink() or path.exists():
        path.unlink()
    if isinstance(content, Path):
        path.symlink_to(content.resolve())
    elif isinstance(content, str):
        path.write_text(content)
    else:
        path.write_bytes(content)


class SimulatedBridge:
    """The bridge between a pseudo-terminal (for the guard) and datagrams (for the nodes).

    port: path that the guard opens as its serial port; it lives until close().
    udp_port: where the nodes' simulated radio sends to.
    windows: its radio is one under the radio port: it waits for the guard's settings, and for its
        nodes' windows.
    """

    def __init__(
        self, root: Path, *, runtime: str | None = None, udp_port: int = 0, windows: bool = False
    ) -> None:
        self.root = root
        self.runtime = runtime or default_runtime()
        root.mkdir(parents=True, exist_ok=True)
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        # Held open here: without any reader a pseudo-terminal tells the bridge that it hung up.
        self.port = os.ttyname(self._slave)
        self.udp_port = udp_port or _free_udp_port()
        self._air = "bridge.json" if windows else str(self.udp_port)
        if windows:
            _place(root / self._air, json.dumps({"chip": "sim", "bind": self.udp_port}))
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The process number while it runs or ran, None before the first start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it; the port's path stays the same over restarts."""
        if self.running():
            raise RuntimeError("the bridge runs already")
        arguments = [f"fd:{self._master}", self._air]
        line, environment = command(self.runtime, "amont_bridge.app", arguments, HEAP)
        self._process = Process(
            line, environment, self.root, self.root / LOG, pass_fds=[self._master]
        )

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ask it to end, then make it. The port stays."""
        if self._process is not None:
            self._process.stop(timeout_s)

    def kill(self) -> None:
        """Cut it off at once. The port stays."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Stop it and give the port back."""
        self.stop()
        for handle in (self._master, self._slave):
            os.close(handle)

    def running(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.running()

    def log(self) -> str:
        """Return all that it printed since the folder was made."""
        path = self.root / LOG
        return path.read_text(errors="replace") if path.exists() else ""


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
