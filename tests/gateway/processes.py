"""Run the real guard and gateway as processes that start in milliseconds and can be killed.

A fork server has imported everything, so a start after a kill -9 costs a fork, not two seconds.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amont_gateway.mqtt_connection import Broker
from amont_site import Site

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["amont_guard.app", "amont_gateway.app", "tests.gateway.early_ack", "tests.gateway.processes"]
)


class Child:
    """A process that is started, killed and started again."""

    def __init__(self, run: Callable[..., None], *arguments: Any) -> None:
        self._run, self._arguments = run, arguments
        self.process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        self.process = _context.Process(target=self._run, args=self._arguments, daemon=True)
        self.process.start()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.join(10)

    def stop(self) -> None:
        if self.process is not None and self.process.is_alive():
            self.process.terminate()
            self.process.join(10)
            if self.process.is_alive():
                self.kill()

    @property
    def pid(self) -> int:
        assert self.process is not None
        assert self.process.pid is not None
        return self.process.pid

    @property
    def died(self) -> bool:
        return self.process is not None and not self.process.is_alive()


def run_guard(state: Path) -> None:
    import signal

    from amont_guard.app import build

    guard = build(state)
    signal.signal(signal.SIGTERM, lambda *_: guard.stop())
    guard.run()


def run_gateway(
    site: Site,
    data: Path,
    socket: Path,
    broker_port: int,
    early: bool = False,
    artifacts: Path | None = None,
) -> None:
    import os
    import signal

    from tests.gateway.early_ack import EarlyStorer

    from amont_gateway import gateway, logs
    from amont_gateway.app import build

    logs.set_up("error")
    if early:
        gateway.Storer = EarlyStorer
    options = gateway.Options(Broker("127.0.0.1", broker_port), commit_ms=50)
    service = build(site, data, socket, options=options, artifacts=artifacts)
    signal.signal(signal.SIGTERM, lambda *_: service.gateway.stopping.set())
    service.start()
    service.wait()
    service.stop()
    if service.failed is not None:
        os._exit(70)
