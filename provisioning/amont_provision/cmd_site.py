"""Give the guard the site's file in its own form: ``guard.json``, at the Pi."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amont_provision import options
from amont_provision.keyfile import as_its_folder
from amont_provision.output import Output
from amont_provision.texts import Refused
from amont_site import canonical, compile_guard, load, write_guard

HELP = "check the site's file and give it to the guard, which reads it when it starts"
NAME = "guard.json"
HIDDEN = "pin"  # only a hash, and nobody's business all the same


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.site(parser)
    parser.add_argument("--guard", type=Path, required=True, help="the guard's folder")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Write the file if it differs, and show what does; return 0 or raise Refused."""
    site, path = load(asked.site), asked.guard / NAME
    if not asked.guard.is_dir():
        raise Refused("site-folder", path=asked.guard)
    before, after = _read(path), json.loads(canonical(compile_guard(site)))
    lines = _diff(before, after)
    try:
        if lines and not asked.dry_run:
            write_guard(site, path)
            as_its_folder(path)
    except OSError as error:
        raise Refused("write", why=error) from None
    code = "site-same" if not lines else "site-dry" if asked.dry_run else "site-written"
    out.result({"path": str(path), "changed": bool(lines), "diff": lines}, code, lines)
    return 0


def _read(path: Path) -> dict[str, Any]:
    """Return what the guard has now; nothing where that is no guard.json: it is replaced."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return {"": None}
    return value if isinstance(value, dict) else {"": None}


def _diff(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    old, new = dict(_flat(before)), dict(_flat(after))
    lines = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name) and name != "sha256":
            shown = ("…", "…") if name.endswith(f".{HIDDEN}") else (old.get(name), new.get(name))
            lines += [f"- {name}: {shown[0]}"] if name in old else []
            lines += [f"+ {name}: {shown[1]}"] if name in new else []
    return lines


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value with its path; what has an id or a name is called by it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for at, one in enumerate(value):
            called = one.get("id") or one.get("sensor") or one.get("name") or at
            yield from _flat(one, f"{name}.{called}")
    else:
        yield name, json.dumps(value, ensure_ascii=False)
