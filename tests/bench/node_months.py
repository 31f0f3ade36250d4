"""Let a node live for months in minutes: .mpy files, a Pico's heap, a guard that may be away."""

from __future__ import annotations

import random
import re
import socket
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hil_tests.rig_parts import node_config
from tests.bench.device_rig import command, compile_all, environment

from amont_hil.simulated import HEAP, write_config
from amont_hil.tiny_guard import NODE, SECRET, TinyGuard
from amont_node.config import save_secret
from amont_wire import const
from amont_wire.frame import Opener
from amont_wire.messages import decode

INTERVAL_S = 900
DAY_S = 86_400
WIRED_MM = 1800  # what device/pins.py shows the first of the sensors on pins
TIMEOUT_S = 900.0
Channel = Mapping[str, object]
CHIP = {"kind": "pcf8583", "i2c": {"id": 0, "scl": 5, "sda": 4}}
WIRED = (  # a sensor of each kind of bus, and what counts for one while it sleeps
    {"index": 0, "quantity": 1, "step": 1,
     "probe": {"kind": "a02yyuw", "uart": {"id": 1, "rx": 5}}},
    {"index": 1, "quantity": 1, "step": 1,
     "probe": {"kind": "ads1115_420ma", "i2c": {"id": 0, "scl": 5, "sda": 4}}},
    {"index": 2, "quantity": 6, "step": 1, "probe": {"kind": "ds18b20", "pin": 15}},
    {"index": 3, "quantity": 5, "step": 1, "probe": {"kind": "pulse", "counter": CHIP}},
)  # fmt: skip
_HEAD_BYTES = 3  # of a datagram on the simulated air: how well it was heard


@dataclass
class Month:
    """What a node's months came to; bytes of its heap."""

    samples: int
    waiting: int
    dropped: int
    delivered: int  # readings that the guard holds, each with the value that the probe showed
    wrong: int
    free: list[int] = field(repr=False)  # after a collection, each hour
    largest: list[int] = field(repr=False)  # the largest free piece, each day
    start: int  # free when the node is made
    late: int  # free with an update begun, 0 if none was
    output: str = field(repr=False)

    @property
    def free_median(self) -> int:
        """Return the median of the free heap."""
        return round(statistics.median(self.free))


class AirGuard:
    """A guard in miniature on the simulated air, which is away in some days of the node's."""

    def __init__(self, away: range) -> None:
        self.guard = TinyGuard()
        self._away = away
        self._opener = Opener(SECRET, NODE, 1, const.UPLINK)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = int(self._socket.getsockname()[1])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guard")
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                data, address = self._socket.recvfrom(256)
            except TimeoutError:
                continue
            answer = self._take(data[_HEAD_BYTES:])
            if answer is not None:
                self._socket.sendto(data[:_HEAD_BYTES] + answer, address)

    def _take(self, frame: bytes) -> bytes | None:
        header, body = self._opener.open(frame)
        day = decode(header.type, body).tick_s // DAY_S
        return None if day in self._away else self.guard.take(frame)


def live(
    days: int, away: range, seed: int, heap: str = HEAP, wired: Sequence[Channel] = (),
    late: bool = False,
) -> Month:  # fmt: skip
    """Live so many days, with these sensors on pins, at the end with an update.

    Raise RuntimeError if the node ends, by a MemoryError above all.
    """
    rng = random.Random(seed)
    stage = [rng.randint(0, 3000) for _ in range(days * DAY_S // INTERVAL_S + 2)]
    guard = AirGuard(away)
    try:
        with tempfile.TemporaryDirectory(prefix="amont-month-") as name:
            folder = Path(name)
            compile_all(folder / "mpy")
            _furnish(folder / "board", guard.port, stage, wired)
            output = _run(folder, days, away, heap, ["pins"] * bool(wired) + ["late"] * late)
    finally:
        guard.close()
    return _month(output, guard.guard, [WIRED_MM] * len(stage) if wired else stage)


def _furnish(board: Path, port: int, stage: list[int], wired: Sequence[Channel]) -> None:
    board.mkdir()
    lines = (f"{i * INTERVAL_S} {value}\n" for i, value in enumerate(stage))
    (board / "stage.txt").write_text("".join(lines))
    channels = [
        {"index": 0, "quantity": 1, "step": 1, "probe": {"kind": "replay", "file": "stage.txt"}},
        *[  # as many as the wire takes: what a frame is made of then fills the most
            {"index": i, "quantity": 8, "step": 1, "probe": {"kind": "constant", "value": 3100}}
            for i in (1, 2, 3)
        ],
    ]
    write_config(board, node_config(
        {"kind": "radio", "port": port}, interval_s=INTERVAL_S, fast_interval_s=60,
        channels=list(wired) or channels, high_mark=None, rise_mark=None,
    ))  # fmt: skip
    save_secret(str(board), SECRET)


def _run(folder: Path, days: int, away: range, heap: str, more: list[str]) -> str:
    gone = f"{away.start}-{away.stop}"
    line = command(heap, "-m", "node_month", str(days), gone, *more)
    done = subprocess.run(
        line, cwd=folder / "board", env=environment([folder / "mpy"]),
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    if done.returncode or "done " not in done.stdout:
        raise RuntimeError(f"the node ended: {done.stdout[-800:]}{done.stderr[-1500:]}")
    return done.stdout


def _month(output: str, guard: TinyGuard, stage: list[int]) -> Month:
    end = {k: int(v) for k, v in re.findall(r"(samples|waiting|dropped)=(\d+)", output)}
    shown = {key: stage[tick_s // INTERVAL_S] for key, tick_s in guard.ticks.items()}
    wrong = sum(value != shown[key] for key, value in guard.readings.items())
    return Month(
        **end,
        delivered=len(guard.readings) - wrong,
        wrong=wrong,
        start=int(re.findall(r"^start (\d+)", output, re.M)[0]),
        late=sum(map(int, re.findall(r"^late (\d+)", output, re.M))),
        free=[int(free) for free in re.findall(r"^hour \d+ (\d+)", output, re.M)],
        largest=[32 * int(blocks) for blocks in re.findall(r"max free sz: (\d+)", output)],
        output=output,
    )
