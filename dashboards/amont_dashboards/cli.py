"""Build and check the Grafana dashboards; push them to a Grafana elsewhere; keep a copy of it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from amont_dashboards import remote
from amont_dashboards.check import broken_links, differences, faults
from amont_dashboards.model import LANGUAGES
from amont_dashboards.options import OLDER_PALETTE, PALETTE
from amont_dashboards.render import dashboard_files, files

# In a checkout; an installed gateway names a folder of its own.
_FOLDER = Path(__file__).parents[1] / "grafana"
_PLACES = {"push": "--token-file", "backup": "--out or --token-file"}
WRONG = 1


def build(folder: Path, dry_run: bool = False, older: bool = False) -> list[Path]:
    """Write the files that differ; return their paths (also with ``dry_run``)."""
    changed = []
    for name, content in (_for_older(files()) if older else files()).items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        changed.append(path)
        if not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return changed


def _for_older(made: Mapping[str, str]) -> dict[str, str]:
    """Return the files with colours that a Grafana before 13.2 knows, too."""
    return {name: text.replace(PALETTE, OLDER_PALETTE) for name, text in made.items()}


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
    return found + [
        f"{path}: out of date, run amont-dashboards build" for path in build(folder, True)
    ]


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="amont-dashboards", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print the result as JSON")
    writing = argparse.ArgumentParser(add_help=False)
    writing.add_argument("--dry-run", action="store_true", help="only say what would be done")
    writing.add_argument(
        "--older", action="store_true", help="for a Grafana from 11 on, before 13.2: its colours"
    )
    here = argparse.ArgumentParser(add_help=False)
    here.add_argument("--folder", type=Path, default=_FOLDER, help="where Grafana's files are")
    there = _there()
    commands.add_parser("build", parents=[shared, writing, here], help="write files that differ")
    commands.add_parser("check", parents=[shared, here], help="check rules, languages, freshness")
    pushing = commands.add_parser(
        "push", parents=[shared, writing, there], help="send what differs to a Grafana elsewhere"
    )
    pushing.add_argument(
        "--language", choices=LANGUAGES, action="append", help="only this one; both by default"
    )
    pushing.add_argument(
        "--sources", action="store_true", help="make missing data sources from AMONT_INFLUX_…"
    )
    pushing.add_argument("--alerts", choices=LANGUAGES, help="the alert rules too, in this one")
    keeping = commands.add_parser(
        "backup", parents=[shared, there], help="keep a copy of all that a Grafana holds"
    )
    keeping.add_argument("--out", type=Path, required=True, help="a new folder")
    return top


def _there() -> argparse.ArgumentParser:
    there = argparse.ArgumentParser(add_help=False)
    there.add_argument(
        "--url", default=os.environ.get("AMONT_GRAFANA_URL", ""), help="or AMONT_GRAFANA_URL"
    )
    # Never the token itself: other users of the machine see a command's arguments.
    there.add_argument("--token-file", type=Path, help="instead of AMONT_GRAFANA_TOKEN")
    return there


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    asked = parser().parse_args(arguments)
    try:
        lines, wrong = _run(asked)
    except OSError as error:
        place = _PLACES.get(asked.command, "--folder")
        print(f"amont-dashboards {asked.command}: {error}; name another {place}", file=sys.stderr)
        return WRONG
    except remote.RemoteError as error:
        print(f"amont-dashboards {asked.command}: {error}", file=sys.stderr)
        return WRONG
    print(json.dumps(lines, ensure_ascii=False) if asked.json else "\n".join(lines) or "✓")
    for line in wrong:
        print(f"amont-dashboards {asked.command}: {line}", file=sys.stderr)
    return WRONG if wrong or (asked.command == "check" and lines) else 0


def _run(asked: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return what a command did or found, and what it could not do."""
    if asked.command == "build":
        return [str(path) for path in build(asked.folder, asked.dry_run, asked.older)], []
    if asked.command == "check":
        return check(asked.folder), []
    token = (
        asked.token_file.read_text(encoding="utf-8").strip()
        if asked.token_file
        else os.environ.get("AMONT_GRAFANA_TOKEN", "")
    )
    api = remote.connect(asked.url, token)
    if asked.command == "backup":
        written, failed = remote.backup(api, asked.out)
        return [str(path) for path in written], failed
    done = remote.push_sources(api, os.environ, asked.dry_run) if asked.sources else []
    languages = tuple(asked.language or LANGUAGES)
    made = _for_older(dashboard_files()) if asked.older else dashboard_files()
    done += remote.push(api, made, languages, asked.dry_run)
    return done + (
        remote.push_alerts(api, asked.alerts, asked.dry_run) if asked.alerts else []
    ), []


if __name__ == "__main__":
    sys.exit(main())
