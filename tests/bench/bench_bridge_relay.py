"""Urgent frame at the bridge's port to relay, on a real guard, beside noise and a second receiver.

Sixteen stations sound one after the other; each alarm is one measurement. Both receivers hand the
deciding frame over, in either order; both lines carry as much noise between frames as 115,200 baud
can. Anchor: a line of the same length that an idle process sends back over the same kind of pty.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.bench_latency import bench_guard
from tests.guard.rig import Line

from amont_wire.const import URGENT
from amont_wire.link import RADIO_LISTENS, Identity, RadioState, Received, Status

NAMES = (
    "bridge.relay_p50_ms", "bridge.relay_p999_ms", "bridge.relay_again", "bridge.relay_noise",
)  # fmt: skip
P999_GOAL_MS = 100.0
ROUNDS, FULL_ROUNDS = 6, 63  # of 16 alarms each: about 20 s, and a thousand in four minutes
ECHOES = 1000
NOISE_BYTES_S = 11_520  # 115,200 baud
STATUS_S = 5.0
DEADLINE_S = 20.0
_ECHO = """
import os, select, sys, tty
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
tty.setraw(fd)
os.write(1, b"ready")
while select.select([fd], [], []):
    os.write(fd, os.read(fd, 4096))
"""


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures; ``full`` takes a thousand alarms."""
    with contextlib.suppress(PermissionError):  # or the bench measures when it gets to write
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    try:
        yield from _figures(FULL_ROUNDS if full else ROUNDS, seed)
    finally:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, 0)


def _figures(rounds: int, seed: int) -> Iterator[dict[str, Any]]:
    echoed = echoes_ms(ECHOES)
    ears = Ears(seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        ears,
        bench_guard(Path(folder), ears, [ears.second.name]) as bench,
    ):
        bench.deciding, began = URGENT, time.monotonic()
        ears.noisy()
        taken = bench.alarms(rounds)
        elapsed_s = time.monotonic() - began
        ears.quiet()
        counters = bench._state()["counters"]
    yield _figure("bridge.relay_p50_ms", taken, echoed, 0.5, None)
    yield _figure("bridge.relay_p999_ms", taken, echoed, 0.999, P999_GOAL_MS)
    again, expected = counters.get("bridge: heard again", 0), ears.doubled
    yield {
        "name": "bridge.relay_again", "value": again, "unit": f"second hearings of {expected}",
        "goal": expected, "met": again == expected,
        "trials": ears.doubled, "failures": abs(expected - again),
    }  # fmt: skip
    rate = ears.noise_bytes / 2 / elapsed_s
    yield {
        "name": "bridge.relay_noise", "value": round(rate), "unit": "bytes/s of noise a line",
        "anchor": NOISE_BYTES_S, "met": counters["bridge: damaged lines"] > 0,
    }  # fmt: skip


def echoes_ms(count: int) -> list[float]:
    """Return how long an idle process takes to send a line back over a pty."""
    line = Line()
    frame = Received(1, -80, 20, bytes([0x11, 17, *range(1, 30)])).pack()
    echo = subprocess.Popen([sys.executable, "-c", _ECHO, line.name], stdout=subprocess.PIPE)
    taken = []
    try:
        assert echo.stdout is not None
        echo.stdout.read(5)
        for _ in range(count):
            began, got = time.monotonic(), 0
            os.write(line.master, frame)
            while got < len(frame):
                if not select.select([line.master], [], [], DEADLINE_S)[0]:
                    raise TimeoutError("nothing came back")
                got += len(os.read(line.master, 4096))
            taken.append((time.monotonic() - began) * 1000)
            time.sleep(0.001)
    finally:
        echo.kill()
        echo.wait(DEADLINE_S)
        line.close()
    return taken


class Ears(Line):
    """Two bridges' ends: each frame is handed over by both, in either order, amid noise."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.second, self._chance = Line(), random.Random(seed)
        self._writing, self._stopping = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self.doubled = self.noise_bytes = 0

    def __enter__(self) -> Ears:
        return self

    def __exit__(self, *_: object) -> None:
        self.quiet()
        self.second.close()

    def put(self, *frames: bytes) -> None:
        for frame in frames:
            pair = [self.master, self.second.master]
            self._chance.shuffle(pair)
            with self._writing:
                for end in pair:
                    os.write(end, Received(1, -80, 20, frame).pack())
            self.doubled += 1

    def noisy(self) -> None:
        """Begin with the noise, and with what bridges say of themselves."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def quiet(self) -> None:
        """End it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(DEADLINE_S)

    def _run(self) -> None:
        began = time.monotonic()
        next_s, chance = 0.0, random.Random(self._chance.random())
        while not self._stopping.wait(0.01):
            elapsed_s = time.monotonic() - began
            due = int(elapsed_s * NOISE_BYTES_S) - self.noise_bytes // 2
            piece = chance.randbytes(max(1, min(due, 1024))) + b"\0"  # a line ends before a frame
            for at, end in enumerate((self.master, self.second.master)):
                with self._writing, contextlib.suppress(BlockingIOError):
                    self.noise_bytes += os.write(end, piece)
                    if elapsed_s >= next_s:
                        os.write(end, _status(at, int(elapsed_s * 1000)))
            if elapsed_s >= next_s:
                next_s += STATUS_S
                with self._writing:
                    self.sent()
                    self.second.sent()


def _status(at: int, tick_ms: int) -> bytes:
    radio = RadioState(0, 0, 0, 0, 0, "")
    identity = Identity(2, bytes([1 + at]) * 8, 1 + at, RADIO_LISTENS)
    return identity.pack() + Status(tick_ms, 0, 0, 0, 2, radio).pack()


def _figure(
    name: str, taken: list[float], echoed: list[float], share: float, goal: float | None
) -> dict[str, Any]:
    value, anchor = _quantile(taken, share), _quantile(echoed, share)
    return {
        "name": name, "value": round(value, 2), "unit": f"ms of {len(taken)}",
        "anchor": round(anchor, 3), "goal": goal,
        "met": None if goal is None else value <= goal,
    }  # fmt: skip


def _quantile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]
