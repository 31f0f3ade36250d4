"""Look after the database from a command line: ``amont-gateway history``.

Each returns what to print and an exit code: 0 fine, 1 something is wrong with the database or
lines are set aside. What is under way goes to stderr.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from amont_gateway import quarantine_cli
from amont_gateway.clock import SystemClock
from amont_gateway.database import Away, Denied
from amont_gateway.doubts import FILE as DOUBTS
from amont_gateway.doubts import Doubts
from amont_gateway.history import CONSUMER
from amont_gateway.history_texts import describe, moment, word
from amont_gateway.journal_holes import is_damage
from amont_gateway.journal_reader import JournalReader
from amont_gateway.places import SITE_FILE, from_site
from amont_gateway.quarantine import FILE, Quarantine
from amont_gateway.replay import Replay, Replayed
from amont_gateway.site_database import delivery_of, target_of
from amont_gateway.summaries.again import write_again
from amont_gateway.view_client import PAGE, fetch_view
from amont_site import Site, load

HELP = "look after the database: status, quarantine, replay, selftest"
FINE, WRONG = 0, 1
Said = tuple[str, int]
_FOREVER_MS = 1 << 62
_TELL_S = 2.0


def add(command: argparse.ArgumentParser, data_dir: Path) -> None:
    """Add the subcommands."""
    actions = command.add_subparsers(dest="action", required=True)
    status = _action(actions, "status", _status, "say how the database is and what waits for it")
    status.add_argument("--page", default=PAGE, help="host:port of the local page")
    status.add_argument("--json", action="store_true", help="print JSON")
    replay = _action(actions, "replay", _replay, "write a span of the journal once more")
    replay.add_argument("--since", required=True, help="local time, 2026-11-03T04:00, or 'start'")
    replay.add_argument("--until", help="local time; by default now")
    replay.add_argument(
        "--journal", type=Path, help="another journal, such as one that was moved aside"
    )
    replay.add_argument("--dry-run", action="store_true", help="only count the rows")
    selftest = _action(actions, "selftest", _selftest, "prove that a server does all we need")
    refused = actions.add_parser("quarantine", help="lines that the database refused")
    for parser in (status, replay, selftest):
        parser.add_argument("--data", type=Path, default=data_dir, help="data folder")
    for parser in (status, replay, selftest):
        parser.add_argument("--site", type=Path, default=SITE_FILE, help="the site's YAML file")
    quarantine_cli.add(refused, data_dir)


def run(asked: argparse.Namespace) -> Said:
    """Run the subcommand; return what to print and the exit code.

    Raise LookupError for what is not there, ValueError for a mistake of the command line,
    sqlite3.Error, OSError or SiteError.
    """
    said: Said = asked.act(asked)
    return said


def _action(
    actions: Any, name: str, act: Callable[[argparse.Namespace], Said], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(act=act)
    parser.add_argument("--lang", choices=("fr", "en"), default="fr")
    return parser


def _status(asked: argparse.Namespace) -> Said:
    view = fetch_view(asked.page)
    kept = view.get("history") if view else None
    found = {"running": view is not None, "history": kept, **_at_rest(asked.data)}
    if asked.json:
        text = json.dumps(found, ensure_ascii=False)
    else:
        zone = _zone_of(asked.site)
        named = word("zone", asked.lang, zone=zone.key) if zone else _machine_zone(asked.lang)
        text = "\n".join([*_status_lines(found, asked.lang, zone), named])
    is_well = kept["state"] == "ok" if kept else view is not None
    is_whole = not found["quarantined"] and not found["damaged"]
    return text, FINE if is_well and is_whole else WRONG


def _zone_of(path: Path) -> ZoneInfo | None:
    """Return the site's time zone, None on a machine without a site; raise SiteError."""
    if path == SITE_FILE and not path.exists():
        return None
    return ZoneInfo(load(path).time_zone)


def _machine_zone(lang: str) -> str:
    return word("zone_machine", lang, zone=time.strftime("%Z"))


def _at_rest(data: Path) -> dict[str, Any]:
    """Return what the data folder tells of journal, cursors and quarantine."""
    path = data / "journal.db"
    found: dict[str, Any] = {"journal": str(path), "damaged": ""}
    with _journal(path) as reader:
        try:
            found |= reader.summary()
            place = found["cursors"].get(CONSUMER, 0)
            found["waiting"] = max(0, found["last_id"] - place)
            found["waiting_since_ms"] = reader.waiting_since_ms(place)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            nothing = {"rows": 0, "last_id": 0, "cursors": {}, "waiting": 0}
            found |= {**nothing, "waiting_since_ms": None, "damaged": str(error)}
    return {**found, "quarantined": Quarantine(data / FILE).count()}


def _status_lines(found: dict[str, Any], lang: str, zone: ZoneInfo | None) -> list[str]:
    kept = found["history"]
    if kept is not None:
        lines = describe(kept, lang, zone)
    elif found["running"]:
        lines = [word("none", lang)]
    else:
        lines = _lines_at_rest(found, lang, zone)
    if found["damaged"]:
        return [*lines, word("damaged", lang, path=found["journal"], why=found["damaged"])]
    for name, place in sorted(found["cursors"].items()):
        lines.append(word("consumer", lang, name=name, place=place, last=found["last_id"]))
    if found["rows"]:
        since = moment(found["oldest_ms"], zone)
        return [*lines, word("journal", lang, rows=found["rows"], since=since)]
    return [*lines, word("journal_empty", lang)]


def _lines_at_rest(found: dict[str, Any], lang: str, zone: ZoneInfo | None) -> list[str]:
    lines = [word("at_rest", lang)]
    if found["waiting"]:
        since = moment(found["waiting_since_ms"], zone)
        lines.append(word("waiting", lang, rows=found["waiting"], since=since))
    elif not found["damaged"]:
        lines.append(word("waiting_none", lang))
    if found["quarantined"]:
        lines.append(word("quarantined", lang, lines=found["quarantined"]))
    return lines


def _replay(asked: argparse.Namespace) -> Said:
    site = load(asked.site)
    zone = ZoneInfo(site.time_zone)
    since_ms, until_ms = _span(asked, zone)
    path = asked.journal or asked.data / "journal.db"
    with _journal(path) as reader:
        if asked.dry_run:
            rows = reader.count_span(since_ms, until_ms)
            since = _first(reader, zone) if asked.since == "start" else asked.since
            until = asked.until or moment(SystemClock().wall_ms(), zone)
            words = {"rows": rows, "since": since, "until": until, "lost": reader.lost}
            return word("would_replay", asked.lang, **words), WRONG if reader.lost else FINE
        return _write_again(asked, site, reader, since_ms, until_ms)


def _first(reader: JournalReader, zone: ZoneInfo) -> str:
    if reader.lost:  # perhaps the very first
        return "…"
    return moment(reader.waiting_since_ms(0), zone)


def _write_again(
    asked: argparse.Namespace, site: Site, reader: JournalReader, since_ms: int, until_ms: int
) -> Said:
    places = from_site(site)
    doubts = Doubts(asked.data / DOUBTS)
    with delivery_of(target_of(site), asked.data) as delivery:
        replay = Replay(reader, delivery, site.id, places.tags(), doubts)
        try:
            done = replay.run(since_ms, until_ms, _Telling(asked.lang, ZoneInfo(site.time_zone)))
            days = 0
            if asked.journal is None and not done.lost:  # else it may hold less of a day
                span = (since_ms, until_ms, SystemClock().wall_ms())
                days = write_again(reader, places, doubts.doubted, delivery, *span)
        except (Away, Denied, sqlite3.Error) as error:
            done = replay.done
            words = {"rows": done.rows, "lines": done.lines, "lost": done.lost, "why": error}
            return word("stopped", asked.lang, **words), WRONG
    words = {"rows": done.rows, "lines": done.lines, "refused": done.refused, "lost": done.lost}
    said = word("replayed", asked.lang, **words, bad=done.bad_rows, days=days)
    return said, WRONG if done.bad_rows or done.refused or done.lost else FINE


def _selftest(asked: argparse.Namespace) -> Said:
    from amont_gateway import selftest  # and with it the client: only when asked

    findings = selftest.run(target_of(load(asked.site)))
    is_bad = any(finding.verdict == "bad" for finding in findings)
    return "\n".join(finding.line() for finding in findings), WRONG if is_bad else FINE


@contextmanager
def _journal(path: Path) -> Iterator[JournalReader]:
    if not path.exists():
        raise LookupError(f"no journal at {path}")
    reader = JournalReader(path)
    try:
        yield reader
    except sqlite3.Error as error:
        raise sqlite3.DatabaseError(f"{path}: {error}") from error
    finally:
        reader.close()


def _span(asked: argparse.Namespace, zone: ZoneInfo) -> tuple[int, int]:
    since_ms = 0 if asked.since == "start" else _ms(asked.since, zone)
    until_ms = _ms(asked.until, zone) if asked.until else _FOREVER_MS
    if since_ms > until_ms:
        raise ValueError(f"--since {asked.since} is after --until {asked.until}")
    return since_ms, until_ms


def _ms(text: str, zone: ZoneInfo) -> int:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time such as 2026-11-03T04:00") from error
    return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1000)


class _Telling:
    """Say on stderr, now and then, how far a replay is."""

    def __init__(self, lang: str, zone: ZoneInfo) -> None:
        self._lang, self._zone = lang, zone
        self._told_s = time.monotonic()

    def __call__(self, done: Replayed, last: int) -> None:
        if time.monotonic() - self._told_s < _TELL_S:
            return
        self._told_s = time.monotonic()
        percent, until = 100 * done.place // max(last, 1), moment(done.through_ms, self._zone)
        said = word("replaying", self._lang, percent=percent, until=until)
        sys.stderr.write(f"{said}\n")
