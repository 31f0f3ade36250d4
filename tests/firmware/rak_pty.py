"""The double of the RAK3172 behind a pseudo-terminal, in real time, for other processes."""

import importlib
import os
import pty
import select
import sys
import threading
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Any, Self

DEVICE = Path(__file__).parent / "device"


class RealClock:
    """The time of this process, as the double wants it."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


def double(clock: RealClock, flash: dict[str, str], **set_up: Any) -> Any:
    """Return a double of the module; flash: what it keeps that is not as it left the factory."""
    if str(DEVICE) not in sys.path:
        sys.path.append(str(DEVICE))
    module = importlib.import_module("rak3172").Rak3172(clock, flash)
    for name, value in set_up.items():
        setattr(module, name, value)
    return module


class PtyModule:
    """A module whose serial line is ``port``; ``module`` may be looked at and changed any time."""

    def __init__(self, flash: dict[str, str] | None = None, **set_up: Any) -> None:
        self.module = double(RealClock(), flash or {}, **set_up)
        self.lock = threading.Lock()
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = Path(os.ttyname(self._slave))
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rak3172", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._ends.set()
        self._thread.join(5)
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        while not self._ends.is_set():
            readable, _, _ = select.select([self._master], [], [], 0.005)
            with self.lock:
                if readable:
                    self.module.write(os.read(self._master, 4096))
                while waiting := self.module.any():
                    os.write(self._master, self.module.read(min(waiting, 1024)))
