"""Remember what each node last said of itself."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from amont_gateway.decode import Uplink
from amont_gateway.events import Events
from amont_gateway.node_trends import NodeTrends
from amont_gateway.texts import NODE_FAULTS
from amont_wire.messages import Health, Hello


@dataclass(frozen=True)
class NodeState:
    """The latest about one node; None is not known."""

    heard_s: float = 0.0  # domain monotonic time of the last frame
    heard_ms: int = 0
    battery_mv: int | None = None
    rssi_dbm: int | None = None
    outbox: int | None = None
    boots: int | None = None
    backlog: int = 0
    fast: bool = False
    dropped: int = 0
    faults: int | None = None
    config_version: int | None = None
    firmware: int | None = None  # its release


class Nodes:
    """The state of all nodes, written by the storer, read from any thread."""

    def __init__(self, events: Events, trends: NodeTrends | None = None) -> None:
        """Take who follows batteries and links over days."""
        self._events = events
        self.trends = trends or NodeTrends()
        self._lock = threading.Lock()
        self._states: dict[int, NodeState] = {}

    def heard(self, uplink: Uplink, now_s: float, now_ms: int) -> None:
        """Take an authentic frame into account."""
        frame = uplink.frame
        old = self.of(frame.node)
        rssi_dbm, report = frame.rssi_dbm or old.rssi_dbm, uplink.report
        new = replace(old, heard_s=now_s, heard_ms=now_ms, rssi_dbm=rssi_dbm)
        if report is None:
            new = replace(new, backlog=uplink.backlog, fast=uplink.fast)
        elif isinstance(report, Health):
            if report.battery_mv:
                self.trends.battery(frame.node, report.battery_mv, now_ms)
            new = self._health(new, report, frame.node)
        elif isinstance(report, Hello):
            new = self._hello(new, report, frame.node)
        with self._lock:
            self._states[frame.node] = new

    def of(self, node: int) -> NodeState:
        """Return what is known of a node."""
        with self._lock:
            return self._states.get(node) or NodeState()

    def _health(self, state: NodeState, health: Health, node: int) -> NodeState:
        for bit, (french, english) in enumerate(NODE_FAULTS):
            if health.faults & ~(state.faults or 0) & 1 << bit:
                detail = {"fr": french, "en": english}
                self._events.note("node_fault", detail, node=node, key=english)
        if health.dropped > state.dropped:
            lost = str(health.dropped - state.dropped)
            self._events.note("node_dropped", lost, node=node)
        return replace(
            state,
            battery_mv=health.battery_mv or None,  # 0 mV: the node does not measure it
            rssi_dbm=health.rssi_dbm or state.rssi_dbm,
            outbox=health.outbox,
            boots=health.boots,
            dropped=health.dropped,
            faults=health.faults,
            config_version=health.config_version,
            firmware=health.firmware,
        )

    def _hello(self, state: NodeState, hello: Hello, node: int) -> NodeState:
        if hello.boots != state.boots:
            self._events.note("node_boot", f"n° {hello.boots}", node=node)
        return replace(
            state,
            boots=hello.boots,
            config_version=hello.config_version,
            firmware=hello.firmware,
        )
