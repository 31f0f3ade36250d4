"""Ten million bytes of line noise at the guard's receivers: every good frame behind it is heard.

Noise of five kinds comes in bursts over a pty, each ended by a zero; a good frame follows. Counted
are frames that were not heard, and noise that opens; that some passes a CRC of 16 bits is certain.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.guard.rig import SECRETS, A, FakeClock, Line, SimNode, waiting
from tests.guard.test_receivers import config

from amont_guard.ports import Board
from amont_guard.receivers import Receivers
from amont_wire.const import UPLINK
from amont_wire.errors import WireError
from amont_wire.frame import Opener
from amont_wire.link import Received, cobs_encode, pack

NAMES = ("bridge.guard_noise", "bridge.guard_noise_rate")
BYTES, FULL_BYTES = 10_000_000, 100_000_000
LONG_LINE = 1_000_000
PIECE = 4000  # a pty holds 4 kB
DEADLINE_S, ARRIVAL_S = 600.0, 5.0
Noise = Callable[[random.Random, bytes], bytes]


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures."""
    run = Run(seed)
    try:
        began = time.monotonic()
        run.until(FULL_BYTES if full else BYTES)
        elapsed_s = time.monotonic() - began
    finally:
        run.close()
    failures = run.lost + run.false
    yield {
        "name": "bridge.guard_noise", "value": failures,
        "unit": f"lost or opened of {run.frames}, {run.passed} past the CRC", "goal": 0,
        "met": failures == 0,
        "trials": run.frames, "failures": failures,
    }  # fmt: skip
    yield {
        "name": "bridge.guard_noise_rate", "value": round(run.noise / elapsed_s),
        "unit": "bytes/s taken", "anchor": 11_520, "goal": 11_520,
        "met": run.noise / elapsed_s > 11_520,
    }  # fmt: skip


def _even(chance: random.Random, _good: bytes) -> bytes:
    return chance.randbytes(PIECE)


def _zeros(chance: random.Random, _good: bytes) -> bytes:
    return bytes(byte if byte < 100 else 0 for byte in chance.randbytes(PIECE))


def _flipped(chance: random.Random, good: bytes) -> bytes:
    """Return good lines with a bit wrong each."""
    lines = b""
    while len(lines) < PIECE - 400:
        line = bytearray(good[:-1])
        line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
        lines += bytes(line) + b"\0"
    return lines


def _senseless(chance: random.Random, _good: bytes) -> bytes:
    """Return whole lines that no bridge says."""
    bodies = [bytes([chance.randrange(8, 256)]) + chance.randbytes(30) for _ in range(60)]
    return b"".join(pack(body) for body in bodies)


def _unchecked(chance: random.Random, _good: bytes) -> bytes:
    """Return lines that are well stuffed and fail only by their sum."""
    bodies = [b"\1" + chance.randbytes(60) for _ in range(50)]
    return b"".join(cobs_encode(body) + b"\0" for body in bodies)


KINDS: tuple[Noise, ...] = (_even, _zeros, _flipped, _senseless, _unchecked)


class Run:
    """One receiver on a pty, and what goes over it."""

    def __init__(self, seed: int) -> None:
        self.chance, self.counters = random.Random(seed), Counter[str]()
        self.line, self.node = Line(), SimNode(A, FakeClock())
        board = Board(self.line.name, 0x2E8A, 5, "E66A")
        self.receivers = Receivers(config(), self.counters, lambda: [board], lambda: _at_once)
        self.receivers.poll(0.0)
        self.receivers.poll(0.0)
        self.opener = Opener(SECRETS[A], A, 1, UPLINK)
        self.noise = self.frames = self.lost = self.passed = self.false = 0

    def until(self, wanted: int) -> None:
        """Send noise and frames until so many bytes of noise have gone."""
        deadline, at = time.monotonic() + DEADLINE_S, 0
        self._one_line()
        while self.noise < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError("the receiver does not take it")
            frame = self.node.frame(300)
            good = Received(1, -80, 20, frame).pack()
            noise = KINDS[at % len(KINDS)](self.chance, good)
            at += 1
            self._send(noise, set())
            self._send(b"\0" + good, {frame})

    def close(self) -> None:
        self.receivers.close()
        self.line.close()

    def _one_line(self) -> None:
        for _ in range(LONG_LINE // PIECE):
            self._send(b"\7" * PIECE, set())
        frame = self.node.frame(300)
        self._send(b"\0" + Received(1, -80, 20, frame).pack(), {frame})

    def _opens(self, frame: bytes) -> bool:
        try:
            self.opener.open(frame)
        except WireError:
            return False
        return True

    def _send(self, data: bytes, wanted: set[bytes]) -> None:
        heard: set[bytes] = set()
        left = data
        until = time.monotonic() + ARRIVAL_S  # the kernel carries it over in its own time
        while left or not wanted <= heard:
            if left:
                with contextlib.suppress(BlockingIOError):
                    left = left[os.write(self.line.master, left) :]
            if waiting(self.line.slave):
                heard |= {x.frame for x in self.receivers.hear(self.receivers.all, 0.0)}
            elif not left and time.monotonic() > until:
                break
        self.frames += len(wanted)
        self.noise += 0 if wanted else len(data)
        self.lost += len(wanted - heard)
        strange = heard - wanted
        self.passed += len(strange)
        self.false += sum(self._opens(frame) for frame in strange)
        self.receivers.poll(0.0)


def _at_once(job: Callable[[], None]) -> bool:
    job()
    return True
