"""Give a board its next key: the same station, the next generation."""

from __future__ import annotations

import argparse
from contextlib import closing

from amont_provision import cmd_enrol, held, options
from amont_provision.output import Output
from amont_provision.port import open_port
from amont_provision.texts import Refused

HELP = "give a board its next key; its old one ends when the new one is proved"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.port(parser)
    options.site(parser)
    cmd_enrol.board_options(parser)
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Renew the key of the node that the board is; return 0 or raise Refused."""
    try:
        with closing(open_port(asked.port)) as port:
            asked.node = held.enrolled(port).node
        cmd_enrol.enrol(asked, out, renew=True)
    except OSError as error:
        raise Refused("write", why=error) from None
    return 0
