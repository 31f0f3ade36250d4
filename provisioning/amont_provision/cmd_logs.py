"""Show a board's last errors and its console from the command line."""

from __future__ import annotations

import argparse
from contextlib import closing

from amont_provision import evidence, options
from amont_provision.output import Output
from amont_provision.port import Port, open_port

HELP = "show a board's last errors, and what it prints"
LISTEN_S = 5.0
SHOWN_BYTES = 8192  # four times what a node keeps


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.port(parser)
    parser.add_argument(
        "--listen", type=float, default=LISTEN_S, metavar="SECONDS", help="to its console"
    )


def run(asked: argparse.Namespace, out: Output) -> int:
    """Print both; return 0 or raise Refused."""
    with closing(open_port(asked.port)) as port:
        content = port.read(evidence.CRASH)
        crash = None if content is None else content[-SHOWN_BYTES:].decode("utf-8", "replace")
        if crash is None:
            out.say("logs-no-crash")
        for line in (crash or "").splitlines():
            out.line(line)
        heard = _heard(port, asked.listen, out)
    out.result({"crash": crash, "lines": heard, "count": len(heard)}, "logs")
    return 0


def _heard(port: Port, seconds: float, out: Output) -> list[str]:
    heard = []
    if seconds > 0:
        out.say("logs-listen", seconds=f"{seconds:g}")
        for line in port.lines(seconds):
            heard.append(line)
            out.line(line)
    return heard
