# The serial line between bridge and guard: COBS(payload, CRC-16/CCITT-FALSE), then a zero byte.

from array import array
from struct import unpack as unpack_fields

from amont_wire.const import MAX_FRAME, MIN_FRAME
from amont_wire.errors import Malformed, UnknownType

MAX_LINE = 280  # bytes of one encoded frame with its zero
_CRC_START = 0xFFFF

KIND_RECEIVED = 1
KIND_SEND = 2
KIND_SENT = 3
KIND_STATUS = 4

SENT_OK = 0
SENT_BUSY = 1
SENT_AIRTIME = 2
SENT_MALFORMED = 3


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


def _u(value: int, size: int) -> bytes:
    if value < 0 or value >> size * 8:
        raise Malformed("value out of range")
    return value.to_bytes(size, "little")


def _i(value: int, size: int) -> bytes:
    half = 1 << size * 8 - 1
    if not -half <= value < half:
        raise Malformed("value out of range")
    return (value + 2 * half if value < 0 else value).to_bytes(size, "little")


def _frame(frame: bytes) -> bytes:
    if not MIN_FRAME <= len(frame) <= MAX_FRAME:
        raise Malformed("frame of %d bytes" % len(frame))
    return bytes(frame)


# A frame that the bridge heard.
class Received:
    KIND = KIND_RECEIVED

    def __init__(self, tick_ms: int, rssi_dbm: int, snr_db4: int, frame: bytes) -> None:
        self.tick_ms = tick_ms  # the bridge's clock, wraps at 2^32
        self.rssi_dbm = rssi_dbm
        self.snr_db4 = snr_db4  # quarter dB
        self.frame = frame

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Received) and self.payload() == other.payload()

    def __hash__(self) -> int:
        return hash(self.payload())

    def payload(self) -> bytes:
        radio = _i(self.rssi_dbm, 2) + _i(self.snr_db4, 1)
        return bytes([KIND_RECEIVED]) + _u(self.tick_ms, 4) + radio + _frame(self.frame)

    def pack(self) -> bytes:
        return pack(self.payload())


# A frame that the bridge must send.
class Send:
    KIND = KIND_SEND

    def __init__(self, handle: int, frame: bytes) -> None:
        self.handle = handle
        self.frame = frame

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Send) and self.payload() == other.payload()

    def __hash__(self) -> int:
        return hash(self.payload())

    def payload(self) -> bytes:
        return bytes([KIND_SEND]) + _u(self.handle, 2) + _frame(self.frame)

    def pack(self) -> bytes:
        return pack(self.payload())


# What became of a frame to send.
class Sent:
    KIND = KIND_SENT

    def __init__(self, handle: int, result: int) -> None:
        self.handle = handle
        self.result = result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sent) and self.payload() == other.payload()

    def __hash__(self) -> int:
        return hash(self.payload())

    def payload(self) -> bytes:
        if not 0 <= self.result <= SENT_MALFORMED:
            raise Malformed("unknown result")
        return bytes([KIND_SENT]) + _u(self.handle, 2) + _u(self.result, 1)

    def pack(self) -> bytes:
        return pack(self.payload())


# The bridge's own state, now and then.
class Status:
    KIND = KIND_STATUS

    def __init__(self, tick_ms: int, received: int, bad: int, sent: int, version: int) -> None:
        self.tick_ms = tick_ms
        self.received = received  # frames heard
        self.bad = bad  # lines from the guard that were damaged
        self.sent = sent
        self.version = version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Status) and self.payload() == other.payload()

    def __hash__(self) -> int:
        return hash(self.payload())

    def payload(self) -> bytes:
        counts = _u(self.received, 4) + _u(self.bad, 4) + _u(self.sent, 4)
        return bytes([KIND_STATUS]) + _u(self.tick_ms, 4) + counts + _u(self.version, 1)

    def pack(self) -> bytes:
        return pack(self.payload())


# One payload of the Deframer, as one of the four classes.
def unpack(payload: bytes) -> Received | Send | Sent | Status:
    if not payload:
        raise Malformed("empty payload")
    kind = payload[0]
    if kind == KIND_RECEIVED:
        _at_least(payload, 8 + MIN_FRAME)
        tick_ms, rssi_dbm, snr_db4 = unpack_fields("<Ihb", payload[1:8])
        return Received(tick_ms, rssi_dbm, snr_db4, _frame(payload[8:]))
    if kind == KIND_SEND:
        _at_least(payload, 3 + MIN_FRAME)
        return Send(payload[1] | payload[2] << 8, _frame(payload[3:]))
    if kind == KIND_SENT:
        _exactly(payload, 4)
        if payload[3] > SENT_MALFORMED:
            raise Malformed("unknown result")
        return Sent(payload[1] | payload[2] << 8, payload[3])
    if kind == KIND_STATUS:
        _exactly(payload, 18)
        return Status(*unpack_fields("<IIIIB", payload[1:]))
    raise UnknownType("serial kind %d" % kind)


def _at_least(payload: bytes, length: int) -> None:
    if len(payload) < length:
        raise Malformed("payload too short")


def _exactly(payload: bytes, length: int) -> None:
    if len(payload) != length:
        raise Malformed("payload of %d bytes" % len(payload))
