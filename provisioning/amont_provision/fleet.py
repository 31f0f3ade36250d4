"""Say how every node of a site is: its key, configuration, release, and when it was heard.

Each fact comes from where it is kept, read only: the guard's folder (keys, configurations), the
gateway's page (battery, faults), or its journal on the disk. What is not within reach is left
out, and the rest is said all the same.
"""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from amont_provision.guardfolder import GuardFolder
from amont_provision.keyfile import KeyFile
from amont_provision.texts import Refused
from amont_site import Site

VIEW_BYTES_MAX = 20_000_000
_TIMEOUT_S = 5.0
FAULTS = (
    "probe", "flash", "clock", "radio", "outbox", "config", "update", "battery",
)  # fmt: skip
NO_KEY, PROVED, WRITING, IN_BUNDLE, BUNDLE_OVER = (
    "no-key", "proved", "writing", "in-bundle", "bundle-over",
)  # fmt: skip


@dataclass
class Row:
    """One node; None is not known here."""

    node: int
    name: dict[str, str]
    carrier: str
    generation: int | None = None
    key: str | None = None  # one of the words above
    until_s: int | None = None  # of a bundle
    heard: bool | None = None  # the guard opened a frame under this generation
    config_told: int | None = None
    config_wanted: int | None = None
    asked: dict[str, int] = field(default_factory=dict)
    waits: bool | None = None  # what was asked is still to be told
    firmware: int | None = None
    last_heard_ms: int | None = None
    battery_mv: int | None = None
    faults: list[str] | None = None


@dataclass(frozen=True)
class Sources:
    """Where to look; what is None is not looked at."""

    guard: Path | None = None
    view: str | None = None  # URL of the page's view.json
    journal: Path | None = None


def fleet(site: Site, sources: Sources, now_s: float) -> tuple[list[Row], list[Refused]]:
    """Return a row a node of the site, and why a source could not be read."""
    rows = [
        Row(node.id, {"fr": node.name.fr, "en": node.name.en}, node.carrier) for node in site.nodes
    ]
    reads: list[Callable[[], None]] = []
    if sources.guard is not None:
        reads.append(partial(_guard, rows, sources.guard, now_s))
    if sources.journal is not None:
        reads.append(partial(_journal, rows, sources.journal))
    if sources.view is not None:
        reads.append(partial(_view, rows, sources.view))
    missing = []
    for read in reads:
        try:
            read()
        except Refused as error:
            missing.append(error)
    return rows, missing


def _guard(rows: list[Row], folder: Path, now_s: float) -> None:
    guard = GuardFolder(folder)
    keys, told, asked = guard.keys(), guard.told(), guard.asked()
    for row in rows:
        row.generation = keys.generation(row.node)
        row.key, row.until_s = _key(keys, row.node, now_s)
        row.heard = keys.was_heard(row.node)
        row.asked = asked.get(str(row.node), {})
        row.waits = bool(row.asked)
        if row.node in told:
            one = told[row.node]
            held = row.asked.items() <= one.items.items()
            row.waits = not held or one.version < one.wanted
            row.config_told, row.config_wanted = one.version, one.wanted
            row.firmware = one.firmware


def _key(keys: KeyFile, node: int, now_s: float) -> tuple[str, int | None]:
    pending = keys.pending(node)
    if pending is None:
        return (PROVED if keys.generation(node) else NO_KEY), None
    if not pending.bundle:
        return WRITING, None
    return (BUNDLE_OVER if now_s > pending.until_s else IN_BUNDLE), pending.until_s


def _journal(rows: list[Row], path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as journal:
            for row in rows:
                found = journal.execute(
                    "SELECT received_ms FROM sample WHERE node = ? ORDER BY id DESC LIMIT 1",
                    (row.node,),
                ).fetchone()
                row.last_heard_ms = found[0] if found else None
    except (sqlite3.Error, OSError) as error:
        raise Refused("fleet-journal", path=path, why=error) from None


def _view(rows: list[Row], url: str) -> None:
    try:
        if not url.startswith(("http://", "https://")):
            raise ValueError("not http:// or https://")
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            nodes: list[dict[str, Any]] = json.loads(answer.read(VIEW_BYTES_MAX))["nodes"]
        known = {int(one["id"]): one for one in nodes}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused("fleet-view", url=url, why=error) from None
    for row in rows:
        one = known.get(row.node, {})
        row.battery_mv = one.get("battery_mv")
        row.last_heard_ms = one.get("last_seen_ms") or row.last_heard_ms
        row.firmware = row.firmware if row.firmware is not None else one.get("firmware")
        if row.config_told is None:
            row.config_told = one.get("config_version")
        bits = one.get("faults")
        if isinstance(bits, int):
            row.faults = [name for at, name in enumerate(FAULTS) if bits >> at & 1]
