"""L-Town: a simulated town network with the leak calendar of BattLeDIM 2020, every 5 minutes.

Its clock keeps no summer time and no zone: it is read as UTC. Pressures in metres of water become
kPa.
"""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

from amont_models.records.folder import columns, data_file, numbers, utc_ms
from amont_models.records.pipes import graph, nearest
from amont_models.records.table import Channel, Label, Record, Site, Source, channel

RECORD = "pipe_ltown_sim"
NETWORK = "ltown"
INLETS = ("p227", "p235")
PUMP, TANK = "PUMP_1", "T1"  # the pump lifts what has come in before: no inflow
KPA_PER_M = 9.80665
SOURCE = Source(
    title="L-Town, simulated again with EPANET",
    origin="EPyT's network and BattLeDIM's leak calendar, KIOS, University of Cyprus",
    licence="EUPL-1.2 (network and calendar)",
    citation="Vrachimis et al. 2022",
)


def load(year: int = 2018) -> Record:
    """Return a year's pressures (kPa), inlet flows (l/h) and tank level (mm), with its leaks."""
    path = data_file(RECORD, f"scada_{year}.csv.gz")
    header = _header(path)
    nodes = [name for name in header if name.startswith("pressure_m_")]
    flows = [f"flow_m3h_{inlet}" for inlet in INLETS]
    inside = [f"flow_m3h_{PUMP}", f"level_m_{TANK}"]
    table = columns(path, ["time", *nodes, *flows, *inside])
    t_ms = utc_ms(table["time"])
    found: list[Channel] = [
        channel(
            name.removeprefix("pressure_m_"), "pressure", t_ms, numbers(table[name], KPA_PER_M)
        )
        for name in nodes
    ]
    found += [
        channel(inlet, "inflow", t_ms, numbers(table[name], 1000.0))
        for inlet, name in zip(INLETS, flows, strict=True)
    ]
    found += [
        channel(PUMP, "flow", t_ms, numbers(table[inside[0]], 1000.0)),
        channel(TANK, "level", t_ms, numbers(table[inside[1]], 1000.0)),
    ]
    return Record(
        name=RECORD,
        kind="network",
        source=SOURCE,
        channels=tuple(found),
        sites=(Site(NETWORK),),
        labels=_labels(year, [name.removeprefix("pressure_m_") for name in nodes]),
    )


def _header(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return next(csv.reader(file))


def _ms(text: str) -> int:
    return round(1000 * datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _labels(year: int, sensors: list[str]) -> tuple[Label, ...]:
    wanted = ["leak_node", "start", "end", "type", "peak", "max_leak_m3h"]
    table = columns(data_file(RECORD, f"leaks_{year}.csv"), wanted)
    links = graph(data_file(RECORD, "L-TOWN.inp.gz"))
    return tuple(
        Label(
            NETWORK,
            kind,
            _ms(start),
            _ms(end),
            _ms(peak),
            1000.0 * float(size),
            " ".join([node, *nearest(links, node, sensors)]),
        )
        for node, start, end, kind, peak, size in zip(*(table[n] for n in wanted), strict=True)
    )
