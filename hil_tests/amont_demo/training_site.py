"""Turn a commune's site into one to practise on: same places and names, nothing that is real.

No siren but simulated ones, no broker, no database, no PIN of the real site.
"""

from __future__ import annotations

import json
import secrets
import string
from pathlib import Path
from typing import Any

import msgspec

from amont_site import Site, hash_pin, load

EXAMPLE = Path(__file__).with_name("site.yaml")
LEAST_PEOPLE = ("Anne", "Luc")
PIN_DIGITS = 6
# what stands beside the rivers, and whom the real site reaches
NOT_PRACTISED = (
    "broker", "history", "rain_gauges", "zones", "networks", "service", "rain_forecast",
)  # fmt: skip


class NotFit(ValueError):
    """Nothing can be practised on this site; the message says why."""


def example(folder: Path) -> Site:
    """Return the demonstration's commune, for those who have no site of their own yet."""
    path = folder / "example.yaml"
    path.write_text(
        string.Template(EXAMPLE.read_text()).substitute(
            bridge_port="none",
            broker_host="127.0.0.1",
            broker_port=1883,
            broker_tls="false",
            history="",
            pin_anne=hash_pin("000000"),
            pin_luc=hash_pin("000000"),
        )
    )
    return load(path)


def write(site: Site, path: Path, bridge_port: str) -> tuple[Site, dict[str, str]]:
    """Write the site to practise on; return it, and each person's PIN in clear.

    Raise NotFit without a station and a siren, SiteError if the result does not hold.
    """
    plain: dict[str, Any] = _without_none(msgspec.to_builtins(site))
    judging = {sensor for station in site.stations for sensor in station.sensors}
    if not judging or not site.sirens:
        raise NotFit("a station and a siren are needed to practise")
    for key in NOT_PRACTISED:
        plain.pop(key, None)
    for station in plain["stations"]:
        station.pop("rain", None)
    plain["bridge"] = {**(plain.get("bridge") or {}), "port": bridge_port}
    plain["nodes"] = [_node(node, judging) for node in plain["nodes"] if _used(node, judging)]
    plain["sirens"] = [_siren(siren) for siren in plain["sirens"]]
    people = plain.get("people") or []
    for name in LEAST_PEOPLE[len(people) :]:
        people.append({"name": name, "role": "duty"})
    pins = {person["name"]: _pin() for person in people}
    plain["people"] = [{**p, "pin": hash_pin(pins[p["name"]])} for p in people]
    path.write_text(json.dumps(plain, ensure_ascii=False, indent=1), encoding="utf-8")
    return load(path), pins


def _used(node: dict[str, Any], judging: set[str]) -> bool:
    return any(channel["sensor"] in judging for channel in node["channels"])


def _node(node: dict[str, Any], judging: set[str]) -> dict[str, Any]:
    channels = [c for c in node["channels"] if c["sensor"] in judging]
    return {**node, "carrier": "bridge", "channels": channels}


def _siren(siren: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in siren.items() if k not in ("supervision", "key", "practice")}
    return {**kept, "output": {"kind": "simulated"}}


def _pin() -> str:
    return f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}"


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value
