"""One child process of a simulated board, which can never outlive its parent."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

_PR_SET_PDEATHSIG = 1
MICROPYTHON = "micropython"
CPYTHON = "cpython"


def micropython_path() -> Path | None:
    """Find MicroPython's Unix port beside this interpreter; None where no wheel exists."""
    path = Path(sys.executable).parent / "micropython"
    return path if path.exists() else None


def import_path() -> list[str]:
    """Return the folders that hold the device's packages, in the order of search."""
    folders: list[str] = []
    for package in ("amont_node", "amont_bridge", "amont_wire"):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"package {package} is not installed")
        folder = str(Path(spec.origin).parent.parent)
        if folder not in folders:
            folders.append(folder)
    return folders


def command(
    runtime: str, module: str, arguments: Sequence[str], heap: str
) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment that run a device module."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MICROPYPATH")}
    folders = import_path()
    if runtime == MICROPYTHON:
        executable = micropython_path()
        if executable is None:
            raise RuntimeError("MicroPython's Unix port is not installed")
        environment["MICROPYPATH"] = ":".join([*folders, ".frozen"])
        start = [str(executable), "-X", f"heapsize={heap}"]
    else:
        environment["PYTHONPATH"] = ":".join(folders)
        environment["PYTHONUNBUFFERED"] = "1"
        start = [sys.executable]
    return [*start, "-m", module, *arguments], environment


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Ask the kernel (Linux) to send this process a signal when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


class Process:
    """A started program with its log file.

    The kernel kills it when the thread that started it ends: start boards from the main thread.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        log_path: Path,
        pass_fds: Sequence[int] = (),
    ) -> None:
        with log_path.open("ab") as log:
            self._child = subprocess.Popen(
                arguments,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
                preexec_fn=die_with_parent,
            )
        self.pid = self._child.pid

    def running(self) -> bool:
        """Tell whether it runs."""
        return self._child.poll() is None

    def stop(self, timeout_s: float) -> None:
        """Send SIGTERM, and SIGKILL when that does not help within the time."""
        self._child.terminate()
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        self._child.kill()
        self._child.wait()
