"""Enrol a board from the command line, or prepare identities for many that are not here."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from amont_provision import app_key, batch, bundle, options
from amont_provision.asking import secret_text
from amont_provision.bundle import Bundle, Recipient
from amont_provision.compile import LOADER
from amont_provision.enrol import RADIO, Identities, Options, carry_out, plan
from amont_provision.keyfile import KeyFile
from amont_provision.output import Output
from amont_provision.port import open_port
from amont_provision.texts import Refused
from amont_site import load

HELP = "give a board its identity and key; --batch prepares identities for the bridges"
LAPTOP_KEY = Path("~/.config/amont/laptop.key")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("--port", help="the board: /dev/ttyACM0 or virtual:FOLDER")
    parser.add_argument("--site", type=Path, help="the site's file")
    parser.add_argument("--node", type=int, help="the node's number in that file")
    board_options(parser)
    options.dry_run(parser)
    many = parser.add_argument_group("identities for boards that are not here")
    many.add_argument("--batch", type=int, metavar="N", help="prepare N identities in a bundle")
    many.add_argument("--nodes", type=numbers, default=(), help="these nodes: 11,12,21")
    many.add_argument("--out", type=Path, help="the bundle to write")
    many.add_argument("--days", type=int, default=batch.DAYS, help="how long it may be used")
    many.add_argument("--for", dest="public", help="public key of the laptop that may open it")
    many.add_argument("--withdraw", type=numbers, default=(), help="take back unused: 11,12")
    many.add_argument(
        "--show-laptop-key", action="store_true", help="print this laptop's public key"
    )


def board_options(parser: argparse.ArgumentParser) -> None:
    """Define what enrol, replace and rotate share: where keys are, and what goes on the board."""
    parser.add_argument("--keys", type=Path, help="the guard's keys.json, at the Pi")
    parser.add_argument("--bundle", type=Path, help="a bundle made at the Pi, in place of --keys")
    parser.add_argument(
        "--passphrase-file", type=Path, help="of the bundle; else you are asked for it"
    )
    parser.add_argument(
        "--laptop-key", type=Path, default=LAPTOP_KEY, help=f"this laptop's key ({LAPTOP_KEY})"
    )
    parser.add_argument(
        "--radio",
        type=options.address,
        metavar="HOST:PORT",
        help=f"simulated radio; else the board's own, else {RADIO[0]}:{RADIO[1]}",
    )
    parser.add_argument("--tls", type=Path, help="folder with ca.crt, NODE.crt and NODE.key")
    parser.add_argument("--renew", action="store_true", help="same station: the next generation")
    parser.add_argument("--replace", action="store_true", help="overwrite another node's board")


def numbers(text: str) -> tuple[int, ...]:
    """Return what ``11,12`` names; raise ArgumentTypeError."""
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() and len(word) <= 5 for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers: 11,12")
    return tuple(map(int, words))


def run(asked: argparse.Namespace, out: Output) -> int:
    """Enrol the board or do what stands in its place; return 0 or raise Refused."""
    try:
        if asked.show_laptop_key:
            key = bundle.laptop_key(asked.laptop_key.expanduser())
            out.result({"public": bundle.public_text(key)}, "laptop-public")
        elif asked.withdraw:
            _withdraw(asked, out)
        elif asked.batch is not None:
            _batch(asked, out)
        else:
            enrol(asked, out, asked.renew)
    except OSError as error:
        raise Refused("write", why=error) from None
    return 0


def enrol(
    asked: argparse.Namespace, out: Output, renew: bool, transforms: dict[str, Any] | None = None
) -> None:
    """Enrol the board that a command line names, and say so; raise Refused."""
    site, node = load(needed(asked, "site")), needed(asked, "node")
    keys, pems = _identities(asked, site.id, node, out)
    chosen = Options(renew, asked.replace, asked.radio, asked.tls, pems, transforms or {})
    with closing(open_port(needed(asked, "port"))) as port:
        planned, runs = plan(site, node, port, keys, chosen), port.read(LOADER) is not None
        if not asked.dry_run:
            carry_out(planned, port, keys)
            if runs:
                port.reset()  # it was started with the key before
    answer = {
        "node": planned.node,
        "generation": planned.generation,
        "resumed": planned.identity.kept,
        "files": len(planned.files),
        "port": asked.port,
    }
    lines = [f"+ {name} ({len(content)} B)" for name, content in planned.files.items()]
    out.result(answer, "dry" if asked.dry_run else "done", lines if asked.dry_run else ())
    if not asked.dry_run:
        out.say("enrolled-far" if asked.bundle else "restart")
        if app_key.FILE in planned.files and not planned.identity.kept:
            out.say("lorawan-next", node=planned.node)


def needed(asked: argparse.Namespace, name: str) -> Any:
    """Return an option that this way of calling needs; raise Refused if it is not there."""
    value = getattr(asked, name)
    if value is None:
        raise Refused("needs", option=f"--{name}")
    return value


def _identities(
    asked: argparse.Namespace, site: str, node: int, out: Output
) -> tuple[Identities, dict[str, bytes]]:
    if asked.bundle is None:
        return KeyFile(needed(asked, "keys")), {}
    opened = Bundle(
        asked.bundle,
        lambda: secret_text(asked.passphrase_file, out.text("ask-passphrase")),
        lambda: bundle.laptop_key(asked.laptop_key.expanduser()),
        asked.laptop_key.expanduser().parent,
    )
    if opened.site != site:
        raise Refused("bundle-site", site=site, other=opened.site)
    return opened, opened.pems(node)


def _batch(asked: argparse.Namespace, out: Output) -> None:
    site, keys = load(needed(asked, "site")), KeyFile(needed(asked, "keys"))
    wish = batch.Wish(asked.batch, asked.nodes, asked.renew, asked.days, asked.tls)
    path = needed(asked, "out")
    if asked.dry_run:
        chosen = batch.choose(site, keys, wish)
    else:
        chosen = batch.prepare(site, keys, wish, _recipient(asked, out), path)
    answer = {"nodes": chosen, "count": len(chosen), "bundle": str(path), "days": asked.days}
    lines = [out.text("batch-line", node=n, generation=keys.generation(n)) for n in chosen]
    done = "batch-done" if asked.public is None else "batch-done-for"
    out.result(answer, "batch-dry" if asked.dry_run else done, lines)


def _recipient(asked: argparse.Namespace, out: Output) -> Recipient:
    if asked.public is not None:
        return Recipient(public=bundle.public_of(asked.public))
    question = out.text("ask-passphrase")
    return Recipient(passphrase=secret_text(asked.passphrase_file, question, twice=True))


def _withdraw(asked: argparse.Namespace, out: Output) -> None:
    keys = KeyFile(needed(asked, "keys"))
    if not asked.dry_run:
        batch.withdraw(keys, asked.withdraw)
    answer = {"nodes": list(asked.withdraw), "list": ", ".join(map(str, asked.withdraw))}
    out.result(answer, "withdraw-dry" if asked.dry_run else "withdraw-done")
