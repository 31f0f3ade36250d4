"""Fetch, lock and check third-party MicroPython libraries from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from amont_provision import cache as caching
from amont_provision import deps, options
from amont_provision.cache import Cache
from amont_provision.output import Output

HELP = "fetch MicroPython libraries once and lock them by hash"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("packages", nargs="*", help="NAME[@VERSION] or a package.json to add")
    parser.add_argument("--index", help="address or folder of a mip index")
    parser.add_argument("--lock", type=Path, default=Path(deps.LOCK), help="the lock file")
    options.cache(parser)
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Add packages to the lock, and complete the cache; return 0 or raise Refused."""
    cache = Cache(asked.cache)
    before = deps.read_lock(asked.lock)
    lock = deps.add(asked.packages, asked.index, before, cache)
    fresh = [] if asked.dry_run else deps.complete(lock, cache)
    if lock != before and not asked.dry_run:
        caching.write_lock(asked.lock, deps.KIND, lock)
    listed = {
        name: {"version": entry["version"], "files": sorted(entry["files"])}
        for name, entry in sorted(lock.items())
    }
    lines = [
        f"{_mark(name, before, lock)} {name} {entry['version']}: {', '.join(entry['files'])}"
        for name, entry in listed.items()
    ]
    values = {"lock": str(asked.lock), "packages": listed, "count": len(lock), "fetched": fresh}
    out.result(values, "deps-dry" if asked.dry_run else "deps", lines)
    return 0


def _mark(name: str, before: deps.Lock, after: deps.Lock) -> str:
    if name not in before:
        return "+"
    return " " if before[name] == after[name] else "~"
