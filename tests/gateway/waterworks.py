"""A made network for tests: pressures and inflow by the hour, with leaks and drifting sensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from amont_gateway.readings import QUANTITIES, Sample, pack_channels
from amont_gateway.scoring.timeline import HOUR_MS, Floats
from amont_site import Site, load

DAY_H = 24
SENSORS = 6
# How far each pressure falls (m) for a leak of 10 m3/h beside one of them.
NEAR = {1: np.array([0.02, 0.30, 0.08, 0.02, 0.03, 0.02]), 4: np.full(SENSORS, 0.04)}
NEAR[4][4] = 0.4
PA10_PER_M = 980.665
CODES = {name: code for code, name in QUANTITIES.items()}
METER, TANK = 90, 91  # nodes; the pressures are those from 11 on

Leak = tuple[int, float, float, float]  # near which sensor, m3/h, first day, last day


def made(days: int, leaks: tuple[Leak, ...] = (), seed: int = 3) -> tuple[Floats, Floats]:
    """Return pressures in m (hours, sensors) and the inflow in m3/h (hours,)."""
    rng = np.random.default_rng(seed)
    day = np.arange(days * DAY_H) / DAY_H
    flow = 100.0 + 40.0 * np.sin(2 * np.pi * day) + 10.0 * np.sin(4 * np.pi * day)
    flow *= np.repeat(1.0 + 0.02 * rng.standard_normal(days), DAY_H)
    drop = np.zeros((len(day), SENSORS))
    for near, size, first, last in leaks:
        out = np.where((day >= first) & (day < last), size, 0.0)
        flow = flow + out
        drop += out[:, None] / 10.0 * NEAR[near]
    pressure = 45.0 - (flow[:, None] / 100.0) ** 1.852 * np.linspace(0.5, 2.0, SENSORS) - drop
    return pressure + 0.01 * rng.standard_normal(pressure.shape), flow


def samples(
    pressure: Floats, flow: Floats, begin_ms: int, received_ms: int | None = None
) -> list[Sample]:
    """Return the readings of all nodes in the order of time; NaN is no reading.

    Hour k is read at its half: ``begin_ms`` + (k + 1/2) h.
    """
    out = []
    for k in range(len(flow)):
        at_ms = begin_ms + k * HOUR_MS + HOUR_MS // 2
        values = [(11 + s, "pressure_pa10", p * PA10_PER_M) for s, p in enumerate(pressure[k])]
        values += [(METER, "flow_l_h", 1000.0 * flow[k]), (TANK, "level_mm", 3000.0)]
        for node, quantity, value in values:
            if np.isfinite(value):
                packed = pack_channels([(0, CODES[quantity], 0, round(value))])
                came_ms = at_ms if received_ms is None else received_ms
                out.append(Sample(node, 1, k, at_ms, 0, came_ms, 0, packed))
    return out


SITE = """
format: 1
id: essai
name: {fr: Essai, en: Trial}
latitude: 44.0
longitude: 4.0
time_zone: Europe/Paris
BROKER
nodes:
"""


def site_of(folder: Path, broker: str = "broker: {host: 127.0.0.1, port: 8883}") -> Site:
    """Write and load the description of a site with one network."""
    lines = [SITE.replace("BROKER", broker).strip()]
    kinds = {11 + s: (f"p{s}", "pressure_pa10") for s in range(SENSORS)}
    kinds |= {METER: ("entree", "flow_l_h"), TANK: ("cuve", "level_mm")}
    for node, (sensor, quantity) in kinds.items():
        lines += [
            f"  - id: {node}",
            f"    name: {{fr: Borne {sensor}, en: Post {sensor}}}",
            "    carrier: mqtt",
            f"    channels: [{{sensor: {sensor}, quantity: {quantity}}}]",
        ]
    pressures = ", ".join(f"p{s}" for s in range(SENSORS))
    lines += [
        "networks:",
        "  - id: vallee",
        "    name: {fr: Vallée, en: Valley}",
        "    inflow: [entree]",
        "    levels: [cuve]",
        f"    pressures: [{pressures}]",
    ]
    path = folder / "site.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(path)
