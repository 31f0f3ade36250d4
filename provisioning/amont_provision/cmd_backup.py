"""Copy the site, the gateway's data and the guard's state, while both work."""

from __future__ import annotations

import argparse
from pathlib import Path

from amont_provision import backup
from amont_provision.asking import secret_text
from amont_provision.backup import Places
from amont_provision.output import Output

HELP = "copy the site, the gateway's data and the guard's state, while both work"
ETC, GATEWAY, GUARD = "/etc/amont", "/var/lib/amont/gateway", "/var/lib/amont/guard"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("--to", type=Path, required=True, help="folder that gets the backup")
    place_options(parser)
    parser.add_argument(
        "--encrypt", action="store_true", help="ask for a passphrase that opens the backup"
    )
    parser.add_argument("--passphrase-file", type=Path, help="file whose first line it is")
    parser.add_argument(
        "--keep", type=int, default=0, metavar="N", help="remove all but the N newest"
    )


def place_options(parser: argparse.ArgumentParser) -> None:
    """Define where the three folders are."""
    for name, path in (("etc", ETC), ("gateway", GATEWAY), ("guard", GUARD)):
        text = f"the {name}'s folder ({path})" if name != "etc" else f"the site's folder ({path})"
        parser.add_argument(f"--{name}", type=Path, default=Path(path), help=text)


def places_of(asked: argparse.Namespace) -> Places:
    """Return the three folders that a command line names."""
    return Places(asked.etc, asked.gateway, asked.guard)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Make the backup; return 0 or raise Refused."""
    passphrase = ""
    if asked.encrypt or asked.passphrase_file:
        question = out.text("ask-backup-passphrase")
        passphrase = secret_text(asked.passphrase_file, question, twice=True)
    made = backup.make(places_of(asked), asked.to, passphrase)
    opened = backup.read(made.path)  # what was written is what was meant
    gone = backup.prune(asked.to, opened.site, asked.keep)
    answer = {
        "path": str(made.path), "files": made.files, "bytes": made.size_bytes,
        "sealed": bool(passphrase), "removed": [str(path) for path in gone],
    }  # fmt: skip
    out.result(answer, "backup-sealed" if passphrase else "backup-made")
    return 0
