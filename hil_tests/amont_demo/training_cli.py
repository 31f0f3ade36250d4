"""Train from the command line: ``amont-demo training``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import select
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from amont_demo import debrief, training_site
from amont_demo.director import Pace
from amont_demo.flood import Flood, from_csv, from_journal, invented
from amont_demo.training import PAGE_PORT, ROUND_S, Course, Options, running
from amont_gateway import incidents
from amont_gateway.incident_report import report
from amont_gateway.places import from_site
from amont_gateway.records import FILE
from amont_gateway.story import tell
from amont_site import Site, load

HELP = "practise on the real page with a replayed flood; no siren is connected"
Say = Callable[[str], None]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--site", type=Path, help="your site's YAML file; none: an invented one")
    parser.add_argument("--flood", type=Path, help="CSV with columns time and stage_mm")
    parser.add_argument("--data", type=Path, help="the gateway's data folder, only read")
    parser.add_argument("--from", dest="since", help="local time: replay --data from there")
    parser.add_argument("--to", dest="until", help="local time: until there")
    parser.add_argument("--speed", type=float, default=60.0, help="while nobody has to act")
    parser.add_argument("--calm", type=float, default=180.0, help="seconds before the water rises")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds for people to act")
    parser.add_argument("--page-port", type=int, default=PAGE_PORT)
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets phones see the page")
    parser.add_argument("--https-port", type=int, default=0, help="phones act over HTTPS alone")
    parser.add_argument("--report", type=Path, help="write the incident report there")
    parser.add_argument("--json", type=Path, help="write what was done there, as JSON")
    parser.add_argument("--lang", choices=("fr", "en"), default="fr")


def run(asked: argparse.Namespace, say: Say) -> None:
    """Run one course to its end; raise TrainingError, BadFlood, NotFit, SiteError or OSError."""
    with tempfile.TemporaryDirectory(prefix="amont-training-") as name:
        folder = Path(name)
        site = load(asked.site) if asked.site else training_site.example(folder)
        pace = Pace(min(3600.0, max(1.0, asked.speed)), asked.calm, asked.patience)
        authority = asked.data / "authority" if asked.data else None
        options = Options(
            pace,
            asked.page_port,
            asked.host,
            asked.https_port,
            authority if authority is not None and authority.is_dir() else None,
        )
        with running(folder / "course", site, _flood(site, asked), options) as course:
            _greet(course, asked.lang, say)
            try:
                _conduct(course, asked.lang, say)
            except KeyboardInterrupt:
                say("")
        _sum_up(course, asked, say)


def _flood(site: Site, asked: argparse.Namespace) -> Flood:
    if asked.flood:
        return from_csv(site, asked.flood)
    if asked.data and asked.since and asked.until:
        zone = ZoneInfo(site.time_zone)
        times = [_moment_ms(text, zone) for text in (asked.since, asked.until)]
        return from_journal(site, asked.data / "journal.db", times[0], times[1])
    return invented(site)


def _moment_ms(text: str, zone: ZoneInfo) -> int:
    moment = dt.datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)


def _greet(course: Course, lang: str, say: Say) -> None:
    words = {
        "fr": ("Page :", "Codes d’entraînement :", "Entrée : passer à la suite. Ctrl-C : finir."),
        "en": ("Page:", "Training PINs:", "Enter: go on. Ctrl-C: end."),
    }[lang]
    say(f"{words[0]} {course.address}   ({course.flood.told[lang]})")
    say(f"{words[1]} " + ", ".join(f"{who} {pin}" for who, pin in course.pins.items()))
    say(words[2])
    say(course.told(lang))


def _conduct(course: Course, lang: str, say: Say) -> None:
    while course.director.phase != "end":
        if course.turn():
            say(course.told(lang))
        if _pressed():
            course.go_on()
            say(course.told(lang))
        time.sleep(ROUND_S)


def _pressed() -> bool:
    """Tell whether somebody pressed Enter."""
    if not select.select([sys.stdin], [], [], 0)[0]:
        return False
    return bool(sys.stdin.readline())  # nothing: there is nobody at the keyboard


def _sum_up(course: Course, asked: argparse.Namespace, say: Say) -> None:
    records = debrief.read(course.guard_folder)
    lines = debrief.summary(records, course.paces, asked.lang)
    for line in lines:
        say(line)
    if asked.json:
        done = {"summary": lines, "marks": course.paces, "records": records}
        asked.json.write_text(json.dumps(done, ensure_ascii=False), encoding="utf-8")
    if asked.report:
        _report(course, asked)


def _report(course: Course, asked: argparse.Namespace) -> None:
    data, places = course.folder / "gateway", from_site(course.site)
    found = [x for x in incidents.read(data / FILE) if x.sounded or x.drill]
    if found:
        now_ms = max(int(r.get("at_ms") or 0) for r in debrief.read(course.guard_folder))
        story = tell(places, data, found[-1], now_ms, course.guard_folder)
        html = report(story, places, asked.lang, now_ms, training=True)
        asked.report.write_text(html, encoding="utf-8")
