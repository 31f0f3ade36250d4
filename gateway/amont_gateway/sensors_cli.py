"""Show what the site's file makes of a foreign sensor's message: ``amont-gateway sensors try``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from amont_gateway.foreign_fields import MAX_BYTES
from amont_gateway.foreign_mapping import Mapped, Mapping, Reading
from amont_gateway.foreign_words import PROMISE, why
from amont_gateway.places import SITE_FILE
from amont_gateway.readings import QUANTITIES
from amont_site import load
from amont_site.model import Site

HELP = "what the site's file makes of a foreign sensor's message"
_ACCEPTED, _NOTHING = 0, 1


def add(command: argparse.ArgumentParser) -> None:
    """Declare the options of ``try``."""
    command.add_argument("--site", type=Path, default=SITE_FILE, help="the site's YAML file")
    command.add_argument("--topic", required=True, help="the topic of the message")
    command.add_argument("--payload", required=True, help="file of the message; - reads it here")
    command.add_argument(
        "--retained", action="store_true", help="as if the broker had kept the message"
    )
    command.add_argument(
        "--at", type=_moment_ms, help="as if it had arrived then: 2026-03-01T10:30:00+01:00"
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def run(asked: argparse.Namespace) -> tuple[str, int]:
    """Return what to print and the exit code; raise OSError or SiteError."""
    site = load(asked.site)
    now_ms = time.time_ns() // 1_000_000 if asked.at is None else asked.at
    payload = _payload(asked.payload)
    mappings = [Mapping(source, site.time_zone) for source in site.foreign_sources]
    tried = {
        m.source.id: m.map(asked.topic, payload, now_ms, asked.retained)
        for m in mappings
        if m.matches(asked.topic)
    }
    code = _ACCEPTED if any(mapped.readings for mapped in tried.values()) else _NOTHING
    if asked.json:
        return json.dumps([_plain(name, mapped) for name, mapped in tried.items()]), code
    return "\n".join(_lines(site, asked.topic, tried)), code


def _moment_ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-03-01T10:30:00+01:00")
    return int(at.timestamp() * 1000)


def _payload(name: str) -> bytes:
    most = MAX_BYTES + 1  # one more, so that it is seen to be too large
    if name == "-":
        return sys.stdin.buffer.read(most)
    with Path(name).open("rb") as file:
        return file.read(most)


def _lines(site: Site, topic: str, tried: dict[str, Mapped]) -> list[str]:
    if not tried:
        known = ", ".join(source.topic for source in site.foreign_sources) or "-"
        return [
            f"fr: aucune source n'attend le sujet {topic} ; le fichier connaît : {known}",
            f"en: no source expects the topic {topic}; the file knows: {known}",
        ]
    lines = []
    for name, mapped in tried.items():
        lines.append(f"{name}:")
        lines += [f"  {line}" for line in _of(site, mapped)]
    if any(refusal.why == "old" for mapped in tried.values() for refusal in mapped.refused):
        lines += [
            "fr: un message gardé s'essaie comme s'il venait d'arriver : --at et son heure",
            "en: to try a message that was kept, as if it had just arrived: --at and its time",
        ]
    if any(mapped.readings for mapped in tried.values()):
        lines += [f"fr: {PROMISE['fr']}", f"en: {PROMISE['en']}"]
    return lines


def _of(site: Site, mapped: Mapped) -> list[str]:
    lines = [_reading(site, reading) for reading in mapped.readings]
    for refusal in mapped.refused:
        words, seen = why(refusal.why), f" ({refusal.seen})" if refusal.seen else ""
        about = f"{refusal.sensor}: " if refusal.sensor else ""
        lines.append(f"✘ {about}{words['fr']} · {words['en']}{seen}")
    return lines or ["- rien · nothing"]


def _reading(site: Site, reading: Reading) -> str:
    at = datetime.fromtimestamp(reading.at_ms / 1000, ZoneInfo(site.time_zone))
    quality = "" if reading.quality == 0 else "  hors limites · out of bounds"
    name = QUANTITIES[reading.quantity]
    what = f"{name}: total {reading.value}" if reading.total else f"{name}={reading.value}"
    return f"✔ {reading.sensor}  {what}  {at:%Y-%m-%d %H:%M:%S %Z}{quality}"


def _plain(source: str, mapped: Mapped) -> dict[str, Any]:
    readings = [{**r._asdict(), "quantity": QUANTITIES[r.quantity]} for r in mapped.readings]
    return {
        "source": source, "readings": readings,
        "refused": [refusal._asdict() for refusal in mapped.refused],
    }  # fmt: skip
