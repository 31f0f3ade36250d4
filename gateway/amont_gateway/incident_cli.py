"""List incidents and write their reports: ``amont-gateway incident``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from amont_gateway import incidents
from amont_gateway.incident_report import report
from amont_gateway.places import SITE_FILE, Places, from_site
from amont_gateway.records import FILE
from amont_gateway.story import tell
from amont_site import load

HELP = "list incidents, or write the report of one as HTML"


def add(command: argparse.ArgumentParser, data_dir: Path) -> None:
    """Add the options."""
    command.add_argument("number", type=int, nargs="?", help="of the list; none lists them")
    command.add_argument("--site", type=Path, default=SITE_FILE, help="the site's YAML file")
    command.add_argument("--data", type=Path, default=data_dir, help="data folder")
    command.add_argument("--guard", type=Path, help="the guard's folder: verify and use its audit")
    command.add_argument("--from", dest="since", help="local time, 2026-11-03T04:00")
    command.add_argument("--to", dest="until", help="local time; reports everything in between")
    command.add_argument("--lang", choices=("fr", "en"), default="fr")
    command.add_argument("--out", type=Path, help="write there instead of to standard output")
    command.add_argument("--json", action="store_true", help="list as JSON")


def run(asked: argparse.Namespace) -> str:
    """Return the list, or the report or where it was written.

    Raise LookupError, ValueError, sqlite3.Error or OSError.
    """
    places = from_site(load(asked.site))
    if not (asked.data / FILE).exists():
        raise LookupError(f"no records at {asked.data / FILE}")
    if asked.number is None and not (asked.since or asked.until):
        return _list(places, asked)
    now_ms = int(time.time() * 1000)
    story = tell(places, asked.data, _chosen(places, asked, now_ms), now_ms, asked.guard)
    html = report(story, places, asked.lang, now_ms)
    if asked.out is None:
        return html
    asked.out.write_text(html, encoding="utf-8")
    return str(asked.out)


def _list(places: Places, asked: argparse.Namespace) -> str:
    found = [incidents.line(x, places.names) for x in incidents.read(asked.data / FILE)]
    if asked.json:
        return json.dumps(msgspec.to_builtins(found), ensure_ascii=False)
    zone, lines = ZoneInfo(places.time_zone), []
    for line in found:
        ends = (line.from_ms, line.until_ms)
        span = " – ".join("…" if at is None else _local(at, zone) for at in ends)
        lines.append(f"{line.number}  {span}  {line.text[asked.lang]}")
    return "\n".join(lines)


def _local(at_ms: int, zone: ZoneInfo) -> str:
    return dt.datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M")


def _chosen(places: Places, asked: argparse.Namespace, now_ms: int) -> incidents.Incident:
    """Return the incident of a number, or make one of everything within a span."""
    found = incidents.read(asked.data / FILE)
    if asked.number is not None:
        for incident in found:
            if incident.number == asked.number:
                return incident
        raise LookupError(f"no incident {asked.number}; without a number they are listed")
    zone = ZoneInfo(places.time_zone)
    from_ms = _moment(asked.since, zone) if asked.since else 0
    until_ms = _moment(asked.until, zone) if asked.until else now_ms
    within = [x for x in found if x.from_ms <= until_ms and (x.until_ms or now_ms) >= from_ms]
    if not within:
        raise LookupError("no incident in that time")
    if not asked.since:
        from_ms = within[0].from_ms
    return incidents.merged(within, from_ms, until_ms)


def _moment(text: str, zone: ZoneInfo) -> int:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no local time such as 2026-11-03T04:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return int(moment.timestamp() * 1000)
