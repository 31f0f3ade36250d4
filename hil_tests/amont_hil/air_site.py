"""A site for the simulated air: stations of three river sensors each, pipes beside them, a flood.

Each node's configuration is the one that enrolment would write.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from amont_site import load
from amont_site.model import Site

CALM_MM, WATCH_MM, ALARM_MM, PEAK_MM = 400, 1200, 2500, 2900
PEOPLE = 2
SEATS = 3  # sensors of a station
_SIRENS = 4
_RISES_MM_MIN = (20.0, 200.0)
_NOISE_MM = 3
_CALM_PA10, _SWING_PA10 = 42_000, 1500
_PIN = f"scrypt$8192$8$2${'00' * 16}${'00' * 32}"


@cache
def site_of(
    nodes: int, rivers: int, channels_khz: tuple[int, ...], factors: tuple[int, ...]
) -> Site:
    """Return a site whose first ``rivers`` nodes (a multiple of 3) watch rivers, the rest pipes.

    Nodes take the spreading factors by turns.
    """
    stations = [f"p{at}" for at in range(rivers // SEATS)]
    body: dict[str, Any] = {
        "format": 1, "id": "air", "name": _both("air"), "latitude": 44.0, "longitude": 4.0,
        "time_zone": "Europe/Paris",
        "bridge": {"port": "/dev/amont-bridge", "channels_khz": list(channels_khz)},
        "nodes": [
            _node(n, n <= rivers, factors[(n - 1) % len(factors)]) for n in range(1, nodes + 1)
        ],
        "stations": [
            {"id": name, "name": _both(name), "river": "Amonette",
             "sensors": [f"n{SEATS * at + seat}" for seat in range(1, SEATS + 1)],
             "watch_mm": WATCH_MM, "warning_mm": 1800, "alarm_mm": ALARM_MM,
             "alarm_plus_mm": 3500}
            for at, name in enumerate(stations)
        ],
        "sirens": [
            {"id": f"s{at}", "name": _both(f"s{at}"), "stations": stations[at::_SIRENS],
             "output": {"kind": "simulated"}}
            for at in range(min(_SIRENS, len(stations)))
        ],
        "people": [{"name": f"P{at}", "role": "mayor", "pin": _PIN} for at in range(PEOPLE)],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.yaml"
        path.write_text(json.dumps(body))
        return load(path)


def _node(number: int, river: bool, sf: int) -> dict[str, Any]:
    channel = {"sensor": f"n{number}", "quantity": "stage_mm", "max": 9000}
    if not river:
        channel["quantity"], channel["max"] = "pressure_pa10", 100_000
    return {
        "id": number, "name": _both(f"n{number}"), "carrier": "bridge",
        "profile": "flash-flood" if river else "pipe", "channels": [channel],
        "radio": {"spreading_factor": sf},
    }  # fmt: skip


def _both(text: str) -> dict[str, str]:
    return {"fr": text, "en": text}


@dataclass(frozen=True)
class River:
    """A stage in mm over the world's seconds: calm, a rise, a peak that stays, a fall."""

    begins_s: float
    mm_min: float
    falls_s: float

    def mm(self, at_s: float) -> float:
        """Return the stage without the sensor's noise."""
        risen = CALM_MM + max(0.0, at_s - self.begins_s) * self.mm_min / 60
        fallen = PEAK_MM - max(0.0, at_s - self.falls_s) * self.mm_min / 120
        return max(CALM_MM, min(risen, PEAK_MM, fallen))


def rivers_of(
    seed: int, count: int, from_s: float, within_s: float, falls_s: float
) -> list[River]:
    """Return rivers that cross the watch mark within some time, each at a steepness of its own."""
    chance, rivers = random.Random(f"{seed}/rivers"), []
    for _ in range(count):
        mm_min = math.exp(chance.uniform(*map(math.log, _RISES_MM_MIN)))
        crosses_s = from_s + within_s * chance.random()
        rivers.append(River(crosses_s - (WATCH_MM - CALM_MM) / mm_min * 60, mm_min, falls_s))
    return rivers


def stage(river: River | None, seed: int, node: int) -> Callable[[float], int]:
    """Return what a stage sensor shows: its own zero, and a little noise."""
    chance = random.Random(f"{seed}/stage/{node}")
    zero_mm = chance.randint(-20, 20)

    def value(at_s: float) -> int:
        level_mm = CALM_MM if river is None else river.mm(at_s)
        return round(level_mm) + zero_mm + chance.randint(-_NOISE_MM, _NOISE_MM)

    return value


def pressure(seed: int, node: int) -> Callable[[float], int]:
    """Return what a pressure sensor shows over a quiet day."""
    chance = random.Random(f"{seed}/pressure/{node}")
    return lambda _at_s: _CALM_PA10 + chance.randint(-_SWING_PA10, _SWING_PA10)
