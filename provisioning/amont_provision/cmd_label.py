"""Make the labels of a site's stations from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from amont_provision import documents, options
from amont_provision.label import Label, image, label, sheet, svg
from amont_provision.output import Output
from amont_provision.texts import Refused
from amont_site import Site, load
from amont_site.model import Node

HELP = "make QR labels for 62 mm tape, and a sheet of them for a whole site"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.site(parser)
    parser.add_argument("--node", type=int, action="append", help="only this node; repeatable")
    parser.add_argument("--url", help="local page of a node without its number: http://HOST/n")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the files")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Write an SVG and a PNG a node, and a sheet of all; return 0 or raise Refused."""
    site = load(asked.site)
    labels = [label(site, node, out.language, asked.url) for node in _nodes(site, asked.node)]
    files = _files(site, labels, out)
    if not asked.dry_run:
        for done, (name, content) in enumerate(files.items(), 1):
            documents.write(asked.out / name, content)
            out.progress("label", done, len(files))
    answer = {
        "labels": len(labels),
        "folder": str(asked.out),
        "payloads": [one.payload for one in labels],
        "files": list(files),
    }
    out.result(answer, "label-dry" if asked.dry_run else "label-done", files)
    return 0


def _nodes(site: Site, wanted: list[int] | None) -> list[Node]:
    known = {node.id: node for node in site.nodes}
    for number in wanted or ():
        if number not in known:
            raise Refused("not-in-site", node=number, site=site.id)
    return [known[number] for number in dict.fromkeys(wanted or known)]


def _files(site: Site, labels: list[Label], out: Output) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for one in labels:
        files[f"label-{one.node}.svg"] = svg(one).encode()
        files[f"label-{one.node}.png"] = image(one)
    name = site.name.fr if out.language == "fr" else site.name.en
    title = out.text("label-sheet", site=name)
    files[f"labels-{site.id}.html"] = sheet(labels, title, out.language).encode()
    return files
