"""Carry sealed frames between nodes on LoRaWAN and the guard, through a network server.

What came on our port goes to the guard as it is, before anything is made of what stands beside
it. The server's word counts for nothing else: who sent a frame and whether it may be answered is
known when the guard has opened it. What cannot be used is counted by its reason.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from amont_gateway import lorawan_messages as m
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.guard_link import GuardLink
from amont_gateway.lorawan_queue import ANSWERABLE, Downlinks, Out, Ration
from amont_gateway.lorawan_texts import REFUSED
from amont_gateway.mqtt_connection import Acknowledge, Broker, MqttConnection
from amont_gateway.view import LorawanState, Text
from amont_guard.messages import Opened
from amont_site import model
from amont_site.lorawan import FPORT, device_id, downlinks_day
from amont_wire.const import MAX_FRAME, MIN_FRAME

STRANGERS_MAX = 20  # foreign devices told apart; all further ones are one
COPIES_MAX = 20_000  # transmissions remembered, to know a copy of one
_NODE_AT, _COUNTER_AT = slice(1, 3), slice(3, 7)  # of the frame's header, little endian
_RATION_FILE = "lorawan_ration.json"
_DAY_S = 86_400


@dataclass(frozen=True)
class LorawanPlan:
    """A network server, and who of the site's nodes it carries."""

    server: str  # "chirpstack" | "ttn"
    application: str
    tenant: str | None
    broker: Broker
    downlinks_day: int | None  # a node
    nodes: Mapping[str, int]  # by DevEUI, lower case
    interval_s: Mapping[int, int] = field(default_factory=dict)  # by node
    shared: bool = False  # other people's sensors are devices of the same application


@dataclass
class _Device:
    """What the server last told of a node's device."""

    name: str  # in its topics
    answerable_s: int  # how long an answer to it is worth anything
    time: str = ""  # of the server, when it last heard it
    signal: tuple[int, bytes] = (0, b"")  # uplink counter, receptions


class LorawanIngest:
    """The gateway's client of a network server, run by one thread of its own."""

    def __init__(
        self,
        site: str,
        plan: LorawanPlan,
        link: GuardLink,
        counters: Counters,
        events: Events,
        clock: Clock,
        data: Path,
    ) -> None:
        self._plan = plan
        self._link = link
        self._counters = counters
        self._events = events
        self._server = m.server_of(plan.server, plan.application, plan.tenant)
        self._devices = {node: _device(plan, eui, node) for eui, node in plan.nodes.items()}
        self._copies: OrderedDict[tuple[str, str, bytes], None] = OrderedDict()
        self._strangers: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()  # of the two counters above
        a_day = plan.downlinks_day
        self.ration = Ration(a_day, data / _RATION_FILE, clock.wall_ms) if a_day else None
        self._queue = Downlinks(
            counters, clock.monotonic_s, replaces=self._server.replaces, ration=self.ration
        )
        self._acts: dict[str, Callable[[str, str, bytes], None]] = {
            "up": self._up, "join": self._join, "txack": self._told, "log": self._told,
            "down/sent": self._told, "down/failed": self._told,
        }  # fmt: skip
        self._connection = MqttConnection(
            f"amont-gateway-{site}-lorawan",
            plan.broker,
            self._server.subscriptions,
            self._on_message,
            events,
            about="LoRaWAN",
        )

        self._published_on = 0  # which connection

    @property
    def state(self) -> LorawanState:
        """Return how the carrier is, for people."""
        counts = self._counters.snapshot()
        with self._lock:
            refused, strangers = dict(self._refused), sorted(self._strangers)
        return LorawanState(
            server=self._plan.server,
            state=self._connection.state,
            refused=refused,
            strangers=strangers,
            downlinks_day=self._plan.downlinks_day,
            downlinks_sent=counts.get("lorawan_downlinks_sent", 0),
            downlinks_held_back=counts.get("lorawan_downlinks_held_back", 0),
        )

    def run(self, stopping: threading.Event) -> None:
        """Connect, serve, and connect again until told to stop."""
        if self.ration is not None:
            self.ration.load()
        self._connection.run(stopping)
        self.save()

    def save(self) -> None:
        """Write how much of the ration was used."""
        if self.ration is not None:
            self.ration.save()

    def opened(self, frames: list[Opened]) -> list[Opened]:
        """Return frames with the signal that the best LoRaWAN gateway had of them."""
        return [self._opened(frame) if frame.node in self._devices else frame for frame in frames]

    def carries(self, node: int) -> bool:
        """Tell whether a node comes over LoRaWAN."""
        return node in self._devices

    def publish_downlinks(self, items: list[tuple[int, bytes]]) -> None:
        """Carry sealed downlinks as far as the server's queue and the ration allow."""
        if self._connection.number != self._published_on:
            self._published_on = self._connection.number
            self._queue.reconnected()
        for out in self._queue.offer(items):
            self._publish(out)

    def _opened(self, frame: Opened) -> Opened:
        self._queue.heard(frame)
        counter, receptions = self._devices[frame.node].signal
        best = m.best_signal(receptions) if counter == frame.counter else None
        return frame._replace(rssi_dbm=best[0], snr_db4=best[1]) if best else frame

    def _publish(self, out: Out | None) -> None:
        while out is not None:
            device = self._devices[out.node]
            expires = m.later(device.time, device.answerable_s)
            topic, payload = self._server.downlink(
                device.name, FPORT, out.frame, out.name, expires, out.urgent
            )
            if self._connection.publish(topic, payload, self._server.subscriptions[0][1]):
                self._counters.add("lorawan_downlinks_sent")
                return
            self._counters.add("lorawan_downlinks_dropped")
            out = self._queue.gone(out.node, out.name)

    def _on_message(
        self, topic: str, payload: bytes, _retained: bool, acknowledge: Acknowledge
    ) -> None:
        self._counters.add("lorawan_messages")
        try:
            kind, name = self._server.event(topic)
            act = self._acts.get(kind)
            if act is not None:
                act(kind, name, payload)
        except m.Refused as refused:
            if refused.reason == m.DEVICE and self._plan.shared:
                self._counters.add("lorawan_others")
            else:
                self._refuse(refused, topic)
        acknowledge()

    def _up(self, _kind: str, name: str, payload: bytes) -> None:
        up = self._server.uplink(payload, name)
        node = self._node(up.dev_eui)
        if not up.data:  # MAC commands, or a lone sign of life
            self._counters.add("lorawan_empty")
            return
        if up.port != FPORT:
            raise m.Refused(m.PORT, f"{up.dev_eui}, port {up.port}")
        frame = m.frame_of(up.data)
        if not MIN_FRAME <= len(frame) <= MAX_FRAME:
            raise m.Refused(m.LENGTH, f"{up.dev_eui}, {len(frame)} bytes")
        sender = int.from_bytes(frame[_NODE_AT], "little")
        if sender != node:
            raise m.Refused(m.NODE, f"{up.dev_eui}: {sender}, not {node}")
        self._take(node, name, up, frame)

    def _take(self, node: int, name: str, up: m.Uplink, frame: bytes) -> None:
        copy = (up.dev_eui, up.transmission, frame)
        if up.transmission and copy in self._copies:
            self._counters.add("lorawan_copies")
            return
        device = self._devices[node]  # its name and signal before the guard can answer
        counter = int.from_bytes(frame[_COUNTER_AT], "little")
        device.name, device.time, device.signal = name, up.time, (counter, up.receptions)
        if not self._link.send_raw(frame):
            return  # it comes again; then it is no copy
        self._counters.add("lorawan_frames")
        self._copies[copy] = None
        if len(self._copies) > COPIES_MAX:
            self._copies.popitem(last=False)

    def _join(self, _kind: str, name: str, _payload: bytes) -> None:
        node = self._known(name)
        if node is not None:
            self._counters.add("lorawan_joins")
            self._events.note("lorawan_joined", node=node)
            self._queue.joined(node)

    def _told(self, kind: str, name: str, payload: bytes) -> None:
        node, told = self._known(name), self._server.told(kind, payload)
        if node is None or told is None:
            return
        if told.problem:
            self._counters.add("lorawan_problems")
            self._events.note("lorawan_problem", told.problem, node=node, key=told.problem[:20])
        elif kind in ("txack", "down/sent"):
            self._counters.add("lorawan_downlinks_transmitted")
        self._publish(self._queue.gone(node, told.downlink))

    def _node(self, dev_eui: str) -> int:
        node = self._plan.nodes.get(dev_eui)
        if node is None:
            raise m.Refused(m.DEVICE, dev_eui)
        return node

    def _known(self, name: str) -> int | None:
        """Return the node of a device by its name in topics, None if it is a stranger."""
        node = self._plan.nodes.get(name.lower())
        if node is not None:
            return node
        return next((n for n, device in self._devices.items() if device.name == name), None)

    def _refuse(self, refused: m.Refused, topic: str) -> None:
        self._counters.add(f"lorawan_refused_{refused.reason}")
        about = refused.detail or topic[-60:]
        with self._lock:
            self._refused[refused.reason] += 1
            if refused.reason == m.DEVICE:
                if len(self._strangers) < STRANGERS_MAX or about in self._strangers:
                    self._strangers[about] += 1
                else:
                    about = "…"
        french, english = REFUSED[refused.reason]
        detail: Text = {"fr": f"{french} ({about})", "en": f"{english} ({about})"}
        key = f"{refused.reason} {about}" if refused.reason == m.DEVICE else refused.reason
        self._events.note("lorawan_refused", detail, key=key)


def _device(plan: LorawanPlan, dev_eui: str, node: int) -> _Device:
    name = dev_eui if plan.server == "chirpstack" else device_id(node)  # until it is heard
    answerable_s = ANSWERABLE * plan.interval_s.get(node, _DAY_S)
    return _Device(name, min(answerable_s, _DAY_S))


def _reads(topic: str, root: str) -> bool:
    """Tell whether a filter takes messages below ``root``."""
    levels = topic.split("/")
    for at, wanted in enumerate(root.split("/")):
        if levels[at:] and levels[at] == "#":
            return True
        if not levels[at:] or levels[at] not in (wanted, "+"):
            return False
    return True


def plan_from(site: model.Site, broker: Broker) -> LorawanPlan | None:
    """Return what a site's file says of LoRaWAN; None if it says nothing."""
    if site.lorawan is None:
        return None
    told, carried = site.lorawan, [node for node in site.nodes if node.carrier == "lorawan"]
    root = m.server_of(told.server, told.application, told.tenant).root
    return LorawanPlan(
        server=told.server,
        application=told.application,
        tenant=told.tenant,
        broker=broker,
        downlinks_day=downlinks_day(told),
        nodes={node.lorawan.dev_eui: node.id for node in carried if node.lorawan is not None},
        interval_s={node.id: node.interval_s for node in carried},
        shared=any(_reads(source.topic, root) for source in site.foreign_sources),
    )
