"""Time the demonstration as a person starts it, from the command to the siren."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amont_demo.page_view import snapshot
from amont_demo.processes import free_port

NAMES = ("demo.siren_s",)
GOAL_S = 120  # the README's two minutes
HANGS_S = 900


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the seconds from the command to the siren."""
    with tempfile.TemporaryDirectory(prefix="amont-demo-") as name:
        seconds = _to_the_siren(Path(name) / "run", free_port())
    yield {"name": NAMES[0], "value": round(seconds, 1), "unit": "s from command to siren",
           "goal": f"<= {GOAL_S}", "met": seconds <= GOAL_S}  # fmt: skip


def _to_the_siren(folder: Path, port: int) -> float:
    words = ["run", "--folder", str(folder), "--page-port", str(port)]
    began = time.monotonic()
    demo = subprocess.Popen(
        [sys.executable, "-m", "amont_demo.cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        while demo.poll() is None and time.monotonic() - began < HANGS_S:
            view = snapshot(f"http://127.0.0.1:{port}/")
            if view is not None and any(siren["state"] == "sound" for siren in view["sirens"]):
                return time.monotonic() - began
            time.sleep(0.2)
        raise RuntimeError(f"no siren; the demonstration ended with {demo.poll()}")
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
