"""Run the real guard on the demonstration's clock, in a process of its own.

``amont_guard.app.build`` refuses a scaled clock with any relay but the simulated one.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from amont_demo.clock import ScaledClock
from amont_demo.lockstep import Lockstep
from amont_guard.app import build


def main() -> int:
    """Compose the guard as a site would, but for the clock; run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--epoch-ms", type=int, required=True)
    options = parser.parse_args()
    guard = build(options.state, clock=ScaledClock(options.clock, options.epoch_ms))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: guard.stop())
    stations = guard.judge.stations.values()
    lockstep = Lockstep(options.clock, [sensor for s in stations for sensor in s.sensors])
    over = threading.Event()

    def follow() -> None:
        try:
            lockstep.follow(over)
        finally:  # a mistake in there would stop time for good
            guard.stop()

    threading.Thread(target=follow, daemon=True).start()
    try:
        guard.run()
    finally:
        over.set()
    return 0


if __name__ == "__main__":
    sys.exit(main())
