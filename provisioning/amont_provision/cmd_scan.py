"""List boards from the command line."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from amont_provision import scan
from amont_provision.output import Output
from amont_provision.port import open_port
from amont_provision.texts import Refused

HELP = "list the boards that are plugged in"
TO_OPEN = (scan.MICROPYTHON, scan.BRIDGE, scan.VIRTUAL)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("--open", action="store_true", help="ask each board what it is")
    parser.add_argument("--virtual", type=Path, help="folder of simulated boards to list too")


def run(asked: argparse.Namespace, out: Output) -> int:
    """Print the list; return 0, or 1 if there is no board."""
    found = scan.drives() + scan.serial_ports()
    if asked.virtual is not None:
        found += scan.simulated(asked.virtual)
    boards = [_entry(one, asked.open, out) for one in found]
    count = sum(one["kind"] != scan.OTHER for one in boards)
    lines = [_line(one, out) for one in boards]
    out.result({"boards": boards, "count": count}, "scan" if count else "scan-none", lines)
    return 0 if count else 1


def _entry(found: scan.Found, opens: bool, out: Output) -> dict[str, Any]:
    entry: dict[str, Any] = asdict(found)
    if not opens or found.kind not in TO_OPEN:
        return entry
    try:
        # A bridge has no prompt to look from, and its question disturbs no other board.
        if found.kind != scan.VIRTUAL and (seen := scan.look_at_bridge(found.port)) is not None:
            return entry | seen
        with closing(open_port(found.port)) as port:
            return entry | scan.look(port)
    except Refused as error:
        return entry | {"error": error.code, "text": error.text(out.language)}


def _line(entry: dict[str, Any], out: Output) -> str:
    usb = f" ({entry['usb']})" if entry["usb"] else ""
    line = f"  {entry['port']}{usb}: " + out.text(f"scan-{entry['kind']}", name=entry["name"])
    if "error" in entry:
        return f"{line}; {entry['text']}"
    if "state" in entry:
        line += "; " + out.text(f"scan-is-{entry['state']}", **entry)
    return line
