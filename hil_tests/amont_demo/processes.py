"""Start and stop the demonstration's processes, leaving none behind.

Every child is the leader of its own process group and asks the kernel to be terminated when this
process dies (Linux ``PR_SET_PDEATHSIG``), so that even ``kill -9`` of the demonstration leaves
neither process nor port.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amont_hil.process import die_with_parent

_GRACE_S = 5.0


def free_port(preferred: int = 0) -> int:
    """Return a free loopback TCP port, the preferred one where it is free."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback address")


def _die_with_parent() -> None:
    die_with_parent(signal.SIGTERM)  # so that guard and gateway can still write what is left


@dataclass
class Processes:
    """The children of one demonstration, in the order in which they were started."""

    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start one child with its output in ``<logs>/<name>.log``, in a folder of its own."""
        with (self.logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self.running[name] = child
        return child

    def python(self, name: str, module: str, *arguments: str, cwd: Path | None = None) -> None:
        """Start a module of ours as ``start`` does a command."""
        self.start(name, [sys.executable, "-m", module, *arguments], cwd=cwd)

    def check(self, failure: type[RuntimeError]) -> None:
        """Raise ``failure``, with the end of its log, if a child ended by itself."""
        for name in self.dead():
            raise failure(f"{name} ended by itself:\n{self.tail(name)}")

    def dead(self) -> list[str]:
        """Return the names of children that ended although nobody stopped them."""
        return [name for name, child in self.running.items() if child.poll() is not None]

    def stop(self) -> None:
        """End every child, last started first; kill what does not go."""
        for child in reversed(self.running.values()):
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_S
        for child in self.running.values():
            try:
                child.wait(max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(child, signal.SIGKILL)
                child.wait()
        self.running.clear()

    def tail(self, name: str, lines: int = 8) -> str:
        """Return the end of a child's log, to show a person why it ended."""
        path = self.logs / f"{name}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
