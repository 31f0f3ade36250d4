"""Enrol a board from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from amont_provision import options
from amont_provision.enrol import RADIO, Options, carry_out, plan
from amont_provision.keyfile import KeyFile
from amont_provision.output import Output
from amont_provision.port import open_port
from amont_provision.texts import Refused
from amont_site import load

HELP = "give a board its identity and key"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.port(parser)
    options.site(parser)
    parser.add_argument("--node", required=True, type=int, help="the node's number in that file")
    parser.add_argument("--keys", required=True, type=Path, help="the guard's keys.json")
    parser.add_argument(
        "--radio", type=options.address, default=RADIO, help="simulated radio: HOST:PORT"
    )
    parser.add_argument("--tls", type=Path, help="folder with ca.crt, NODE.crt and NODE.key")
    parser.add_argument("--renew", action="store_true", help="same station: the next generation")
    parser.add_argument("--replace", action="store_true", help="overwrite another node's board")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Enrol the board; return 0 or raise Refused."""
    try:
        answer = _enrol(asked)
    except OSError as error:
        raise Refused("write", why=error) from None
    out.result(answer, "dry" if asked.dry_run else "done")
    if not asked.dry_run:
        out.say("restart")
    return 0


def _enrol(asked: argparse.Namespace) -> dict[str, str | int]:
    site = load(asked.site)
    port, keys = open_port(asked.port), KeyFile(asked.keys)
    chosen = Options(asked.renew, asked.replace, asked.radio, asked.tls)
    planned = plan(site, asked.node, port, keys, chosen)
    if not asked.dry_run:
        carry_out(planned, port, keys)
    return {
        "node": planned.node,
        "generation": planned.generation,
        "files": len(planned.files),
        "port": asked.port,
    }
