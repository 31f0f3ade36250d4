"""The flood of ``air_flood`` as pure ALOHA bears it: same seed, places, links and rivers.

A node samples each quarter of an hour, and each minute while its river is above the watch mark;
over the alarm mark each ten seconds for two minutes: as ours do, told without their rules.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from .air import Air, Events, Transmission
from .air_aloha import Aloha
from .air_bridge import CONCENTRATOR, shares
from .air_flood import (
    BOOT_WITHIN_S,
    CALM_S,
    CROSS_AFTER_S,
    CROSS_WITHIN_S,
    HOUR_S,
    Scenario,
    worst_hour_us,
)
from .air_links import BRIDGE, Links, settle
from .air_receivers import Radio
from .air_site import ALARM_MM, SEATS, WATCH_MM, River, rivers_of, stage

_USUAL_S, _FAST_S, _ALERT_S, _ALERT_SAMPLES = 900, 60, 10, 12


@dataclass
class Anchor:
    """What became of it."""

    urgent_s: list[float]
    node_airtime_us: dict[int, int]
    bridge_airtime_us: int
    readings: int
    lost: int


class AlohaFlood:
    """One hour of flood without our rules."""

    def __init__(self, scenario: Scenario) -> None:
        """Put everything in its place."""
        self._seed, plan = scenario.seed, scenario.plan
        self._events = Events()
        links = Links(scenario.seed, {BRIDGE: (0.0, 0.0)}, scenario.weather)
        spots = settle(links, scenario.nodes, scenario.radius_m, plan.factors)
        self._air = Air(self._events, links.loss_db)
        modes = [(khz, sf) for khz in plan.channels_khz for sf in plan.factors]
        radios = [
            Radio(self._air, links, BRIDGE, mine, self._heard, count, plan.kind != CONCENTRATOR)
            for mine, count in shares(plan.kind, modes)
        ]
        self._aloha = Aloha(self._air, plan, spots, radios)
        rivers = scenario.rivers
        self._rivers = rivers_of(
            scenario.seed, rivers // SEATS, CALM_S + CROSS_AFTER_S, CROSS_WITHIN_S,
            CALM_S + HOUR_S,
        )  # fmt: skip
        self._crossings: list[tuple[int, int, int]] = []  # node, seq, when
        self._samples = dict.fromkeys((spot.node for spot in spots), 0)
        chance = random.Random(f"{scenario.seed}/boots")
        for spot in spots:
            boot_us = int(chance.random() * BOOT_WITHIN_S * 1e6)
            chance.random()  # the drift
            river = self._rivers[(spot.node - 1) // SEATS] if spot.node <= rivers else None
            self._events.at(boot_us, self._sample, spot.node, river, set(), 0)

    def run(self, drain_s: int = 600) -> Anchor:
        """Let it happen."""
        self._events.run((CALM_S + HOUR_S) * 1_000_000)
        made = dict(self._samples)
        self._events.run((CALM_S + HOUR_S + drain_s) * 1_000_000)
        arrived = self._aloha.arrived
        took = [
            min(
                (at_us - from_us for (n, s), at_us in arrived.items() if n == node and s >= seq),
                default=float("inf"),
            ) / 1e6
            for node, seq, from_us in self._crossings
        ]  # fmt: skip
        lost = sum((node, seq) not in arrived for node, n in made.items() for seq in range(n))
        used = {node: worst_hour_us(self._air.used_us(node)) for node in (BRIDGE, *made)}
        return Anchor(took, used, used.pop(BRIDGE), sum(made.values()), lost)

    def _sample(self, node: int, river: River | None, beyond: set[int], alerts: int) -> None:
        now_us, seq = self._events.now_us, self._samples[node]
        self._samples[node] += 1
        stage_mm = 0 if river is None else stage(river, self._seed, node)(now_us / 1e6)
        for mark in (WATCH_MM, ALARM_MM):
            if stage_mm >= mark and mark not in beyond:
                beyond.add(mark)
                self._crossings.append((node, seq, now_us))
                alerts = _ALERT_SAMPLES if mark == ALARM_MM else 0
        rising = river is not None and now_us / 1e6 >= river.begins_s
        wait_s = _ALERT_S if alerts else _FAST_S if rising else _USUAL_S
        self._events.at(
            now_us + wait_s * 1_000_000, self._sample, node, river, beyond, max(0, alerts - 1)
        )
        self._aloha.sample(node, seq)

    def _heard(self, sent: Transmission, _level_dbm: float, _snr_db: float) -> None:
        self._aloha.heard(sent)
