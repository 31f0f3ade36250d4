"""Make the site that a village on this machine runs with: same places, nothing that is real.

The bridge is the simulated one, sirens are simulated, the broker is the village's own, and there
is no database. What a technician provisions, nodes and sensors, stays as the file has it.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import msgspec

from amont_site import Site, hash_pin, load

EXAMPLE = Path(__file__).with_name("village.yaml")
EXAMPLE_PIN = "246810"
MQTT = "mqtt"


def example(path: Path, bridge_port: Path) -> Site:
    """Write the example; return it."""
    text = string.Template(EXAMPLE.read_text(encoding="utf-8"))
    filled = text.substitute(bridge_port=bridge_port, pin=hash_pin(EXAMPLE_PIN))
    path.write_text(filled, encoding="utf-8")
    return load(path)


def simulated(site: Site, path: Path, bridge_port: Path, broker_port: int) -> Site:
    """Write a site's places with simulated machines; return it; raise SiteError."""
    plain: dict[str, Any] = _without_none(msgspec.to_builtins(site))
    for key in ("broker", "history"):
        plain.pop(key, None)
    plain["bridge"] = {**(plain.get("bridge") or {}), "port": str(bridge_port)}
    if any(node["carrier"] == MQTT for node in plain["nodes"]):
        plain["broker"] = {"host": "127.0.0.1", "port": broker_port, "tls": False}
    plain["sirens"] = [_silent(siren) for siren in plain.get("sirens") or ()]
    path.write_text(json.dumps(plain, ensure_ascii=False, indent=1), encoding="utf-8")
    return load(path)


def is_simulated(site: Site) -> bool:
    """Tell whether nothing in the site would move a real siren."""
    return all(siren.output.kind == "simulated" for siren in site.sirens)


def _silent(siren: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in siren.items() if k not in ("supervision", "key", "practice")}
    return {**kept, "output": {"kind": "simulated"}}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value
