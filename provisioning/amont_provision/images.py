"""Know which MicroPython image each kind of board takes; keep images for work without a network.

``firmware.lock`` lies in the cache beside the files: one entry a board with name and SHA-256. An
image gets there once, from an address or a file, and only if it is whole and for that board.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from amont_provision import cache as caching
from amont_provision import esp, uf2
from amont_provision.cache import Cache
from amont_provision.fetch import fetched
from amont_provision.texts import Flaw, Refused

KIND = "images"
LOCK = "firmware.lock"


@dataclass(frozen=True)
class Board:
    """A kind of board: how its image is checked, and the drive or chip that takes it."""

    check: Callable[[bytes], int]
    board_id: str | None = None  # of its BOOTSEL drive
    chip: esp.Chip | None = None


def _pico(family: int, board_id: str, machine: str) -> Board:
    def check(content: bytes) -> int:
        blocks = uf2.check(content, family)
        says = uf2.machine(content)
        # Releases differ in the spaces ("Pico2", "Pico 2 W").
        if says is not None and says.replace(" ", "") != machine.replace(" ", ""):
            raise Flaw("flaw-machine", found=says, wanted=machine)
        return blocks

    return Board(check, board_id=board_id)


def _esp(chip: esp.Chip) -> Board:
    return Board(lambda content: esp.check(content, chip), chip=chip)


BOARDS = {
    "pico": _pico(uf2.RP2040, "RPI-RP2", "Raspberry Pi Pico"),
    "pico-w": _pico(uf2.RP2040, "RPI-RP2", "Raspberry Pi Pico W"),
    "pico2": _pico(uf2.RP2350_ARM, "RP2350", "Raspberry Pi Pico 2"),
    "pico2-w": _pico(uf2.RP2350_ARM, "RP2350", "Raspberry Pi Pico 2 W"),
    **{name: _esp(chip) for name, chip in esp.CHIPS.items()},
}


def examine(board: str, address: str, cache: Cache, swap: bool) -> tuple[dict[str, Any], bytes]:
    """Fetch and check an image; return its entry and content. Raise Refused.

    swap: that another image is locked for this board is no reason to refuse.
    """
    content = fetched(address)
    checked(board, content, address)
    name, digest = PurePosixPath(address).name, sha256(content).hexdigest()
    before = locked(cache).get(board)
    if before is not None and before["sha256"] != digest and not swap:
        raise Refused("image-locked", board=board, name=before["name"])
    return {"name": name, "sha256": digest, "from": address}, content


def keep(board: str, entry: dict[str, Any], content: bytes, cache: Cache) -> None:
    """Store an image that was examined, and lock it; raise OSError."""
    cache.keep(content)
    caching.write_lock(cache.folder / LOCK, KIND, locked(cache) | {board: entry})


def image(board: str, cache: Cache) -> tuple[str, bytes]:
    """Return name and content of a board's image from the cache alone; raise Refused."""
    entry = locked(cache).get(board)
    if entry is None:
        raise Refused("no-image", board=board)
    content = cache.find(entry["sha256"])
    if content is None:
        raise Refused("image-lost", board=board, name=entry["name"])
    checked(board, content, entry["name"])
    return entry["name"], content


def checked(board: str, content: bytes, name: str) -> int:
    """Return the size of a board's image in its own units; raise Refused with what is wrong."""
    try:
        return BOARDS[board].check(content)
    except Flaw as error:
        raise Refused("wrong-image", name=name, board=board, why=error) from None


def locked(cache: Cache) -> dict[str, dict[str, Any]]:
    """Return which image each board takes; raise Refused if the lock is damaged."""
    path = cache.folder / LOCK
    entries = caching.read_lock(path, KIND)
    for board, entry in entries.items():
        texts = isinstance(entry, dict) and (entry.get(key) for key in ("name", "sha256"))
        if board not in BOARDS or not texts or not all(isinstance(text, str) for text in texts):
            raise Refused("lock-damaged", path=path, why=f"{board!r:.80}")
    return entries
