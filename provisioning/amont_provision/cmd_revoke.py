"""End a node's keys: a board that was stolen is not heard any more."""

from __future__ import annotations

import argparse
from pathlib import Path

from amont_provision import options
from amont_provision.keyfile import KeyFile
from amont_provision.output import Output
from amont_provision.texts import Refused

HELP = "end a node's keys: the guard hears it no more, within a second"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("node", type=int, metavar="NODE", help="the node whose keys end")
    parser.add_argument("--keys", required=True, type=Path, help="the guard's keys.json")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Revoke the node's keys; return 0 or raise Refused."""
    keys = KeyFile(asked.keys)
    generation = keys.generation(asked.node)
    if keys.is_revoked(asked.node):
        out.result({"node": asked.node, "generation": 0}, "revoked-before")
        return 0
    if not generation:
        raise Refused("no-key", node=asked.node)
    if not asked.dry_run:
        try:
            keys.revoke(asked.node)
        except OSError as error:
            raise Refused("write", why=error) from None
    answer = {"node": asked.node, "generation": generation}
    out.result(answer, "revoke-dry" if asked.dry_run else "revoked")
    return 0
