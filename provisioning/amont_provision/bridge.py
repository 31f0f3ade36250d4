"""Make a board the site's bridge: its role, its radio's wiring, and a bridge's release.

A bridge has no identity and no key, so there is nothing to enrol. Which of several sends is the
guard's to say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from amont_provision import board, boards, deploy
from amont_provision.deploy import Plan, Progress
from amont_provision.port import Port
from amont_provision.release import Release
from amont_provision.texts import Refused

ROLE, SETTINGS = "role", "bridge.json"
SAID = b"bridge\n"
PROGRAM = "amont_bridge/board.mpy"
RADIO = "radio"  # among a board's pins
SIMULATED = "sim"
# A RAK3172 keeps the turn of IQ in its flash, which each answer changes twice: worn within days.
CHIPS = ("sx1261", "sx1262")


@dataclass(frozen=True)
class BridgePlan:
    """What will change on the board."""

    deployed: Plan
    files: dict[str, bytes] = field(repr=False)  # beside the release, those that differ


def wiring(name: str, chip: str | None = None) -> dict[str, Any]:
    """Return a radio's settings as a board's file has them; raise Refused if it has none."""
    radio = boards.known(name, "bridge-board").get("pins", {}).get(RADIO)
    if not isinstance(radio, dict):
        raise Refused("bridge-no-radio", board=name)
    inner = {key: value for key, value in radio.items() if key not in ("chip", "pins")}
    named = chip or radio.get("chip", "sx1262")
    if named not in CHIPS:
        raise Refused("bridge-chip", chip=named, choices=", ".join(CHIPS))
    # A bridge hangs on USB: 0.7 mA more in reception buys every station 2 to 3 dB.
    return {"chip": named, "pins": {"boost": True, **radio.get("pins", inner)}}


def simulated(host: str, port: int) -> dict[str, Any]:
    """Return the settings of a simulated radio that nodes reach at an address."""
    return {"chip": SIMULATED, "host": host, "bind": port}


def is_bridge(release: Release) -> bool:
    """Tell whether a release is a bridge's."""
    return PROGRAM in release.files


def plan(port: Port, release: Release, settings: dict[str, Any]) -> BridgePlan:
    """Compare a board with what it is to be; raise Refused if it must not be that."""
    if not is_bridge(release):
        raise Refused("bridge-release", name=release.name)
    board.check_radio(settings, release)
    node = board.enrolled(port)[0]
    if node:
        raise Refused("bridge-is-node", node=node)
    wanted = {ROLE: SAID, SETTINGS: json.dumps(settings, sort_keys=True).encode() + b"\n"}
    files = {name: content for name, content in wanted.items() if port.read(name) != content}
    return BridgePlan(deploy.plan(port, release, with_loader=True), files)


def carry_out(port: Port, release: Release, planned: BridgePlan, progress: Progress) -> None:
    """Write what differs and restart the board; raise Refused. Cut off, do it again."""
    for name, content in planned.files.items():
        port.write(name, content)
    deployed = planned.deployed
    if deployed.state == deploy.INSTALL:
        deploy.install(port, release, deployed, progress)
        deploy.switch(port, deployed.slot)
    elif deployed.loader == "install":
        deploy.load(port, release)
    port.reset()
