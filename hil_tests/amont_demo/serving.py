"""Run a gateway that was composed here until somebody ends it or it fails."""

from __future__ import annotations

import signal
import threading

from amont_gateway.app import Service


def serve(service: Service) -> int:
    """Start, wait for SIGTERM or SIGINT, stop; return the exit code."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    service.start()
    while not stop.wait(0.2) and service.failed is None:
        pass
    service.stop()
    return 0 if service.failed is None else 1
