"""Run the gateway and look into it: ``amont-gateway run | status | doctor | …``.

Results go to stdout, everything else to stderr. Exit codes: 0 fine, 1 something is wrong with
what was looked at, 2 the command line or the site's file, 3 a part that is needed is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amont_gateway import (
    doctor,
    history_cli,
    incident_cli,
    leaks_cli,
    models_cli,
    note_cli,
    report_cli,
    running,
    sensors_cli,
    volumes_cli,
)
from amont_gateway.environment import secrets
from amont_gateway.journal_reader import JournalReader
from amont_gateway.readings import FOREIGN, QUANTITIES, Sample, unpack_channels
from amont_gateway.view_client import PAGE, fetch_view
from amont_site import SiteError, load

DATA_DIR = Path("/var/lib/amont/gateway")
GUARD_SOCKET = Path("/var/lib/amont/guard/guard.sock")

FINE, WRONG, USAGE, ABSENT = 0, 1, 2, 3


class Mistake(Exception):
    """What the user should put right: one line, and the exit code."""

    def __init__(self, line: str, code: int = USAGE) -> None:
        super().__init__(line)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse and run one command; return its exit code."""
    asked = _parsed(arguments)
    try:
        code: int = asked.run(asked)
        return code
    except Mistake as mistake:
        print(f"amont-gateway {asked.command}: {mistake}", file=sys.stderr)
        return mistake.code
    except SiteError as error:
        print(error, file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return FINE


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    asked, rest = parser.parse_known_args(arguments)
    if asked.command == "note":
        rest = note_cli.take_late(asked, rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="amont-gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = _command(commands, "run", _run, "run the gateway until it is told to stop")
    _site_options(run)
    _page_options(run)
    run.add_argument("--commit-ms", type=int, default=None, help="how long a commit may wait")
    run.add_argument("--log-level", default="info", choices=("debug", "info", "warning"))
    status = _command(commands, "status", _status, "say how the running gateway is")
    status.add_argument("--page", default=PAGE, help="host:port of the local page")
    status.add_argument("--data", type=Path, default=DATA_DIR, help="data folder")
    _json_option(status)
    look = _command(commands, "doctor", _doctor, "examine everything that the gateway needs")
    _site_options(look)
    _page_options(look)
    _json_option(look)
    incident_cli.add(_command(commands, "incident", _incident, incident_cli.HELP), DATA_DIR)
    report_cli.add(_command(commands, "report", _report, report_cli.HELP), DATA_DIR)
    _volumes_commands(commands)
    leaks_cli.add(_command(commands, "leaks", _leaks, leaks_cli.HELP), DATA_DIR)
    history_cli.add(_command(commands, "history", _history, history_cli.HELP), DATA_DIR)
    note_cli.add(_command(commands, "note", _note, note_cli.HELP), DATA_DIR)
    models_cli.add(_command(commands, "models", _models, models_cli.HELP), DATA_DIR)
    sensors = commands.add_parser("sensors", help=sensors_cli.HELP)
    actions = sensors.add_subparsers(dest="action", required=True)
    sensors_cli.add(_command(actions, "try", _sensors, sensors_cli.HELP))
    journal = commands.add_parser("journal", help="look into the journal")
    actions = journal.add_subparsers(dest="action", required=True)
    for name, act, text in (
        ("tail", _tail, "show the newest samples"),
        ("check", _check, "examine the file and each row's checksum"),
        ("export", _export, "write all samples, one JSON object a line"),
    ):
        command = _command(actions, name, act, text)
        command.add_argument("--data", type=Path, default=DATA_DIR, help="data folder")
        _json_option(command)
        if name == "tail":
            command.add_argument("-n", type=int, default=10, help="how many")
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _json_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")


def _page_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--page", default=PAGE, help="host:port of the local page, or 'none'")
    command.add_argument(
        "--page-https",
        default="auto",
        help="host:port of the page over HTTPS, or 'none'; auto: beside a page for the network",
    )
    command.add_argument(
        "--page-name", action="append", default=[], help="another name of this machine (repeat)"
    )


def _site_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--site", type=Path, required=True, help="the site's YAML file")
    command.add_argument("--data", type=Path, default=DATA_DIR, help="data folder")
    command.add_argument("--guard-socket", type=Path, default=GUARD_SOCKET)
    command.add_argument("--artifacts", type=Path, default=None, help="folder of the models")
    for name, what in (("mqtt", "the broker"), ("lorawan", "a LoRaWAN server's own broker")):
        command.add_argument(f"--{name}-ca", type=Path, default=None, help=f"CA of {what} (TLS)")
        command.add_argument(f"--{name}-cert", type=Path, default=None)
        command.add_argument(f"--{name}-key", type=Path, default=None)
        password = f"password: $AMONT_{name.upper()}_PASSWORD"
        command.add_argument(f"--{name}-user", default=None, help=password)


def _run(asked: argparse.Namespace) -> int:
    site = load(asked.site)
    try:
        return running.run(site, asked, os.environ)
    except OSError as error:  # a port in use, a folder that cannot be made
        raise Mistake(str(error), ABSENT) from error


def _status(asked: argparse.Namespace) -> int:
    view = fetch_view(asked.page)
    if view is None:
        return _status_at_rest(asked)
    if asked.json:
        print(json.dumps(view, ensure_ascii=False))
    else:
        print("\n".join(running.describe(view)))
    well = view["guard_alive"] and view["journal"] == "ok"
    return FINE if well else WRONG


def _status_at_rest(asked: argparse.Namespace) -> int:
    """Say what the data folder tells when no gateway answers."""
    print(f"no gateway answers at {asked.page}; reading {asked.data}", file=sys.stderr)
    with _Opened(asked.data) as reader:
        summary = {"running": False, **reader.summary()}
    if asked.json:
        print(json.dumps(summary))
    else:
        print("\n".join(f"{name}: {value}" for name, value in summary.items()))
    return WRONG


def _doctor(asked: argparse.Namespace) -> int:
    try:
        findings = doctor.examine(running.plan(load(asked.site), asked, secrets()))
    except OSError as error:  # an address that is none
        raise Mistake(str(error)) from error
    if asked.json:
        print(json.dumps([f.as_dict() for f in findings], ensure_ascii=False))
    else:
        print("\n".join(f.line() for f in findings))
    return WRONG if any(f.verdict == doctor.BAD for f in findings) else FINE


def _models(asked: argparse.Namespace) -> int:
    try:
        text, well = models_cli.run(asked)
    except LookupError as error:
        raise Mistake(str(error), WRONG) from error
    print(text)
    return FINE if well else WRONG


def _report(asked: argparse.Namespace) -> int:
    return _with_refused(report_cli.run, asked)


def _volumes_commands(commands: Any) -> None:
    volumes = commands.add_parser("volumes", help=volumes_cli.HELP)
    actions = volumes.add_subparsers(dest="action", required=True)
    for name, text in volumes_cli.ACTIONS.items():
        volumes_cli.add(_command(actions, name, _volumes, text), name, DATA_DIR)


def _volumes(asked: argparse.Namespace) -> int:
    return _with_refused(volumes_cli.run, asked)


def _with_refused(
    run: Callable[[argparse.Namespace], tuple[str, list[str]]], asked: argparse.Namespace
) -> int:
    """Print what was done to stdout and the rows that were refused to stderr."""
    try:
        text, refused = run(asked)
    except sqlite3.Error as error:
        raise Mistake(f"{asked.data}: {error}", WRONG) from error
    except LookupError as error:
        raise Mistake(str(error), ABSENT) from error
    except (ValueError, OSError) as error:
        raise Mistake(str(error)) from error
    for line in refused:
        print(line, file=sys.stderr)
    print(text)
    return WRONG if refused else FINE


def _incident(asked: argparse.Namespace) -> int:
    return _from_records(incident_cli.run, asked)


def _leaks(asked: argparse.Namespace) -> int:
    return _from_records(leaks_cli.run, asked)


def _note(asked: argparse.Namespace) -> int:
    return _from_records(note_cli.run, asked)


def _history(asked: argparse.Namespace) -> int:
    with _worded(asked.data):
        text, code = history_cli.run(asked)
        print(text)
    return code


def _sensors(asked: argparse.Namespace) -> int:
    try:
        text, code = sensors_cli.run(asked)
    except OSError as error:
        raise Mistake(str(error)) from error
    print(text)
    return code


def _from_records(run: Callable[[argparse.Namespace], str], asked: argparse.Namespace) -> int:
    with _worded(asked.data):
        print(run(asked))
    return FINE


@contextmanager
def _worded(data: Path) -> Iterator[None]:
    """Turn what a person can put right into one line; SQLite names no file."""
    try:
        yield
    except LookupError as error:
        raise Mistake(str(error), ABSENT) from error
    except ValueError as error:
        raise Mistake(str(error)) from error
    except sqlite3.Error as error:
        where = "" if str(data) in str(error) else f"{data}: "
        raise Mistake(f"{where}{error}", WRONG) from error
    except OSError as error:
        raise Mistake(str(error), WRONG) from error


def _tail(asked: argparse.Namespace) -> int:
    with _Opened(asked.data) as reader:
        for sample_id, sample in reader.tail(asked.n):
            print(_sample_text(sample_id, sample, asked.json))
    return FINE


def _export(asked: argparse.Namespace) -> int:
    with _Opened(asked.data) as reader:
        written = 0
        for sample_id, sample in reader.samples():
            print(_sample_text(sample_id, sample, True))
            written += 1
        bad, lost = reader.bad_rows, reader.lost
    if bad or lost:
        left = f"{written} rows written, {bad} damaged rows left out, {lost} cannot be read"
        print(left, file=sys.stderr)
    return WRONG if bad or lost else FINE


def _check(asked: argparse.Namespace) -> int:
    with _Opened(asked.data) as reader:
        found = reader.check()
    if asked.json:
        print(json.dumps({"ok": found.ok, **found.__dict__}))
    else:
        bad = f", damaged rows: {found.bad_rows[:10]}" if found.bad_rows else ""
        lost = f" can be read, {found.lost} cannot" if found.lost else ""
        print(f"{found.rows} rows{lost}, file: {found.integrity}{bad}")
    return FINE if found.ok else WRONG


def _sample_text(sample_id: int, sample: Sample, as_json: bool) -> str:
    values = [
        {"channel": c, "quantity": QUANTITIES.get(code, str(code)), "quality": q, "value": value}
        for c, code, q, value in unpack_channels(sample.channels)
    ]
    if as_json:
        plain = {"id": sample_id, **sample._asdict(), "channels": values}
        return json.dumps(plain)
    words = " ".join(f"{v['quantity']}={v['value']}" for v in values)
    who = f"node {sample.node}/{sample.epoch}#{sample.seq}"
    if sample.node == FOREIGN:
        who = f"foreign sensor {sample.epoch}"
    return f"{sample_id}  {sample.at_ms}  {who}  {words}"


class _Opened:
    """Open the journal of a data folder, with one clear line if it cannot be."""

    def __init__(self, data: Path) -> None:
        self._path = data / "journal.db"

    def __enter__(self) -> JournalReader:
        if not self._path.exists():
            raise Mistake(f"no journal at {self._path}", ABSENT)
        self._reader = JournalReader(self._path)
        return self._reader

    def __exit__(self, kind: object, error: object, _trace: object) -> None:
        self._reader.close()
        if isinstance(error, sqlite3.Error):
            raise Mistake(f"{self._path}: {error}", WRONG) from error


if __name__ == "__main__":
    sys.exit(main())
