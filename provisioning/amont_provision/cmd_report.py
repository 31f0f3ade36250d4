"""Make a station's acceptance sheet from the command line."""

from __future__ import annotations

import argparse
import hashlib
from contextlib import closing
from pathlib import Path

from amont_provision import acceptance, acceptance_page, documents, held, options
from amont_provision.acceptance import Json
from amont_provision.logbook import Logbook, now
from amont_provision.output import Output
from amont_provision.port import open_port
from amont_provision.texts import Refused
from amont_site import Site, load
from amont_site.model import Node

HELP = "make a station's acceptance sheet: HTML for A4 in French and English, and JSON"
LANGUAGES = ("fr", "en")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.site(parser)
    parser.add_argument("--port", help="the board, so that the sheet says what it holds")
    parser.add_argument("--node", type=int, help="the node, if no board is read")
    parser.add_argument("--by", required=True, help="who makes the sheet")
    parser.add_argument("--note", action="append", default=[], help="a remark; repeatable")
    parser.add_argument(
        "--signer", action="append", default=[], help="who will sign: name, role; repeatable"
    )
    parser.add_argument(
        "--photo", action="append", default=[], type=Path, help="a photo's file; repeatable"
    )
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the files")
    parser.add_argument("--date", help="if this computer's clock is wrong: YYYY-MM-DDTHH:MM")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Write two pages and the data; return 0 or raise Refused."""
    site, logbook, at = load(asked.site), Logbook(asked.site), now(asked.date)
    said = acceptance.told(asked.by, asked.note, asked.signer, asked.photo)
    pages = logbook.read()
    if pages.damaged:
        out.say("logbook-damaged", path=logbook.path, lines=", ".join(map(str, pages.damaged)))
    board = _board(asked)
    node = _node(site, asked.node if board is None else board["node"])
    sheet = acceptance.sheet(site, node, pages, at, said, board)
    files = _files(sheet)
    if not asked.dry_run:
        for name, content in files.items():
            documents.write(asked.out / name, content)
    answer = {"node": node.id, "open": len(sheet["open"]), "folder": str(asked.out)}
    whole = answer | {"files": list(files), "sheet": sheet}
    lines = [*files, *(f"- {_open(one, out)}" for one in sheet["open"])]
    if out.as_json:
        out.result(whole)
    else:
        out.result(answer, "report-dry" if asked.dry_run else "report-done", lines)
    return 0


def _board(asked: argparse.Namespace) -> Json | None:
    if asked.port is None:
        return None
    with closing(open_port(asked.port)) as port:
        found = held.enrolled(port)
        if asked.node not in (None, found.node):
            raise Refused("report-other-board", found=found.node, node=asked.node)
        return acceptance.board_part(port, found)


def _node(site: Site, number: int | None) -> Node:
    if number is None:
        raise Refused("report-node-needed")
    node = next((node for node in site.nodes if node.id == number), None)
    if node is None:
        raise Refused("not-in-site", node=number, site=site.id)
    return node


def _files(sheet: Json) -> dict[str, bytes]:
    stem = f"acceptance-{sheet['site']['id']}-{sheet['node']['id']}"
    data = acceptance_page.text(sheet)
    digest = hashlib.sha256(data).hexdigest()
    files = {f"{stem}.json": data}
    for language in LANGUAGES:
        drawing = acceptance_page.drawing(sheet, language)
        page = acceptance_page.html(sheet, language, drawing, digest)
        files[f"{stem}.{language}.html"] = page.encode()
    return files


def _open(one: Json, out: Output) -> str:
    values = {name: value for name, value in one.items() if name != "code"}
    return out.text(one["code"], **values)
