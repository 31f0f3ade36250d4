"""Run the demonstration from the command line: ``amont-demo run``."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from amont_demo import display
from amont_demo.run import PIN, Demo, DemoError, Options, running, wait_for_past
from amont_demo.servers import MissingServer

_REFRESH_S = 0.4


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run; return the exit code."""
    options = _parser().parse_args(arguments)
    # SIGTERM ends it as Ctrl-C does, so that nothing is left behind either way; and Ctrl-C works
    # even where a shell started this with SIGINT ignored, as it does for background jobs.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _interrupt())
    folder = options.folder or Path(tempfile.mkdtemp(prefix="amont-"))
    chosen = Options(options.speed, options.page_port, options.servers)
    console = Console()
    try:
        with running(folder, chosen) as demo, display.keyboard():
            _show(console, demo, options.seconds)
        return 0
    except KeyboardInterrupt:
        return 0
    except (DemoError, MissingServer) as error:
        print(f"amont-demo: {error}", file=sys.stderr)
        return 1
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            console.print(f"\nEverything it wrote is in {folder}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="amont-demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="replay a real flood and a real leak, node to siren")
    run.add_argument("--servers", action="store_true", help="real mosquitto and real influxd")
    run.add_argument("--speed", type=_speed, default=Options.speed, help="times life's speed")
    run.add_argument("--page-port", type=int, default=Options.page_port)
    run.add_argument("--seconds", type=float, default=0, help="end by itself after so long")
    run.add_argument("--folder", type=Path, help="write there, and keep it")
    return parser


def _speed(text: str) -> float:
    speed = float(text)
    if not 1 <= speed <= 3600:
        raise argparse.ArgumentTypeError("a speed from 1 to 3600")
    return speed


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
                    print(display.progress_line(view), flush=True)
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


def _interrupt() -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
