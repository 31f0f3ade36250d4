"""Give mosquitto its authority, certificates and access list from the site's file, at the Pi."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from amont_provision import brokerca, brokerfiles, options
from amont_provision.brokerca import Authority
from amont_provision.output import Output
from amont_provision.texts import Refused
from amont_provision.whole import READABLE
from amont_site import Site, load

HELP = "give mosquitto its TLS: authority, one identity a node, access list; renew, revoke"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.site(parser)
    parser.add_argument("--folder", type=Path, required=True, help="where all of it lies")
    parser.add_argument(
        "--name", action="append", default=[], help="another name or address of the broker"
    )
    for option, text in (
        ("--renew", "give this node a new certificate (repeat); it goes to the board by cable"),
        ("--revoke", "end all certificates of this node (repeat)"),
    ):
        parser.add_argument(
            option, type=int, action="append", default=[], metavar="NODE", help=text
        )
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Make what is missing or due, revoke what was asked; return 0 or raise Refused."""
    site = load(asked.site)
    if site.broker is None or not site.broker.tls:
        raise Refused("broker-none", site=asked.site)
    folder, nodes = asked.folder.resolve(), _nodes(site, asked.revoke)
    authority = Authority(folder, [site.broker.host, *asked.name])
    try:
        done = _revoke(authority, asked, out)
        due = authority.due(nodes)
        due += [str(n) for n in asked.renew if str(n) not in due and n in nodes]
        if not asked.dry_run:
            for name in due:
                authority.make(name)
        files = _files(site, folder, nodes, asked.dry_run)
    except OSError as error:
        raise Refused("write", why=error) from None
    ends = {} if asked.dry_run else authority.ends(nodes)
    lines = [_line(out, name, ends, asked.dry_run) for name in [*due, *files]]
    changed = bool(done or lines)
    code = "same" if not changed else "dry" if asked.dry_run else "written"
    values = {
        "folder": str(folder),
        "made": due,
        "files": files,
        "revoked": done,
        "changed": changed,
    }
    days = {name: f"{end:%Y-%m-%d}" for name, end in ends.items()}
    out.result({**values, "ends": days}, f"broker-{code}", lines)
    _warn(out, authority, folder, ends)
    return 0


def _nodes(site: Site, revoked: list[int]) -> list[int]:
    """Return the nodes that may come by the broker; one that is revoked now gets nothing new."""
    return [n.id for n in site.nodes if n.carrier == "mqtt" and n.id not in revoked]


def _revoke(authority: Authority, asked: argparse.Namespace, out: Output) -> list[int]:
    done = []
    for node in asked.revoke:
        if not asked.dry_run and not authority.revoke(str(node)):
            raise Refused("broker-unknown", node=node)
        done.append(node)
        out.say("broker-revoked", node=node)
    return done


def _files(site: Site, folder: Path, nodes: list[int], dry_run: bool) -> list[str]:
    """Write access list and configuration if they differ; return the names of those that did."""
    assert site.broker is not None
    wanted = {
        brokerfiles.ACCESS: (brokerfiles.access(site.id, nodes), brokerca.GROUP),
        brokerfiles.CONFIGURATION: (brokerfiles.configuration(folder, site.broker.port), READABLE),
    }
    changed = []
    for name, (text, mode) in wanted.items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        changed.append(name)
        if not dry_run:
            brokerca.put(path, text.encode(), mode)
    return changed


def _line(out: Output, name: str, ends: dict[str, dt.datetime], dry_run: bool) -> str:
    if dry_run:
        return out.text("broker-would", name=name)
    return (
        out.text("broker-made", name=name, day=f"{ends[name]:%Y-%m-%d}") if name in ends else name
    )


def _warn(out: Output, authority: Authority, folder: Path, ends: dict[str, dt.datetime]) -> None:
    soon = authority.now() + dt.timedelta(days=brokerca.WARN_NODE_DAYS)
    for name, end in ends.items():
        if name.isdigit() and end < soon:
            where = folder / brokerca.NODES
            out.say("broker-old", node=int(name), day=f"{end:%Y-%m-%d}", folder=where)
