"""Bodies assembled by hand from the tables of docs/wire-format.md, bit by bit."""

import pytest

from amont_wire import const
from amont_wire.errors import Malformed
from amont_wire.messages import (
    Ack,
    Channel,
    Config,
    Health,
    Hello,
    Progress,
    Resend,
    Samples,
    Time,
    UpdateChunk,
    decode,
)


def var(value):
    if value == 0:
        return "00000"
    bits = f"{value:b}"
    return f"{len(bits):05b}" + bits[1:]


def svar(value):
    return var(2 * value if value >= 0 else -2 * value - 1)


def u(value, width):
    return f"{value:0{width}b}"


def packed(*fields):
    bits = "".join(fields)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


HEAD = (u(7, 12), var(5000), "0")
DOWN = (u(12, 32), u(0x01020304, 32))
ONE = (u(0b0001, 4), u(0, 6), var(40), var(9), var(3), "0")
TWO = (u(0b0101, 4), u(1, 6), var(40), var(9), u(7, 4), var(3), "1")
STAGE = (u(1, 5), u(0, 3))

LAYOUTS = [
    (
        const.SAMPLES,
        Samples(7, 5000, 40, 9, 0, 3, False, [Channel(0, 1, 1, [1041])]),
        packed(*HEAD, *ONE, *STAGE, svar(1041), "1"),
    ),
    (
        const.URGENT,
        Samples(7, 5000, 40, 9, 60, 3, True,
                [Channel(0, 1, 1, [1040, 1043]), Channel(2, 8, 10, [3310, 3310], [0, 4])],
                (0xDEADBEEF, 300)),
        packed(u(7, 12), var(5000), "1", u(0xDEADBEEF, 32), var(300), *TWO,
               *STAGE, svar(1040), u(2, 4), "10" + "10", "1",  # +3 is 6: 6 >> 2, then 6 & 3
               u(8, 5), u(3, 3), svar(331), u(0, 4), "0", "0", u(0, 3), u(4, 3)),
    ),
    (
        const.SAMPLES,
        Samples(7, 5000, 40, 9, 61, 3, False, [Channel(1, 1, 1, [7, 7, 7, 7, 7, 7, 7])]),
        packed(*HEAD, u(0b0010, 4), u(6, 6), var(40), var(9), u(15, 4), var(61), var(3), "0",
               *STAGE, svar(7), u(15, 4), u(0, 5), "1"),
    ),
    (
        const.HEALTH,
        Health(7, 5000, 3700, -12, 2, 4, 96, 1, 2, -103, -7, 300, 2, 10, 129),
        packed(*HEAD, u(3700, 13), svar(-12), u(2, 3), var(4), var(96), var(1), var(2),
               svar(-103), svar(-7), var(300), u(2, 16), var(10), u(129, 16)),
    ),
    (
        const.HELLO,
        Hello(7, 5000, 5, 9, 10, 2, [1, 8]),
        packed(*HEAD, u(5, 3), var(9), var(10), u(2, 16), u(2, 3), u(1, 5), u(8, 5)),
    ),
    (
        const.PROGRESS,
        Progress(7, 5000, 3, 176, 2),
        packed(*HEAD, u(3, 16), var(176), u(2, 2)),
    ),
    (
        const.ACK,
        Ack(12, 0x01020304, 7, 39, 0b110, 3, 1),
        packed(*DOWN, u(7, 12), "1", var(39), u(3, 6), "011", u(1, 2)),
    ),
    (
        const.ACK,
        Ack(12, 0x01020304, 7, -1, 0, 0, 2),
        packed(*DOWN, u(7, 12), "0", u(0, 6), u(2, 2)),
    ),
    (
        const.TIME,
        Time(12, 0x01020304, 1_780_000_000, 2),
        packed(*DOWN, u(1_780_000_000, 32), u(2, 2)),
    ),
    (
        const.CONFIG,
        Config(12, 0x01020304, 3, [(1, 900), (4, -20)]),
        packed(*DOWN, u(3, 16), u(2, 4), u(1, 6), svar(900), u(4, 6), svar(-20)),
    ),
    (
        const.RESEND,
        Resend(12, 0x01020304, 7, [(500, 256), (9, 1)]),
        packed(*DOWN, u(7, 12), u(2, 3), var(500), u(255, 8), var(9), u(0, 8)),
    ),
    (
        const.UPDATE,
        UpdateChunk(12, 0x01020304, 3, 176, b"\x01\x02"),
        packed(*DOWN, u(3, 16), var(176), "0000", u(0x0102, 16)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "message", "body"), LAYOUTS)
def test_bodies_are_laid_out_as_documented(kind, message, body):
    assert message.encode() == body
    assert decode(kind, body) == message


REFUSED = {
    "no channel": (1, (*HEAD, u(0, 4), u(0, 6), var(40), var(9), var(3), "0")),
    "seq below n - 1": (1, (*HEAD, u(1, 4), u(9, 6), var(8), var(9), u(0, 4), var(3), "0",
                            *STAGE, svar(1), u(15, 4), u(0, 5), "1")),
    "lag beyond tick": (1, (*HEAD, u(1, 4), u(0, 6), var(8), var(5001), var(3), "0",
                            *STAGE, svar(1), "1")),
    "long interval form": (1, (*HEAD, u(1, 4), u(1, 6), var(8), var(9), u(15, 4), var(60),
                               var(3), "0", *STAGE, svar(1), u(15, 4), u(0, 5), "1")),
    "interval 0": (1, (*HEAD, u(1, 4), u(1, 6), var(8), var(9), u(15, 4), var(0),
                       var(3), "0", *STAGE, svar(1), u(15, 4), u(0, 5), "1")),
    "quantity 0": (1, (*HEAD, *ONE, u(0, 5), u(0, 3), svar(1), "1")),
    "quantity 11": (1, (*HEAD, *ONE, u(11, 5), u(0, 3), svar(1), "1")),
    "quality 7": (1, (*HEAD, *ONE, *STAGE, svar(1), "0", u(7, 3))),
    "all good, said one by one": (1, (*HEAD, *ONE, *STAGE, svar(1), "0", u(0, 3))),
    "seq of 25 bits": (1, (*HEAD, u(1, 4), u(0, 6), var(2**24), var(9), var(3), "0",
                           *STAGE, svar(1), "1")),
    "tick of 29 bits": (1, (u(7, 12), var(2**28), "0", *ONE, *STAGE, svar(1), "1")),
    "padding": (1, (*HEAD, *ONE, *STAGE, svar(1), "1", "1")),
    "reset cause 6": (4, (*HEAD, u(6, 3), var(9), var(10), u(2, 16), u(0, 3))),
    "five channels": (4, (*HEAD, u(5, 3), var(9), var(10), u(2, 16), u(5, 3), u(1, 5) * 5)),
    "rate 3": (8, (*DOWN, u(7, 12), "0", u(0, 6), u(3, 2))),
    "time quality 3": (9, (*DOWN, u(5, 32), u(3, 2))),
    "key 0": (10, (*DOWN, u(3, 16), u(1, 4), u(0, 6), svar(1))),
    "a key twice": (10, (*DOWN, u(3, 16), u(2, 4), u(1, 6), svar(1), u(1, 6), svar(2))),
    "no range": (11, (*DOWN, u(7, 12), u(0, 3))),
    "five ranges": (11, (*DOWN, u(7, 12), u(5, 3), (var(1) + u(0, 8)) * 5)),
    "range past the end": (11, (*DOWN, u(7, 12), u(1, 3), var(2**24 - 1), u(1, 8))),
    "empty chunk": (12, (*DOWN, u(3, 16), var(176), "0000")),
    "chunk not aligned": (12, (*DOWN, u(3, 16), var(176), "0001", u(1, 8))),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "fields"), REFUSED.values(), ids=REFUSED)
def test_bodies_that_no_sender_makes_are_refused(kind, fields):
    with pytest.raises(Malformed):
        decode(kind, packed(*fields))
