"""Write a black and white PNG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BIT_DEPTH, _GREY = 1, 0
_INCH_MM = 25.4


def png(rows: Sequence[bytes | bytearray], dpi: int) -> bytes:
    """Return the file; rows hold one byte a dot, 1 for black, all of one length."""
    width = len(rows[0])
    head = struct.pack(">IIBBBBB", width, len(rows), _BIT_DEPTH, _GREY, 0, 0, 0)
    per_metre = round(dpi * 1000 / _INCH_MM)
    lines = b"".join(b"\0" + _packed(row) for row in rows)
    return (
        _SIGNATURE
        + _chunk(b"IHDR", head)
        + _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
        + _chunk(b"IDAT", zlib.compress(lines, 9))
        + _chunk(b"IEND", b"")
    )


def _packed(row: bytes | bytearray) -> bytes:
    """Return eight dots a byte, first dot in the highest bit; in PNG's grey, 1 is white."""
    bits = "".join("0" if dot else "1" for dot in row)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
