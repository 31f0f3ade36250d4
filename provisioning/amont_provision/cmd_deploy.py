"""Put a release on a board from the command line."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from amont_provision import bootrecord, bridge, deploy, options, signing
from amont_provision import release as releases
from amont_provision.bootrecord import Record
from amont_provision.deploy import BACK, CRASHED, GOOD, UNKNOWN, Plan, Watch
from amont_provision.output import Output
from amont_provision.port import Port, VirtualPort, open_port
from amont_provision.release import Release
from amont_provision.service import BUTTON, service
from amont_provision.texts import Refused

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
    parser.add_argument(
        "--loader", action="store_true", help="this release's main.py in place of the board's"
    )
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Deploy; return 0, or 1 if the release was not good, or raise Refused."""
    release = releases.load(asked.release, signing.trusted(asked.trust))
    with closing(open_port(asked.port)) as port:
        _for_this_board(port, release)
        planned = deploy.plan(port, release, asked.loader)
        if asked.dry_run:
            out.result(_values(planned, release), f"deploy-{planned.state}-dry", _diff(planned))
            return 0
        with _in_reach(port, planned):
            since = _changed(port, release, planned, out)
            state, seen = _started(port, release, planned, since, asked.wait, out)
    values = _values(planned, release) | {"result": state}
    if seen is None:
        out.result(values, f"deploy-{state}")
    else:
        values |= {"why": seen.why or out.text("deploy-prompt"), "console": seen.said}
        out.result(values, _sentence(state, seen), seen.said)
    return 0 if state in (GOOD, deploy.ALREADY, NOT_ENROLLED, SWITCHED) else 1


def _for_this_board(port: Port, release: Release) -> None:
    """Raise Refused for a bridge's release on another board, or a node's on a bridge."""
    if bridge.is_bridge(release) == (port.read(bridge.ROLE) == bridge.SAID):
        return
    raise Refused("deploy-bridge" if bridge.is_bridge(release) else "deploy-on-bridge")


def _in_reach(port: Port, planned: Plan) -> AbstractContextManager[None]:
    """Hold the button of a simulated board whose node runs; a real one is held by a person."""
    idle = planned.state in (deploy.ALREADY, deploy.SAFE) and planned.loader != "install"
    locked = port.read(releases.LOADER) is not None and port.read(BUTTON) is None
    if isinstance(port, VirtualPort) and locked and planned.node and not idle:
        return service(port)
    return nullcontext()


def _changed(port: Port, release: Release, planned: Plan, out: Output) -> Record | None:
    """Put on the board what it lacks; return its record, None if nothing was to be done."""
    if planned.loader == "kept":
        out.say("loader-kept")
    if planned.state == deploy.RESUME:
        return deploy.on_trial(port)
    if planned.state == deploy.INSTALL:
        if planned.cancels:
            out.say("trial-ended", number=planned.cancels)
        deploy.install(port, release, planned, out.progress)
        return deploy.switch(port, planned.slot)
    if planned.loader != "install":
        return None
    deploy.load(port, release)
    return bootrecord.read(port)


def _started(
    port: Port, release: Release, planned: Plan, since: Record | None, wait_s: float, out: Output
) -> tuple[str, Watch | None]:
    """Start the board on what it was given; return what became of it, and of a crash its words."""
    if since is None:
        return planned.state, None
    if planned.node == 0:
        return NOT_ENROLLED, None
    port.reset()
    if not wait_s:
        return SWITCHED, None
    out.say("deploy-wait", seconds=f"{wait_s:g}")
    seen = deploy.wait(port, release, since, wait_s)
    if seen.state not in (UNKNOWN, CRASHED):
        return seen.state, None
    state = deploy.give_up(port, since)
    if seen.state == UNKNOWN:
        return state, None
    return (BACK if state == BACK else CRASHED), seen


def _sentence(state: str, seen: Watch) -> str:
    if seen.is_loader:
        return "deploy-crashed-loader"
    return "deploy-crashed-back" if state == BACK else "deploy-crashed"


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
