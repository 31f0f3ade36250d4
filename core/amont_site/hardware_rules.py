"""Check what hangs together on one node: board, probes, pins, and how it is asked to sense."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct

from amont_site.hardware import (
    BOARDS,
    COUNTER_KEYS,
    DEEP_SLEEPERS,
    PROBE_KEYS,
    Board,
    Probe,
    pins,
)
from amont_site.model import Channel, Node
from amont_site.problems import dotted
from amont_site.reading import EXAMPLES, Path

Problem = tuple[Path, str, dict[str, object]]  # where below the node, code, values
FLASH_LOOK_S = (60, 120)  # sensing every 1 to 2 minutes is what that profile is
LOOK_S = (10, 3_600)
SDI12_ADDRESS_MAX = 9


def problems(node: Node, stations: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong with a node's hardware and profile; ``stations``: all their sensors."""
    yield from _look(node)
    if node.marks is not None:
        if node.channels[0].sensor in stations:
            yield ("marks",), "marks-station", {"value": node.channels[0].sensor}
        low, high = node.marks.low, node.marks.high
        if low is not None and high is not None and low >= high:
            yield ("marks", "low"), "low-high", {"low": low, "high": high}
    if node.board is not None and node.carrier == "mqtt" and not BOARDS[node.board.name][1]:
        yield ("board", "name"), "no-wifi", {"value": node.board.name}
    if node.board is not None:
        yield from _sleep(node.board)
    for j, channel in enumerate(node.channels):
        if channel.probe is not None:
            for path, code, values in _probe(channel, channel.probe):
                yield ("channels", j, "probe", *path), code, values
    yield from _pins(node)


def _look(node: Node) -> Iterator[Problem]:
    if not node.look_s:
        return
    least, most = FLASH_LOOK_S if node.profile == "flash-flood" else LOOK_S
    most = min(most, node.interval_s)
    if not least <= node.look_s <= most:
        yield ("look_s",), "look", {"value": node.look_s, "least": least, "most": most}


def _sleep(board: Board) -> Iterator[Problem]:
    if board.sleep == "deep" and board.name not in DEEP_SLEEPERS:
        yield ("board", "sleep"), "sleep-deep", {"value": board.name}
    wakes = board.float is not None and board.float.wakes is not False
    gated = board.sleep == "gate"
    for what, needed, key, example in (
        ("sleep: gate", gated and board.rtc is None, "rtc", "ds3231"),
        ("rtc", board.rtc and board.name != "unix" and board.i2c is None, "i2c", "{id: 0, …}"),
        ("float, sleep: gate", gated and wakes and board.gate is None, "gate", "12"),
    ):
        if needed:
            yield ("board",), "probe-missing", {"kind": what, "key": key, "example": example}


def _probe(channel: Channel, probe: Probe) -> Iterator[Problem]:
    needed, known, quantities = PROBE_KEYS[probe.kind]
    yield from _keys(probe, probe.kind, needed, known)
    values: dict[str, object]
    if quantities and channel.quantity not in quantities:
        values = {"kind": probe.kind, "needed": ", ".join(quantities), "value": channel.quantity}
        yield ("kind",), "probe-quantity", values
    if probe.low is not None and probe.high is not None and probe.low >= probe.high:
        values = {"low": probe.low, "high": probe.high}
        yield ("low",), "low-high", values
    if probe.kind == "sdi12" and (probe.address or 0) > SDI12_ADDRESS_MAX:
        values = {"value": probe.address, "least": 0, "most": SDI12_ADDRESS_MAX}
        yield ("address",), "between", values
    if probe.counter is not None:
        counter = probe.counter
        for path, code, values in _keys(counter, counter.kind, *COUNTER_KEYS[counter.kind]):
            yield ("counter", *path), code, values


def _keys(part: Struct, kind: str, needed: list[str], known: list[str]) -> Iterator[Problem]:
    for key in part.__struct_fields__[1:]:
        if key not in (*needed, *known) and getattr(part, key) is not None:
            choices = ", ".join((*needed, *known))
            yield (key,), "probe-useless", {"kind": kind, "key": key, "choices": choices}
    for key in needed:
        if getattr(part, key) is None:
            example = EXAMPLES.get(key, "…")
            yield (), "probe-missing", {"kind": kind, "key": key, "example": example}


def _pins(node: Node) -> Iterator[Problem]:
    most = BOARDS[node.board.name][0] if node.board else None
    first: dict[int, tuple[Path, object]] = {}
    for path, number, bus in _wires(node):
        if most is not None and number > most:
            yield path, "between", {"value": number, "least": 0, "most": most}
        elif number not in first:
            first[number] = (path, bus)
        elif bus is None or bus != first[number][1]:
            yield path, "pin-twice", {"value": number, "other": dotted(first[number][0])}


def _wires(node: Node) -> Iterator[tuple[Path, int, object]]:
    for path, number, bus in pins(node.board) if node.board else ():
        yield ("board", *path), number, bus
    for j, channel in enumerate(node.channels):
        for path, number, bus in pins(channel.probe) if channel.probe else ():
            yield ("channels", j, "probe", *path), number, bus
