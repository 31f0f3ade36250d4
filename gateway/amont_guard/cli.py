"""Run the guard, check its audit, show what it knows."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pwd
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from . import messages
from .app import build
from .audit import verify
from .config import ConfigError
from .store import InUse

_ANSWER_S = 3.0
_PRIORITY = -10  # before everything else on a busy Pi; the guard needs little
_TABLES = {
    "sirens": ("id", "state", "mode", "health", "commanded", "confirmed", "findings"),
    "stations": ("id", "level", "stage_mm", "limits_mm", "advice", "voting", "proposed", "agreed"),
    "sensors": ("id", "node", "value", "age_s", "freshness", "promise", "votes", "flags"),
    "bridges": (
        "port",
        "device",
        "role",
        "radio",
        "version",
        "frames",
        "damaged",
        "heard_s",
        "id",
    ),
    "faults": ("level", "kind", "about", "detail"),
}


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run one command; 1 is "no", 2 a mistake to put right."""
    parser = argparse.ArgumentParser(prog="amont-guard", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(does: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(does.__name__.strip("_"), help=text)
        command.set_defaults(does=does)
        command.add_argument("--state", type=Path, required=True, help="the guard's state folder")
        return command

    run = add(_run, "run until SIGTERM")
    run.add_argument("--gateway-uid", type=_uid, action="append", default=[], metavar="USER")
    add(_verify, "check that the audit was not altered").add_argument(
        "--witness", type=Path, help="the gateway's witness.jsonl: shows a cut-off end too"
    )
    status = add(_status, "show what the guard knows")
    status.add_argument("--json", action="store_true")
    for command in (run, status):
        text = "folder of the sockets (the state folder)"
        command.add_argument("--sockets", type=Path, metavar="FOLDER", help=text)
    asked = parser.parse_args(argv)
    try:
        return int(asked.does(asked))
    except (ConfigError, InUse, OSError) as error:
        print(f"amont-guard {asked.command}: {error}", file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace) -> int:
    with contextlib.suppress(PermissionError):  # then as the unit file or the user has set it
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    guard = build(asked.state, gateway_uids=asked.gateway_uid, log=_log, sockets=asked.sockets)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: guard.stop())
    guard.run()
    return 0


def _verify(asked: argparse.Namespace) -> int:
    found = verify(asked.state, asked.witness)
    if found.broken_line:
        print(f"altered at line {found.broken_line} of {found.lines}")
    elif found.missing:
        print(f"cut off behind line {found.lines}: line {found.missing} was witnessed")
    else:
        print(f"{found.lines} lines, sound, last {found.last}")
    print(f"witnessed up to line {found.witnessed}: lines cut off behind it do not show")
    return 0 if found.ok else 1


def _status(asked: argparse.Namespace) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as guard:
        guard.settimeout(_ANSWER_S)
        guard.connect(str((asked.sockets or asked.state) / "status.sock"))
        state = messages.decode_json(guard.recv(messages.MAX_MESSAGE))  # comes each second
    if asked.json:
        print(json.dumps(state, indent=2, ensure_ascii=False))
        return 0
    for title, columns in _TABLES.items():
        rows = [columns, *([_cell(row.get(name)) for name in columns] for row in state[title])]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        print(title)
        for row in rows:
            print("  " + "  ".join(map(str.ljust, row, widths)).rstrip())
    return 0


def _cell(value: Any) -> str:
    # As JSON, so that whatever a text holds, it moves no cursor.
    return "-" if value in (None, "", [], {}) else json.dumps(value, ensure_ascii=False).strip('"')


def _uid(user: str) -> int:
    try:
        return int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
    except KeyError:
        raise argparse.ArgumentTypeError(f"no user is called {user!r}") from None


def _log(record: dict[str, Any]) -> None:
    print(json.dumps(record, ensure_ascii=False), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
