"""Set what a node holds: on its board, or, for a node far away, at the Pi."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from amont_provision import board, held, options, settings
from amont_provision.asking import secret_text
from amont_provision.cmd_enrol import needed
from amont_provision.compile import LOADER
from amont_provision.enrol import node_of
from amont_provision.guardfolder import GuardFolder, Items, check
from amont_provision.output import Output
from amont_provision.port import open_port
from amont_provision.texts import Refused
from amont_site import load

HELP = "change settings, Wi-Fi or certificates of a board; --pending: of a node by the air"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument(
        "wishes",
        nargs="*",
        type=_wish,
        metavar="NAME=VALUE",
        help="interval_s=300; NAME= for none",
    )
    parser.add_argument("--port", help="the board: /dev/ttyACM0 or virtual:FOLDER")
    parser.add_argument("--wifi", metavar="NAME", help="network; its password is asked for")
    parser.add_argument("--wifi-file", type=Path, help="file of one line with the password")
    parser.add_argument("--tls", type=Path, help="folder with ca.crt, NODE.crt and NODE.key")
    parser.add_argument(
        "--pending", action="store_true", help="at the Pi: the guard tells the node by the air"
    )
    parser.add_argument("--node", type=int, help="which node, with --pending")
    parser.add_argument("--site", type=Path, help="the site's file, with --pending")
    parser.add_argument("--guard", type=Path, help="the guard's folder, with --pending")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Change what was asked; return 0 or raise Refused."""
    wishes = dict(asked.wishes)
    if not (wishes or asked.wifi or asked.tls):
        raise Refused("set-nothing")
    try:
        if asked.pending:
            _pend(asked, wishes, out)
        else:
            _set(asked, wishes, out)
    except OSError as error:
        raise Refused("write", why=error) from None
    return 0


def _pend(asked: argparse.Namespace, wishes: dict[str, int | None], out: Output) -> None:
    if asked.wifi or asked.tls:
        raise Refused("set-cable")
    site, guard = load(needed(asked, "site")), GuardFolder(needed(asked, "guard"))
    node = node_of(site, needed(asked, "node"))
    usual = board.usual(site, node)
    check(wishes, usual, node.look_s or 0)
    before = guard.asked().get(str(node.id), {})
    after: Items = dict(before)
    for name, value in wishes.items():
        after.pop(name, None)
        if value is not None:
            after[name] = value
    if not asked.dry_run:
        guard.ask(node.id, after)
    answer = {"node": node.id, "before": before, "asked": after}
    lines = _diff({**usual, **before}, {**usual, **after})
    out.result(answer, "set-pending-dry" if asked.dry_run else "set-pending", lines)


def _set(asked: argparse.Namespace, wishes: dict[str, int | None], out: Output) -> None:
    with closing(open_port(needed(asked, "port"))) as port:
        found, runs = held.enrolled(port), port.read(LOADER) is not None
        files: dict[str, bytes] = {}
        if asked.tls:
            files |= settings.pems(asked.tls, found.node)
        if asked.wifi:
            question = out.text("ask-wifi", name=asked.wifi)
            files[settings.WIFI] = settings.wifi(
                asked.wifi, secret_text(asked.wifi_file, question, twice=True)
            )
        after = settings.changed(found, wishes) if wishes else found.config
        if not asked.dry_run:
            settings.put(port, files)
            if wishes:
                held.store(port, found, after)
            if runs:
                port.reset()  # it was started with what it held before
    changed = {name: after.get(name) for name in wishes}
    answer = {
        "node": found.node, "version": after["version"], "files": sorted(files),
        "changed": changed,
    }  # fmt: skip
    before = {name: found.config.get(name) for name in wishes}
    lines = [*_diff(before, changed), *(f"+ {name}" for name in sorted(files))]
    out.result(answer, "set-dry" if asked.dry_run else "set-done", lines)


def _diff(before: Mapping[str, int | None], after: Mapping[str, int | None]) -> list[str]:
    lines = []
    for name in after:
        if before.get(name) != after[name]:
            lines += [f"- {name}: {before.get(name, '–')}", f"+ {name}: {after[name]}"]
    return lines


def _wish(text: str) -> tuple[str, int | None]:
    name, equals, value = text.partition("=")
    if not name or not equals or not (value == "" or value.lstrip("-").isascii()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, int(value) if value else None
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: {value!r} is no whole number") from None
