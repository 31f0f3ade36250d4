"""How fast history reaches the database beside a bare writer, and what a reading weighs there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import history_rig as rig

from amont_gateway import logs
from amont_gateway.database import Influx

NAMES = (
    "history.throughput",
    "history.throughput_ratio",
    "history.bytes_wire",
    "history.bytes_wire_packed",
    "history.bytes_disk",
    "history.bytes_disk_year",
)
GOAL_RATIO = 0.8
YEAR_MIN = 365 * 24 * 60


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield points a second through the journal beside those of a writer without any."""
    del seed  # nothing here is random
    logs.set_up("warning")
    minutes, rounds = 72 * 60, 7 if full else 3
    with tempfile.TemporaryDirectory() as name, rig.influxd(Path(name) / "influxd") as server:
        folder = Path(name)
        yield from _rates(folder, server.port, minutes, rounds)
        yield from _bytes(folder / "influxd", server.port, minutes)


def _rates(folder: Path, port: int, minutes: int, rounds: int) -> Iterator[dict[str, Any]]:
    ours, bare = [], []
    rows = minutes * rig.STATIONS
    rig.fill(folder / "kept.db", minutes)
    for turn in range(rounds):
        bare.append(rig.by_bare_writer(port, f"bare{turn}", minutes))
        journal = folder / f"turn{turn}"
        journal.mkdir()
        (journal / "journal.db").write_bytes((folder / "kept.db").read_bytes())
        target = Influx(f"http://127.0.0.1:{port}", f"ours{turn}")
        ours.append(rig.through_history(journal, target, rows))
        for database in (f"bare{turn}", f"ours{turn}"):
            assert rig.count(port, database) == rows
    rate, anchor = max(ours), max(bare)  # what each reaches; others use this machine too
    yield {
        "name": "history.throughput",
        "value": round(rate),
        "unit": "points/s",
        "anchor": round(anchor),
        "trials": rows * rounds,
        "failures": 0,
    }
    yield {
        "name": "history.throughput_ratio",
        "value": rate / anchor,
        "unit": "of a bare writer",
        "goal": f">= {GOAL_RATIO}",
        "met": rate / anchor >= GOAL_RATIO,
    }


def _bytes(folder: Path, port: int, minutes: int) -> Iterator[dict[str, Any]]:
    plain, packed = rig.wire_bytes(minutes)
    unit = "bytes/reading"
    yield {"name": "history.bytes_wire", "value": plain, "unit": unit}
    yield {"name": "history.bytes_wire_packed", "value": packed, "unit": unit, "anchor": plain}
    each = rig.disk_bytes(folder, "ours0") / rig.count(port, "ours0")
    yield {"name": "history.bytes_disk", "value": each, "unit": unit, "anchor": plain}
    year_mib = each * rig.STATIONS * YEAR_MIN / 2**20
    yield {"name": "history.bytes_disk_year", "value": year_mib, "unit": "MiB, 50 a minute"}
