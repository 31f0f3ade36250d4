"""Show every node of a site from the command line."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

from amont_provision import options
from amont_provision.fleet import Row, Sources, fleet
from amont_provision.output import Output
from amont_site import load

HELP = "show every node: key, configuration, release, last heard, battery, faults"
COLUMNS = ("node", "name", "key", "config", "release", "heard", "battery", "faults")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.site(parser)
    parser.add_argument("--guard", type=Path, help="the guard's folder, at the Pi")
    parser.add_argument("--journal", type=Path, help="the gateway's journal.db, read only")
    parser.add_argument("--view", help="the page's data: http://127.0.0.1:8000/view.json")


def run(asked: argparse.Namespace, out: Output) -> int:
    """Show the nodes; what could not be read is said on stderr. Returns 0 or raises Refused."""
    now_s = time.time()
    sources = Sources(asked.guard, asked.view, asked.journal)
    rows, missing = fleet(load(asked.site), sources, now_s)
    for refused in missing:
        out.say("fleet-without", why=refused.text(out.language))
    table = [[out.text(f"fleet-{name}") for name in COLUMNS]]
    table += [_cells(row, out, now_s) for row in rows]
    widths = [max(len(line[at]) for line in table) for at in range(len(COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
    values = {"nodes": [asdict(row) for row in rows], "missing": [one.code for one in missing]}
    out.result(values, None, lines)
    return 0


def _cells(row: Row, out: Output, now_s: float) -> list[str]:
    unknown = "?"
    key = unknown if row.key is None else out.text(f"fleet-key-{row.key}", n=row.generation)
    told, wanted = row.config_told, row.config_wanted
    config = unknown if told is None else str(told)
    if row.waits:
        config += f" → {wanted}" if wanted is not None and wanted != told else " → …"
    heard = unknown
    if row.last_heard_ms is not None:
        heard = _ago(max(0, int(now_s - row.last_heard_ms / 1000)))
    return [
        str(row.node), row.name[out.language], key, config,
        unknown if row.firmware is None else str(row.firmware), heard,
        unknown if row.battery_mv is None else f"{row.battery_mv} mV",
        unknown if row.faults is None else ", ".join(row.faults) or "–",
    ]  # fmt: skip


def _ago(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
