"""Build and check the Grafana dashboards: ``amont-dashboards build | check``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from amont_dashboards.alerts.check import faults as alert_faults
from amont_dashboards.check import broken_links, differences, faults
from amont_dashboards.model import LANGUAGES
from amont_dashboards.render import files

# In a checkout; an installed gateway names a folder of its own.
_FOLDER = Path(__file__).parents[1] / "grafana"
WRONG = 1


def build(folder: Path, dry_run: bool = False) -> list[Path]:
    """Write the files that differ; return their paths (also with ``dry_run``)."""
    changed = []
    for name, content in files().items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        changed.append(path)
        if not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return changed


def check(folder: Path) -> list[str]:
    """Return what is wrong: rules broken, languages that differ, files out of date."""
    made = {name: json.loads(text) for name, text in files().items() if name.endswith(".json")}
    found = [f"{name}: {text}" for name, dashboard in made.items() for text in faults(dashboard)]
    first, second = LANGUAGES
    for name, dashboard in made.items():
        if f"/{first}/" in name:
            other = made[name.replace(f"/{first}/", f"/{second}/")]
            found += [f"{name}: {text}" for text in differences(dashboard, other)]
    found += broken_links([*made.values()])
    found += alert_faults(files())
    return found + [
        f"{path}: out of date, run amont-dashboards build" for path in build(folder, True)
    ]


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="amont-dashboards", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--folder", type=Path, default=_FOLDER, help="where Grafana's files are")
    shared.add_argument("--json", action="store_true", help="print the result as JSON")
    writing = commands.add_parser("build", parents=[shared], help="write the files that differ")
    writing.add_argument("--dry-run", action="store_true", help="only say what would be written")
    commands.add_parser("check", parents=[shared], help="check rules, languages and freshness")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    asked = parser().parse_args(arguments)
    try:
        if asked.command == "build":
            lines = [str(path) for path in build(asked.folder, asked.dry_run)]
        else:
            lines = check(asked.folder)
    except OSError as error:
        print(f"amont-dashboards {asked.command}: {error}; name another --folder", file=sys.stderr)
        return WRONG
    print(json.dumps(lines, ensure_ascii=False) if asked.json else "\n".join(lines) or "✓")
    return WRONG if asked.command == "check" and lines else 0


if __name__ == "__main__":
    sys.exit(main())
