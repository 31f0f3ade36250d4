"""Run the demonstration, a training, or a village: ``amont-demo run | training | village``.

Training runs where the demonstration does not: it needs no MicroPython, no broker, no models. A
village is what a technician tries the provisioning commands against.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from amont_demo import training_cli, village_cli
from amont_demo.flood import BadFlood
from amont_demo.training import TrainingError
from amont_demo.training_site import NotFit
from amont_demo.village import VillageError
from amont_site import SiteError


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run; return the exit code."""
    asked = _parser().parse_args(arguments)
    # SIGTERM ends it as Ctrl-C does, so that nothing is left behind either way; and Ctrl-C works
    # even where a shell started this with SIGINT ignored, as it does for background jobs.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _interrupt())
    if asked.command == "run":
        from amont_demo import run_cli  # what it shows with and replays is not on every machine

        return run_cli.run(asked)
    return _serve(asked)


def _serve(asked: argparse.Namespace) -> int:
    course = {"training": training_cli.run, "village": village_cli.run}[asked.command]
    try:
        course(asked, lambda line: print(line, flush=True))
        return 0
    except KeyboardInterrupt:
        return 0
    except (TrainingError, VillageError, BadFlood, NotFit, SiteError, OSError) as error:
        print(f"amont-demo {asked.command}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="amont-demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="replay a real flood and a real leak, node to siren")
    run.add_argument("--servers", action="store_true", help="real mosquitto and real influxd")
    run.add_argument("--speed", type=_speed, help="times life's speed")
    run.add_argument("--page-port", type=int)
    run.add_argument("--seconds", type=float, default=0, help="end by itself after so long")
    run.add_argument("--folder", type=Path, help="write there, and keep it")
    training_cli.add(commands.add_parser("training", help=training_cli.HELP))
    village_cli.add(commands.add_parser("village", help=village_cli.HELP))
    return parser


def _speed(text: str) -> float:
    speed = float(text)
    if not 1 <= speed <= 3600:
        raise argparse.ArgumentTypeError("a speed from 1 to 3600")
    return speed


def _interrupt() -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
