"""What is lost between two places: distance, shadows, slow fading, bursts in which nothing passes.

Each link draws from a generator of its own, seeded by the two places: what one link does changes
nothing on another. Median loss and spreads are those of ``amont-provision plan``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import cos, exp, hypot, pi, sin, sqrt

from amont_provision.linkbudget import SETTINGS, Link, loss_db, sensitivity_dbm

BRIDGE = 0
FACTORS = (7, 8, 9)


@dataclass(frozen=True)
class Weather:
    """What the links are like.

    ``loss`` of the time a link passes nothing, in bursts of ``burst_s`` in the mean, exponential
    as are the times between (Gilbert-Elliott). ``fading_db``: spread of a level over time, which
    forgets itself in ``fading_s``.
    """

    loss: float = 0.2
    burst_s: float = 5.0
    fading_db: float = 3.0
    fading_s: float = 60.0
    setting: str = "village"
    bridge_gain_db: float = 2.0


@dataclass
class _Way:
    """One link, both ways alike."""

    chance: random.Random
    median_db: float
    shadow_db: float
    fade_db: float = 0.0
    fade_at_us: int | None = None
    bad: bool = False
    bad_at_us: int | None = None


@dataclass
class Links:
    """All links of a site; ``places``: metres east and north of the bridge."""

    seed: int
    places: dict[int, tuple[float, float]]
    weather: Weather = field(default_factory=Weather)
    _ways: dict[tuple[int, int], _Way] = field(default_factory=dict)

    def static_db(self, here: int, there: int) -> float:
        """Return the loss but for fading: what a survey on the spot would find."""
        way = self._way(here, there)
        return way.median_db + way.shadow_db

    def loss_db(self, here: int, there: int, at_us: int) -> float:
        """Return the loss at an instant; instants of one link never fall."""
        way = self._way(here, there)
        return way.median_db + way.shadow_db + self._fade_db(way, at_us)

    def is_bad(self, here: int, there: int, at_us: int) -> bool:
        """Tell whether nothing passes at an instant; instants of one link never fall."""
        way, w = self._way(here, there), self.weather
        if not 0 < w.loss < 1:
            return w.loss >= 1
        share = w.loss
        if way.bad_at_us is not None:
            apart_s = (at_us - way.bad_at_us) / 1e6
            share += (way.bad - w.loss) * exp(-apart_s / (w.burst_s * (1 - w.loss)))
        way.bad, way.bad_at_us = way.chance.random() < share, at_us
        return way.bad

    def forget(self, node: int) -> None:
        """Take a node for one that was never heard: it has another place."""
        for ends in [ends for ends in self._ways if node in ends]:
            del self._ways[ends]

    def _fade_db(self, way: _Way, at_us: int) -> float:
        if self.weather.fading_db <= 0 or way.fade_at_us == at_us:
            return way.fade_db
        kept = 0.0
        if way.fade_at_us is not None:
            kept = exp((way.fade_at_us - at_us) / 1e6 / self.weather.fading_s)
        fresh_db = way.chance.gauss(0.0, self.weather.fading_db)
        way.fade_db = kept * way.fade_db + sqrt(1 - kept * kept) * fresh_db
        way.fade_at_us = at_us
        return way.fade_db

    def _way(self, here: int, there: int) -> _Way:
        key = (here, there) if here < there else (there, here)
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = self._make(*key)
        return way

    def _make(self, here: int, there: int) -> _Way:
        (x, y), (u, v), setting = self.places[here], self.places[there], self.weather.setting
        to_bridge = here == BRIDGE
        tall_m = 8.0 if to_bridge else 2.0  # between two nodes both are low
        median_db = loss_db(Link(hypot(x - u, y - v), setting, FACTORS[0], bridge_m=tall_m))
        chance = random.Random(f"{self.seed}/{here}/{there}/{x:.3f}/{y:.3f}/{u:.3f}/{v:.3f}")
        shadow_db = chance.gauss(0.0, SETTINGS[setting].place_db)
        return _Way(chance, median_db - self.weather.bridge_gain_db * to_bridge, shadow_db)


@dataclass(frozen=True)
class Spot:
    """Where a node stands and what it speaks with."""

    node: int
    sf: int
    margin_db: float


def settle(
    links: Links, nodes: int, radius_m: float, factors: tuple[int, ...] = FACTORS,
    reserve_db: float = 10.0, power_dbm: float = 14.0,
) -> list[Spot]:  # fmt: skip
    """Place nodes at random within a circle, as many at each spreading factor.

    A node speaks with the lowest factor that leaves it that reserve; places that ask for another
    than its turn's, or that none reaches, are given up for others.
    """
    chance, spots = random.Random(f"{links.seed}/places"), list[Spot]()
    for node in range(1, nodes + 1):
        while len(spots) < node:
            away_m, turn = radius_m * sqrt(chance.random()), 2 * pi * chance.random()
            links.places[node] = (away_m * cos(turn), away_m * sin(turn))
            links.forget(node)
            received_dbm = power_dbm - links.static_db(BRIDGE, node)
            margins_db = {sf: received_dbm - sensitivity_dbm(sf) for sf in factors}
            sf = min((sf for sf, db in margins_db.items() if db >= reserve_db), default=0)
            if sf == factors[(node - 1) % len(factors)]:
                spots.append(Spot(node, sf, margins_db[sf]))
    return spots
