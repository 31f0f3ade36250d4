"""Examine this laptop from the command line."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from amont_provision import doctor, options
from amont_provision.cache import Cache
from amont_provision.doctor import Finding
from amont_provision.output import Output

HELP = "tell what is wrong with this computer, and what to do about it"
MARKS = {doctor.WELL: "  ", doctor.ODD: "? ", doctor.BAD: "! "}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("--port", help="a board's port, to see whether it is free")
    parser.add_argument("--deps", type=Path, help="lock file whose libraries should be kept")
    options.trust(parser)
    options.cache(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Print every finding; return 0, or 1 if something has to be mended."""
    cache = Cache(asked.cache)
    found = doctor.examine(cache, asked.trust, asked.deps, asked.port, time.time())
    wrong = sum(finding.state == doctor.BAD for finding in found)
    values = {"findings": [_entry(finding, out) for finding in found], "wrong": wrong}
    lines = [MARKS[one.state] + out.text(one.code, **one.values) for one in found]
    out.result(values, "doctor-bad" if wrong else "doctor-well", lines)
    return 1 if wrong else 0


def _entry(finding: Finding, out: Output) -> dict[str, str]:
    text = out.text(finding.code, **finding.values)
    return {
        "check": finding.check,
        "state": finding.state,
        "code": finding.code,
        "text": text,
    }
