"""Tell nodes what to hold: the site's intervals, the marks of limits in force, what people ask.

``pending.json``, read live: ``{"format":1,"nodes":{"17":{"interval_s":300}}}``. Nothing in it
makes a node less watchful than the site does: the smaller value counts. A node that tells of an
older configuration than it should hold is sent that, beside an acknowledgement, until it tells of
the new one. ``configs.json`` keeps what each should hold, so that no version means two things.
Nothing here is on the way to the sirens: reports wait for the second's end.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from amont_wire.errors import WireError
from amont_wire.messages import decode

from .config import Config
from .keys import BAD, Put, read_json

AGAIN_S = 300.0  # before a node is told again: what it took it says within the hour
# name: its key on the wire, and the least that may be asked for
KEYS = {
    "interval_s": (1, 60), "fast_interval_s": (2, 10),
    "high_mark": (3, -(1 << 24)), "rise_mark": (4, 1), "alarm_mark": (6, -(1 << 24)),
}  # fmt: skip
LimitsOf = Callable[[str], list[int]]  # of a station, the four


class Pending:
    """What each node should hold, in which version, and what it told."""

    def __init__(self, folder: Path, put: Put, config: Config, in_force_mm: LimitsOf) -> None:
        """Read both files of the guard's folder."""
        self._folder, self._put, self._config, self._in_force = folder, put, config, in_force_mm
        self._asked, self.faults = dict[str, dict[str, int]](), list[str]()
        self._again_s: dict[int, float] = {}
        self.reports: deque[tuple[int, int, bytes]] = deque(maxlen=1024)  # node, type, body
        try:
            nodes = {int(node): _record(**r) for node, r in _nodes(folder / "configs.json")}
        except BAD:  # lost: what a node tells then is taken for what the site's file says
            nodes = {}
        self._nodes = {node: nodes[node] for node in nodes.keys() & config.nodes.keys()}
        self._look()

    def refresh(self, submit: Callable[[Callable[[], None]], object]) -> None:
        """Take what nodes told; ``submit`` a look at the file off the loop."""
        while self.reports:
            node, kind, body = self.reports.popleft()
            with suppress(WireError):
                said: Any = decode(kind, body)  # a hello or a health
                self._take(node, said.config_version, said.firmware)
        submit(self._look)

    def due(self, node: int, now_s: float) -> tuple[int, list[tuple[int, int]]] | None:
        """Return version and items if the node should be told them now."""
        if node not in self._nodes:
            return None
        known, wanted = self._nodes[node], self._usual(node, self._in_force)
        asked = self._asked.get(str(node), {})
        for name in asked.keys() & wanted.keys():
            wanted[name] = min(wanted[name], max(asked[name], KEYS[name][1]))
        wanted["fast_interval_s"] = min(wanted["fast_interval_s"], wanted["interval_s"])
        if wanted != known["items"]:
            known = {**known, "version": known["version"] + 1, "items": wanted}
            self._keep(node, known)
        if known["told"] >= known["version"] or now_s < self._again_s.get(node, now_s):
            return None
        self._again_s[node] = now_s + AGAIN_S
        return known["version"], [(KEYS[name][0], value) for name, value in wanted.items()]

    def _look(self) -> None:
        try:
            asked = dict(_nodes(self._folder / "pending.json"))
            for node, items in asked.items():
                if not items.keys() <= KEYS.keys() or {type(v) for v in items.values()} - {int}:
                    raise ValueError(f"node {node:.5}")
            self._asked, self.faults = asked, []
        except FileNotFoundError:
            self._asked, self.faults = {}, []
        except BAD as error:  # what was asked before still is
            self.faults = [f"pending.json: {error!r}"]

    def _take(self, node: int, version: int, firmware: int) -> None:
        if node in self._config.nodes:
            known = self._nodes.get(node, {"version": -1})
            if version > known["version"]:  # newer than ours: it came by cable
                limits = {s.id: s.limits_mm for s in self._config.stations.values()}
                usual = self._usual(node, limits.__getitem__)
                known = {"version": version, "items": usual}
            self._keep(node, {**known, "told": version, "firmware": firmware})

    def _usual(self, node: int, limits_mm: LimitsOf) -> dict[str, int]:
        at = self._config.nodes[node]
        found = {"interval_s": at.interval_s, "fast_interval_s": at.fast_interval_s}
        for station in self._config.stations.values():
            if at.channels and at.channels[0].sensor in station.sensors:
                watch_mm, _, alarm_mm, _ = limits_mm(station.id)
                rise = max(1, station.rise_support_mm * 60 // station.rise_support_s)
                found |= {"high_mark": watch_mm, "rise_mark": rise, "alarm_mark": alarm_mm}
        return found

    def _keep(self, node: int, record: dict[str, Any]) -> None:
        if self._nodes.get(node) != record:
            self._nodes[node] = record
            body = json.dumps({"format": 1, "nodes": self._nodes}).encode()
            self._put(self._folder / "configs.json", body, None)


def _nodes(path: Path) -> Any:
    return read_json(path)["nodes"].items()


def _record(version: int, items: dict[str, int], told: int, firmware: int) -> dict[str, Any]:
    good = {name: int(items[name]) for name in items.keys() & KEYS.keys()}
    return {"version": int(version), "items": good, "told": int(told), "firmware": int(firmware)}
