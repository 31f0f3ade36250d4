"""Put a release on a board from the command line."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from amont_provision import deploy, options, signing
from amont_provision import release as releases
from amont_provision.deploy import GOOD, UNKNOWN, Plan
from amont_provision.output import Output
from amont_provision.port import Port, open_port
from amont_provision.release import Release

HELP = "put a signed release on a board; it goes back by itself if it does not work"
NOT_ENROLLED, SWITCHED = "waiting", "switched"
WAIT_S = 120.0  # a boot, a wake, and the answer of a gateway that is there


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.port(parser)
    parser.add_argument("--release", required=True, type=Path, help="the file that build wrote")
    options.trust(parser)
    parser.add_argument(
        "--wait",
        type=float,
        default=WAIT_S,
        metavar="SECONDS",
        help="for the release to be good; 0: the board decides alone",
    )
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Deploy; return 0, or 1 if the release was not good, or raise Refused."""
    release = releases.load(asked.release, signing.trusted(asked.trust))
    with closing(open_port(asked.port)) as port:
        planned = deploy.plan(port, release)
        if asked.dry_run:
            out.result(_values(planned, release), f"deploy-{planned.state}-dry", _diff(planned))
            return 0
        state = _carry_out(port, release, planned, asked.wait, out)
    out.result(_values(planned, release) | {"result": state}, f"deploy-{state}")
    return 0 if state in (GOOD, deploy.ALREADY, NOT_ENROLLED, SWITCHED) else 1


def _carry_out(port: Port, release: Release, planned: Plan, wait_s: float, out: Output) -> str:
    if planned.loader == "kept":
        out.say("loader-kept")
    if planned.state in (deploy.ALREADY, deploy.SAFE):
        return planned.state
    if planned.state == deploy.INSTALL:
        if planned.cancels:
            out.say("trial-ended", number=planned.cancels)
        deploy.install(port, release, planned, out.progress)
        since = deploy.switch(port, planned.slot)
    else:
        since = deploy.on_trial(port)
    if planned.node == 0:
        return NOT_ENROLLED
    port.reset()
    if not wait_s:
        return SWITCHED
    out.say("deploy-wait", seconds=f"{wait_s:g}")
    state = deploy.wait(port, release, since, wait_s)
    return deploy.give_up(port, since) if state == UNKNOWN else state


def _values(planned: Plan, release: Release) -> dict[str, object]:
    return {
        "release": release.number,
        "name": release.name,
        "slot": planned.slot,
        "running": planned.running,
        "sent": len(planned.send),
        "kept": planned.kept,
        "removed": len(planned.remove),
        "bytes": planned.size_bytes,
        "node": planned.node,
    }


def _diff(planned: Plan) -> list[str]:
    lines = [f"  + {planned.slot}/{path}" for path in planned.send]
    lines += [f"  - {planned.slot}/{path}" for path in planned.remove]
    return lines + ([f"  + {releases.LOADER}"] if planned.loader == "install" else [])
