"""Note what was done, or list what was noted: ``amont-gateway note``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from amont_gateway import notes
from amont_gateway.indicators.leak_list import leak_list
from amont_gateway.indicators.leaks import OPEN, WATCHED
from amont_gateway.places import SITE_FILE, Places, from_site
from amont_gateway.records import FILE
from amont_site import load

HELP = "note a repair, a calibration, maintenance or anything else, or list the notes"
_KIND_WORDS = {
    "fr": {"repair": "réparation", "calibration": "étalonnage", "maintenance": "entretien",
           "note": "note"},
    "en": {kind: kind for kind in notes.KINDS},
}  # fmt: skip
_ABOUT_LEAK = {"fr": "fuite {0}", "en": "leak {0}"}
_DONE = {"fr": "noté : {0}", "en": "noted: {0}"}
_NO_LEAK = {
    "fr": "{0} n'a pas de fuite {1} ; ouvertes là : {2}",
    "en": "{0} has no leak {1}; open there: {2}",
}
_NONE_OPEN = {"fr": "aucune", "en": "none"}
_UNHEARD = {
    "fr": "aucune fuite de {0} n'est connue ici ; noté quand même de la fuite {1}",
    "en": "no leak of {0} is known here; noted of leak {1} all the same",
}
_NONE = {"fr": "rien n'a été noté", "en": "nothing was noted"}


def add(command: argparse.ArgumentParser, data_dir: Path) -> None:
    """Add the options."""
    kinds = (*notes.KINDS, "list")
    command.add_argument("kind", choices=kinds, metavar="kind", help=", ".join(kinds))
    command.add_argument("place", nargs="?", default="", help="station, zone, network, siren, "
                         "sensor or node's number")  # fmt: skip
    command.add_argument("text", nargs="?", default="", help="what was done or seen, in one line")
    command.add_argument("--by", default="", help="who says so")
    command.add_argument("--at", help="since when it counts, local: 2026-11-03T14:30; else now")
    command.add_argument(
        "--leak", type=int, help="of a repair: of which leak; else all open there"
    )
    command.add_argument("--site", type=Path, default=SITE_FILE, help="the site's YAML file")
    command.add_argument("--data", type=Path, default=data_dir, help="data folder")
    command.add_argument("--lang", choices=("fr", "en"), default="fr")
    command.add_argument("--json", action="store_true", help="list as JSON")


def take_late(asked: argparse.Namespace, rest: Sequence[str]) -> list[str]:
    """Take place and text that came after options, which argparse leaves; return what is left."""
    left = list(rest)
    for name in ("place", "text"):
        if left and not left[0].startswith("-") and not getattr(asked, name):
            setattr(asked, name, left.pop(0))
    return left


def run(asked: argparse.Namespace) -> str:
    """Write the note or list them; return what to print.

    Raise LookupError, ValueError, sqlite3.Error, OSError or SiteError.
    """
    places = from_site(load(asked.site))
    if asked.kind == "list":
        return _listed(places, asked)
    now_ms = int(time.time() * 1000)
    place, sensor = notes.place_of(places, asked.place)
    at_ms = _moment(asked.at, ZoneInfo(places.time_zone)) if asked.at else now_ms
    note = notes.Note(asked.kind, place, at_ms, asked.by, asked.text, asked.leak, sensor)
    notes.check(note, now_ms)
    unheard = _unheard(note, places, asked, now_ms)
    notes.write(asked.data, note, now_ms)
    return "\n".join([_DONE[asked.lang].format(_line(note, places, asked.lang)), *unheard])


def _unheard(
    note: notes.Note, places: Places, asked: argparse.Namespace, now_ms: int
) -> list[str]:
    """Return what to add where no leak of the place is known.

    Raise ValueError if its leaks are known and this is none of them.
    """
    if note.leak is None:
        return []
    try:
        kept = leak_list(places, asked.data, now_ms)
    except sqlite3.Error:  # what cannot be read must not keep a repair from being noted
        kept = []
    states = {leak.number: state.state for leak, state in kept if leak.place == note.place}
    if not states:
        return [_UNHEARD[asked.lang].format(note.place, note.leak)]
    if note.leak not in states:
        numbers = ", ".join(str(n) for n, state in states.items() if state in (WATCHED, OPEN))
        said = numbers or _NONE_OPEN[asked.lang]
        raise ValueError(_NO_LEAK[asked.lang].format(note.place, note.leak, said))
    return []


def _listed(places: Places, asked: argparse.Namespace) -> str:
    place, sensor = notes.place_of(places, asked.place) if asked.place else ("", "")
    found = [
        (number, note)
        for number, note in notes.read(asked.data / FILE)
        if (not place or note.place == place) and (not sensor or note.sensor == sensor)
    ]
    if asked.json:
        plain = [{"id": number, **note.record()} for number, note in found]
        return json.dumps(plain, ensure_ascii=False)
    lines = [_line(note, places, asked.lang) for _, note in found]
    return "\n".join(lines) or _NONE[asked.lang]


def _line(note: notes.Note, places: Places, lang: str) -> str:
    at = dt.datetime.fromtimestamp(note.at_ms / 1000, ZoneInfo(places.time_zone))
    about = note.sensor or note.place
    if note.leak is not None:
        about += ", " + _ABOUT_LEAK[lang].format(note.leak)
    return f"{at:%Y-%m-%d %H:%M}  {_KIND_WORDS[lang][note.kind]}  {about}  {note.by}  {note.text}"


def _moment(said: str, zone: ZoneInfo) -> int:
    try:
        moment = dt.datetime.fromisoformat(said)
    except ValueError:
        raise ValueError(f"--at {said}: write a local time such as 2026-11-03T14:30") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)
