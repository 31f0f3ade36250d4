"""Run guard, gateway and a simulated bridge for one site on this machine, on real time.

They are the programs that a town hall runs. The boards are missing: a technician makes them, with
``amont-provision`` and ``virtual:FOLDER/boards/NODE``; ``boards/spare`` waits in the drawer and
fits in any node's place. What is in the folder already stays, so that a village can be stopped and
started again.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amont_demo import village_site
from amont_demo.page_view import shows_guard, snapshot
from amont_demo.processes import Processes, free_port
from amont_hil.simulated import SimulatedBridge
from amont_provision.enrol import RADIO
from amont_provision.virtual import VirtualBoard
from amont_provision.whole import replace
from amont_site import Site, load, write_guard

PAGE_PORT = 8462
READY_S = 60.0  # a Raspberry Pi imports slowly
ROUND_S = 0.2
NO_KEYS = b'{"format":1,"nodes":{}}'
# Seen from the folder, where the programs run: such paths have bounds (a site's file, sockets).
BRIDGE, GUARD = Path("bridge/tty"), Path("guard")
SPARE = "spare"
BRIDGE_CARRIER = "bridge"
WATER_S = 60 * 86_400  # of simulated water, from now on
_STEP_S = 600
_CALM_MM, _WAVES_MM = 850, 60


class VillageError(RuntimeError):
    """The village cannot start or go on; the message says why."""


@dataclass(frozen=True)
class Ports:
    """What boards and people find again when the village comes back: kept in the folder."""

    page: int
    radio: int
    broker: int


class Village:
    """All that runs, in one folder."""

    def __init__(self, folder: Path, given: Path | None, page_port: int) -> None:
        """Read what is there; raise VillageError or SiteError."""
        self.folder = folder.resolve()
        self.site_path = self.folder / "site.yaml"
        self.keys = self.folder / GUARD / "keys.json"
        self.boards = self.folder / "boards"
        self._line = self.folder / BRIDGE
        for path in (self._line.parent, self.boards, self.folder / "logs"):
            path.mkdir(parents=True, exist_ok=True)
        self.ports = self._choose_ports(page_port)
        self.site = self._choose_site(given)
        self._processes = Processes(self.folder / "logs")
        self._bridge: SimulatedBridge | None = None

    @property
    def page(self) -> str:
        """Return the page's address."""
        return f"http://127.0.0.1:{self.ports.page}/"

    @property
    def radio(self) -> str:
        """Return where simulated boards send to, as ``enrol --radio`` takes it."""
        return f"{RADIO[0]}:{self.ports.radio}"

    def start(self) -> None:
        """Start bridge, broker where nodes need one, guard, gateway; return when they answer."""
        self._start_bridge()
        guard = self.folder / GUARD
        guard.mkdir(mode=0o700, exist_ok=True)
        write_guard(self.site, guard / "guard.json")
        if not self.keys.exists():
            replace(self.keys, NO_KEYS)
        self._pour_water()
        if self.site.broker is not None:
            self._start("broker", "amont_demo.broker", str(self.ports.broker))
        self._start("guard", "amont_guard.cli", "run", "--state", str(GUARD))
        self._start(
            "gateway", "amont_gateway.cli", "run",
            "--site", self.site_path.name, "--data", "gateway",
            "--guard-socket", str(GUARD / "guard.sock"),
            "--page", f"127.0.0.1:{self.ports.page}", "--page-https", "none",
        )  # fmt: skip
        if not shows_guard(self.page, self.check, READY_S):
            raise VillageError(f"the page did not come up within {READY_S:g} s")

    def stop(self) -> None:
        """End every process, those of the boards included."""
        for board in self.boards.iterdir():
            if board.is_dir():
                VirtualBoard(board).stop()
        self._processes.stop()
        if self._bridge is not None:
            self._bridge.close()
            self._line.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise VillageError if a part ended by itself."""
        self._processes.check(VillageError)
        if self._bridge is not None and not self._bridge.running():
            raise VillageError(f"the bridge ended by itself:\n{self._bridge.log()[-800:]}")

    def view(self) -> dict[str, Any] | None:
        """Return the page's snapshot, None while it does not answer."""
        return snapshot(self.page)

    def _choose_ports(self, page_port: int) -> Ports:
        kept = self.folder / "village.json"
        if kept.exists():
            return Ports(**json.loads(kept.read_text()))
        chosen = Ports(free_port(page_port), _free_udp_port(RADIO[1]), free_port())
        kept.write_text(json.dumps(asdict(chosen)))
        return chosen

    def _choose_site(self, given: Path | None) -> Site:
        if self.site_path.exists():
            if given is not None:
                raise VillageError(f"{self.site_path} is there already; leave --site out")
            site = load(self.site_path)
        elif given is None:
            site = village_site.example(self.site_path, BRIDGE)
        else:
            site = village_site.simulated(load(given), self.site_path, BRIDGE, self.ports.broker)
        if not village_site.is_simulated(site):
            raise VillageError(f"{self.site_path}: a village drives no real siren")
        return site

    def _start(self, name: str, module: str, *arguments: str) -> None:
        self._processes.python(name, module, *arguments, cwd=self.folder)

    def _start_bridge(self) -> None:
        self._bridge = SimulatedBridge(self.folder / "bridge", udp_port=self.ports.radio)
        self._line.unlink(missing_ok=True)
        self._line.symlink_to(self._bridge.port)
        self._bridge.start()

    # What lies before the sensors of boards that have no other probe: calm water.
    def _pour_water(self) -> None:
        now_s = int(time.time()) // _STEP_S * _STEP_S - _STEP_S
        times = range(now_s, now_s + WATER_S, _STEP_S)
        for node in self.site.nodes:
            chance = random.Random(node.id)
            for channel in node.channels:
                lines = [f"{at} {_CALM_MM + chance.randint(0, _WAVES_MM)}\n" for at in times]
                for name in (str(node.id), SPARE):
                    path = self.boards / name / f"{channel.sensor}.txt"
                    path.parent.mkdir(exist_ok=True)
                    if not path.exists():
                        path.write_text("".join(lines))


@contextlib.contextmanager
def running(village: Village) -> Iterator[Village]:
    """Run a village for the length of a block."""
    try:
        village.start()
        yield village
    finally:
        village.stop()


def _free_udp_port(preferred: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((RADIO[0], preferred))
        except OSError:
            probe.bind((RADIO[0], 0))
        return int(probe.getsockname()[1])
