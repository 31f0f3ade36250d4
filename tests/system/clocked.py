"""Run the guard or the gateway with a wall clock that a file shifts: a composition root for tests.

``python -m tests.system.clocked guard|gateway FOLDER SHIFT …``; the file SHIFT holds
milliseconds, read anew at each look at the clock. Time that never goes back stays real.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

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


def run_gateway(folder: Path, shift: Path, page: str) -> None:
    from amont_gateway import logs
    from amont_gateway.app import build
    from amont_gateway.mqtt_ingest import Broker
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
    {"guard": run_guard, "gateway": run_gateway}[part](*map(Path, rest[:2]), *rest[2:])
