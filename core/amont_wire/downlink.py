# Bodies that the guard seals: acknowledgement, time, configuration, resend, update chunk.

from amont_wire.bits import BitReader, BitWriter
from amont_wire.const import (
    ACK,
    CONFIG,
    LIFE_MAX,
    MAX_BODY,
    RATE_SIREN,
    RESEND,
    SEQ_BITS,
    TIME,
    TIME_SYNCED,
    UPDATE,
)
from amont_wire.errors import Malformed, UnknownType

MORE_MAX = 63
ITEMS_MAX = 15
KEY_MAX = 63
RANGES_MAX = 4
OFFSET_BITS = 24
SEQ_MAX = (1 << SEQ_BITS) - 1


def _head(answers: int, nonce: int) -> BitWriter:
    writer = BitWriter()
    writer.put(answers, 32)
    writer.put(nonce, 32)
    return writer


def _body(writer: BitWriter) -> bytes:
    body = writer.tobytes()
    if len(body) > MAX_BODY:
        raise Malformed("body of %d bytes" % len(body))
    return body


class _Downlink:
    def __init__(self, answers: int, nonce: int) -> None:
        self.answers = answers  # the uplink counter that this answers
        self.nonce = nonce  # the guard's boot nonce

    def _fields(self) -> tuple[object, ...]:
        return (type(self).__name__, self.answers, self.nonce)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Downlink) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return "%s%r" % (self._fields()[0], self._fields()[1:])


# Every sample of `life` up to `through` (-1: none said) is committed, or will never be sent again;
# bit i of `bits` (i < nbits) says that through + 1 + i is committed too.
class Ack(_Downlink):
    TYPE = ACK

    def __init__(
        self, answers: int, nonce: int, life: int, through: int, bits: int, nbits: int, rate: int
    ) -> None:
        super().__init__(answers, nonce)
        self.life = life
        self.through = through
        self.bits = bits
        self.nbits = nbits
        self.rate = rate

    def _fields(self) -> tuple[object, ...]:
        said = (self.life, self.through, self.bits, self.nbits, self.rate)
        return super()._fields() + said

    # Whether it says that `seq` is committed.
    def covers(self, seq: int) -> bool:
        above = seq - self.through - 1
        return above < 0 or (above < self.nbits and self.bits >> above & 1 == 1)

    def encode(self) -> bytes:
        if not 0 <= self.life <= LIFE_MAX:
            raise Malformed("life out of range")
        if not 0 <= self.nbits <= MORE_MAX or self.bits < 0 or self.bits >> self.nbits:
            raise Malformed("more bits than said")
        writer = _head(self.answers, self.nonce)
        writer.put(self.life, 12)
        if self.through == -1:
            writer.put(0, 1)
        else:
            writer.put(1, 1)
            writer.var(self.through, SEQ_BITS)
        writer.put(self.nbits, 6)
        for i in range(self.nbits):
            writer.put(self.bits >> i & 1, 1)
        writer.put(_rate(self.rate), 2)
        return _body(writer)


def _rate(rate: int) -> int:
    if not 0 <= rate <= RATE_SIREN:
        raise Malformed("unknown rate")
    return rate


def decode_ack(body: bytes) -> Ack:
    reader = BitReader(body)
    answers = reader.get(32)
    nonce = reader.get(32)
    life = reader.get(12)
    through = reader.var(SEQ_BITS) if reader.get(1) else -1
    nbits = reader.get(6)
    bits = 0
    for i in range(nbits):
        bits |= reader.get(1) << i
    rate = _rate(reader.get(2))
    reader.finish()
    return Ack(answers, nonce, life, through, bits, nbits, rate)


class Time(_Downlink):
    TYPE = TIME

    def __init__(self, answers: int, nonce: int, wall_s: int, quality: int) -> None:
        super().__init__(answers, nonce)
        self.wall_s = wall_s  # Unix seconds
        self.quality = quality  # TIME_ codes

    def _fields(self) -> tuple[object, ...]:
        return super()._fields() + (self.wall_s, self.quality)

    def encode(self) -> bytes:
        writer = _head(self.answers, self.nonce)
        writer.put(self.wall_s, 32)
        writer.put(_time_quality(self.quality), 2)
        return _body(writer)


def _time_quality(quality: int) -> int:
    if not 0 <= quality <= TIME_SYNCED:
        raise Malformed("unknown time quality")
    return quality


def decode_time(body: bytes) -> Time:
    reader = BitReader(body)
    answers = reader.get(32)
    nonce = reader.get(32)
    wall_s = reader.get(32)
    quality = _time_quality(reader.get(2))
    reader.finish()
    return Time(answers, nonce, wall_s, quality)


# items: (key, value), each key once. More than four wide items do not fit one frame.
class Config(_Downlink):
    TYPE = CONFIG

    def __init__(
        self, answers: int, nonce: int, version: int, items: list[tuple[int, int]]
    ) -> None:
        super().__init__(answers, nonce)
        self.version = version
        self.items = items

    def _fields(self) -> tuple[object, ...]:
        return super()._fields() + (self.version, tuple(self.items))

    def encode(self) -> bytes:
        _check_items(self.items)
        writer = _head(self.answers, self.nonce)
        writer.put(self.version, 16)
        writer.put(len(self.items), 4)
        for key, value in self.items:
            writer.put(key, 6)
            writer.svar(value)
        return _body(writer)


def _check_items(items: list[tuple[int, int]]) -> None:
    keys = [key for key, _value in items]
    if len(keys) > ITEMS_MAX or len(set(keys)) != len(keys):
        raise Malformed("too many configuration items, or one twice")
    if keys and not 1 <= min(keys) <= max(keys) <= KEY_MAX:
        raise Malformed("configuration key out of range")


def decode_config(body: bytes) -> Config:
    reader = BitReader(body)
    answers = reader.get(32)
    nonce = reader.get(32)
    version = reader.get(16)
    items = []
    for _ in range(reader.get(4)):
        key = reader.get(6)
        items.append((key, reader.svar()))
    _check_items(items)
    reader.finish()
    return Config(answers, nonce, version, items)


# ranges: (first seq, length 1 to 256), one to four of them.
class Resend(_Downlink):
    TYPE = RESEND

    def __init__(self, answers: int, nonce: int, life: int, ranges: list[tuple[int, int]]) -> None:
        super().__init__(answers, nonce)
        self.life = life
        self.ranges = ranges

    def _fields(self) -> tuple[object, ...]:
        return super()._fields() + (self.life, tuple(self.ranges))

    def encode(self) -> bytes:
        if not 0 <= self.life <= LIFE_MAX:
            raise Malformed("life out of range")
        _check_ranges(self.ranges)
        writer = _head(self.answers, self.nonce)
        writer.put(self.life, 12)
        writer.put(len(self.ranges), 3)
        for first, length in self.ranges:
            writer.var(first, SEQ_BITS)
            writer.put(length - 1, 8)
        return _body(writer)


def _check_ranges(ranges: list[tuple[int, int]]) -> None:
    if not 1 <= len(ranges) <= RANGES_MAX:
        raise Malformed("%d ranges" % len(ranges))
    for first, length in ranges:
        if first + length - 1 > SEQ_MAX:
            raise Malformed("range past the last seq")


def decode_resend(body: bytes) -> Resend:
    reader = BitReader(body)
    answers = reader.get(32)
    nonce = reader.get(32)
    life = reader.get(12)
    ranges = []
    for _ in range(reader.get(3)):
        first = reader.var(SEQ_BITS)
        ranges.append((first, reader.get(8) + 1))
    _check_ranges(ranges)
    reader.finish()
    return Resend(answers, nonce, life, ranges)


# Bytes `offset` … of a firmware image; whether the image is genuine shows only at its end.
class UpdateChunk(_Downlink):
    TYPE = UPDATE

    def __init__(self, answers: int, nonce: int, version: int, offset: int, data: bytes) -> None:
        super().__init__(answers, nonce)
        self.version = version
        self.offset = offset
        self.data = data

    def _fields(self) -> tuple[object, ...]:
        return super()._fields() + (self.version, self.offset, bytes(self.data))

    def encode(self) -> bytes:
        if not self.data:
            raise Malformed("empty chunk")
        writer = _head(self.answers, self.nonce)
        writer.put(self.version, 16)
        writer.var(self.offset, OFFSET_BITS)
        body = writer.tobytes() + bytes(self.data)
        if len(body) > MAX_BODY:
            raise Malformed("body of %d bytes" % len(body))
        return body


def decode_update(body: bytes) -> UpdateChunk:
    reader = BitReader(body)
    answers = reader.get(32)
    nonce = reader.get(32)
    version = reader.get(16)
    offset = reader.var(OFFSET_BITS)
    reader.align()
    if reader.left == 0:
        raise Malformed("empty chunk")
    return UpdateChunk(answers, nonce, version, offset, bytes(body[-(reader.left // 8) :]))


_DECODERS = {
    ACK: decode_ack,
    TIME: decode_time,
    CONFIG: decode_config,
    RESEND: decode_resend,
    UPDATE: decode_update,
}


# What a node hears; raises nothing but WireError.
def decode(type: int, body: bytes) -> Ack | Time | Config | Resend | UpdateChunk:
    if type not in _DECODERS:
        raise UnknownType("message type %d" % type)
    if not 1 <= len(body) <= MAX_BODY:
        raise Malformed("body of %d bytes" % len(body))
    return _DECODERS[type](body)  # type: ignore[return-value]  # mypy joins the functions to object
