"""Install Amont on this machine, bring it up to date, and take a release back.

``install`` and ``upgrade`` take the folder that a release comes in; ``pack`` makes such a folder
from a checkout.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amont_provision.install import bundle, change, machine, releases
from amont_provision.install.layout import Layout
from amont_provision.install.pack import pack
from amont_provision.install.services import Nobody, Services, Systemd
from amont_provision.output import Output
from amont_provision.texts import Refused, say

DONE, REFUSED = 0, 1
LEAST = (3, 11)
_OF_THE_SCRIPT = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
ROOM_BYTES = 700 << 20  # libraries, a release, and a copy of a young journal


class Answers(Output):
    """Answers under this program's own name."""

    def refuse(self, code: str, text: str) -> None:
        """Say why nothing was done and what to do next."""
        if self.as_json:
            self.result({"error": code, "text": text})
        sys.stderr.write(f"amont-install {self.command}: {text}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="amont-install", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    def add(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--lang", choices=("fr", "en"), default=_usual())
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        return command

    first = add("install", _install, "install the first release; again: put right what is not")
    first.add_argument("--site", type=Path, help="the site's file")
    first.add_argument("--no-apt", action="store_true", help="Debian's packages are there already")
    new = add("upgrade", _upgrade, "try a release on a copy of the data, then change to it")
    for command in (first, new):
        command.add_argument("--bundle", type=Path, required=True, help="folder of the release")
    back = add("rollback", _roll_back, "change to the release before")
    look = add("status", _status, "which releases are here, and what runs")
    for command in (first, new, back, look):
        command.add_argument(
            "--prefix", type=Path, default=Path("/"), help="another folder than /, to try it out"
        )
        command.add_argument("--services", choices=("auto", "systemd", "none"), default="auto")
    packing = add("pack", _pack, "make the folder of a release from a checkout")
    packing.add_argument("--checkout", type=Path, default=Path(), help="the checkout (here)")
    packing.add_argument("--out", type=Path, default=Path("dist"), help="where to put it (dist)")
    packing.add_argument(
        "--wheels", default="", metavar="PLATFORM",
        help="bring all packages along, for a machine without a network: here, pi-3.11, pi-3.13",
    )  # fmt: skip
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    for name in _OF_THE_SCRIPT:  # else the programs that we start would run from the wheel too
        os.environ.pop(name, None)
    asked = parser().parse_args(arguments)
    out = Answers(asked.command, asked.lang, asked.json)
    try:
        asked.run(asked, out)
        return DONE
    except Refused as error:
        out.refuse(error.code, error.text(asked.lang))
    except OSError as error:
        out.refuse("io", say("io", asked.lang, why=error))
    return REFUSED


def _install(asked: argparse.Namespace, out: Output) -> None:
    layout, services = _where(asked)
    found, now = bundle.read(asked.bundle), releases.current(layout)
    if now is not None and now.name != found.name:
        raise Refused("install-there", release=now.name)
    if layout.is_machine:
        if not asked.no_apt:
            out.say("install-apt", packages=", ".join(machine.PACKAGES))
            machine.packages(machine.PACKAGES)
        machine.users()
    machine.folders(layout)
    _need_room(layout)
    out.say("install-unpacking", release=found.name)
    release = releases.install(layout, found)
    change.install(layout, release, asked.site, services)
    code = "install-done" if services.describe() else "install-apart"
    code = code if layout.site.exists() else "install-no-site"
    out.result({"release": release.name, "home": str(layout.home), "site": str(layout.site)}, code)


def _upgrade(asked: argparse.Namespace, out: Output) -> None:
    layout, services = _where(asked)
    if releases.current(layout) is None:
        raise Refused("install-none")
    found = bundle.read(asked.bundle)
    _need_room(layout)
    out.say("install-unpacking", release=found.name)
    release = releases.install(layout, found)
    changed = change.upgrade(layout, release, services, out.say)
    out.result(changed._asdict(), "install-upgraded")


def _roll_back(asked: argparse.Namespace, out: Output) -> None:
    changed = change.roll_back(*_where(asked))
    out.result(changed._asdict(), "install-rolled-back")


def _status(asked: argparse.Namespace, out: Output) -> None:
    layout, services = _where(asked)
    chosen = {releases.current(layout): "current", releases.previous(layout): "previous"}
    found = [
        {"release": one.name, "version": releases.version(one), "is": chosen.get(one, "")}
        for one in releases.all_of(layout)
    ]
    states = services.describe()
    lines = [f"{one['release']} {one['is']}".strip() for one in found]
    lines += [f"{unit}: {state}" for unit, state in states.items()]
    out.result({"releases": found, "services": states}, None, lines or [out.text("install-none")])


def _pack(asked: argparse.Namespace, out: Output) -> None:
    made = pack(asked.checkout.resolve(), asked.out.resolve(), asked.wheels)
    found = bundle.read(made)
    size = sum((made / name).stat().st_size for name in found.files)
    out.result({"path": str(made), "release": found.name, "bytes": size}, "install-packed")


def _where(asked: argparse.Namespace) -> tuple[Layout, Services]:
    layout = Layout(asked.prefix.resolve())
    if layout.is_machine and os.geteuid() != 0:
        raise Refused("install-root")
    if sys.version_info < LEAST:
        raise Refused("install-python", version=sys.version.partition(" ")[0])
    managed = asked.services == "systemd" or (asked.services == "auto" and layout.is_machine)
    return layout, Systemd() if managed else Nobody()


def _need_room(layout: Layout) -> None:
    layout.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(layout.home).free
    if free < ROOM_BYTES:
        raise Refused("install-room", free=free >> 20, needed=ROOM_BYTES >> 20)


def _usual() -> str:
    return "fr" if os.environ.get("LANG", "").startswith("fr") else "en"
