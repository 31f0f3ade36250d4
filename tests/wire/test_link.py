import binascii
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amont_wire import link
from amont_wire.errors import Malformed, UnknownType, WireError

FRAME = bytes(range(51))
PAYLOADS = [
    link.Received(123456, -137, -80, FRAME),
    link.Send(65535, FRAME[:16]),
    link.Sent(7, link.SENT_BUSY),
    link.Status(2**32 - 1, 1, 2, 3, 1),
    link.Status(5, 1, 2, 3, 1, link.RadioState(2**32 - 1, 36000, 64, 7, 8, "x" * 48)),
    link.Status(5, 1, 2, 3, 1, link.RadioState(0, 0, 0, 0, 0, "")),
    link.Identity(2, b"\xe6\x61\x00\x00abcd", link.ROLE_LISTEN, link.RADIO_FAULT, 65535),
    link.Settings(link.ROLE_TRANSMIT, [868100], [9]),
    link.Settings(link.ROLE_LISTEN, [863000 + n for n in range(8)], [7, 8, 9, 10, 11, 12],
                  -9, 1000, 65535, 2**32 - 1),
    link.Ask(),
    link.Service(),
]  # fmt: skip
LINES = [payload.pack() for payload in PAYLOADS]


def fed(deframer, data, size):
    out = []
    for at in range(0, len(data), size):
        out += deframer.feed(data[at : at + size])
    return out


@given(st.binary(max_size=300))
def test_crc_is_ccitt_false(data):
    assert link.crc16(data) == binascii.crc_hqx(data, 0xFFFF)


def test_crc_check_value():
    assert link.crc16(b"123456789") == 0x29B1


@given(st.binary(max_size=600) | st.lists(st.sampled_from([0, 1, 255]), max_size=600).map(bytes))
def test_cobs_comes_back_without_a_zero(data):
    encoded = link.cobs_encode(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + len(data) // 254 + 1
    assert link.cobs_decode(encoded) == data


@pytest.mark.parametrize("line", [b"\x05ab", b"\x00", b"\x02a\x00", b"\x02a\x03"])
def test_broken_cobs_is_refused(line):
    with pytest.raises(Malformed):
        link.cobs_decode(line)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_payloads_come_out_of_pieces_of_any_size(size):
    deframer = link.Deframer()
    taken = fed(deframer, b"".join(LINES), size)
    assert [link.unpack(payload) for payload in taken] == PAYLOADS
    assert (deframer.good, deframer.bad, deframer.dropped) == (len(LINES), 0, 0)


@pytest.mark.parametrize("size", [1, 1000])
def test_noise_costs_only_the_line_that_it_falls_in(size):
    deframer = link.Deframer()
    noisy = b"\x11\x22" + LINES[0] + LINES[1] + b"\x00\x00" + LINES[2]
    taken = fed(deframer, noisy, size)
    assert [link.unpack(payload) for payload in taken] == [PAYLOADS[1], PAYLOADS[2]]
    assert (deframer.good, deframer.bad, deframer.dropped) == (2, 1, len(LINES[0]) + 1)


def test_every_flipped_bit_costs_at_most_the_line_and_its_neighbour():
    stream = LINES[0] + LINES[1] + LINES[2]
    start, end = len(LINES[0]) * 8, (len(LINES[0]) + len(LINES[1])) * 8
    for bit in range(start, end):
        flipped = bytearray(stream)
        flipped[bit // 8] ^= 1 << bit % 8
        deframer = link.Deframer()
        taken = [link.unpack(payload) for payload in deframer.feed(bytes(flipped))]
        assert taken in ([PAYLOADS[0], PAYLOADS[2]], [PAYLOADS[0]])
        assert deframer.bad >= 1


@pytest.mark.parametrize("size", [1, 4096, 2_000_000])
def test_a_line_of_a_megabyte_is_skipped_in_bounded_memory(size):
    deframer = link.Deframer()
    noise = b"\x55" * 1_000_000
    if size == 1:
        noise = noise[:20_000]
    tracemalloc.start()
    assert fed(deframer, noise, size) == []
    kept, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 20_000
    assert (deframer.good, deframer.bad, deframer.dropped) == (0, 1, len(noise))
    assert fed(deframer, b"\x00" + LINES[3], size) == [PAYLOADS[3].payload()]


def test_a_line_of_exactly_the_bound_is_taken_and_a_longer_one_refused():
    deframer = link.Deframer()
    longest = bytes(range(1, 255)) + b"x" * 21
    line = link.pack(longest)
    assert len(line) == link.MAX_LINE
    assert fed(deframer, line, 1) == [longest]
    with pytest.raises(Malformed):
        link.pack(longest + b"x")
    over = link.cobs_encode(longest + b"x" * 3) + b"\x00"
    assert len(over) == link.MAX_LINE + 1
    assert fed(deframer, over, 1) == []
    assert deframer.bad == 1


def test_an_empty_payload_cannot_be_sent_or_read():
    with pytest.raises(Malformed):
        link.pack(b"")
    deframer = link.Deframer()
    empty = link.cobs_encode(b"\xff\xff") + b"\x00"  # the CRC of nothing
    assert deframer.feed(empty) == []
    assert deframer.bad == 1


@given(st.lists(st.binary(max_size=60)), st.integers(1, 20))
def test_any_bytes_are_survived_and_a_good_line_after_a_zero_is_read(pieces, size):
    deframer = link.Deframer()
    fed(deframer, b"".join(pieces), size)
    assert link.unpack(deframer.feed(b"\x00" + LINES[0])[-1]) == PAYLOADS[0]


def test_random_streams_are_read_alike_whole_and_in_pieces():
    rng = random.Random(3)
    stream = b"".join(
        rng.choice(LINES) if rng.random() < 0.7 else rng.randbytes(rng.randrange(400))
        for _ in range(300)
    )
    whole = link.Deframer()
    taken = whole.feed(stream)
    for size in (1, 3, 64):
        pieces = link.Deframer()
        assert fed(pieces, stream, size) == taken
        assert (pieces.good, pieces.bad, pieces.dropped) == (
            whole.good, whole.bad, whole.dropped
        )  # fmt: skip


@given(st.binary(max_size=80))
def test_unpacking_any_bytes_raises_only_wire_errors(payload):
    try:
        read = link.unpack(payload)
    except WireError:
        return
    assert read.payload() == payload


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        PAYLOADS[0].payload()[:20],
        PAYLOADS[0].payload() + b"x",
        PAYLOADS[1].payload()[:-1],
        PAYLOADS[2].payload() + b"x",
        PAYLOADS[2].payload()[:-1] + b"\x05",
        PAYLOADS[3].payload()[:-1],
        PAYLOADS[3].payload() + b"x",
        PAYLOADS[4].payload() + b"x",
        PAYLOADS[4].payload()[:-1] + b"\x1f",
        PAYLOADS[6].payload() + b"x",
        PAYLOADS[6].payload()[:-3] + b"\x04\x00\x00",
        PAYLOADS[6].payload()[:-4] + b"\x03\x00\x00\x00",
        PAYLOADS[7].payload()[:11],
        PAYLOADS[7].payload()[:-1],
        PAYLOADS[7].payload()[:-1] + b"\x0d",
        b"\x06\x00" + PAYLOADS[7].payload()[2:],
        PAYLOADS[7].payload()[:11] + b"\x01\x09",
        PAYLOADS[9].payload() + b"x",
        PAYLOADS[10].payload() + b"x",
    ],
)
def test_malformed_payloads_are_refused(payload):
    with pytest.raises(Malformed):
        link.unpack(payload)


def test_an_unknown_kind_is_refused():
    with pytest.raises(UnknownType):
        link.unpack(b"\x09abc")


@pytest.mark.parametrize(
    "payload",
    [
        link.Received(2**32, 0, 0, FRAME),
        link.Received(0, 32768, 0, FRAME),
        link.Received(0, 0, -129, FRAME),
        link.Received(0, 0, 0, FRAME + b"x"),
        link.Send(-1, FRAME),
        link.Send(0, FRAME[:15]),
        link.Sent(0, 5),
        link.Status(0, 0, 0, 0, 256),
        link.Identity(2, b"short", link.ROLE_NONE, link.RADIO_IDLE),
        link.Identity(2, bytes(8), 3, link.RADIO_IDLE),
        link.Settings(link.ROLE_NONE, [868100], [9]),
        link.Settings(link.ROLE_LISTEN, [], [9]),
        link.Settings(link.ROLE_LISTEN, [0], [9]),
        link.Settings(link.ROLE_LISTEN, [868100], []),
        link.Settings(link.ROLE_LISTEN, [868100], [9], 14, 1001),
    ],
)
def test_fields_outside_their_range_are_refused(payload):
    with pytest.raises(Malformed):
        payload.pack()


def test_a_fault_is_cut_and_told_in_plain_letters():
    state = link.RadioState(1, 2, 3, 4, 5, "no chip: é\n" + "x" * 90)
    told = link.unpack(link.Status(0, 0, 0, 0, 1, state).payload())
    assert told.radio.fault == "no chip: ??" + "x" * 37


def test_the_question_disturbs_no_prompt():
    line = link.Ask().pack()
    assert not set(line) & {*range(1, 7), 10, 13}  # Ctrl-A to F, and what ends a line


def test_a_line_of_no_kind_cannot_be_made():
    with pytest.raises(NotImplementedError):
        link.Line().payload()


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_payloads_compare_by_value(number):
    payload = PAYLOADS[number]
    taken = link.unpack(payload.payload())
    assert {taken} == {payload}
    assert [taken == other for other in PAYLOADS].count(True) == 1
    assert taken != "payload"
    assert payload.payload()[0] == payload.KIND
