"""Show the demonstration in a terminal until it ends: ``amont-demo run``."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from rich.console import Console

from amont_demo import display
from amont_demo.run import PIN, Demo, DemoError, Options, running, wait_for_past
from amont_demo.servers import MissingServer

_REFRESH_S = 0.4


def run(asked: argparse.Namespace) -> int:
    """Run until told to stop; return the exit code."""
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="amont-"))
    chosen = Options(
        asked.speed or Options.speed, asked.page_port or Options.page_port, asked.servers
    )
    console = Console()
    try:
        with running(folder, chosen) as demo, display.keyboard():
            _show(console, demo, asked.seconds)
        return 0
    except KeyboardInterrupt:
        return 0
    except (DemoError, MissingServer) as error:
        Console(stderr=True).print(f"amont-demo: {error}", markup=False, highlight=False)
        return 1
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            console.print(f"\nEverything it wrote is in {folder}")


def _show(console: Console, demo: Demo, seconds: float) -> None:
    began = time.monotonic()
    notes = [f"The nodes run on {demo.runtime}.", f"PIN of Anne and of Luc: {PIN}"]
    with display.live(console) as region:
        for view in wait_for_past(demo):
            region.update(display.screen(view, demo.address, "Reading the past …", notes))
            region.refresh()
        demo.go()
        rang = False
        while not seconds or time.monotonic() - began < seconds:
            demo.check()
            view = demo.view()
            sounding = view is not None and any(s["state"] == "sound" for s in view["sirens"])
            if sounding and not rang:
                console.bell()
                if not console.is_terminal and view is not None:
                    print(display.progress_line(view), flush=True)  # noqa: T201
            rang = sounding
            phase = view["demo"]["phase"]["en"] if view and view["demo"] else "…"
            region.update(display.screen(view, demo.address, phase, notes))
            region.refresh()
            _keys(demo)
            time.sleep(_REFRESH_S)


def _keys(demo: Demo) -> None:
    key = display.pressed()
    if key == "+":
        demo.faster(2)
    elif key == "-":
        demo.faster(0.5)
