"""Copy a board's evidence from the command line."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from amont_provision import evidence, logbook, options
from amont_provision.output import Output
from amont_provision.port import open_port

HELP = "copy a board's outbox and records for evidence, without its secret"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.port(parser)
    parser.add_argument("--to", required=True, type=Path, help="folder for the copies")
    parser.add_argument("--date", help="YYYY-MM-DDTHH:MM, where this computer's clock is wrong")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Copy; return 0 or raise Refused."""
    with closing(open_port(asked.port)) as port:
        found = evidence.found(port)
        fresh = []
        if not asked.dry_run:
            at = logbook.now(asked.date).isoformat(timespec="seconds")
            fresh = evidence.copy(port, found, asked.to, at, out.progress)
    values = {
        **found.about,
        "to": str(asked.to),
        "files": len(found.files),
        "bytes": sum(size for size, _ in found.files.values()),
        "copied": fresh,
        "fresh": len(fresh),
    }
    lines = [f"  {name} ({size} B)" for name, (size, _) in found.files.items()]
    code = "pull-dry" if asked.dry_run else "pulled" if found.node else "pulled-bare"
    out.result(values, code, lines if asked.dry_run else ())
    return 0
