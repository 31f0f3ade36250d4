"""Check a site's file, hash a PIN, or write the JSON schema: ``python -m amont_site``."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Sequence

from amont_site import check, hash_pin, schema

HELP = {
    "en": ("Check the file of one site.", "the file", "language of the answers"),
    "fr": ("Vérifier le fichier d'un site.", "le fichier", "langue des réponses"),
}
GOOD = {
    "en": "{file}: good ({nodes} nodes, {stations} stations, {zones} zones)",
    "fr": "{file} : bon ({nodes} nœuds, {stations} stations, {zones} zones)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 if the file or PIN is not good."""
    usual = "fr" if os.environ.get("LANG", "").startswith("fr") else "en"
    parser = argparse.ArgumentParser(prog="python -m amont_site", description=HELP[usual][0])
    parser.add_argument("--lang", choices=("fr", "en"), default=usual, help=HELP[usual][2])
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="print all problems; 1 if there is an error")
    checking.add_argument("file", help=HELP[usual][1])
    commands.add_parser("hash-pin", help="ask for a PIN and print what the file may hold")
    commands.add_parser("schema", help="print the JSON schema, for editors")
    chosen = parser.parse_args(arguments)
    if chosen.command == "check":
        return _check(chosen.file, chosen.lang)
    if chosen.command == "hash-pin":
        return _hash_pin()
    print(json.dumps(schema(), indent=2))
    return 0


def _check(file: str, language: str) -> int:
    site, problems = check(file)
    for problem in problems:
        print(problem.line_text(language))
    if site is None:
        return 1
    counts = {"nodes": len(site.nodes), "stations": len(site.stations), "zones": len(site.zones)}
    print(GOOD[language].format(file=file, **counts))
    return 0


def _hash_pin() -> int:
    # Typed unseen at a terminal, or read from a pipe: other users can see arguments.
    pin = getpass.getpass("PIN: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    try:
        print(hash_pin(pin))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
