"""Prepare a folder, start every real part of the demonstration, leave nothing behind."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import socket
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amont_demo import boards, scenario, servers
from amont_demo.clock import HISTORY_S, change_speed, read_clock, write_clock
from amont_demo.page_view import snapshot
from amont_demo.processes import Processes, free_port
from amont_hil.simulated import SimulatedBoard, SimulatedBridge
from amont_provision.brokerca import GATEWAY, NODES
from amont_provision.enrol import Options as Enrolment
from amont_provision.keyfile import KeyFile
from amont_site import hash_pin, load, write_guard

SITE = "sainte-amonette"
PIN = "246810"  # of both people of this commune that does not exist; the terminal shows it
PAGE_PORT = 8460
READY_S = 180.0  # a Raspberry Pi imports slowly, and more so beside other work
_TEMPLATE = Path(__file__).with_name("site.yaml")


class DemoError(RuntimeError):
    """The demonstration cannot start or go on; the message says why."""


@dataclass(frozen=True)
class Options:
    """What a person may choose."""

    speed: float = 800.0
    page_port: int = PAGE_PORT
    real_servers: bool = False


class Demo:
    """All parts of one demonstration, in one folder."""

    def __init__(self, folder: Path, options: Options) -> None:
        """Choose ports; nothing is written or started before ``start``."""
        self.folder = folder
        self.options = options
        self.clock = folder / "clock"
        self.page_port = free_port(options.page_port)
        self.broker_port = free_port()
        self.epoch_ms = scenario.epoch_ms(dt.datetime.now(dt.UTC))
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._processes = Processes(logs)
        self.past = 0  # samples of before the beginning, which come as the nodes' backlog
        self._bridge: SimulatedBridge | None = None
        self._boards: list[SimulatedBoard] = []
        self._started: list[SimulatedBoard] = []
        self._tls: Path | None = None
        self._influx = ""

    @property
    def address(self) -> str:
        """Return the page's address."""
        return f"http://127.0.0.1:{self.page_port}/"

    @property
    def runtime(self) -> str:
        """Return what the nodes run on, in words."""
        return self._boards[0].runtime if self._boards else ""

    def start(self) -> None:
        """Prepare the folder and start bridge, broker, guard, gateway and nodes."""
        write_clock(self.clock, HISTORY_S, 1.0)
        if self.options.real_servers:
            self._start_servers()
        else:
            self._processes.python("broker", "amont_demo.broker", str(self.broker_port))
        self._bridge = SimulatedBridge(self.folder / "bridge")
        self._bridge.start()
        self._prepare(self._bridge)
        timing = ("--clock", str(self.clock), "--epoch-ms", str(self.epoch_ms))
        self._processes.python(
            "guard", "amont_demo.guard_main", "--state", str(self.folder / "guard"), *timing
        )
        self._processes.python(
            "gateway", "amont_demo.gateway_main", *self._gateway_arguments(), *timing
        )
        self._await_broker()
        for board in self._boards:
            board.start()
            self._started.append(board)

    def stop(self) -> None:
        """End every process that was started."""
        for board in self._boards:
            board.stop()
        self._processes.stop()
        if self._bridge is not None:
            self._bridge.close()

    def check(self) -> None:
        """Raise DemoError if a part ended by itself."""
        self._processes.check(DemoError)
        for board in self._started:
            if not board.running():
                raise DemoError(f"node {board.root.name} ended by itself:\n{board.log()[-800:]}")

    def view(self) -> dict[str, Any] | None:
        """Return the page's snapshot, None while the gateway does not answer."""
        return snapshot(self.address)

    def go(self) -> None:
        """Let time run."""
        change_speed(self.clock, self.options.speed)

    def faster(self, factor: float) -> None:
        """Change the speed by a factor, within its bounds."""
        speed = read_clock(self.clock)[2] * factor
        change_speed(self.clock, min(3600.0, max(1.0, speed)))

    def _start_servers(self) -> None:
        nodes = [21, 31]
        command, self._tls = servers.mosquitto(
            self.folder / "mosquitto", self.broker_port, SITE, nodes
        )
        self._processes.start("mosquitto", command)
        port = free_port()
        self._processes.start(
            "influxd", servers.influxd(self.folder / "influxd", port, free_port())
        )
        self._influx = f"http://127.0.0.1:{port}"

    def _await_broker(self) -> None:
        # Nodes that find no broker come back after a pause that a person would wait out.
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.broker_port), 1).close()
                return
            time.sleep(0.05)
        raise DemoError(f"the MQTT broker did not open port {self.broker_port}")

    def _prepare(self, bridge: SimulatedBridge) -> None:
        site_path = self.folder / "site.yaml"
        site_path.write_text(self._site(bridge.port))
        state = self.folder / "guard"
        state.mkdir(mode=0o700)
        site = load(site_path)
        write_guard(site, state / "guard.json")
        keys = KeyFile(state / "keys.json")
        options = Enrolment(
            radio=("127.0.0.1", bridge.udp_port), tls=self._tls and self._tls / NODES
        )
        for probe in boards.probes():
            folder = self.folder / "nodes" / str(probe.node)
            boards.make(folder, probe, site, keys, options)
            self.past += len(probe.track.history)
            self._boards.append(SimulatedBoard(folder, clock=self.clock))

    def _site(self, bridge_port: str) -> str:
        history = f"history: {{url: {self._influx}, database: amont}}" if self._influx else ""
        return string.Template(_TEMPLATE.read_text()).substitute(
            bridge_port=bridge_port,
            broker_host="localhost" if self._tls else "127.0.0.1",  # the name in the certificate
            broker_port=self.broker_port,
            broker_tls="true" if self._tls else "false",
            history=history,
            pin_anne=hash_pin(PIN),
            pin_luc=hash_pin(PIN),
        )

    def _gateway_arguments(self) -> list[str]:
        arguments = {
            "--site": self.folder / "site.yaml",
            "--data": self.folder / "gateway",
            "--guard-socket": self.folder / "guard" / "guard.sock",
            "--broker-port": self.broker_port,
            "--page-port": self.page_port,
        }
        if self._tls is not None:
            arguments["--tls"] = self._tls / GATEWAY
        if self._influx:
            arguments["--influx"] = self._influx
        return [str(word) for pair in arguments.items() for word in pair]


@contextlib.contextmanager
def running(folder: Path, options: Options) -> Iterator[Demo]:
    """Run a demonstration for the length of a block."""
    demo = Demo(folder, options)
    try:
        demo.start()
        yield demo
    finally:
        demo.stop()


def wait_for_past(demo: Demo, deadline_s: float = READY_S) -> Iterator[dict[str, Any] | None]:
    """Yield snapshots until the nodes' past is in the journal; raise DemoError if it never is."""
    began = time.monotonic()
    while time.monotonic() - began < deadline_s:
        demo.check()
        view = demo.view()
        yield view
        if view is not None and view["counters"].get("samples_committed", 0) >= demo.past:
            return
        time.sleep(0.25)
    raise DemoError(f"the nodes' past did not arrive within {deadline_s:g} s")


def remove(folder: Path) -> None:
    """Remove a demonstration's folder."""
    shutil.rmtree(folder, ignore_errors=True)
