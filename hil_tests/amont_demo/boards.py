"""Make the four nodes: what their probes will show, their past, and their enrolment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from amont_demo import scenario
from amont_provision.enrol import Options, carry_out, plan
from amont_provision.keyfile import KeyFile
from amont_provision.port import VirtualPort
from amont_site import Site


@dataclass(frozen=True)
class Probe:
    """What one node's only sensor shows."""

    node: int
    sensor: str
    track: scenario.Track


def probes() -> list[Probe]:
    """Return two level sensors of one station, a rain gauge and a zone's meter."""
    stage = scenario.stage()
    return [
        Probe(11, "pont-neuf-a", stage.with_noise(3, seed=11)),
        Probe(12, "pont-neuf-b", stage.with_noise(5, seed=12)),
        Probe(21, "pluie-col", scenario.rain()),
        Probe(31, "debit-bourg", scenario.inflow().with_noise(20, seed=31)),
    ]


def make(folder: Path, probe: Probe, site: Site, keys: KeyFile, options: Options) -> None:
    """Write a board's simulated probe and past, then enrol it as a technician would."""
    folder.mkdir(parents=True)
    (folder / f"{probe.sensor}.txt").write_text("".join(probe.track.replay_lines()))
    (folder / "history").write_text("".join(probe.track.history_lines()))
    port = VirtualPort(folder)
    carry_out(plan(site, probe.node, port, keys, options), port, keys)
