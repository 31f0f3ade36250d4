"""Put a station into service, from a bare board to a proved one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn, Protocol

from amont_provision import (
    cmd_backup,
    cmd_bridge,
    cmd_broker,
    cmd_build,
    cmd_calibrate,
    cmd_deploy,
    cmd_deps,
    cmd_doctor,
    cmd_energy,
    cmd_enrol,
    cmd_flash,
    cmd_fleet,
    cmd_label,
    cmd_logs,
    cmd_lorawan,
    cmd_plan,
    cmd_pull,
    cmd_replace,
    cmd_report,
    cmd_restore,
    cmd_revoke,
    cmd_rotate,
    cmd_scan,
    cmd_set,
    cmd_site,
    cmd_update,
    cmd_verify,
)
from amont_provision.output import Output
from amont_provision.texts import Refused, say
from amont_site import SiteError

DONE, REFUSED, MISUSED, INTERRUPTED = 0, 1, 2, 130
# What argparse says of mistakes that everybody makes; the rest stays as it has it.
_MISSING, _UNKNOWN = "the following arguments are required: ", "unrecognized arguments: "


class Command(Protocol):
    """A module ``cmd_<name>``: library calls behind a few options."""

    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Define the command's options, besides --lang and --json."""

    def run(self, asked: argparse.Namespace, out: Output) -> int:
        """Do what was asked; return 0, or 1 if the answer is no; raise Refused."""


# In the order in which a technician needs them; ``--help`` shows it.
COMMANDS: tuple[Command, ...] = (
    cmd_scan,
    cmd_doctor,
    cmd_flash,
    cmd_enrol,
    cmd_deploy,
    cmd_bridge,
    cmd_calibrate,
    cmd_verify,
    cmd_label,
    cmd_report,
    cmd_energy,
    cmd_plan,
    cmd_build,
    cmd_deps,
    cmd_logs,
    cmd_pull,
    cmd_site,
    cmd_broker,
    cmd_lorawan,
    cmd_fleet,
    cmd_set,
    cmd_update,
    cmd_replace,
    cmd_rotate,
    cmd_revoke,
    cmd_backup,
    cmd_restore,
)


def name_of(command: Command) -> str:
    """Return the word that calls a command: its module's name without ``cmd_``."""
    return str(vars(command)["__name__"]).rpartition(".cmd_")[2]


class Misuse(Exception):
    """A command line that is none."""

    def __init__(self, program: str, why: str) -> None:
        super().__init__(why)
        self.program, self.why = program, why

    def text(self, language: str) -> str:
        """Return the mistake, and where to look, in one line."""
        why = self.why
        for sign, code in ((_MISSING, "usage-missing"), (_UNKNOWN, "usage-unknown")):
            if why.startswith(sign):
                why = say(code, language, what=why.removeprefix(sign))
        return say("usage", language, program=self.program, why=why)


class Parser(argparse.ArgumentParser):
    """A parser that says a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise Misuse."""
        raise Misuse(self.prog, message)


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = Parser(prog="amont-provision", description=__doc__)
    _language(top, _usual())
    commands = top.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        one = commands.add_parser(name_of(command), help=command.HELP, description=command.HELP)
        command.arguments(one)
        _language(one, argparse.SUPPRESS)  # also after the command's name
        one.add_argument("--json", action="store_true", help="print the result as JSON")
        one.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code, or raise SystemExit for --help and misuse."""
    try:
        asked = parser().parse_args(arguments)
    except Misuse as error:
        sys.stderr.write(error.text(_spoken(arguments)) + "\n")
        raise SystemExit(MISUSED) from None
    out = Output(asked.command, asked.lang, asked.json)
    try:
        code: int = asked.run(asked, out)
        return code
    except Refused as error:
        out.refuse(error.code, error.text(asked.lang))
    except SiteError as error:
        out.refuse("site", "\n".join(problem.line_text(asked.lang) for problem in error.problems))
    except OSError as error:
        out.refuse("io", say("io", asked.lang, why=error))
    except KeyboardInterrupt:
        out.refuse("interrupted", say("interrupted", asked.lang))
        return INTERRUPTED
    return REFUSED


def _usual() -> str:
    return "fr" if os.environ.get("LANG", "").startswith("fr") else "en"


def _spoken(arguments: Sequence[str] | None) -> str:
    """Return the language of a command line that cannot be parsed."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    asked = [after for word, after in pairwise(words) if word == "--lang"]
    asked += [word.removeprefix("--lang=") for word in words if word.startswith("--lang=")]
    return asked[-1] if asked and asked[-1] in ("fr", "en") else _usual()


def _language(parser: argparse.ArgumentParser, usual: str) -> None:
    parser.add_argument(
        "--lang", choices=("fr", "en"), default=usual, help="language of the answers"
    )


if __name__ == "__main__":
    sys.exit(main())
