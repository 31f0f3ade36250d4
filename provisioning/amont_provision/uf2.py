"""Check MicroPython images for Raspberry Pi's chips, and copy them to a board in BOOTSEL.

UF2: blocks of 512 bytes, each with where its 256 bytes belong and its number among all, so that a
file that was cut off shows. The boot ROM takes only blocks of its own family; an RP2350 image may
begin with one block of the family "absolute", which works around a fault of that ROM, RP2350-E10.
"""

from __future__ import annotations

import errno
import os
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from amont_provision.texts import Flaw, Refused

BLOCK_BYTES = 512
PAYLOAD_BYTES_MAX = 476
MAGIC_0, MAGIC_1, MAGIC_END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
NOT_MAIN_FLASH, FAMILY_PRESENT = 0x0000_0001, 0x0000_2000
RP2040, RP2350_ARM, ABSOLUTE = 0xE48BFF56, 0xE48BFF59, 0xE48BFF57
MACHINE = re.compile(rb"([A-Za-z0-9 ]{3,40}) with RP2(?:040|350)")  # its sys.implementation
FLASH, FLASH_END = 0x1000_0000, 0x1100_0000  # where both chips see their flash
HEADER = struct.Struct("<8I")
INFO = "INFO_UF2.TXT"
INFO_BYTES_MAX = 4096
FAMILIES = {"RPI-RP2": RP2040, "RP2350": RP2350_ARM}  # by the drive's Board-ID
LABELS = Path("/dev/disk/by-label")
CHUNK_BYTES = 64 * BLOCK_BYTES
# The ROM restarts the board with the last block, before the computer has closed the file.
GONE = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.EROFS)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Drive:
    """A board in BOOTSEL mode, as the computer shows it."""

    folder: Path
    board_id: str


def check(content: bytes, family: int) -> int:
    """Return how many blocks an image has; raise Flaw unless it is whole and for family."""
    if not content or len(content) % BLOCK_BYTES:
        raise Flaw("flaw-no-blocks", size=len(content), block=BLOCK_BYTES)
    blocks = [_block(content, at) for at in range(0, len(content), BLOCK_BYTES)]
    own = [block for block in blocks if block[0] != ABSOLUTE or family == ABSOLUTE]
    for found, *_ in own:
        if found != family:
            raise Flaw("flaw-family", found=found, wanted=family)
    if not own or any(total != len(own) for _, _, total in own):
        raise Flaw("flaw-cut-blocks", found=len(own), total=own[0][2] if own else "?")
    if [number for _, number, _ in own] != list(range(len(own))):
        raise Flaw("flaw-order")
    return len(blocks)


def machine(content: bytes) -> str | None:
    """Return the board that MicroPython in a checked image says it is for, None if it does not.

    A Pico and a Pico W have one family, but the other's image leaves the radio dead.
    """
    parts = []
    for at in range(0, len(content), BLOCK_BYTES):
        (size,) = struct.unpack_from("<I", content, at + 16)
        parts.append(content[at + HEADER.size : at + HEADER.size + size])
    found = MACHINE.search(b"".join(parts))
    return found[1].decode("ascii").strip() if found else None


def _block(content: bytes, at: int) -> tuple[int, int, int]:
    """Return family, number and total of one block."""
    magic_0, magic_1, flags, address, size, number, total, family = HEADER.unpack_from(content, at)
    (end,) = struct.unpack_from("<I", content, at + BLOCK_BYTES - 4)
    if (magic_0, magic_1, end) != (MAGIC_0, MAGIC_1, MAGIC_END):
        raise Flaw("flaw-no-block", at=at)
    if flags & NOT_MAIN_FLASH or not flags & FAMILY_PRESENT:
        raise Flaw("flaw-no-family", at=at)
    if not 0 < size <= PAYLOAD_BYTES_MAX or not FLASH <= address <= FLASH_END - size:
        raise Flaw("flaw-outside", at=at)
    return family, number, total


def drive(folder: Path) -> Drive | None:
    """Return the board whose BOOTSEL drive a folder is, None if it is none."""
    try:
        with (folder / INFO).open("rb") as file:
            lines = file.read(INFO_BYTES_MAX).decode("ascii", "replace").splitlines()
    except OSError:
        return None
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Drive(folder, fields["Board-ID"].strip()) if "Board-ID" in fields else None


def drives(mounts: Iterable[Path] | None = None) -> list[Drive]:
    """Return every BOOTSEL drive that is mounted."""
    found = (drive(folder) for folder in (mounted() if mounts is None else mounts))
    return [one for one in found if one is not None]


def mounted() -> list[Path]:
    """Return where FAT drives are mounted: /proc/mounts on Linux, /Volumes on macOS."""
    try:
        lines = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        volumes = Path("/Volumes")
        return sorted(volumes.iterdir()) if volumes.is_dir() else []
    fields = [line.split() for line in lines]
    octal = "\\040"  # how the kernel writes a space
    return [Path(f[1].replace(octal, " ")) for f in fields if len(f) > 2 and f[2] == "vfat"]


def unmounted(board_id: str, labels: Path = LABELS) -> Path | None:
    """Return the device of a board in BOOTSEL mode that nobody mounted, None if there is none."""
    device = labels / board_id  # both chips name their drive as their Board-ID
    return device if device.exists() else None


def copy(content: bytes, to: Drive, name: str, progress: Progress) -> None:
    """Copy an image that was checked; raise Refused if the drive does not take all of it.

    A drive that vanishes once every block was handed over is a board that has started the image.
    """
    given = 0
    try:
        with (to.folder / name).open("wb", buffering=0) as file:
            while given < len(content):
                given += file.write(content[given : given + CHUNK_BYTES]) or 0
                os.fsync(file.fileno())
                progress(given, len(content))
    except OSError as error:
        if given < len(content) or error.errno not in GONE:
            raise Refused("drive-cut", drive=to.folder, why=error.strerror or error) from None
        progress(len(content), len(content))
