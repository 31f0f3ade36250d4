"""Define the options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import argparse
from pathlib import Path


def port(parser: argparse.ArgumentParser) -> None:
    """Add ``--port``: the board."""
    parser.add_argument("--port", required=True, help="the board: /dev/ttyACM0 or virtual:FOLDER")


def site(parser: argparse.ArgumentParser) -> None:
    """Add ``--site``: the site's file."""
    parser.add_argument("--site", required=True, type=Path, help="the site's file")


def dry_run(parser: argparse.ArgumentParser) -> None:
    """Add ``--dry-run`` for a command that writes."""
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def cache(parser: argparse.ArgumentParser) -> None:
    """Add ``--cache``: where images and libraries are kept for work without a network."""
    parser.add_argument("--cache", type=Path, help="folder of kept files (~/.cache/amont)")


def trust(parser: argparse.ArgumentParser) -> None:
    """Add ``--trust``: whose releases are believed."""
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="KEY",
        help="public key, or file of them, that signs releases; may be repeated",
    )


def address(text: str) -> tuple[str, int]:
    """Return what HOST:PORT names; raise ArgumentTypeError."""
    host, _, number = text.rpartition(":")
    if not host or not number.isdigit() or not 0 < int(number) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(number)
