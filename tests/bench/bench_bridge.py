"""Ten million bytes of line noise at a bridge on real MicroPython, in a Pico's heap.

Noise of five kinds comes in bursts that end anywhere; three good lines follow each. The first may
be joined to the noise before it, and is then lost with it; counted are all others that were not
answered, and answers to what nobody said.
"""

from __future__ import annotations

import os
import random
import select
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.bench_bridge_guard_noise import KINDS

from amont_hil.process import MICROPYTHON
from amont_hil.simulated import SimulatedBridge
from amont_wire import link

NAMES = ("bridge.noise_bytes", "bridge.noise_rate", "bridge.resync_frames")
BYTES, FULL_BYTES = 10_000_000, 100_000_000
LONG_LINE = 1_000_000  # once: a line of a megabyte
LINES = 3  # good ones behind each burst
DEADLINE_S, ANSWER_S = 900.0, 10.0
BAUD_BYTES_S = 11_520  # 115,200 baud, as a UART behind a converter has
FRAME = bytes([0x18, 17, 0, 1, 0, 0, 0]) + bytes(20)


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), seed)
        try:
            began_s = time.monotonic()
            run.until(FULL_BYTES if full else BYTES)
            rate = run.noise / (time.monotonic() - began_s)
            crashed = not run.bridge.running()
        finally:
            run.close()
    failures = run.lost + run.false + crashed
    yield {
        "name": "bridge.noise_bytes", "value": run.noise,
        "unit": f"bytes; {failures} lost, false or crashed of {run.bursts * LINES} lines",
        "goal": BYTES, "met": run.noise >= BYTES and failures == 0,
        "trials": run.bursts * LINES, "failures": failures,
    }  # fmt: skip
    yield {
        "name": "bridge.noise_rate", "value": round(rate), "unit": "bytes/s taken",
        "anchor": BAUD_BYTES_S, "goal": BAUD_BYTES_S, "met": rate > BAUD_BYTES_S,
    }  # fmt: skip
    yield {
        "name": "bridge.resync_frames", "value": run.worst,
        "unit": f"lines lost behind a burst at most; {run.joined} of {run.bursts} lost one",
        "goal": 1, "met": run.worst <= 1,
    }  # fmt: skip


class Run:
    """One bridge, the guard's end of its line, and what goes over it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.bridge = SimulatedBridge(folder, runtime=MICROPYTHON)
        self.bridge.start()
        self._line = os.open(self.bridge.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._deframer = link.Deframer()
        self._answered: set[int] = set()
        self._handle = 0
        self.noise = self.bursts = self.lost = self.false = self.joined = self.worst = 0

    def until(self, wanted: int) -> None:
        """Send noise and lines until so many bytes of noise have gone."""
        deadline_s = time.monotonic() + DEADLINE_S
        # A bridge that only listens answers each line at once, and sends nothing.
        self._write(link.Settings(link.ROLE_LISTEN, [868100], [9]).pack())
        self._burst(self.chance.randbytes(LONG_LINE).replace(b"\0", b"\1"))
        while self.noise < wanted:
            if time.monotonic() > deadline_s:
                raise TimeoutError("the bridge does not take it")
            noise = KINDS[self.bursts % len(KINDS)](self.chance, link.Send(1, FRAME).pack())
            self._burst(noise[: self.chance.randrange(len(noise) // 2, len(noise))])

    def close(self) -> None:
        """End the bridge."""
        os.close(self._line)
        self.bridge.close()

    def _burst(self, noise: bytes) -> None:
        handles = [(self._handle + n) & 0xFFFF for n in range(LINES)]
        self._handle += LINES
        self._answered.clear()
        self._write(noise + b"".join(link.Send(handle, FRAME).pack() for handle in handles))
        until_s = time.monotonic() + ANSWER_S
        while handles[-1] not in self._answered and time.monotonic() < until_s:
            self._read(0.1)
        missing = [handle for handle in handles if handle not in self._answered]
        self.bursts += 1
        self.noise += len(noise)
        self.joined += missing == handles[:1]
        self.lost += len(missing) - (missing == handles[:1])
        self.false += len(self._answered - set(handles))
        self.worst = max(self.worst, len(missing))

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            ready, room, _ = select.select([self._line], [self._line], [], ANSWER_S)
            if ready:
                self._read(0)
            if room:
                left = left[os.write(self._line, left) :]

    def _read(self, wait_s: float) -> None:
        if not select.select([self._line], [], [], wait_s)[0]:
            return
        for payload in self._deframer.feed(os.read(self._line, 4096)):
            told = link.unpack(payload)
            if isinstance(told, link.Sent) and told.result == link.SENT_BUSY:
                self._answered.add(told.handle)
