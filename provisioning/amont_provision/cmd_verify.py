"""Verify a station from the command line."""

from __future__ import annotations

import argparse
import time
from contextlib import closing

from amont_provision import held, options, station_check
from amont_provision.acceptance_page import MARKS, step_name
from amont_provision.logbook import Logbook, line_of, now
from amont_provision.output import Output
from amont_provision.page_check import checked
from amont_provision.port import open_port
from amont_provision.station_check import Check
from amont_provision.texts import Refused
from amont_provision.verification import Step
from amont_site import load

HELP = "prove a station end to end: from its sensors to the guard's sealed answer"
TIMEOUT_S, TIMEOUT_MAX_S = 180, 3_600
REFUSED = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.port(parser)
    options.site(parser)
    parser.add_argument("--by", help="who verifies, as the report will name them")
    parser.add_argument("--gateway", metavar="URL", help="compare with the page: http://HOST:PORT")
    parser.add_argument("--timeout", type=int, default=TIMEOUT_S, help="seconds for all of it")
    parser.add_argument("--date", help="if this computer's clock is wrong: YYYY-MM-DDTHH:MM")


def run(asked: argparse.Namespace, out: Output) -> int:
    """Verify, a line a step; return 0 if all is proved, else 1; raise Refused."""
    if not 1 <= asked.timeout <= TIMEOUT_MAX_S:
        raise Refused("verify-timeout", most=TIMEOUT_MAX_S)
    site, logbook, at = load(asked.site), Logbook(asked.site), now(asked.date)
    by = line_of(asked.by, "--by") if asked.by else None
    page = checked(asked.gateway) if asked.gateway else None

    def told(step: Step) -> None:
        out.say("verify-step", mark=MARKS[step.state], text=_text(out, step))

    with closing(open_port(asked.port)) as port:
        board = held.enrolled(port)
        check = Check(site, board, port, asked.timeout, time.monotonic, told)
        steps = check.run(page)
    record = station_check.record(board, steps, check.seconds, by)
    logbook.append(station_check.VERIFICATION, at, record)
    texts = [{**step.json(), "text": _text(out, step)} for step in steps]
    proved = record["proved"]
    out.result({**record, "steps": texts}, "verify-proved" if proved else "verify-not-proved")
    return 0 if proved else REFUSED


def _text(out: Output, step: Step) -> str:
    name = out.text("verify-name", name=step_name(step.name, out.language))
    seconds = "" if step.seconds is None else f" ({step.seconds:.1f} s)"
    return name + out.text(step.code, **step.values) + seconds
