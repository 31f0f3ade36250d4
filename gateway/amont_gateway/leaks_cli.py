"""Tell of each leak why it was said, and what it costs: ``amont-gateway leaks``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from amont_gateway.indicators.leak_list import leak_lines, leak_list
from amont_gateway.network_news import SAME_MS, leak_words
from amont_gateway.places import SITE_FILE, Network, Places, from_site
from amont_gateway.records import FILE, RecordReader
from amont_gateway.view_network import NetworkLeak
from amont_site import load

HELP = "every leak: what was read and by which rule, its number, what it lost and saved"
_WORDS = {
    "fr": (
        "{at}  {perhaps}fuite : {what}",
        "  aux mêmes heures, la semaine d'avant puis depuis : {readings}",
        "  règle {name} : écart {score}, {rule} ; {heard} pressions entendues{chance}",
        "  règle {name} : écart {score}, {rule} ; les débits seuls{chance}",
        ", probabilité {0:.0%}",
        "débit entrant {0} -> {1} l/h",
        "aucune fuite n'a été dite",
    ),
    "en": (
        "{at}  {perhaps}leak: {what}",
        "  at the same hours, the week before and since: {readings}",
        "  rule {name}: score {score}, {rule}; {heard} pressures heard{chance}",
        "  rule {name}: score {score}, {rule}; the flows alone{chance}",
        ", probability {0:.0%}",
        "inflow {0} -> {1} l/h",
        "no leak was said",
    ),
}


def add(command: argparse.ArgumentParser, data_dir: Path) -> None:
    """Add the options."""
    command.add_argument("--site", type=Path, default=SITE_FILE, help="the site's YAML file")
    command.add_argument("--data", type=Path, default=data_dir, help="data folder")
    command.add_argument("--lang", choices=("fr", "en"), default="fr")
    command.add_argument("--json", action="store_true", help="print the records as JSON")


def run(asked: argparse.Namespace) -> str:
    """Return the leaks, oldest first; raise LookupError, sqlite3.Error or SiteError."""
    places = from_site(load(asked.site))
    kept = leak_list(places, asked.data, int(time.time() * 1000))
    if not (asked.data / FILE).exists():
        if not kept:
            raise LookupError(f"no records at {asked.data / FILE}")
        return "\n".join(leak_lines(places, kept, asked.lang))
    reader = RecordReader(asked.data / FILE)
    try:
        found = list(_leaks(reader, {n.id: n for n in places.networks}))
    finally:
        reader.close()
    if asked.json:
        return json.dumps([{**r, "leaks": [msgspec.to_builtins(x)]} for _, x, r in found])
    lines = [line for each in found for line in _told(*each, places, asked.lang)]
    lines += leak_lines(places, kept, asked.lang)
    return "\n".join(lines) or _WORDS[asked.lang][-1]


def _leaks(
    reader: RecordReader, networks: Mapping[str, Network]
) -> Iterator[tuple[Network, NetworkLeak, dict[str, Any]]]:
    """Yield each leak once, as it was first told; a network that the site forgot is left out."""
    told: dict[tuple[str, int], int] = {}
    for _, record in reader.of_kinds(["seen network"]):
        network = networks.get(str(record.get("network")))
        if network is None:
            continue
        for plain in record.get("leaks") or ():
            leak = msgspec.convert(plain, NetworkLeak)
            before_ms = told.setdefault((network.id, leak.number), leak.since_ms - 2 * SAME_MS)
            # after a restart it is told again, and a late reading may have moved its time
            if abs(leak.since_ms - before_ms) > SAME_MS:
                told[network.id, leak.number] = leak.since_ms
                yield network, leak, record


def _told(
    network: Network, leak: NetworkLeak, record: Mapping[str, Any], places: Places, lang: str
) -> Iterator[str]:
    head, readings, by_pressures, by_flows, chance, inflow, _ = _WORDS[lang]
    at = dt.datetime.fromtimestamp(leak.found_ms / 1000, ZoneInfo(places.time_zone))
    yield head.format(
        at=f"{at:%Y-%m-%d %H:%M}",
        perhaps="" if leak.is_sure else {"fr": "peut-être une ", "en": "perhaps a "}[lang],
        what=leak_words(network, leak, places)[lang],
    )
    pairs = zip(leak.sensors, leak.before_kpa, leak.after_kpa, strict=False)
    parts = [f"{places.names[s][lang]} {_of(b)} -> {_of(a)} kPa" for s, b, a in pairs]
    parts.append(inflow.format(_of(leak.inflow_before_l_h), _of(leak.inflow_after_l_h)))
    yield readings.format(readings=", ".join(parts))
    rules = record.get("rule") or {}
    settings = {key: value for key, value in rules.items() if not isinstance(value, dict | list)}
    yield (by_pressures if leak.sensors else by_flows).format(
        name=settings.pop("name", "?"),
        rule=", ".join(f"{key} {value}" for key, value in settings.items()),
        score=_of(leak.score),
        heard=record.get("heard"),
        chance="" if leak.probability is None else chance.format(leak.probability),
    )


def _of(value: float | None) -> str:
    return "?" if value is None else str(value)
