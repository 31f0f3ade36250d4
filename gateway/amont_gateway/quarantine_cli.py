"""Decide on refused lines: ``amont-gateway history quarantine list | mend | resend | drop``."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amont_gateway.database import Away, Denied
from amont_gateway.history_texts import word
from amont_gateway.line_check import problem
from amont_gateway.places import SITE_FILE
from amont_gateway.quarantine import FILE, Entry, Quarantine, Refused
from amont_gateway.site_database import delivery_of, target_of
from amont_site import load

FINE, WRONG = 0, 1
Said = tuple[str, int]
BATCH_LINES = 500
SHOWN = 20
_REASONS = 10


def add(parser: argparse.ArgumentParser, data_dir: Path) -> None:
    """Add the subcommands."""
    acts = parser.add_subparsers(dest="act_name", required=True)
    found = _act(acts, "list", _list, "show reasons and the newest lines", data_dir)
    found.add_argument("-n", type=int, default=SHOWN, help="how many lines")
    found.add_argument("--json", action="store_true", help="all of them, one JSON object a line")
    mend = _act(acts, "mend", _mend, "correct lines; they go with the next resend", data_dir)
    mend.add_argument("ids", type=int, nargs="+", metavar="ID")
    how = mend.add_mutually_exclusive_group(required=True)
    how.add_argument("--line", help="what should stand there (one ID)")
    how.add_argument("--replace", nargs=2, metavar=("OLD", "NEW"), help="in each line")
    mend.add_argument("--force", action="store_true", help="though it is not as declared")
    mend.add_argument("--dry-run", action="store_true", help="only show the lines")
    resend = _act(acts, "resend", _resend, "write lines again; take out what is taken", data_dir)
    resend.add_argument("ids", type=int, nargs="*", metavar="ID", help="by default all")
    resend.add_argument("--site", type=Path, default=SITE_FILE, help="the site's YAML file")
    drop = _act(acts, "drop", _drop, "forget lines", data_dir)
    drop.add_argument("ids", type=int, nargs="*", metavar="ID")
    drop.add_argument("--all", action="store_true", help="all of them")
    drop.add_argument("--dry-run", action="store_true", help="only count them")


def _act(
    acts: Any,
    name: str,
    act: Callable[[argparse.Namespace], Said],
    text: str,
    data_dir: Path,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = acts.add_parser(name, help=text, description=text)
    parser.set_defaults(act=act)
    parser.add_argument("--data", type=Path, default=data_dir, help="data folder")
    parser.add_argument("--lang", choices=("fr", "en"), default="fr")
    return parser


def _list(asked: argparse.Namespace) -> Said:
    entries = Quarantine(asked.data / FILE).entries()
    if asked.json:
        return "\n".join(json.dumps(e._asdict(), ensure_ascii=False) for e in entries), FINE
    if not entries:
        return word("quarantine_empty", asked.lang), FINE
    reasons = Counter(e.reason for e in entries).most_common(_REASONS)
    lines = [word("reason", asked.lang, lines=n, reason=reason) for reason, n in reasons]
    lines += [_shown(entry) for entry in (entries[-asked.n :] if asked.n > 0 else [])]
    return "\n".join(lines), FINE


def _shown(entry: Entry) -> str:
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.at_ms / 1000))
    return f"{entry.id}  {when}  {entry.consumer}{entry.store}  {entry.line}  [{entry.reason}]"


def _mend(asked: argparse.Namespace) -> Said:
    kept = Quarantine(asked.data / FILE)
    if asked.line is not None and len(asked.ids) > 1:
        raise ValueError("--line is for one ID; --replace is for many")
    mended = [(entry, _mended(entry, asked)) for entry in chosen(kept, asked.ids)]
    for entry, line in mended:
        wrong = "" if asked.force else problem(line, entry.store)
        if wrong:
            raise ValueError(f"{entry.id}: {wrong}; --force takes it nevertheless")
    for entry, line in [] if asked.dry_run else mended:
        kept.mend(entry.id, line)
    key = "would_mend" if asked.dry_run else "mended"
    said = [word(key, asked.lang, id=entry.id, line=line) for entry, line in mended]
    return "\n".join(said), FINE


def _mended(entry: Entry, asked: argparse.Namespace) -> str:
    line = asked.line if asked.line is not None else entry.line.replace(*asked.replace)
    return str(line)


def _resend(asked: argparse.Namespace) -> Said:
    kept = Quarantine(asked.data / FILE)
    entries = chosen(kept, asked.ids) if asked.ids else kept.entries()
    taken = left = 0
    with delivery_of(target_of(load(asked.site)), asked.data) as delivery:
        for store in sorted({e.store for e in entries}):
            there = [e for e in entries if e.store == store]
            for start in range(0, len(there), BATCH_LINES):
                batch = there[start : start + BATCH_LINES]
                try:
                    refused = dict(delivery.offer([e.line for e in batch], store))
                except (Away, Denied) as error:
                    raise LookupError(f"{error}; {taken} lines were written") from error
                taken += kept.remove(e.id for e in batch if e.line not in refused)
                kept.add([_again(e, refused[e.line]) for e in batch if e.line in refused])
                left += len(refused)
    return word("resent", asked.lang, taken=taken, left=left), WRONG if left else FINE


def _again(entry: Entry, reason: str) -> Refused:
    now_ms = time.time_ns() // 1_000_000
    return Refused(now_ms, entry.consumer, entry.store, entry.line, reason)


def _drop(asked: argparse.Namespace) -> Said:
    kept = Quarantine(asked.data / FILE)
    if bool(asked.ids) == asked.all:
        raise ValueError("name the IDs to forget, or --all")
    entries = kept.entries() if asked.all else chosen(kept, asked.ids)
    if asked.dry_run:
        return word("would_drop", asked.lang, lines=len(entries)), FINE
    lines = kept.remove(e.id for e in entries)
    return word("dropped", asked.lang, lines=lines), FINE


def chosen(kept: Quarantine, ids: list[int]) -> list[Entry]:
    """Return the entries with these ids; raise LookupError if one is not there."""
    entries = kept.entries(ids)
    missing = sorted(set(ids) - {e.id for e in entries})
    if missing:
        raise LookupError(f"no refused line has the number {missing[0]}")
    return entries
