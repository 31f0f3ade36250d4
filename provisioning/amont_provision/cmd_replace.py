"""Put a new board in the place of one that is lost or broken: same node, next generation."""

from __future__ import annotations

import argparse
from typing import Any

from amont_provision import cmd_enrol, options
from amont_provision.enrol import node_of
from amont_provision.logbook import Logbook
from amont_provision.output import Output
from amont_provision.texts import Refused
from amont_site import load

HELP = "put a new board in the place of a lost or broken one; the old key ends"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("node", type=int, metavar="NODE", help="the node that gets the new board")
    options.port(parser)
    options.site(parser)
    cmd_enrol.board_options(parser)
    parser.add_argument(
        "--new-sensor", action="store_true", help="forget calibrations: the sensor is new as well"
    )
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Enrol the new board with the next key; return 0 or raise Refused."""
    transforms = {} if asked.new_sensor else _calibrations(asked)
    try:
        cmd_enrol.enrol(asked, out, renew=True, transforms=transforms)
    except OSError as error:
        raise Refused("write", why=error) from None
    out.say("replaced", node=asked.node, sensors=", ".join(sorted(transforms)) or "–")
    return 0


def _calibrations(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the newest calibration of each of the node's sensors, as the logbook keeps them."""
    pages, found = Logbook(asked.site).read(), {}
    for channel in node_of(load(asked.site), asked.node).channels:
        for record in pages.of("calibration", asked.node, channel.sensor):
            found[channel.sensor] = record["transform"]
    return found
