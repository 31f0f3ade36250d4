"""Send a release to a node by the air: put its image where the gateway finds it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from amont_provision import options, signing
from amont_provision import release as releases
from amont_provision.airimage import air_image
from amont_provision.cmd_enrol import needed
from amont_provision.enrol import node_of
from amont_provision.guardfolder import GuardFolder
from amont_provision.keyfile import as_its_folder
from amont_provision.output import Output
from amont_provision.texts import Refused
from amont_provision.whole import replace
from amont_site import load

HELP = "send a signed release to a node by the air, from the Pi"
FOLDER = "updates"  # in the gateway's folder, as the next
SUFFIX = ".amu"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("release", type=Path, nargs="?", help="the file that build wrote")
    parser.add_argument("--node", required=True, type=int, help="the node's number")
    options.site(parser)
    parser.add_argument("--guard", type=Path, required=True, help="the guard's folder")
    parser.add_argument("--gateway", type=Path, required=True, help="the gateway's folder")
    options.trust(parser)
    parser.add_argument("--pending", action="store_true", help="by the air (with a cable: deploy)")
    parser.add_argument("--withdraw", action="store_true", help="stop offering it")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Put the image there or take it away; return 0 or raise Refused."""
    path = asked.gateway / FOLDER / f"{asked.node}{SUFFIX}"
    try:
        if asked.withdraw:
            if not asked.dry_run:
                path.unlink(missing_ok=True)
            out.result({"node": asked.node, "path": str(path)}, "update-withdrawn")
        elif not asked.pending:
            raise Refused("update-pending")
        else:
            _offer(asked, path, out)
    except OSError as error:
        raise Refused("write", why=error) from None
    return 0


def _offer(asked: argparse.Namespace, path: Path, out: Output) -> None:
    release = releases.load(needed(asked, "release"), signing.trusted(asked.trust))
    node, guard = node_of(load(asked.site), asked.node), GuardFolder(asked.guard)
    if node.carrier != "mqtt":
        raise Refused("update-bridge", node=node.id)
    keys, told = guard.keys(), guard.told().get(node.id)
    if not keys.generation(node.id):
        raise Refused("no-key", node=node.id)
    if keys.pending(node.id) is not None:
        raise Refused("update-unproved", node=node.id)
    if told is not None and told.firmware >= release.number:
        raise Refused("update-older", node=node.id, has=told.firmware, offered=release.number)
    image = air_image(release, keys.secret(node.id), node.id, keys.generation(node.id))
    if not asked.dry_run:
        path.parent.mkdir(mode=0o750, exist_ok=True)
        as_its_folder(path.parent)
        replace(path, image)
        as_its_folder(path)
    answer = {
        "node": node.id, "release": release.number, "name": release.name, "bytes": len(image),
        "running": told.firmware if told else None, "path": os.fspath(path),
    }  # fmt: skip
    out.result(answer, "update-dry" if asked.dry_run else "update-waits")
