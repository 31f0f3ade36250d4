"""Run the guard or the gateway with a wall clock that a file shifts: a composition root for tests.

``python -m tests.system.clocked guard|naive|gateway FOLDER SHIFT …``; the file SHIFT holds
milliseconds, read anew at each look at the clock. Time that never goes back stays real.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from amont_guard.clock import RealClock


class ShiftedClock(RealClock):
    def __init__(self, shift: Path) -> None:
        super().__init__()
        self._shift = shift

    def wall_ms(self) -> int:
        return super().wall_ms() + int(self._shift.read_text())


def run_guard(folder: Path, shift: Path) -> None:
    from amont_guard.app import build

    guard = build(folder / "guard", ShiftedClock(shift))
    signal.signal(signal.SIGTERM, lambda *_: guard.stop())
    guard.run()


def run_naive(folder: Path, shift: Path) -> None:
    """Run a guard that makes its audit durable before the relay: what a bench must find."""
    from amont_guard.app import build
    from amont_guard.relay import SimulatedRelay

    class AuditFirst(SimulatedRelay):
        def switch(self, on: bool, isolated: bool) -> None:
            if on != self.read()["contact"]:
                audit = os.open(folder / "guard" / "naive.jsonl", os.O_WRONLY | os.O_CREAT)
                os.write(audit, b"x")
                os.fsync(audit)
                os.close(audit)
            super().switch(on, isolated)

    def relay(siren: Any, state: Path) -> AuditFirst:
        return AuditFirst(state / f"relay-{siren.id}")

    guard = build(folder / "guard", ShiftedClock(shift), relay)
    signal.signal(signal.SIGTERM, lambda *_: guard.stop())
    guard.run()


def run_gateway(folder: Path, shift: Path, page: str) -> None:
    from amont_gateway import logs
    from amont_gateway.app import build
    from amont_gateway.mqtt_connection import Broker
    from amont_site import load

    logs.set_up("info")
    site = load(folder / "site.yaml")
    assert site.broker is not None
    host, _, port = page.rpartition(":")
    service = build(
        site,
        folder / "data",
        folder / "guard" / "guard.sock",
        ShiftedClock(shift),
        broker=Broker(site.broker.host, site.broker.port),
        page=(host, int(port)),
        commit_ms=20,
    )
    signal.signal(signal.SIGTERM, lambda *_: service.gateway.stopping.set())
    service.start()
    service.wait()
    service.stop()


if __name__ == "__main__":
    part, *rest = sys.argv[1:]
    {"guard": run_guard, "naive": run_naive, "gateway": run_gateway}[part](
        *map(Path, rest[:2]), *rest[2:]
    )
