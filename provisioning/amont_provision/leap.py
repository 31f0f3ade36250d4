"""Make the guard's files of a backup fit to live again: no counter twice, nothing stale believed.

docs/adr/0018-restore-leaps.md says why each of these is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from amont_provision.whole import replace
from amont_site import canonical
from amont_wire.const import COUNTER_MAX, GENERATION_MAX

# Twice what a guard can reserve of one key (amont_guard/keys.py; a test compares).
COUNTERS_A_SECOND = 128
MARGIN_S = 3600  # a minute's burst, the seconds of starts, and clocks that are not quite right
GENERATIONS = 16  # more than any node got since a backup that is worth restoring
VERSIONS, VERSION_MAX = 256, 0xFFFF
BAD = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
Json = dict[str, Any]


class Leapt(NamedTuple):
    """What a leap came to."""

    counters: int
    used_up: tuple[int, ...]  # nodes whose keys have no counters left: enrol them again


def prepare(guard: Path, made_s: int, now_s: int, here: Path) -> Leapt:
    """Change a guard's folder that came from a backup, before any guard starts in it.

    made_s: when the backup was made; here: the guard's folder that this one will replace.
    Raises OSError, or ValueError and the like for a ``keys.json`` that is none.
    """
    counters = COUNTERS_A_SECOND * (max(0, now_s - made_s) + MARGIN_S)
    nodes = _nodes(guard)
    found = _leap_counters(guard, nodes, counters, _reserved(here)[0])
    _skip_generations(guard, nodes)
    _change(guard / "configs.json", _tell_again)
    _change(guard / "windows.json", _forget_ages)
    _change(guard / "state.json", _begin_at_normal)
    return Leapt(counters, found)


def _nodes(guard: Path) -> Json:
    try:
        content: Json = json.loads((guard / "keys.json").read_bytes())["nodes"]
        return content
    except FileNotFoundError:
        return {}


def _leap_counters(
    guard: Path, nodes: Json, counters: int, here: dict[str, int]
) -> tuple[int, ...]:
    reserved, lost = _reserved(guard)
    heard = _heard(guard)
    after = {}
    for name in {*_names(nodes), *reserved}:
        unknown = COUNTER_MAX if lost or name in heard else 0
        leapt = max(reserved.get(name, unknown) + counters, here.get(name, 0))
        after[name] = min(leapt, COUNTER_MAX)
    content = json.dumps({"format": 1, "reserved": dict(sorted(after.items()))})
    replace(guard / "counters.json", content.encode())
    newest = {f"{node}/{entry['generation']}": int(node) for node, entry in nodes.items()}
    return tuple(sorted(newest[n] for n in newest.keys() & after if after[n] == COUNTER_MAX))


def _names(nodes: Json) -> list[str]:
    entries = [(node, e) for node, one in nodes.items() for e in (one, one.get("previous")) if e]
    return [f"{node}/{entry['generation']}" for node, entry in entries]


def _reserved(guard: Path) -> tuple[dict[str, int], bool]:
    """Return what was reserved by node/generation, and whether that is lost."""
    try:
        found = json.loads((guard / "counters.json").read_bytes())["reserved"]
        return {str(name): int(limit) for name, limit in found.items()}, False
    except FileNotFoundError:
        return {}, False
    except BAD:
        return {}, True


def _heard(guard: Path) -> set[str]:
    try:
        return set(json.loads((guard / "windows.json").read_bytes())["windows"])
    except BAD:
        return set()


def _skip_generations(guard: Path, nodes: Json) -> None:
    path = guard / "keys.json"
    if not path.exists():
        return
    content = json.loads(path.read_bytes())
    spent = content.setdefault("spent", {})
    for node in nodes.keys() | spent.keys():
        newest = max(int(nodes.get(node, {}).get("generation", 0)), int(spent.get(node, 0)))
        spent[node] = min(newest + GENERATIONS, GENERATION_MAX)
    replace(path, json.dumps(content, indent=1).encode() + b"\n")


def _change(path: Path, change: Callable[[Json], None]) -> None:
    """Change a file; one that is damaged is the guard's to judge, which says so."""
    try:
        content = json.loads(path.read_bytes())
        change(content)
    except BAD:
        return
    replace(path, json.dumps(content).encode())


def _tell_again(content: Json) -> None:
    for node in content["nodes"].values():
        node["version"] = min(int(node["version"]) + VERSIONS, VERSION_MAX)


def _forget_ages(content: Json) -> None:
    content["boot"] = ""  # no run of any clock: ages are not compared
    _put(content, "freshness", {})


def _begin_at_normal(content: Json) -> None:
    content["boot"] = ""
    judged = content["alarms"]["judged"]  # what was judged is not judged twice
    _put(content, "alarms", {"sirens": {}, "stations": {}, "reasons": {}, "judged": judged})


def _put(content: Json, part: str, value: Json) -> None:
    content[part] = value
    content["sums"][part] = hashlib.sha256(canonical(value)).hexdigest()
