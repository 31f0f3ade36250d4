"""Check MicroPython images for the ESP32 family, and write them with an installed ``esptool``.

Image (Espressif, "Firmware Image Format"): 24 bytes of header with magic 0xE9, the number of
segments and the chip's id; segments with address and length; a checksum that ends a block of 16
bytes; a SHA-256 if byte 23 says so. MicroPython's ``.bin`` is the boot loader's image, the
partition table and the application's image at their places, as one file for one flash offset.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from operator import xor
from pathlib import Path

from amont_provision.texts import Flaw, Refused

MAGIC = 0xE9
HEADER_BYTES, SEGMENT_BYTES, HASH_BYTES, ALIGN_BYTES = 24, 8, 32, 16
SEGMENTS_MAX = 16
CHECKSUM_SEED = 0xEF
PARTITIONS, APPLICATION = 0x8000, 0x10000  # flash offsets in MicroPython's own layout
PARTITION_MAGIC = b"\xaa\x50"
PROGRAMS = ("esptool", "esptool.py")
SPEED_BAUD = "460800"
TIMEOUT_S = 300.0  # 1.7 MB take 40 s at this speed
Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Chip:
    """What esptool calls a chip, its number in an image, where the image begins in flash."""

    name: str
    number: int
    offset: int


CHIPS = {
    "esp32": Chip("esp32", 0, 0x1000),
    "esp32-s2": Chip("esp32s2", 2, 0x1000),
    "esp32-s3": Chip("esp32s3", 9, 0),
    "esp32-c3": Chip("esp32c3", 5, 0),
    "esp32-c6": Chip("esp32c6", 13, 0),
}


def check(content: bytes, chip: Chip) -> int:
    """Return the bytes of an image; raise Flaw unless it is whole and for the chip."""
    _check_image(content, 0, chip)
    table = PARTITIONS - chip.offset
    if content[table : table + 2] != PARTITION_MAGIC:
        raise Flaw("flaw-no-table", at=table)
    _check_image(content, APPLICATION - chip.offset, chip)
    return len(content)


def _check_image(content: bytes, at: int, chip: Chip) -> None:
    header = content[at : at + HEADER_BYTES]
    if len(header) < HEADER_BYTES or header[0] != MAGIC:
        raise Flaw("flaw-no-esp", at=at)
    (number,) = struct.unpack_from("<H", header, 12)
    if number != chip.number:
        raise Flaw("flaw-chip", found=number, wanted=chip.number, name=chip.name)
    if not 0 < header[1] <= SEGMENTS_MAX:
        raise Flaw("flaw-segments", count=header[1])
    end, checksum = at + HEADER_BYTES, CHECKSUM_SEED
    for _ in range(header[1]):
        if end + SEGMENT_BYTES > len(content):
            raise Flaw("flaw-cut", at=len(content))
        (size,) = struct.unpack_from("<I", content, end + 4)
        begin, end = end + SEGMENT_BYTES, end + SEGMENT_BYTES + size
        checksum = reduce(xor, content[begin:end], checksum)
    end += ALIGN_BYTES - (end - at) % ALIGN_BYTES
    hashed = HASH_BYTES if header[23] else 0
    if end + hashed > len(content):
        raise Flaw("flaw-cut", at=len(content))
    if content[end - 1] != checksum:
        raise Flaw("flaw-checksum", at=at)
    if hashed and sha256(content[at:end]).digest() != content[end : end + HASH_BYTES]:
        raise Flaw("flaw-sha256", at=at)


def write(image: Path, port: str, chip: Chip, run: Run = subprocess.run) -> None:
    """Write an image that was checked; raise Refused with esptool's last line if it fails."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise Refused("no-esptool")
    line = [program, "--chip", chip.name, "--port", port, "--baud", SPEED_BAUD]
    line += ["write_flash", hex(chip.offset), str(image)]
    try:
        done = run(line, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused("esptool-fails", port=port, why=error) from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}").split(
            "\n"
        )
        raise Refused("esptool-fails", port=port, why=said[-1].strip()[:200])
