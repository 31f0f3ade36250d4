"""Put MicroPython on a board from the command line."""

from __future__ import annotations

import argparse
import functools
import tempfile
from pathlib import Path

from amont_provision import esp, images, options, uf2
from amont_provision.cache import Cache
from amont_provision.output import Output
from amont_provision.texts import Refused

HELP = "put MicroPython on a board, from images kept on this computer"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("--board", required=True, choices=images.BOARDS, help="kind of board")
    parser.add_argument("--drive", type=Path, help="the board's BOOTSEL drive; found otherwise")
    parser.add_argument("--port", help="an ESP32's serial port")
    parser.add_argument("--keep", metavar="IMAGE", help="file or address to keep for this board")
    parser.add_argument("--swap", action="store_true", help="keep it in place of another one")
    options.cache(parser)
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Keep an image, or write the one that is kept; return 0 or raise Refused."""
    cache = Cache(asked.cache)
    if asked.keep:
        entry, content = images.examine(asked.board, asked.keep, cache, asked.swap)
        if not asked.dry_run:
            images.keep(asked.board, entry, content, cache)
        out.result({"board": asked.board, **entry}, "keep-dry" if asked.dry_run else "image-kept")
        return 0
    name, content = images.image(asked.board, cache)
    kind = images.BOARDS[asked.board]
    if kind.chip is None:
        where = str(_copy(asked, out, kind, name, content))
    else:
        where = _write(asked, kind.chip, name, content)
    values = {"board": asked.board, "image": name, "bytes": len(content), "to": where}
    out.result(values, "flash-dry" if asked.dry_run else "flashed")
    return 0


def _copy(
    asked: argparse.Namespace, out: Output, kind: images.Board, name: str, content: bytes
) -> Path:
    drive = _drive(asked.drive, kind)
    if not asked.dry_run:
        uf2.copy(content, drive, name, functools.partial(out.progress, name))
    return drive.folder


def _drive(folder: Path | None, kind: images.Board) -> uf2.Drive:
    """Return the one drive of the right board; raise Refused with what is there instead."""
    found = uf2.drives(None if folder is None else [folder])
    right = [drive for drive in found if drive.board_id == kind.board_id]
    if found and not right:
        one = found[0]
        raise Refused("wrong-board", drive=one.folder, found=one.board_id, wanted=kind.board_id)
    if not right:
        device = uf2.unmounted(str(kind.board_id))
        raise (
            Refused("not-mounted", device=device)
            if device and folder is None
            else Refused("no-drive", wanted=kind.board_id)
        )
    if len(right) > 1:
        raise Refused("many-drives", drives=", ".join(str(drive.folder) for drive in right))
    return right[0]


def _write(asked: argparse.Namespace, chip: esp.Chip, name: str, content: bytes) -> str:
    if not asked.port:
        raise Refused("no-esp-port", board=asked.board)
    if not asked.dry_run:
        with tempfile.TemporaryDirectory(prefix="amont-flash-") as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            esp.write(path, asked.port, chip)
    return str(asked.port)
