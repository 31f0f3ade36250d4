"""Tell a LoRaWAN network server of a site's nodes from the command line, at the Pi."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from pathlib import Path
from typing import Any

from amont_provision import lorawan_export, options
from amont_provision.guardfolder import GuardFolder
from amont_provision.lorawan_register import TOKEN, ChirpStack
from amont_provision.output import Output
from amont_provision.texts import Refused
from amont_provision.whole import PRIVATE, READABLE, replace
from amont_site import Site, load

Json = dict[str, Any]

HELP = "what a LoRaWAN network server needs of the nodes: files to import, or straight to its API"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.site(parser)
    parser.add_argument("--guard", type=Path, required=True, help="the guard's folder, at the Pi")
    parser.add_argument("--node", type=int, action="append", default=[], help="only this node")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, help="folder for the files; they hold keys")
    where.add_argument("--api", help=f"ChirpStack at https://HOST:PORT; its key: ${TOKEN}")
    parser.add_argument("--tenant", default="", help="ChirpStack: the tenant's UUID")
    parser.add_argument("--profile", default="", help="ChirpStack: UUID of a profile to use")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Write the files, or register the devices; return 0 or raise Refused."""
    site = load(asked.site)
    keys = GuardFolder(asked.guard).keys()
    _check_tenant(asked, site)
    found = lorawan_export.devices(site, keys, asked.node, out.language)
    for one in found:
        if one.pending:
            out.say("lorawan-pending", node=one.node)
    made = lorawan_export.files(site, found, asked.tenant, asked.profile)
    values: Json = {
        "count": len(found),
        "nodes": [one.node for one in found],
        "dev_euis": [one.dev_eui for one in found],
        "pending": [one.node for one in found if one.pending],
    }
    lines = [f"{one.node}  {one.dev_eui}  {one.name}" for one in found]
    if asked.dry_run:
        out.result(values, "lorawan-dry", lines)
        return 0
    if asked.out is None and asked.api is None:
        raise Refused("lorawan-where")
    if asked.api is not None:
        requests = lorawan_export.chirpstack(site, found, asked.tenant, asked.profile)
        profile = _register(asked, out, site, requests)
        out.result({**values, "profile": profile}, "lorawan-registered", lines)
    else:
        _write(asked.out, made)
        values |= {"folder": str(asked.out), "files": list(made)}
        out.result(values, "lorawan-written", list(made))
    return 0


def _check_tenant(asked: argparse.Namespace, site: Site) -> None:
    """Raise Refused if ChirpStack could not tell whose a new profile is."""
    given = asked.out is not None or asked.api is not None
    is_chirpstack = site.lorawan is not None and site.lorawan.server == "chirpstack"
    if given and is_chirpstack and not (asked.profile or asked.tenant):
        raise Refused("lorawan-tenant")


def _register(asked: argparse.Namespace, out: Output, site: Site, requests: Json) -> str:
    """Return the id of the devices' profile."""
    if site.lorawan is None or site.lorawan.server != "chirpstack":
        raise Refused("lorawan-api")
    total = len(requests["devices"])
    with closing(ChirpStack(asked.api, os.environ.get(TOKEN, ""))) as server:
        made = server.register(requests, lambda done: out.progress("lorawan", done, total))
    return made or str(asked.profile)


def _write(folder: Path, made: dict[str, tuple[bytes, bool]]) -> None:
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        for name, (content, secret) in made.items():
            replace(folder / name, content, PRIVATE if secret else READABLE)
    except OSError as error:
        raise Refused("write", why=error) from None
