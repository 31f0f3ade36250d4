"""Calibrate one channel of a board: who it is, what changes, and the record of it.

The logbook learns of a calibration before the board does and that it is done after the board has
given it back, so that a pulled cable leaves neither an unknown transform nor an untrue record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import unified_diff
from fractions import Fraction
from typing import Any

from amont_provision import calibration as sums
from amont_provision.board import Held
from amont_provision.calibration import Fit, Point, Transform
from amont_provision.held import changed, channels, quantity_of, store
from amont_provision.logbook import Logbook, Pages
from amont_provision.port import Port
from amont_provision.probing import UNKNOWN, raw_unit
from amont_provision.texts import Refused
from amont_site import Site
from amont_site.model import Channel, Node, limits

BEGUN, DONE = "calibration", "calibrated"  # kinds of records
REASON_CHARACTERS_MAX = 200
CLOCK_SLACK = timedelta(minutes=5)  # two laptops at one station
Json = dict[str, Any]
# What a distance, a current or a count is worth, nobody knows before a calibration.
NEEDS_CALIBRATION = ("range_mm", "current_ua", "pulses", UNKNOWN)
# A sensor above the water measures down to it; one in the water has the water above it.
FACINGS = {"down": -1, "up": 1}
USUAL = {"pulses": sums.FACTOR, "current_ua": sums.LINE}


@dataclass(frozen=True)
class Target:
    """The channel that is to be calibrated, as site and board know it."""

    node: Node
    channel: Channel
    held: Held
    at: int  # place in the board's list of channels

    @property
    def board_channel(self) -> Json:
        """Return the board's own words about the channel."""
        return channels(self.held)[self.at]

    @property
    def unit(self) -> str:
        """Return what the probe counts in."""
        return raw_unit(self.board_channel)

    @property
    def before(self) -> Transform | None:
        """Return the transform in force, None if the channel was never calibrated."""
        return transform_of(self.board_channel)

    @property
    def bounds(self) -> tuple[int, int]:
        """Return the channel's least and greatest value in the site's file."""
        known = limits(self.node, self.channel)
        return known["min"], known["max"]


@dataclass(frozen=True)
class Planned:
    """A calibration that may be carried out: the board's next configuration and the record."""

    target: Target
    fit: Fit
    value: Json = field(repr=False)
    record: Json = field(repr=False)
    at: datetime

    @property
    def version(self) -> int:
        """Return the version of the configuration that will hold it."""
        return int(self.value["version"])


def target(site: Site, held: Held, sensor: str | None) -> Target:
    """Return the channel meant; raise Refused if site and board do not agree on it."""
    node = next((node for node in site.nodes if node.id == held.node), None)
    if node is None:
        raise Refused("not-in-site", node=held.node, site=site.id)
    names = [channel.sensor for channel in node.channels]
    if sensor is None and len(names) > 1:
        raise Refused("sensor-which", node=node.id, sensors=", ".join(names))
    if sensor is not None and sensor not in names:
        raise Refused("sensor-unknown", node=node.id, sensors=", ".join(names))
    place = 0 if sensor is None else names.index(sensor)
    for at, channel in enumerate(channels(held)):
        if channel["index"] == place and quantity_of(channel) == node.channels[place].quantity:
            return Target(node, node.channels[place], held, at)
    raise Refused("board-differs", node=node.id, sensor=names[place])


def transform_of(channel: Json) -> Transform | None:
    """Return a channel's transform, None if it has no sound one."""
    told = channel.get("calibration")
    parts = [told.get(name) for name in ("multiply", "divide", "add")] if told else []
    if len(parts) != 3 or not all(type(part) is int for part in parts) or parts[1] < 1:
        return None
    return Transform(*parts)


def fitted(
    wanted: Target, method: str | None, points: Sequence[Point], facing: str | None = None
) -> Fit:
    """Return the fit through the points; raise Refused if it cannot be true."""
    chosen = method or USUAL.get(wanted.unit, sums.OFFSET)
    slope = _slope(wanted, facing) if chosen == sums.OFFSET else None
    if chosen != sums.FACTOR:
        sums.check_range([point.true for point in points], *wanted.bounds)
    return sums.fit(chosen, points, wanted.unit, wanted.channel.quantity, slope)


def _slope(wanted: Target, facing: str | None) -> Fraction:
    """Return the slope that an offset keeps: the one it has, or by which way the sensor looks."""
    if facing is not None:
        return Fraction(FACINGS[facing])
    if wanted.before is not None:
        return Fraction(wanted.before.multiply, wanted.before.divide)
    if wanted.unit in USUAL:
        raise Refused("offset-first", sensor=wanted.channel.sensor)
    if wanted.unit == UNKNOWN:
        raise Refused("facing", sensor=wanted.channel.sensor)
    shrinks = wanted.unit == "range_mm" and wanted.channel.quantity != "range_mm"
    return Fraction(-1 if shrinks else 1)


def plan(
    wanted: Target, found: Fit, by: str, at: datetime, force: str | None, earlier: Pages
) -> Planned:
    """Return what to write; raise Refused for a jump without a reason, or a date gone back."""
    last = earlier.of(BEGUN, wanted.node.id, wanted.channel.sensor)
    if last and at + CLOCK_SLACK < datetime.fromisoformat(last[-1]["at"]):
        raise Refused("date-back", date=at.date(), last=last[-1]["at"][:10])
    moved = _moved(wanted, found)
    if force is None:
        _check_jump(wanted, found, moved)

    def change(value: Json) -> None:
        value["channels"][wanted.at]["calibration"] = found.transform.json()

    value = changed(wanted.held, change)
    return Planned(wanted, found, value, _record(wanted, found, by, force, moved, value), at)


def carry_out(planned: Planned, port: Port, logbook: Logbook) -> None:
    """Note it, write the board, read it back, note that it is done; raise Refused."""
    logbook.append(BEGUN, planned.at, planned.record)
    store(port, planned.target.held, planned.value)
    done = {name: planned.record[name] for name in ("node", "sensor", "config_version")}
    logbook.append(DONE, planned.at, done)


def diff(planned: Planned) -> list[str]:
    """Return what changes on the board, line by line; nothing secret is in it."""
    before, after = (
        json.dumps(_shown(value, planned.target.at), indent=1, sort_keys=True).splitlines()
        for value in (planned.target.held.config, planned.value)
    )
    return list(unified_diff(before, after, "board", "planned", lineterm="", n=1))


def history(pages: Pages, node: int, sensor: str) -> list[tuple[Json, bool]]:
    """Return a sensor's calibrations, oldest first, each with whether it reached the board."""
    done = {record.get("config_version") for record in pages.of(DONE, node, sensor)}
    return [(r, r.get("config_version") in done) for r in pages.of(BEGUN, node, sensor)]


def _shown(value: Json, at: int) -> Json:
    return {"version": value["version"], "channel": value["channels"][at]}


def _moved(wanted: Target, found: Fit) -> int | None:
    return (
        None if wanted.before is None else sums.jump(wanted.before, found.transform, found.points)
    )


def _check_jump(wanted: Target, found: Fit, moved: int | None) -> None:
    if moved is None:
        return
    if found.method == sums.FACTOR:
        most = max(1, max(point.true for point in found.points) * sums.JUMP_PERMILLE // 1_000)
    else:
        most = sums.jump_max(wanted.channel.quantity, *wanted.bounds)
    if abs(moved) > most:
        raise Refused("jump", moved=moved, most=most, unit=wanted.channel.quantity)


def _record(
    wanted: Target, found: Fit, by: str, force: str | None, moved: int | None, value: Json
) -> Json:
    return {
        "node": wanted.node.id,
        "sensor": wanted.channel.sensor,
        "quantity": wanted.channel.quantity,
        "by": by,
        "method": found.method,
        "raw_unit": wanted.unit,
        "points": [
            {"true": p.true, "raw": p.raw, "spread": p.spread, "readings": list(p.readings)}
            for p in found.points
        ],
        "residuals": list(found.residuals),
        "transform": found.transform.json(),
        "previous": None if wanted.before is None else wanted.before.json(),
        "moved": moved,
        "forced": force,
        "config_version": value["version"],
    }
