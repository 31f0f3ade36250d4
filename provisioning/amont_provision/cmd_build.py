"""Build a release from the command line."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

from amont_provision import compile as compiling
from amont_provision import deps, options, release, signing
from amont_provision.cache import Cache, write_whole
from amont_provision.output import Output
from amont_provision.texts import Refused

HELP = "compile the application of a node, or a bridge, into one signed release file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("name", help="the release's name, such as 0.1.0; the file is NAME.amont")
    parser.add_argument("--release", type=int, required=True, help="its number; it rises")
    parser.add_argument("--to", type=Path, default=Path(), help="folder for the file")
    parser.add_argument("--key", type=Path, help="private key; the development key otherwise")
    parser.add_argument("--bridge", action="store_true", help="a bridge's application")
    parser.add_argument("--deps", type=Path, help="lock file of libraries to include")
    options.cache(parser)
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Write the release file; return 0 or raise Refused."""
    if not release.NAME.fullmatch(asked.name) or not 1 <= asked.release <= release.NUMBER_MAX:
        raise Refused("release-name", name=asked.name, most=release.NUMBER_MAX)
    given = compiling.bridge() if asked.bridge else compiling.application()
    if asked.deps:
        given |= deps.sources(deps.read_lock(asked.deps), Cache(asked.cache), asked.deps)
    files = compiling.compiled(given, functools.partial(out.progress, out.text("compiling")))
    key = signing.private_key(asked.key or signing.development_key())
    content = release.pack(asked.release, asked.name, files, compiling.loader(), key)
    path = asked.to / (asked.name + release.SUFFIX)
    if not asked.dry_run:
        write_whole(path, content)
    made = release.unpack(content, [signing.public_bytes(key)])
    values = {
        "path": str(path),
        "release": made.number,
        "files": len(made.files),
        "bytes": len(content),
        "code_bytes": sum(map(len, made.files.values())),
        "key": made.signer.hex(),
    }
    out.result(values, "built-dry" if asked.dry_run else "built")
    return 0
