"""Import what was billed and read at meters, look at it first, list it: ``amont-gateway volumes``.

The form is docs/yearly. Rows that say something else of days that are there already are refused;
everything else counts at once, in the yearly report and in the running twelve months.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import time
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from amont_gateway.yearly import kept, volumes
from amont_gateway.yearly.sheet import number
from amont_gateway.yearly.texts import KINDS
from amont_gateway.yearly.volumes import Entry, VolumesError

HELP = "import billed and metered volumes, after a preview; list or take back imports"
ACTIONS = {
    "preview": "show what an import would add, replace and refuse; write nothing",
    "import": "import tables of volumes; refused rows are listed, the others count",
    "list": "list what was imported",
    "remove": "take an import back",
}
_WORDS = {
    "fr": {
        "added": "lignes ajoutées : {0}", "known": "déjà là, passées : {0}",
        "replaced": "lignes remplacées : {0}", "refused": "lignes refusées : {0}",
        "would": "Aperçu : rien n'est écrit.", "done": "Import n° {0}.",
        "none": "Rien à importer.",
        "empty": "rien n'a été importé", "batch": "{0}  {1}  {2}  {3}  lignes : {4}",
        "back": "Import n° {0} repris ; lignes qui ne comptent plus : {1} ; "
        "lignes qu'il avait remplacées et qui comptent de nouveau : {2}.",
        "absent": "il n'y a pas d'import n° {0} ; `volumes list` les montre",
        "later": "l'import n° {0} ne peut pas être repris : d'autres ont pris de ses jours "
        "après lui ; reprenez d'abord : {1}",
        "estimated": "estimé",
    },
    "en": {
        "added": "rows added: {0}", "known": "there already, passed over: {0}",
        "replaced": "rows replaced: {0}", "refused": "rows refused: {0}",
        "would": "Preview: nothing is written.", "done": "Import no. {0}.",
        "none": "Nothing to import.", "empty": "nothing was imported",
        "batch": "{0}  {1}  {2}  {3}  rows: {4}", "estimated": "estimated",
        "back": "Import no. {0} taken back; rows that count no longer: {1}; "
        "rows that it had replaced and that count again: {2}.",
        "absent": "there is no import no. {0}; `volumes list` shows them",
        "later": "import no. {0} cannot be taken back: later ones have taken days of it; "
        "first take back: {1}",
    },
}  # fmt: skip


def add(command: argparse.ArgumentParser, action: str, data_dir: Path) -> None:
    """Add one action's options."""
    if action in ("preview", "import"):
        command.add_argument("files", type=Path, nargs="+", help="CSV (docs/yearly.*.md)")
        command.add_argument("--replace", action="store_true", help="replace rows of these days")
    if action == "import":
        command.add_argument("--by", default="", help="who imports")
    if action == "remove":
        command.add_argument("number", type=int, help="of the list")
    if action == "list":
        command.add_argument("--rows", action="store_true", help="each row that counts")
        command.add_argument("--json", action="store_true", help="the rows as JSON")
    command.add_argument("--data", type=Path, default=data_dir, help="data folder")
    command.add_argument("--lang", choices=("fr", "en"), default="fr")


def run(asked: argparse.Namespace) -> tuple[str, list[str]]:
    """Do what was asked; return what to print, and a line for each row that was refused.

    Raise LookupError, ValueError, sqlite3.Error or OSError.
    """
    words, now_ms = _WORDS[asked.lang], int(time.time() * 1000)
    if not asked.data.is_dir():  # nothing imported would be the wrong answer
        raise FileNotFoundError(f"no data folder at {asked.data}")
    if asked.action == "list":
        return "\n".join(_listed(asked, words)), []
    if asked.action == "remove":
        return _removed(asked, words, now_ms), []
    try:
        read = volumes.read(asked.files)
    except VolumesError as error:
        raise ValueError(error.text(asked.lang)) from error
    if asked.action == "preview":
        taken = kept.weigh(asked.data, read, asked.replace)
    else:
        files = ", ".join(path.name for path in asked.files)
        taken = kept.take(asked.data, read, files, asked.by, now_ms, asked.replace)
    refused = [row.text(asked.lang) for row in taken.refused]
    return "\n".join(_said(asked, words, taken)), refused


def _removed(asked: argparse.Namespace, words: dict[str, str], now_ms: int) -> str:
    try:
        rows = kept.take_back(asked.data, asked.number, now_ms)
    except LookupError as error:
        raise LookupError(words["absent"].format(asked.number)) from error
    except kept.LaterImport as later:
        numbers = ", ".join(map(str, later.numbers))
        raise ValueError(words["later"].format(asked.number, numbers)) from later
    return words["back"].format(asked.number, *rows)


def _said(asked: argparse.Namespace, words: dict[str, str], taken: kept.Taken) -> Iterator[str]:
    yield from _rows(taken.added, asked.lang)
    yield from (f"- {line}" for line in _rows(taken.replaced, asked.lang))
    yield from _sums(taken.added, asked.lang)
    for name in ("added", "known", "replaced", "refused"):
        rows = getattr(taken, name)
        if rows or name == "added":
            yield words[name].format(len(rows))
    if asked.action == "preview":
        yield words["would"]
    else:
        yield words["done"].format(taken.batch) if taken.batch else words["none"]


def _listed(asked: argparse.Namespace, words: dict[str, str]) -> Iterator[str]:
    entries = kept.entries(asked.data)
    if asked.json:
        yield json.dumps([_plain(entry) for entry in entries], ensure_ascii=False)
        return
    found = kept.batches(asked.data)
    if not found:
        yield words["empty"]
    for batch in found:
        at = (
            dt.datetime.fromtimestamp(batch.at_ms / 1000, dt.UTC)
            .astimezone()
            .strftime("%Y-%m-%d %H:%M")
        )
        yield words["batch"].format(batch.number, at, batch.by or "-", batch.files, batch.rows)
    if asked.rows:
        yield from _rows(entries, asked.lang)
    yield from _sums(entries, asked.lang)


def _rows(entries: Iterable[Entry], lang: str) -> Iterator[str]:
    for e in entries:
        estimated = f"  {_WORDS[lang]['estimated']}" if e.estimated else ""
        volume = number(e.volume_m3, lang)
        what = f"{KINDS[lang][e.kind]:36}  {e.meter or '-':16}"
        yield f"{what}  {e.first} - {e.last}  {volume:>12} m³{estimated}"


def _sums(entries: Iterable[Entry], lang: str) -> Iterator[str]:
    """Yield the sum of each kind, in the order of the sheet."""
    sums: dict[str, Decimal] = {}
    for entry in entries:
        sums[entry.kind] = sums.get(entry.kind, Decimal(0)) + entry.volume_m3
    for kind, word in KINDS[lang].items():
        if kind in sums:
            yield f"= {word:34}  {number(sums[kind], lang):>12} m³"


def _plain(entry: Entry) -> dict[str, object]:
    return {
        "kind": entry.kind,
        "meter": entry.meter,
        "from": entry.first.isoformat(),
        "to": entry.last.isoformat(),
        "volume_m3": float(entry.volume_m3),
        "estimated": entry.estimated,
        "row": entry.where,
    }
