"""Run the real gateway for training, in a process of its own: the page says TRAINING."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from amont_demo.clock import ScaledClock
from amont_demo.serving import serve
from amont_gateway import logs
from amont_gateway.app import build
from amont_gateway.view import Training
from amont_site import load

COMMIT_MS = 50


def main() -> int:
    """Compose the gateway as a site would, but for clock, broker and models; until SIGTERM."""
    options = _arguments()
    logs.set_up("warning")
    clock = ScaledClock(options.clock, options.epoch_ms)
    told = json.loads(options.told)
    service = build(
        load(options.site),
        options.data,
        options.guard_socket,
        clock,
        page=(options.host, options.page_port),
        page_https=(options.host, options.https_port) if options.https_port else None,
        commit_ms=COMMIT_MS,
        training=lambda: Training(flood=told, speed=clock.speed),
    )
    return serve(service)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("site", "data", "guard-socket", "clock"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--epoch-ms", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--page-port", type=int, required=True)
    parser.add_argument("--https-port", type=int, default=0)
    parser.add_argument("--told", required=True, help="which flood, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
