"""Make a board the site's bridge from the command line."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from amont_provision import bridge, bridge_line, options, signing
from amont_provision import release as releases
from amont_provision.output import Output
from amont_provision.port import open_port
from amont_provision.texts import Refused
from amont_wire import link

HELP = "make a board the site's bridge: a bridge's release, its radio's wiring, and a trial"
TRIAL_S = 30.0  # three boots of a release that fails, and some more


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.port(parser)
    parser.add_argument(
        "--release", required=True, type=Path, help="the file that build --bridge wrote"
    )
    options.trust(parser)
    radio = parser.add_mutually_exclusive_group(required=True)
    radio.add_argument("--board", help="the board, whose file says how its radio is wired")
    radio.add_argument(
        "--radio", type=options.address, metavar="HOST:PORT", help="a simulated board's radio"
    )
    parser.add_argument("--chip", choices=bridge.CHIPS, help="the radio chip, if not the file's")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Make the bridge; return 0, or 1 if its radio has a fault, or raise Refused."""
    release = releases.load(asked.release, signing.trusted(asked.trust))
    if asked.radio:
        settings = bridge.simulated(*asked.radio)
    else:
        settings = bridge.wiring(asked.board, asked.chip)
    if bridge_line.to_prompt(asked.port):
        out.say("bridge-prompt")
    with closing(open_port(asked.port)) as port:
        planned = bridge.plan(port, release, settings)
        values = _values(planned, release, settings)
        if asked.dry_run:
            out.result(values, "bridge-dry")
            return 0
        bridge.carry_out(port, release, planned, out.progress)
    with closing(bridge_line.opened(asked.port)) as line:
        line.may_leave()
        seen = bridge_line.prove(line, TRIAL_S)
    if seen is None:
        raise Refused("bridge-silent", port=asked.port)
    if seen.release != release.number:
        raise Refused("bridge-back", release=release.number, running=seen.release)
    values |= {"unique": seen.unique, "version": seen.version, "fault": seen.fault}
    faulty = bool(seen.fault) or seen.radio == link.RADIO_FAULT
    out.result(values, "bridge-faulty" if faulty else "bridge-good")
    return 1 if faulty else 0


def _values(
    planned: bridge.BridgePlan, release: releases.Release, settings: dict[str, Any]
) -> dict[str, Any]:
    deployed = planned.deployed
    return {
        "release": release.number,
        "slot": deployed.slot,
        "running": deployed.running,
        "sent": len(deployed.send),
        "kept": deployed.kept,
        "chip": settings["chip"],
        "written": sorted(planned.files),
    }
