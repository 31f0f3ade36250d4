"""Simulate years of L-Town with leaks of our own, to train and judge on before a real calendar.

The network file is the one in the package ``epyt`` (EUPL-1.2, read where pip put it), the solver
the EPANET library in ``wntr``. A year has 19 leaks, half of them incipient, of 5 to 28 m3/h; base
demands and roughness differ from the published model as a real town would. Nothing is downloaded,
everything comes from the year's seed. A solved year is kept as ``.npz`` in a folder of the user's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from amont_models.records.ltown import INLETS, KPA_PER_M, NETWORK, PUMP, TANK
from amont_models.records.pipes import graph, nearest
from amont_models.records.table import (
    DataError,
    Floats,
    Label,
    Record,
    Site,
    Source,
    Times,
    channel,
)

STEP_S = 900
DAY_STEPS = 86_400 // STEP_S
START_MS = 1_546_300_800_000  # 2019-01-01, a clock without summer time
LEAKS = 19
SIZES_M3H = (5.0, 28.0)
FIRST_DAY = 10  # calm before the first leak
GROUPS = {"P-Residential": 16, "P-Commercial": 6, "P-Industrial": 1}
# The 33 nodes with a pressure sensor, as the network file marks them.
SENSOR_MARK = "PRESSURE SENSOR"
NOISE_M, NOISE_SHARE, NOISE_LEVEL_M = 0.03, 0.006, 0.005
SAMPLES = STEP_S // 300  # sensors speak every 5 min: their noise is that of the mean of three
SOURCE = Source(
    title="L-Town with leaks of our own, simulated with EPANET",
    origin="network file of the package epyt, solver of the package wntr",
    licence="EUPL-1.2 (network), BSD and public domain (solver)",
    citation="Vrachimis et al. 2022",
)


@dataclass(frozen=True)
class Opening:
    """One leak that is opened: where, when (in days), how large."""

    node: str
    start: float
    peak: float
    end: float
    size_m3h: float

    def flow(self, day: Floats) -> Floats:
        """Return what flows out at each time (days), m3/h; a little more by night."""
        growth = max(self.peak - self.start, 1e-9)
        shape = np.clip((day - self.start) / growth, 0.0, 1.0) ** 2
        shape = np.ones_like(day) if self.peak == self.start else shape
        night = 1.0 + 0.03 * np.cos(2.0 * np.pi * (day % 1.0 - 0.125))
        is_open = (day >= self.start) & (day < self.end)
        return np.asarray(np.where(is_open, self.size_m3h * shape * night, 0.0))


def openings(nodes: list[str], days: int, seed: int) -> list[Opening]:
    """Return a year's leaks: starts spread evenly at random, every second one incipient."""
    rng = np.random.default_rng([seed, 1])
    starts = FIRST_DAY + (days - FIRST_DAY - 15) * np.sort(rng.random(LEAKS))
    out = []
    for k, start in enumerate(starts.tolist()):
        size = math.exp(rng.uniform(*np.log(SIZES_M3H)))
        growth = 0.0 if k % 2 else float(rng.uniform(10.0, 90.0))
        open_days = float(rng.uniform(10.0, 40.0)) if rng.random() > 0.15 else float(days)
        node = str(rng.choice(nodes))
        out.append(Opening(node, start, start + growth, start + growth + open_days, size))
    return out


class Network:
    """The network file, split into sections; ``write`` gives one for a year of ours."""

    def __init__(self, path: Path) -> None:
        self._sections: dict[str, list[str]] = {}
        name = ""
        for line in path.read_text(encoding="latin-1").splitlines():
            if line.startswith("["):
                name = line.strip("[] \t")
            self._sections.setdefault(name, []).append(line)

    def rows(self, name: str) -> Iterator[list[str]]:
        """Yield the words of a section's lines, without comments."""
        for line in self._sections[name][1:]:
            words = line.partition(";")[0].split()
            if words:
                yield words

    @property
    def sensors(self) -> list[str]:
        """Return the nodes with a pressure sensor."""
        return [x.split()[0] for x in self._sections["JUNCTIONS"] if SENSOR_MARK in x]

    @property
    def nodes(self) -> list[str]:
        """Return all nodes where a pipe may leak."""
        return [words[0] for words in self.rows("JUNCTIONS")]

    def pattern(self, name: str) -> Floats:
        """Return a pattern of the file, averaged to our steps."""
        rows = (words[1:] for words in self.rows("PATTERNS") if words[0] == name)
        values = np.array([float(word) for words in rows for word in words])
        if len(values) < SAMPLES:
            return values[:1]  # a constant
        return np.asarray(values.reshape(-1, SAMPLES).mean(axis=1))

    def write(self, path: Path, days: int, leaks: list[Opening], seed: int) -> None:
        """Write the file of one year: our demands, roughness, leaks and times."""
        made = dict(self._sections)
        rng = np.random.default_rng([seed, 2])
        demands, used = self._demands(rng)
        for k, leak in enumerate(leaks):
            demands.append(f" {leak.node} 1.0 leak{k}")
        made["DEMANDS"] = ["[DEMANDS]", *demands]
        made["PATTERNS"] = ["[PATTERNS]", *self._patterns(used, days, rng)]
        day = np.arange(days * DAY_STEPS) / DAY_STEPS
        for k, leak in enumerate(leaks):
            made["PATTERNS"] += _lines(f"leak{k}", leak.flow(day))
        elevations = (f" {words[0]} {words[1]}" for words in self.rows("JUNCTIONS"))
        made["JUNCTIONS"] = ["[JUNCTIONS]", *elevations]
        made["PIPES"] = ["[PIPES]", *self._pipes(rng)]
        made["TIMES"] = _times(days)
        made["REPORT"] = ["[REPORT]", " Status No", " Summary No"]
        path.write_text("\n".join(x for part in made.values() for x in part), encoding="latin-1")

    def _demands(self, rng: np.random.Generator) -> tuple[list[str], list[tuple[str, int]]]:
        lines, used = [], set()
        for node, base, kind, *_ in self.rows("DEMANDS"):
            group = int(rng.integers(GROUPS[kind]))
            flow = float(base) * float(rng.uniform(0.85, 1.15))
            if flow > 0.0:
                lines.append(f" {node} {flow:.5f} {kind[2:5]}{group}")
                used.add((kind, group))
        return lines, sorted(used)

    def _patterns(
        self, used: list[tuple[str, int]], days: int, rng: np.random.Generator
    ) -> list[str]:
        lines: list[str] = []
        count = days * DAY_STEPS
        season = 1.0 + 0.1 * np.cos(2.0 * np.pi * (np.arange(count) / DAY_STEPS - 200.0) / 365.0)
        town = np.repeat(1.0 + 0.02 * rng.standard_normal(days), DAY_STEPS)
        for kind, group in used:
            week = np.resize(self.pattern(kind), count)
            day = np.repeat(1.0 + 0.03 * rng.standard_normal(days), DAY_STEPS)
            noise = 1.0 + 0.06 * rng.standard_normal(count)
            lines += _lines(f"{kind[2:5]}{group}", week * season * town * day * noise)
        return lines

    def _pipes(self, rng: np.random.Generator) -> Iterator[str]:
        for words in self.rows("PIPES"):
            words[5] = f"{float(words[5]) * rng.uniform(0.92, 1.08):.3f}"
            yield " ".join(words)


def _lines(name: str, values: Floats) -> list[str]:
    words = [f"{value:.4g}" for value in np.maximum(values, 0.0).tolist()]
    return [f" {name} {' '.join(words[k : k + 24])}" for k in range(0, len(words), 24)]


def _times(days: int) -> list[str]:
    step = f"{STEP_S // 3600}:{STEP_S % 3600 // 60:02d}"
    steps = [f" {what} Timestep {step}" for what in ("Hydraulic", "Pattern", "Report")]
    return ["[TIMES]", f" Duration {24 * days}:00", *steps, " Statistic NONE"]


def _solve(path: Path, sensors: list[str], count: int) -> Floats:
    """Return pressures (m), inlet flows, pump flow (m3/h) and tank level (m) at each step."""
    toolkit: Any = import_module("wntr.epanet.toolkit")  # carries no types
    pressure, flow = 11, 8  # EPANET's codes of what to read
    run = toolkit.ENepanet()
    run.ENopen(str(path), str(path.with_suffix(".rpt")), str(path.with_suffix(".bin")))
    nodes = [run.ENgetnodeindex(name) for name in [*sensors, TANK]]
    links = [run.ENgetlinkindex(name) for name in [*INLETS, PUMP]]
    out = np.full((count, len(nodes) + len(links)), np.nan)
    run.ENopenH()
    run.ENinitH(0)
    while True:
        at = run.ENrunH()
        if at % STEP_S == 0 and at // STEP_S < count:
            row = [run.ENgetnodevalue(k, pressure) for k in nodes]
            out[at // STEP_S] = row + [run.ENgetlinkvalue(k, flow) for k in links]
        if run.ENnextH() <= 0:
            break
    run.ENcloseH()
    run.ENclose()
    return out


def network_path() -> Path:
    """Return the network file that pip brought; DataError if the packages are not there."""
    for package in ("wntr", "epyt"):
        if find_spec(package) is None:
            raise DataError(f"package {package} is not installed: it belongs to training")
    spec = find_spec("epyt")
    places = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(places[0], "networks", "L-TOWN.inp")
    if not path.is_file():
        raise DataError("package epyt holds no networks/L-TOWN.inp: another version?")
    return path


def simulate(seed: int, days: int = 365) -> tuple[list[str], Floats, list[Opening]]:
    """Return sensors, what they would read without noise (n, 37) and the leaks of one year."""
    network = Network(network_path())
    leaks = openings(network.nodes, days, seed)
    with TemporaryDirectory() as folder:
        path = Path(folder, "year.inp")
        network.write(path, days, leaks, seed)
        values = _solve(path, network.sensors, days * DAY_STEPS)
    return network.sensors, values, leaks


def year(seed: int, cache: Path, days: int = 365) -> Record:
    """Return a simulated year as a record, sensor noise added; solved once, kept in ``cache``."""
    path = cache / f"ltown-{seed}-{days}.npz"
    if path.is_file():
        with np.load(path) as kept:
            sensors, values = kept["sensors"].tolist(), kept["values"]
        leaks = openings(Network(network_path()).nodes, days, seed)
    else:
        sensors, values, leaks = simulate(seed, days)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, sensors=np.array(sensors), values=values)
    t_ms = START_MS + 1000 * STEP_S * np.arange(len(values), dtype=np.int64)
    return _record(sensors, _noisy(values, len(sensors), seed), t_ms, leaks, seed)


def _noisy(values: Floats, pressures: int, seed: int) -> Floats:
    rng = np.random.default_rng([seed, 3])
    out = values.copy()
    # Where a tank has run dry the solver's pressures mean nothing: no sensor reads below zero.
    out[:, :pressures][out[:, :pressures] < 0.0] = np.nan
    fine = 1.0 / math.sqrt(SAMPLES)
    out[:, :pressures] += NOISE_M * fine * rng.standard_normal((len(out), pressures))
    out[:, pressures] += NOISE_LEVEL_M * fine * rng.standard_normal(len(out))
    flows = out[:, pressures + 1 :]
    flows *= 1.0 + NOISE_SHARE * fine * rng.standard_normal(flows.shape)
    out[rng.random(out.shape) < 0.004] = np.nan
    for _ in range(14):  # outages of one sensor
        first, hours = int(rng.integers(len(out))), int(rng.integers(1, 37))
        out[first : first + hours * 3600 // STEP_S, int(rng.integers(out.shape[1]))] = np.nan
    return out


def _record(
    sensors: list[str], values: Floats, t_ms: Times, leaks: list[Opening], seed: int
) -> Record:
    names = [*sensors, TANK, *INLETS, PUMP]
    kinds = ["pressure"] * len(sensors) + ["level", "inflow", "inflow", "flow"]
    scales = [KPA_PER_M] * len(sensors) + [1000.0] * 4
    channels = tuple(
        channel(name, kind, t_ms, values[:, k] * scale)
        for k, (name, kind, scale) in enumerate(zip(names, kinds, scales, strict=True))
    )
    day_ms = 86_400_000
    links = graph(network_path())
    labels = tuple(
        Label(
            NETWORK,
            "abrupt" if one.peak == one.start else "incipient",
            START_MS + round(one.start * day_ms),
            min(START_MS + round(one.end * day_ms), int(t_ms[-1])),
            START_MS + round(one.peak * day_ms),
            1000.0 * one.size_m3h,
            " ".join([one.node, *nearest(links, one.node, sensors)]),
        )
        for one in leaks
    )
    return Record(f"ltown-{seed}", "network", SOURCE, channels, (Site(NETWORK),), labels)
