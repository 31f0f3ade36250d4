"""A made network for tests: pressures and inflow by the hour, with leaks and drifting sensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from amont_gateway.readings import QUANTITIES, Sample, pack_channels
from amont_gateway.scoring.timeline import HOUR_MS, Floats
from amont_guard.messages import Opened
from amont_site import Site, load
from amont_wire import const
from amont_wire.messages import Channel, Samples

DAY_H = 24
SENSORS = 6
# How far each pressure falls (m) for a leak of 10 m3/h beside one of them.
NEAR = {1: np.array([0.02, 0.30, 0.08, 0.02, 0.03, 0.02]), 4: np.full(SENSORS, 0.04)}
NEAR[4][4] = 0.4
PA10_PER_M = 980.665
FRAME_SAMPLES = 6
CODES = {name: code for code, name in QUANTITIES.items()}
METER, TANK = 90, 91  # nodes; the pressures are those from 11 on
SECRETS = {node: bytes([node]) * 16 for node in (*range(11, 11 + SENSORS), METER, TANK)}

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


def site_of(
    folder: Path, broker: str = "broker: {host: 127.0.0.1, port: 8883}", pressures: int = SENSORS
) -> Site:
    """Write and load the description of a site with one network."""
    lines = [SITE.replace("BROKER", broker).strip()]
    kinds = {11 + s: (f"p{s}", "pressure_pa10") for s in range(pressures)}
    kinds |= {METER: ("entree", "flow_l_h"), TANK: ("cuve", "level_mm")}
    for node, (sensor, quantity) in kinds.items():
        lines += [
            f"  - id: {node}",
            f"    name: {{fr: Borne {sensor}, en: Post {sensor}}}",
            "    carrier: mqtt",
            f"    channels: [{{sensor: {sensor}, quantity: {quantity}}}]",
        ]
    lines += [
        "networks:",
        "  - id: vallee",
        "    name: {fr: Vallée, en: Valley}",
        "    inflow: [entree]",
        "    levels: [cuve]",
        f"    pressures: [{', '.join(f'p{s}' for s in range(pressures))}]",
    ]
    path = folder / "site.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(path)


def frames(pressure: Floats, flow: Floats, begin_ms: int, first: int) -> list[Opened]:
    """Return frames of all nodes from hour ``first`` on, oldest first, as the guard tells."""
    found = []
    tables = {11 + s: ("pressure_pa10", PA10_PER_M * pressure[:, s]) for s in range(SENSORS)}
    tables |= {METER: ("flow_l_h", 1000.0 * flow), TANK: ("level_mm", np.full(len(flow), 3000.0))}
    for node, (quantity, values) in tables.items():
        for at in range(first, len(flow), FRAME_SAMPLES):
            some = [round(value) for value in values[at : at + FRAME_SAMPLES]]
            newest = at + len(some) - 1
            body, carried = Samples(
                life=1,
                tick_s=(newest + 1) * 3600,
                seq=newest,
                lag_s=0,
                interval_s=3600,
                backlog=0,
                fast=False,
                channels=[Channel(0, CODES[quantity], 1, some)],
            ).encode_trimmed()
            assert carried == len(some)
            made_ms = begin_ms + newest * HOUR_MS + HOUR_MS // 2
            epoch, counter = 1 << 12 | 1, newest + 1
            found.append(Opened(0, node, epoch, counter, const.SAMPLES, 0, 0, made_ms, 0, 0, body))
    return sorted(found, key=lambda frame: frame.frame_ms)


def run_gateway(site: Site, data: Path, socket: Path, page: int) -> None:
    """Run the real gateway with its page, and look every half second instead of each minute."""
    import signal

    from amont_gateway import logs, networks
    from amont_gateway.app import build
    from amont_gateway.gateway import Options
    from amont_gateway.scoring import network_live

    logs.set_up("error")
    networks.EVERY_S, network_live.RETAKE_MS = 0.5, 0
    service = build(site, data, socket, options=Options(commit_ms=50), page=("127.0.0.1", page))
    signal.signal(signal.SIGTERM, lambda *_: service.gateway.stopping.set())
    service.start()
    service.wait()
    service.stop()
