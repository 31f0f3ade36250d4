import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.wire.strategies import DOWNLINKS, HEALTH, HELLO, PROGRESS

from amont_wire import const
from amont_wire.errors import Malformed, UnknownType, WireError
from amont_wire.messages import (
    Ack,
    Config,
    Health,
    Hello,
    Progress,
    Resend,
    Time,
    UpdateChunk,
    carries_echo,
    decode,
)

ECHO = (2**32 - 1, 2**16 - 1)


def health(**changes):
    fields = {
        "life": 1, "tick_s": 60, "battery_mv": 3300, "temp_c": -5, "reset_cause": 1, "boots": 2,
        "outbox": 3, "dropped": 4, "rejected": 5, "rssi_dbm": -99, "snr_db4": -8,
        "free_heap": 300, "config_version": 6, "firmware": 7, "faults": 8,
    }  # fmt: skip
    return Health(**{**fields, **changes})


def hello(**changes):
    fields = {"life": 1, "tick_s": 60, "reset_cause": 1, "boots": 2, "firmware": 7,
              "config_version": 6, "channels": [1, 8]}  # fmt: skip
    return Hello(**{**fields, **changes})


@given(DOWNLINKS)
def test_downlinks_come_back(message):
    body = message.encode()
    assert len(body) <= const.MAX_BODY
    assert decode(message.TYPE, body) == message
    assert const.DIRECTIONS[message.TYPE] == const.DOWNLINK


@given(HEALTH | HELLO | PROGRESS)
@example(health(tick_s=2**28 - 1, boots=2**20 - 1, outbox=2**24 - 1, dropped=2**24 - 1,
                rejected=2**20 - 1, rssi_dbm=-256, snr_db4=-128, temp_c=-128,
                free_heap=2**16 - 1, firmware=2**24 - 1, echo=ECHO))  # fmt: skip
def test_small_uplinks_come_back_without_the_echo_if_it_must(message):
    body = message.encode()
    assert len(body) <= const.MAX_BODY
    taken = decode(message.TYPE, body)
    if not carries_echo(body):
        message.echo = None
    assert taken == message
    assert hash(taken) == hash(message)


def test_health_leaves_the_echo_out_only_when_it_must():
    assert carries_echo(health(echo=ECHO).encode())
    assert not carries_echo(health(echo=ECHO).encode(max_body=24))
    with pytest.raises(Malformed):
        health(echo=ECHO).encode(max_body=8)


def test_counts_of_health_saturate():
    message = decode(
        const.HEALTH,
        health(boots=2**40, outbox=2**40, dropped=2**40, rejected=2**40, free_heap=2**40).encode(),
    )
    assert (message.boots, message.rejected) == (2**20 - 1, 2**20 - 1)
    assert (message.outbox, message.dropped, message.free_heap) == (
        2**24 - 1, 2**24 - 1, 2**16 - 1
    )  # fmt: skip
    assert decode(const.HELLO, hello(boots=2**40).encode()).boots == 2**20 - 1


@given(st.integers(0, 15), st.binary(max_size=48))
def test_any_bytes_raise_nothing_but_wire_errors(kind, body):
    try:
        message = decode(kind, body)
    except WireError:
        return
    assert decode(kind, message.encode()) == message


def test_errors_carry_their_reason():
    with pytest.raises(WireError) as caught:
        decode(const.ACK, b"\x00")
    assert str(caught.value) == caught.value.reason == "body too short"


@pytest.mark.parametrize("kind", [0, 6, 7, 13, 14, 15])
def test_unknown_types_are_refused(kind):
    with pytest.raises(UnknownType):
        decode(kind, b"\x00" * 20)


EVERY = [
    health(), hello(), Ack(1, 2, 3, 4, 5, 3, 1), Time(1, 2, 3, 2), Config(1, 2, 3, [(1, 900)]),
    Resend(1, 2, 3, [(4, 5)]), Progress(1, 60, 7, 176, 2),
]  # fmt: skip


@pytest.mark.parametrize("message", EVERY, ids=lambda m: type(m).__name__)
def test_bytes_after_the_end_are_refused(message):
    body = message.encode()
    with pytest.raises(Malformed):
        decode(message.TYPE, body + b"\x00")
    for length in range(len(body)):
        with pytest.raises(Malformed):
            decode(message.TYPE, body[:length])


@pytest.mark.parametrize("message", [*EVERY, UpdateChunk(1, 2, 3, 4, b"x")], ids=repr)
def test_messages_show_and_compare_by_value(message):
    taken = decode(message.TYPE, message.encode())
    assert repr(taken) == repr(message)
    assert repr(taken).startswith(type(message).__name__ + "(")
    assert {taken} == {message}
    assert taken != "something else"
    assert sum(taken == other for other in EVERY) == (message in EVERY)


@pytest.mark.parametrize(
    ("seq", "covered"), [(0, True), (4, True), (5, True), (6, False), (7, True), (8, False)]
)
def test_ack_covers_what_it_says(seq, covered):
    assert Ack(1, 2, 3, 4, 0b101, 3, 0).covers(seq) is covered


def test_ack_without_through_starts_at_zero():
    ack = Ack(1, 2, 3, -1, 0b10, 2, 0)
    assert [seq for seq in range(5) if ack.covers(seq)] == [1]


BAD = [
    health(battery_mv=8192), health(temp_c=128), health(reset_cause=6), health(boots=-1),
    health(rssi_dbm=256), health(snr_db4=-129), health(config_version=65536),
    health(firmware=2**24), health(faults=65536), health(life=4096), health(tick_s=2**28),
    Progress(1, 60, 7, 0, 4), Progress(1, 60, 7, 0, -1), Progress(1, 60, 2**16, 0, 0),
    Progress(1, 60, 7, 2**24, 0),
    hello(reset_cause=-1), hello(channels=[1] * 5), hello(channels=[0]), hello(firmware=-1),
    Ack(2**32, 0, 0, 0, 0, 0, 0), Ack(0, 2**32, 0, 0, 0, 0, 0), Ack(0, 0, 4096, 0, 0, 0, 0),
    Ack(0, 0, 0, -2, 0, 0, 0), Ack(0, 0, 0, 2**24, 0, 0, 0), Ack(0, 0, 0, 0, 2, 1, 0),
    Ack(0, 0, 0, 0, -1, 1, 0), Ack(0, 0, 0, 0, 0, 64, 0), Ack(0, 0, 0, 0, 0, 0, 3),
    Time(0, 0, 2**32, 0), Time(0, 0, -1, 0), Time(0, 0, 0, 3),
    Config(0, 0, 65536, []), Config(0, 0, 1, [(0, 1)]), Config(0, 0, 1, [(64, 1)]),
    Config(0, 0, 1, [(1, 1), (1, 2)]), Config(0, 0, 1, [(1, 2**30)]),
    Config(0, 0, 1, [(key, 0) for key in range(1, 17)]),
    Config(0, 0, 1, [(key, 2**30 - 1) for key in range(1, 6)]),
    Resend(0, 0, 4096, [(0, 1)]), Resend(0, 0, 0, []), Resend(0, 0, 0, [(0, 1)] * 5),
    Resend(0, 0, 0, [(0, 0)]), Resend(0, 0, 0, [(0, 257)]), Resend(0, 0, 0, [(2**24 - 1, 2)]),
    UpdateChunk(0, 0, 0, 0, b""), UpdateChunk(0, 0, 0, 0, bytes(26)),
    UpdateChunk(0, 0, 0, 2**24, b"x"), UpdateChunk(0, 0, 65536, 0, b"x"),
]  # fmt: skip


@pytest.mark.parametrize("message", BAD, ids=repr)
def test_fields_outside_their_range_are_refused(message):
    with pytest.raises(Malformed):
        message.encode()
