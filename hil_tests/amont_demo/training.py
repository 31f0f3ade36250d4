"""Train people on the real page and the real guard, with a flood that is replayed.

Everything lives in a folder of its own: a guard with a simulated siren (a scaled clock refuses
every other), nodes that seal real frames on CPython, a gateway whose page says TRAINING. The real
guard, its folder, its sockets, its relays and the real journal are not written to.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amont_demo import training_site
from amont_demo.clock import HISTORY_S, ScaledClock, change_speed, write_clock
from amont_demo.director import PHASES, Director, Pace
from amont_demo.flood import Curve, Flood, history_lines, probe_lines
from amont_demo.page_view import shows_guard, snapshot
from amont_demo.processes import Processes, free_port
from amont_hil.process import CPYTHON
from amont_hil.simulated import SimulatedBoard, SimulatedBridge
from amont_provision.enrol import Options as Enrolment
from amont_provision.enrol import carry_out, plan
from amont_provision.keyfile import KeyFile
from amont_provision.port import VirtualPort
from amont_site import Site, write_guard

PAGE_PORT = 8470
READY_S = 90.0  # a Raspberry Pi imports slowly
ROUND_S = 0.2
_BACK_MS = (
    2 * 86_400_000
)  # the replay lies in the past, so no clock on the way calls it the future
_NO_CURVE: Curve = [(0, 0), (1, 0)]


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message says why."""


@dataclass(frozen=True)
class Options:
    """What a person may choose."""

    pace: Pace = field(default_factory=Pace)
    page_port: int = PAGE_PORT
    host: str = "127.0.0.1"
    https_port: int = 0
    authority: Path | None = None  # the real page's, which the phones trust already


class Course:
    """One training course, in an empty folder."""

    def __init__(self, folder: Path, site: Site, flood: Flood, options: Options) -> None:
        """Prepare; nothing is started, and nothing is written yet."""
        self.folder, self.options, self.flood = folder, options, flood
        self.clock_path = folder / "clock"
        self.page_port = free_port(options.page_port)
        self.epoch_ms = (int(time.time() * 1000) - _BACK_MS) // 3_600_000 * 3_600_000
        self.director = Director(options.pace)
        self.paces: list[tuple[float, int]] = []  # (real s, replayed Unix ms) at each new speed
        self.pins: dict[str, str] = {}
        self._given = site
        self.site = site
        self._boards: list[SimulatedBoard] = []
        self._bridge: SimulatedBridge | None = None
        self._processes = Processes(folder / "logs")

    @property
    def address(self) -> str:
        """Return the page's address on this machine."""
        return f"http://127.0.0.1:{self.page_port}/"

    @property
    def guard_folder(self) -> Path:
        """Return the training guard's folder."""
        return self.folder / "guard"

    def start(self) -> None:
        """Start bridge, guard, gateway and nodes; raise TrainingError if the folder is in use."""
        if self.folder.exists() and any(self.folder.iterdir()):
            raise TrainingError(
                f"{self.folder} is not empty: training never works in a real folder"
            )
        (self.folder / "logs").mkdir(parents=True)
        write_clock(self.clock_path, HISTORY_S, 1.0)
        self._bridge = SimulatedBridge(self.folder / "bridge", runtime=CPYTHON)
        self._bridge.start()
        self._prepare(self._bridge)
        timing = ["--clock", str(self.clock_path), "--epoch-ms", str(self.epoch_ms)]
        self._processes.python(
            "guard", "amont_demo.guard_main", "--state", str(self.guard_folder), *timing
        )
        self._processes.python("gateway", "amont_demo.training_gateway", *self._gateway(), *timing)
        for board in self._boards:
            board.start()
        if not shows_guard(self.address, self._check, READY_S):
            raise TrainingError(f"the page did not come up within {READY_S:g} s")
        self._mark()

    def stop(self) -> None:
        """End every process that was started."""
        for board in self._boards:
            board.stop()
        self._processes.stop()
        if self._bridge is not None:
            self._bridge.close()

    def view(self) -> dict[str, Any] | None:
        """Return the page's snapshot, None while it does not answer."""
        return snapshot(self.address)

    def turn(self) -> bool:
        """Look once and set the speed; return whether a new phase began. Raise TrainingError."""
        self._check()
        view = self.view()
        if view is None:
            return False
        over = self._now_s() > HISTORY_S + self.flood.length_s
        if not self.director.look(view, time.monotonic(), over):
            return False
        self._set_speed()
        return True

    def go_on(self) -> None:
        """End a slow phase by hand."""
        self.director.go_on(time.monotonic())
        self._set_speed()

    def told(self, lang: str) -> str:
        """Say what is going on."""
        return PHASES[self.director.phase][lang]

    def _set_speed(self) -> None:
        change_speed(self.clock_path, self.director.speed)
        self._mark()

    def _mark(self) -> None:
        clock = ScaledClock(self.clock_path, self.epoch_ms)
        self.paces.append((time.monotonic(), clock.wall_ms()))

    def _now_s(self) -> float:
        return ScaledClock(self.clock_path, self.epoch_ms).virtual_s()

    def _prepare(self, bridge: SimulatedBridge) -> None:
        path = self.folder / "site.yaml"
        self.site, self.pins = training_site.write(self._given, path, bridge.port)
        self.guard_folder.mkdir(mode=0o700)
        write_guard(self.site, self.guard_folder / "guard.json")
        keys = KeyFile(self.guard_folder / "keys.json")
        enrolment = Enrolment(radio=("127.0.0.1", bridge.udp_port))
        for node in self.site.nodes:
            folder = self.folder / "nodes" / str(node.id)
            folder.mkdir(parents=True)
            curves = [self.flood.curves.get(c.sensor, _NO_CURVE) for c in node.channels]
            for seed, (channel, curve) in enumerate(zip(node.channels, curves, strict=True)):
                lines = probe_lines(curve, HISTORY_S, node.id + seed)
                (folder / f"{channel.sensor}.txt").write_text(lines)
            if _NO_CURVE not in curves:
                past = history_lines(curves, HISTORY_S, node.interval_s)
                (folder / "history").write_text(past)
            port = VirtualPort(folder)
            carry_out(plan(self.site, node.id, port, keys, enrolment), port, keys)
            self._boards.append(SimulatedBoard(folder, clock=self.clock_path, runtime=CPYTHON))
        data = self.folder / "gateway"
        data.mkdir()
        if self.options.authority is not None:
            (data / "authority").symlink_to(self.options.authority.resolve())

    def _gateway(self) -> list[str]:
        words = {
            "--site": self.folder / "site.yaml",
            "--data": self.folder / "gateway",
            "--guard-socket": self.guard_folder / "guard.sock",
            "--host": self.options.host,
            "--page-port": self.page_port,
            "--https-port": self.options.https_port,
            "--told": json.dumps(self.flood.told, ensure_ascii=False),
        }
        return [str(word) for pair in words.items() for word in pair]

    def _check(self) -> None:
        self._processes.check(TrainingError)


@contextlib.contextmanager
def running(folder: Path, site: Site, flood: Flood, options: Options) -> Iterator[Course]:
    """Run a course for the length of a block."""
    course = Course(folder, site, flood, options)
    try:
        course.start()
        yield course
    finally:
        course.stop()
