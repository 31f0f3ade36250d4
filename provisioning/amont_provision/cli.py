"""Put a station into service, from a bare board to a proved one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from amont_provision import (
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
    cmd_pull,
    cmd_replace,
    cmd_report,
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

DONE, REFUSED, INTERRUPTED = 0, 1, 130


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
    cmd_calibrate,
    cmd_verify,
    cmd_label,
    cmd_report,
    cmd_energy,
    cmd_build,
    cmd_deps,
    cmd_logs,
    cmd_pull,
    cmd_site,
    cmd_fleet,
    cmd_set,
    cmd_update,
    cmd_replace,
    cmd_rotate,
    cmd_revoke,
)


def name_of(command: Command) -> str:
    """Return the word that calls a command: its module's name without ``cmd_``."""
    return str(vars(command)["__name__"]).rpartition(".cmd_")[2]


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    usual = "fr" if os.environ.get("LANG", "").startswith("fr") else "en"
    top = argparse.ArgumentParser(prog="amont-provision", description=__doc__)
    _language(top, usual)
    commands = top.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        one = commands.add_parser(name_of(command), help=command.HELP, description=command.HELP)
        command.arguments(one)
        _language(one, argparse.SUPPRESS)  # also after the command's name
        one.add_argument("--json", action="store_true", help="print the result as JSON")
        one.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    asked = parser().parse_args(arguments)
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


def _language(parser: argparse.ArgumentParser, usual: str) -> None:
    parser.add_argument(
        "--lang", choices=("fr", "en"), default=usual, help="language of the answers"
    )


if __name__ == "__main__":
    sys.exit(main())
