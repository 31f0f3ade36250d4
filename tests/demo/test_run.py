"""The main job as a stranger starts it: a real flood, the siren, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from amont_demo.clock import HISTORY_S, read_clock

SIREN_S = 120  # what the README promises, on a machine that has the time
HANGS_S = 400  # where other programs take the processors, the flood's own time waits for the nodes


class Running:
    """One ``amont-demo run`` with its own folder and port."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        words = ["run", "--folder", str(folder), "--page-port", str(self.port), *arguments]
        self.log = (folder.parent / "terminal.txt").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "amont_demo.cli", *words],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def view(self) -> dict[str, Any]:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/view.json", timeout=5
        ) as answer:
            return dict(json.load(answer))

    def until(self, what: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder.parent / "terminal.txt").read_text()
            try:
                view = self.view()
            except OSError:
                view = None
            if view is not None and what(view):
                return view
            time.sleep(0.2)
        pytest.fail(f"not within {seconds:g} s; logs in {self.folder}")

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    began: list[Running] = []

    def begin(*arguments: str) -> Running:
        began.append(Running(tmp_path / f"run{len(began)}", *arguments))
        return began[-1]

    yield begin
    for running in began:
        if running.process.poll() is None:
            running.process.kill()  # a test has failed; the kernel ends the children
            running.process.wait()
        running.log.close()


def sounding(view: dict[str, Any]) -> bool:
    return any(siren["state"] == "sound" and siren["confirmed"] for siren in view["sirens"])


@pytest.mark.micropython
@pytest.mark.timeout(500)
def test_a_real_flood_reaches_the_siren_and_ctrl_c_leaves_nothing(
    start: Callable[..., Running],
) -> None:
    running = start()
    leaking = running.until(lambda view: view["zones"][0]["verdict"] == "leak", HANGS_S)
    assert leaking["zones"][0]["leak_l_h"] > 1_500  # 2,900 l/h were opened
    foreseen = running.until(
        lambda view: view["stations"][0]["forecast"]["reaches"] == "alarm", HANGS_S
    )
    assert foreseen["sirens"][0]["state"] == "idle"  # the forecast advises, it does not sound
    view = running.until(sounding, HANGS_S)
    line = read_clock(running.folder / "clock")
    assert line.now_s() - HISTORY_S < SIREN_S * line.speed
    station = view["stations"][0]
    assert station["stage_mm"] >= station["thresholds"]["alarm_mm"]
    assert view["counters"]["samples_committed"] > 3_400  # the past came by the real way in
    history_ms = station["history_until_ms"]
    assert history_ms is not None
    assert history_ms < view["now_ms"]
    promises = {sensor["id"]: sensor["promise"] for sensor in view["sensors"]}
    assert promises["pont-neuf-a"] == promises["pont-neuf-b"] == "full"
    assert promises["debit-bourg"] == "weaker"

    family = running.family()
    assert len(family) >= 8  # broker, guard, gateway, bridge, four nodes
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    with socket.socket() as probe:
        # Closed connections may linger for a minute; a listener must not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", running.port))


@pytest.mark.micropython
@pytest.mark.timeout(120)
def test_even_kill_9_leaves_no_process(start: Callable[..., Running]) -> None:
    running = start()
    running.until(lambda view: view["guard_alive"], 60)
    family = running.family()
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive


@pytest.mark.micropython
@pytest.mark.servers
@pytest.mark.timeout(180)
def test_on_real_servers_every_node_is_heard_over_tls_and_history_is_written(
    start: Callable[..., Running],
) -> None:
    running = start("--servers")
    view = running.until(
        lambda view: (
            view["broker"] == view["database"] == "ok"
            and not any(node["silent"] for node in view["nodes"])
        ),
        120,
    )
    assert {node["carrier"] for node in view["nodes"]} == {"bridge", "mqtt"}


def test_the_terminal_shows_the_address(start: Callable[..., Running]) -> None:
    running = start("--seconds", "25")
    running.until(lambda view: view["guard_alive"], 60)
    assert running.process.wait(60) == 0
    text = (running.folder.parent / "terminal.txt").read_text()
    assert re.search(rf"http://127\.0\.0\.1:{running.port}/", text)


def test_a_taken_port_is_left_alone(start: Callable[..., Running]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        from amont_demo.processes import free_port

        assert free_port(port) not in (0, port)
