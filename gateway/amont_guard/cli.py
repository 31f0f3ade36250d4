"""Run the guard, check its audit file, show what it knows."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from . import messages
from .app import build
from .audit import verify
from .config import ConfigError
from .relay import RelayError
from .store import InUse

_ANSWER_S = 3.0
_PRIORITY = -10  # before everything else on a busy Pi; the guard needs little


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run one command; 1 is "no", 2 a mistake to put right."""
    parser = argparse.ArgumentParser(prog="amont-guard", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does, text in (
        ("run", _run, "run until SIGTERM"),
        ("verify", _verify, "check that the audit file was not altered"),
        ("status", _status, "show what the guard knows"),
    ):
        command = commands.add_parser(name, help=text)
        command.set_defaults(does=does)
        command.add_argument("--state", type=Path, required=True, help="the guard's state folder")
        if does is _run:
            command.add_argument("--gateway-uid", type=int, action="append", default=[])
    asked = parser.parse_args(argv)
    try:
        return int(asked.does(asked))
    except (ConfigError, InUse, RelayError, OSError) as error:
        print(f"amont-guard {asked.command}: {error}", file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace) -> int:
    with contextlib.suppress(PermissionError):  # then as the unit file or the user has set it
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    guard = build(asked.state, gateway_uids=asked.gateway_uid, log=_log)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: guard.stop())
    guard.run()
    return 0


def _verify(asked: argparse.Namespace) -> int:
    found = verify(asked.state / "audit.jsonl")
    if found.ok:
        print(f"{found.lines} lines, sound, last {found.last}")
        return 0
    print(f"altered at line {found.broken_line} of {found.lines}")
    return 1


def _status(asked: argparse.Namespace) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as guard:
        guard.settimeout(_ANSWER_S)
        guard.connect(str(asked.state / "status.sock"))
        state = messages.decode_json(guard.recv(messages.MAX_MESSAGE))  # comes each second
    print(json.dumps(state, indent=2, ensure_ascii=False))
    return 0


def _log(record: dict[str, Any]) -> None:
    print(json.dumps(record, ensure_ascii=False), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
