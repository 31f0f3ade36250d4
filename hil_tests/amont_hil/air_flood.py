"""One hour of flood on the simulated air: who crosses, when the guard knows, what it cost.

Half an hour of calm comes before, in which the nodes boot one after the other; after the hour the
rivers fall, and the air is given time until every reading is committed.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from amont_node.config import NodeConfig
from amont_provision import board

from .air import Air, Events
from .air_bridge import CONTINUOUS, SCANNING, AirBridge, Plan, preamble
from .air_guard import AirGuard, secret_of
from .air_links import FACTORS, Links, Spot, Weather, settle
from .air_node import AirNode, NodeClock, NodeRadio
from .air_site import ALARM_MM, SEATS, WATCH_MM, pressure, rivers_of, site_of, stage

CHANNELS_KHZ = (868_100, 868_300, 868_500)
CALM_S, HOUR_S, DRAIN_S = 1800, 3600, 10_800
CROSS_AFTER_S, CROSS_WITHIN_S = 300, 600
BOOT_WITHIN_S = 900
_DRIFT_PPM = 30.0
_LOOK_S = 60  # how often it is looked whether all is told
RADIUS_M = 2500.0
HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Scenario:
    """What is simulated; ``in_step``: all nodes' clocks show the same second."""

    seed: int
    nodes: int = 100
    crossing: int = 30
    kind: str = SCANNING
    in_step: bool = False
    weather: Weather = field(default_factory=Weather)
    radius_m: float = RADIUS_M
    drain_s: int = DRAIN_S

    @property
    def rivers(self) -> int:
        """Return how many nodes watch a river that crosses: whole stations."""
        return max(SEATS, self.crossing // SEATS * SEATS)

    @property
    def plan(self) -> Plan:
        """Return what the bridge listens to, and so what nodes send on."""
        if self.kind == CONTINUOUS:  # the factor that reaches everybody
            return Plan(self.kind, CHANNELS_KHZ[:1], FACTORS[-1:])
        return Plan(self.kind, CHANNELS_KHZ, FACTORS)


@dataclass
class Crossing:
    """A mark that a node's sample was the first to be beyond, and when the guard knew."""

    node: int
    seq: int
    at_us: int
    told_us: int | None = None  # by a frame with a sample of then or later

    @property
    def took_s(self) -> float:
        """Return how long it took, infinite if it was never told."""
        return float("inf") if self.told_us is None else (self.told_us - self.at_us) / 1e6


@dataclass
class Outcome:
    """What a flood came to."""

    urgent_s: list[float]
    node_airtime_us: dict[int, int]  # in the worst hour
    bridge_airtime_us: int
    readings: int
    lost: int  # neither committed nor waiting
    late: int  # waiting still, when the time to drain was over
    drained_s: float
    fates: Counter[str]
    uplinks: int
    downlinks: int
    downlinks_heard: int
    results: Counter[int]
    factors: Counter[int]
    trace: list[tuple[int, int, int, int, str]]  # begin, sender, bytes, factor, fate


class Flood:
    """Bridge, guard and nodes of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        """Put everything in its place; nothing has happened yet."""
        self.scenario, self.events = scenario, Events()
        places = {0: (0.0, 0.0)}
        self.links = Links(scenario.seed, places, scenario.weather)
        plan = scenario.plan
        allowed = plan.factors
        self.spots = settle(self.links, scenario.nodes, scenario.radius_m, allowed)
        self.air = Air(self.events, self.links.loss_db)
        rivers = scenario.rivers
        self.site = site_of(scenario.nodes, rivers, plan.channels_khz, plan.factors)
        self.bridge = AirBridge(self.air, self.links, plan, lambda data: self.guard.write(data))
        self.guard = AirGuard(self.events, self.site, self.bridge.from_guard, self._arrived)
        self.nodes: dict[int, AirNode] = {}
        self.crossings: list[Crossing] = []
        self._open: dict[int, list[Crossing]] = {}
        self._beyond: dict[int, set[int]] = defaultdict(set)
        self._rivers = rivers_of(
            scenario.seed, rivers // SEATS, CALM_S + CROSS_AFTER_S, CROSS_WITHIN_S,
            CALM_S + HOUR_S,
        )  # fmt: skip
        chance = random.Random(f"{scenario.seed}/boots")
        for spot in self.spots:
            boot_us = int(chance.random() * BOOT_WITHIN_S * 1e6)
            drift_ppm = chance.uniform(-_DRIFT_PPM, _DRIFT_PPM)
            self.events.at(boot_us, self._boot, spot, plan, drift_ppm, rivers)

    def run(self) -> Outcome:
        """Let it all happen."""
        until_s = CALM_S + HOUR_S
        self.events.run(until_s * 1_000_000)
        sampled = {node.id: len(node.outbox.records) for node in self.nodes.values()}
        end_s = until_s + self.scenario.drain_s
        while until_s < end_s and self._missing(sampled):
            until_s += _LOOK_S
            self.events.run(until_s * 1_000_000)
        return self._outcome(sampled, until_s - CALM_S - HOUR_S)

    def _boot(self, spot: Spot, plan: Plan, drift_ppm: float, rivers: int) -> None:
        seed, in_step = self.scenario.seed, self.scenario.in_step
        clock = NodeClock(0, 0.0) if in_step else NodeClock(self.events.now_us, drift_ppm)
        config = self._config(spot, plan)
        radio = NodeRadio(self.air, self.links, spot.node, self._came)
        river = self._rivers[(spot.node - 1) // SEATS] if spot.node <= rivers else None
        value = stage(river, seed, spot.node) if river else pressure(seed, spot.node)
        node = AirNode(config, secret_of(spot.node), value, clock, radio, self.events)
        self.nodes[spot.node] = node
        if river is not None:
            node.sampled = self._sampled
        node.wake()

    def _came(self, node: int) -> None:
        self.nodes[node].wake_at(self.events.now_us)

    def _config(self, spot: Spot, plan: Plan) -> NodeConfig:
        (place,) = (node for node in self.site.nodes if node.id == spot.node)
        carrier = board.lora(self.site, place, {"chip": "sx1262"})
        carrier["lora"]["preamble"] = preamble(plan, spot.sf)
        return NodeConfig(board.configuration(self.site, place, 1, 1, carrier))

    # --- what is measured

    def _sampled(self, node: AirNode, seq: int, value: int) -> None:
        # The first sample beyond each mark.
        known = self._beyond[node.id]
        for mark in (WATCH_MM, ALARM_MM):
            if value >= mark and mark not in known:
                known.add(mark)
                crossing = Crossing(node.id, seq, node.radio.now_us)
                self.crossings.append(crossing)
                self._open.setdefault(node.id, []).append(crossing)

    def _arrived(self, node: int, _counter: int, _first: int, last: int, at_us: int) -> None:
        for crossing in list(self._open.get(node, ())):
            if last >= crossing.seq:
                crossing.told_us = at_us
                self._open[node].remove(crossing)

    def _missing(self, sampled: dict[int, int]) -> int:
        return sum(
            not self.guard.holds(node, seq)
            for node, count in sampled.items()
            for seq in range(count)
        )

    def _outcome(self, sampled: dict[int, int], drained_s: float) -> Outcome:
        used = {number: self.air.used_us(number) for number in (0, *self.nodes)}
        down = [s for s in self.air.sent if s.sender == 0]
        nodes = self.nodes.values()
        lost = sum(
            not self.guard.holds(node.id, seq) and not node.outbox.waits(seq)
            for node in nodes
            for seq in range(len(node.outbox.records))
        )
        return Outcome(
            urgent_s=[crossing.took_s for crossing in self.crossings],
            node_airtime_us={number: worst_hour_us(used[number]) for number in self.nodes},
            bridge_airtime_us=worst_hour_us(used[0]),
            readings=sum(sampled.values()), lost=lost, late=self._missing(sampled),
            drained_s=drained_s, fates=self.bridge.counts,
            uplinks=len(self.air.sent) - len(down), downlinks=len(down),
            downlinks_heard=sum("heard" in s.fates.values() for s in down),
            results=self.guard.results, factors=Counter(spot.sf for spot in self.spots),
            trace=[
                (s.begin_us, s.sender, len(s.frame), s.modulation.sf, s.fates.get(0, ""))
                for s in self.air.sent
            ],
        )  # fmt: skip


def worst_hour_us(sent: list[tuple[int, int]]) -> int:
    """Return the most that any 3,600 s hold of (begin, length), cut at the hour's edges."""
    worst = held_us = first = 0
    for begin_us, length_us in sent:
        held_us += length_us
        from_us = begin_us + length_us - HOUR_US
        while sum(sent[first]) <= from_us:
            held_us -= sent[first][1]
            first += 1
        worst = max(worst, held_us - max(0, from_us - sent[first][0]))
    return worst
