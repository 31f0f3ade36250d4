"""Run a simulated board: MicroPython's Unix port behind a pseudo-terminal, its root a folder.

A small process of its own (``virtual_bridge.py``) owns both terminals, so that the board goes on
between two commands. Beside the board's files it keeps:

    .pty        link to the terminal that stands for the serial port; gone while unplugged
    .board      the bridge's process number; locked as long as it lives
    .board.log  what it could not say otherwise

The bridge ends when it is asked to, or when its folder goes. Signals do what hands do with a real
board: SIGHUP cuts power and gives it back (the reset button), SIGUSR1 pulls the cable, SIGUSR2
plugs it in, SIGTERM ends it.

    python -m amont_provision.virtual start|stop|reset|pull|plug FOLDER
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from amont_provision.texts import Refused

TERMINAL, LOCK, LOG = ".pty", ".board", ".board.log"
BRIDGE = "amont_provision.virtual_bridge"
HEAP = "192k"  # what a Pico has; objects are twice as large here, so this is the stricter
START_S = 10.0
STOP_S = 5.0
POLL_S = 0.02


class VirtualBoard:
    """The simulated board in a folder, whoever started it.

    heap: MicroPython's heap, as its ``-X heapsize`` takes it; only ``start`` uses it.
    """

    def __init__(self, folder: Path, heap: str = HEAP) -> None:
        self.folder = folder.resolve()
        self._heap = heap

    def running(self) -> bool:
        """Tell whether its bridge lives."""
        return self._pid() is not None

    def start(self) -> None:
        """Start it unless it runs; return when its terminal is there. Raises Refused."""
        if self.running():
            return
        executable = Path(sys.executable).parent / "micropython"
        if not executable.exists():
            raise Refused("virtual-missing")
        (self.folder / TERMINAL).unlink(missing_ok=True)
        with (self.folder / LOG).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", BRIDGE, str(self.folder),
                 str(executable), self._heap],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        there = _comes(lambda: (self.folder / TERMINAL).is_symlink() and self.running(), START_S)
        if self._pid() == child.pid:
            # It outlives us on purpose: nobody waits for it, and nobody is told off for that.
            child.returncode = 0
            return
        # Another one was faster, or ours died: it must not come up when that one has gone.
        child.kill()
        child.wait()
        if not there:
            raise Refused("virtual-dead", folder=self.folder, why=f"{START_S:g} s")

    def terminal(self) -> str:
        """Return the device that stands for its serial port; raise Refused if it is unplugged."""
        try:
            return os.readlink(self.folder / TERMINAL)
        except OSError:
            raise Refused("virtual-unplugged", folder=self.folder) from None

    def reset(self) -> None:
        """Press the reset button: whatever it does, it starts again."""
        self._signal(signal.SIGHUP)

    def pull(self) -> None:
        """Pull the cable: the line drops, the board goes on."""
        self._signal(signal.SIGUSR1)
        _comes(lambda: not (self.folder / TERMINAL).is_symlink(), STOP_S)

    def plug(self) -> None:
        """Plug the cable in again."""
        self._signal(signal.SIGUSR2)
        _comes((self.folder / TERMINAL).is_symlink, STOP_S)

    def stop(self) -> None:
        """End the board and its bridge, if they run."""
        pid = self._pid()
        if pid is None:
            return
        self._signal(signal.SIGTERM)
        if not _comes(lambda: not self.running(), STOP_S):
            os.kill(pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        pid = self._pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    # The number in the lock file counts only while its writer holds the lock.
    def _pid(self) -> int | None:
        try:
            with (self.folder / LOCK).open("r") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    text = file.read()
                    return int(text) if text.strip().isdigit() else None
                return None
        except FileNotFoundError:
            return None


def _comes(true: Callable[[], bool], limit_s: float) -> bool:
    until_s = time.monotonic() + limit_s
    while not true():
        if time.monotonic() >= until_s:
            return False
        time.sleep(POLL_S)
    return True


def main(arguments: Sequence[str]) -> int:
    """Do one thing with a board: ``start|stop|reset|pull|plug FOLDER``; return an exit code."""
    actions = ("start", "stop", "reset", "pull", "plug")
    if len(arguments) != 2 or arguments[0] not in actions or not Path(arguments[1]).is_dir():
        sys.stderr.write(f"python -m amont_provision.virtual {'|'.join(actions)} FOLDER\n")
        return 2
    try:
        getattr(VirtualBoard(Path(arguments[1])), arguments[0])()
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
