# The serial line between bridge and guard: COBS(payload, CRC-16/CCITT-FALSE), then a zero byte.

from array import array

from amont_wire.errors import Malformed

MAX_LINE = 280  # bytes of one encoded frame with its zero
_CRC_START = 0xFFFF


def _crc_table() -> "array[int]":
    table = array("H", [])
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = crc << 1 ^ (0x1021 if crc & 0x8000 else 0)
        table.append(crc & 0xFFFF)
    return table


_CRC_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    table = _CRC_TABLE
    crc = _CRC_START
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ table[crc >> 8 ^ byte]
    return crc


# COBS: each zero becomes the distance to the next one; a run of 254 bytes without zero needs no
# zero.
def cobs_encode(data: bytes) -> bytes:
    out = []
    for run in data.split(b"\x00"):
        while len(run) >= 254:
            out.append(b"\xff" + run[:254])
            run = run[254:]
        out.append(bytes([len(run) + 1]) + run)
    return b"".join(out)


def cobs_decode(line: bytes) -> bytes:
    out = []
    at = 0
    end = len(line)
    while at < end:
        code = line[at]
        if code == 0 or at + code > end:
            raise Malformed("broken COBS")
        out.append(line[at + 1 : at + code])
        at += code
        if code < 255 and at < end:
            out.append(b"\x00")
    return b"".join(out)


# One line, ready for the port.
def pack(payload: bytes) -> bytes:
    line = cobs_encode(payload + crc16(payload).to_bytes(2, "big")) + b"\x00"
    if not payload or len(line) > MAX_LINE:
        raise Malformed("payload of %d bytes" % len(payload))
    return line


# Lines out of a byte stream, in pieces of any size. Holds at most `max` bytes; noise costs at most
# the line that it falls in. good: lines taken; bad: lines refused (COBS, CRC, length); dropped:
# bytes of refused lines.
class Deframer:
    def __init__(self, max: int = MAX_LINE) -> None:
        self._max = max
        self._kept: list[bytes] = []  # pieces of the line under way
        self._length = 0
        self._skipping = False  # the line under way is too long: wait for its zero
        self.good = 0
        self.bad = 0
        self.dropped = 0

    def feed(self, data: bytes) -> list[bytes]:
        out: list[bytes] = []
        at = 0
        while True:
            end = data.find(b"\x00", at)
            if end < 0:
                self._keep(data[at:])
                return out
            self._keep(data[at:end])
            self._end(out)
            at = end + 1

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        if self._skipping:
            self.dropped += len(piece)
            return
        self._length += len(piece)
        if self._length >= self._max:
            self.dropped += self._length
            self.bad += 1
            self._skipping = True
            self._kept = []
            self._length = 0
        else:
            self._kept.append(bytes(piece))

    def _end(self, out: list[bytes]) -> None:
        if self._length:
            line = b"".join(self._kept)
            try:
                out.append(_checked(line))
                self.good += 1
            except Malformed:
                self.bad += 1
                self.dropped += len(line)
            self._kept = []
            self._length = 0
        self._skipping = False


def _checked(line: bytes) -> bytes:
    data = cobs_decode(line)
    if len(data) < 3:
        raise Malformed("line too short")
    payload = data[:-2]
    if crc16(payload) != data[-2] << 8 | data[-1]:
        raise Malformed("wrong CRC")
    return payload
