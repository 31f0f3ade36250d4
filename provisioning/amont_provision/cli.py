"""Put a station into service: ``amont-provision enrol``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from amont_provision.enrol import RADIO, Options, carry_out, plan
from amont_provision.keyfile import KeyFile
from amont_provision.port import open_port
from amont_provision.texts import Refused, say
from amont_site import SiteError, load

REFUSED = 1


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    usual = "fr" if os.environ.get("LANG", "").startswith("fr") else "en"
    top = argparse.ArgumentParser(prog="amont-provision", description=__doc__)
    top.add_argument("--lang", choices=("fr", "en"), default=usual, help="language of the answers")
    commands = top.add_subparsers(dest="command", required=True)
    enrol = commands.add_parser("enrol", help="give a board its identity and key")
    enrol.add_argument("--port", required=True, help="the board: virtual:FOLDER")
    enrol.add_argument("--site", required=True, type=Path, help="the site's file")
    enrol.add_argument("--node", required=True, type=int, help="the node's number in that file")
    enrol.add_argument("--keys", required=True, type=Path, help="the guard's keys.json")
    enrol.add_argument("--radio", type=_address, default=RADIO, help="simulated radio: HOST:PORT")
    enrol.add_argument("--tls", type=Path, help="folder with ca.crt, NODE.crt and NODE.key")
    enrol.add_argument("--renew", action="store_true", help="same station: the next generation")
    enrol.add_argument("--replace", action="store_true", help="overwrite another node's board")
    enrol.add_argument("--dry-run", action="store_true", help="only say what would be done")
    enrol.add_argument("--json", action="store_true", help="print the result as JSON")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    asked = parser().parse_args(arguments)
    try:
        answer = _enrol(asked)
    except Refused as error:
        return _refuse(asked, error.code, error.text(asked.lang))
    except SiteError as error:
        lines = [problem.line_text(asked.lang) for problem in error.problems]
        return _refuse(asked, "site", "\n".join(lines))
    except OSError as error:
        return _refuse(asked, "write", say("write", asked.lang, why=error))
    if asked.json:
        print(json.dumps(answer))
        return 0
    print(say("dry" if asked.dry_run else "done", asked.lang, **answer))
    if not asked.dry_run:
        print(say("restart", asked.lang), file=sys.stderr)
    return 0


def _enrol(asked: argparse.Namespace) -> dict[str, str | int]:
    site = load(asked.site)
    port, keys = open_port(asked.port), KeyFile(asked.keys)
    options = Options(asked.renew, asked.replace, asked.radio, asked.tls)
    planned = plan(site, asked.node, port, keys, options)
    if not asked.dry_run:
        carry_out(planned, port, keys)
    return {
        "node": planned.node,
        "generation": planned.generation,
        "files": len(planned.files),
        "port": asked.port,
    }


def _refuse(asked: argparse.Namespace, code: str, text: str) -> int:
    if asked.json:
        print(json.dumps({"error": code, "text": text}, ensure_ascii=False))
    print(f"amont-provision {asked.command}: {text}", file=sys.stderr)
    return REFUSED


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
