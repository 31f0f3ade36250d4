"""Run the steps that prove a station, in their order, each within what is left of the time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from amont_provision import calibrating
from amont_provision.board import Held
from amont_provision.calibrating import Target
from amont_provision.calibration import Transform, measured
from amont_provision.held import channels, quantity_of
from amont_provision.page_check import page_step
from amont_provision.port import Port
from amont_provision.probing import BoardProbe
from amont_provision.service import service
from amont_provision.texts import Refused
from amont_provision.verification import FAILED, OK, WAITING, Expected, Follower, Step, follow
from amont_site import Site

VERIFICATION = "verification"  # kind of record
PAGE_S = 30.0  # journal and page are at most a few seconds behind
READINGS, PAUSE_MS = 7, 100
Json = dict[str, Any]


class Check:
    """One verification of one board.

    clock: seconds that never go back. told: hears each step as it is known.
    """

    def __init__(
        self,
        site: Site,
        board: Held,
        port: Port,
        timeout_s: float,
        clock: Callable[[], float],
        told: Callable[[Step], None],
    ) -> None:
        sensors = _sensors(site, board)
        self._targets = [calibrating.target(site, board, sensor) for sensor in sensors]
        self._node, self._port = board.node, port
        self._clock, self._told = clock, told
        self._began_s = clock()
        self._end_s = self._began_s + timeout_s

    @property
    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return round(self._clock() - self._began_s, 1)

    def run(self, page: str | None) -> list[Step]:
        """Return all steps; leave the board in its normal life. page: the gateway's, or None."""
        with service(self._port):
            steps = [self._tell(self._reading(target)) for target in self._targets]
            expected = [
                Expected(target.channel.sensor, target.board_channel["index"], *target.bounds)
                for target in self._targets
            ]
            began_s = self._clock()
            follower = Follower(self._node, expected, began_s)
            self._port.reset()
            left_s = max(1.0, self._end_s - began_s)
            follow(self._port.lines, follower, left_s, self._clock, self._told)
        steps += follower.in_order()
        return steps if page is None else [*steps, self._tell(self._page(page, follower))]

    def _reading(self, target: Target) -> Step:
        began_s = self._clock()
        name = f"sensor {target.channel.sensor}"
        try:
            with closing(BoardProbe(self._port, target.board_channel)) as probe:
                readings = probe.read(READINGS, PAUSE_MS)
            point = measured(0, readings, target.unit)
        except Refused as error:
            step = Step(name, FAILED, error.code, {k: str(v) for k, v in error.values.items()})
        else:
            step = _judged(name, target, point.raw, point.spread)
        step.seconds = self._clock() - began_s
        return step

    def _page(self, page: str, follower: Follower) -> Step:
        if not all(follower.values.values()):
            return Step("page", WAITING, "verify-waiting")
        left_s = self._end_s - self._clock()
        return page_step(page, follower.values, min(PAGE_S, left_s), self._clock)

    def _tell(self, step: Step) -> Step:
        self._told(step)
        return step


def record(board: Held, steps: list[Step], seconds: float, by: str | None) -> Json:
    """Return what the logbook keeps of a verification."""
    return {
        "node": board.node,
        "by": by,
        "proved": all(step.state == OK for step in steps),
        "generation": board.config.get("generation"),
        "config_version": board.version,
        "seconds": seconds,
        "steps": [step.json() for step in steps],
    }


def _judged(name: str, target: Target, raw: int, spread: int) -> Step:
    transform = target.before or Transform()
    value = transform.value(raw)
    low, high = target.bounds
    told = {"value": value, "raw": raw, "spread": spread, "unit": target.channel.quantity}
    needs = target.unit in calibrating.NEEDS_CALIBRATION and target.unit != target.channel.quantity
    if target.before is None and needs:
        return Step(name, FAILED, "verify-uncalibrated", told)
    if target.unit != "pulses" and not low <= value <= high:
        return Step(name, FAILED, "verify-range", {**told, "low": low, "high": high,
                                                    "sensor": target.channel.sensor})  # fmt: skip
    return Step(name, OK, "verify-reading", told)


def _sensors(site: Site, board: Held) -> list[str]:
    """Return the sensors of a board's channels; raise Refused if site and board do not agree."""
    node = next((node for node in site.nodes if node.id == board.node), None)
    if node is None:
        raise Refused("not-in-site", node=board.node, site=site.id)
    here = [(channel["index"], quantity_of(channel)) for channel in channels(board)]
    if here != [(index, c.quantity) for index, c in enumerate(node.channels)]:
        raise Refused("board-differs", node=node.id, sensor=node.channels[0].sensor)
    return [channel.sensor for channel in node.channels]
