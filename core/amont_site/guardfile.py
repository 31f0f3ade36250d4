"""Compile a checked site into the guard's file; write it so that no power cut halves it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec

from amont_site.model import Drill, Node, Siren, Site, bounds_mm, limits, output_keys
from amont_site.radio import Bridge, spreading_factor

STATION_FIELDS = (
    "watch_mm", "warning_mm", "alarm_mm", "alarm_plus_mm",
    "hysteresis_mm", "clear_s", "rise_support_mm", "rise_support_s",
    "limits_delay_s",
)  # fmt: skip

# as Drill names them; Monday is 0
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def canonical(value: dict[str, Any]) -> bytes:
    """Return the one JSON form that is hashed: UTF-8, keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def compile_guard(site: Site) -> dict[str, Any]:
    """Return the content of guard.json for a site that ``load`` returned."""
    plain = msgspec.to_builtins
    guard: dict[str, Any] = {
        "format": 1,
        "site": site.id,
        "name": plain(site.name),
        "time_zone": site.time_zone,
        "bridge": site.bridge and _bridge(site, site.bridge),
        "nodes": [_node(node) for node in site.nodes],
        "stations": [
            {"id": s.id, "name": plain(s.name), "sensors": list(s.sensors)}
            | {field: getattr(s, field) for field in STATION_FIELDS}
            | {"bounds_mm": bounds_mm(site, s)}
            for s in site.stations
        ],
        "sirens": [_siren(siren) for siren in site.sirens],
        "people": plain(site.people),
    }
    guard["sha256"] = hashlib.sha256(canonical(guard)).hexdigest()
    return guard


def _bridge(site: Site, bridge: Bridge) -> dict[str, Any]:
    nodes = [node for node in site.nodes if node.carrier == "bridge"]
    factors = {spreading_factor(bridge, node.radio) for node in nodes}
    return {
        "port": bridge.port, "baud": bridge.baud, "listeners": list(bridge.listeners),
        "channels_khz": list(bridge.channels_khz), "power_dbm": bridge.power_dbm,
        "spreading_factors": sorted(factors or {bridge.spreading_factor}),
    }  # fmt: skip


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": msgspec.to_builtins(node.name),
        "carrier": node.carrier,
        "interval_s": node.interval_s,
        "fast_interval_s": node.fast_interval_s,
        "channels": [
            {"index": index, "sensor": channel.sensor, "quantity": channel.quantity}
            | limits(node, channel)
            for index, channel in enumerate(node.channels)
        ],
    }


def _siren(siren: Siren) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(siren)
    for place in ("latitude", "longitude"):  # for the map: no matter of the guard's
        del plain[place]
    supervision: dict[str, Any] = plain["supervision"]
    return plain | {
        "output": output_keys(siren.output),
        "supervision": {name: what for name, what in supervision.items() if what is not None},
        "practice": {
            "silent_test": _clock(siren.practice.silent_test),
            "drill": _drill(siren.practice.drill),
        },
    }


def _drill(drill: Drill | None) -> dict[str, Any] | None:
    if drill is None:
        return None
    return {
        "weekday": WEEKDAYS.index(drill.weekday), "nth": drill.nth, **_clock(drill.at),
        "seconds": drill.seconds, "agreed_by": drill.agreed_by,
    }  # fmt: skip


def _clock(text: str) -> dict[str, int]:
    hour, minute = text.split(":")
    return {"hour": int(hour), "minute": int(minute)}


def write_guard(site: Site, path: Path) -> None:
    """Write guard.json, for its owner alone, atomically: the old file or the new one stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(canonical(compile_guard(site)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
