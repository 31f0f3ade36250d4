import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.strategies import samples

from amont_wire import const
from amont_wire.errors import Malformed
from amont_wire.messages import Channel, Samples, carries_echo, decode

WORST = const.VALUE_MAX
ECHO = (2**32 - 1, 2**16 - 1)


def one(**changes):
    fields = {
        "life": 1, "tick_s": 5000, "seq": 40, "lag_s": 9, "interval_s": 60, "backlog": 3,
        "fast": False, "channels": [Channel(0, 1, 1, [10, 11, 12])], "echo": None,
    }  # fmt: skip
    return Samples(**{**fields, **changes})


def newest(message, count, echo):
    cut = [
        Channel(c.index, c.quantity, c.step, c.values[-count:], c.quality[-count:])
        for c in message.channels
    ]
    return Samples(
        message.life,
        message.tick_s,
        message.seq,
        message.lag_s,
        message.interval_s if count > 1 else 0,
        message.backlog,
        message.fast,
        cut,
        echo,
    )


@given(samples())
def test_any_samples_fit_and_the_newest_come_back(message):
    body, carried = message.encode_trimmed()
    assert len(body) <= const.MAX_BODY
    assert carried >= 1
    echo = message.echo if carries_echo(body) else None
    assert decode(const.SAMPLES, body) == newest(message, carried, echo)
    assert decode(const.URGENT, body) == decode(const.SAMPLES, body)
    assert message.encode() == body


def steps(message):
    return [channel.scaled()[0] for channel in message.channels]


@given(samples(), st.integers(20, 60))
def test_trimming_keeps_as_many_readings_as_fit(message, max_body):
    try:
        body, carried = message.encode_trimmed(max_body)
        echo = message.echo if carries_echo(body) else None
        assert len(body) <= max_body
    except Malformed:
        carried, echo = 0, None
    for count in {carried + 1, message.count} - {carried}:
        larger = newest(message, min(count, message.count), echo)
        # Fewer readings may share a larger step: the encoder looks for it once, over all of them.
        if larger.count > carried and steps(larger) == steps(message):
            whole, all_of_them = larger.encode_trimmed(1000)
            assert all_of_them == larger.count
            assert len(whole) > max_body


def test_the_largest_sample_of_four_channels_fits_exactly():
    channels = [Channel(i, 10, 200, [-WORST * 200], [1]) for i in range(4)]
    message = Samples(4095, 2**28 - 1, 2**24 - 1, 2**28 - 1, 0, 2**24 - 1, True, channels, ECHO)
    body, carried = message.encode_trimmed()
    assert (len(body), carried, carries_echo(body)) == (const.MAX_BODY, 1, False)
    assert decode(const.SAMPLES, body) == newest(message, 1, None)


def test_the_echo_stays_as_long_as_one_sample_fits_beside_it():
    message = one(seq=70, echo=ECHO, channels=[Channel(0, 1, 1, [10] * 63 + [11])])
    body, carried = message.encode_trimmed()
    assert carries_echo(body)
    assert carried == 64


def test_values_are_rounded_to_the_nearest_step():
    message = one(channels=[Channel(0, 1, 10, [-16, -15, -14, 4, 5, 6])])
    values = decode(const.SAMPLES, message.encode()).channels[0].values
    assert values == [-20, -10, -10, 0, 10, 10]


def test_values_that_share_a_larger_step_travel_by_it_and_lose_nothing():
    whole_cm = one(channels=[Channel(0, 1, 1, [1040, 1050, 1030])])
    mm = one(channels=[Channel(0, 1, 1, [1040, 1050, 1031])])
    taken = decode(const.SAMPLES, whole_cm.encode()).channels[0]
    assert (taken.step, taken.values) == (10, [1040, 1050, 1030])
    assert decode(const.SAMPLES, mm.encode()).channels[0].step == 1
    assert len(whole_cm.encode()) < len(mm.encode())


@pytest.mark.parametrize(("step", "carried"), [(1, 200), (5, 200), (20, 200), (200, 200)])
def test_a_larger_step_is_a_multiple_of_the_channels_own(step, carried):
    message = one(channels=[Channel(0, 1, step, [400, -600, 0])])
    taken = decode(const.SAMPLES, message.encode()).channels[0]
    assert (taken.step, taken.values) == (carried, [400, -600, 0])


def test_rows_name_each_sample_oldest_first():
    message = one(channels=[Channel(0, 1, 1, [10, 11]), Channel(2, 8, 10, [3300, 3290], [0, 4])])
    assert message.rows() == [
        (39, 5000 - 9 - 60, [(0, 1, 10, 0), (2, 8, 3300, 0)]),
        (40, 5000 - 9, [(0, 1, 11, 0), (2, 8, 3290, 4)]),
    ]


def test_an_interval_outside_the_table_costs_a_var():
    table, other = one().encode(), one(interval_s=61).encode()
    assert decode(1, table).interval_s == 60
    assert decode(1, other).interval_s == 61


def test_samples_show_and_compare_by_value():
    assert repr(one()).startswith("Samples(")
    assert repr(Channel(0, 1, 1, [5])) == "Channel(0, 1, 1, (5,), (0,))"
    assert {one(), one()} == {one()}
    assert {Channel(0, 1, 1, [5]), Channel(0, 1, 1, [5], [0])} == {Channel(0, 1, 1, [5])}
    assert one() != one(seq=41)
    assert one() != "samples"
    assert Channel(0, 1, 1, [5]) != 5


BAD_CHANNELS = {
    "none": [],
    "five": [Channel(i, 1, 1, [1]) for i in range(5)],
    "twice": [Channel(0, 1, 1, [1]), Channel(0, 1, 1, [1])],
    "out of order": [Channel(1, 1, 1, [1]), Channel(0, 1, 1, [1])],
    "index": [Channel(4, 1, 1, [1])],
    "no reading": [Channel(0, 1, 1, [])],
    "65 readings": [Channel(0, 1, 1, [1] * 65)],
    "lengths": [Channel(0, 1, 1, [1]), Channel(1, 1, 1, [1, 2])],
    "qualities": [Channel(0, 1, 1, [1, 2], [0])],
    "quality 7": [Channel(0, 1, 1, [1], [7])],
    "quality -1": [Channel(0, 1, 1, [1], [-1])],
    "quantity": [Channel(0, 0, 1, [1])],
    "step": [Channel(0, 1, 3, [1])],
    "too high": [Channel(0, 1, 1, [WORST + 1])],
    "too low": [Channel(0, 1, 1, [-WORST - 1])],
}


@pytest.mark.parametrize("channels", BAD_CHANNELS.values(), ids=BAD_CHANNELS)
def test_impossible_channels_are_refused(channels):
    with pytest.raises(Malformed):
        one(seq=100, channels=channels).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"life": -1}, {"life": 4096}, {"tick_s": -1, "lag_s": -1}, {"tick_s": 2**28},
        {"seq": 1}, {"seq": 2**24}, {"lag_s": -1}, {"lag_s": 5001}, {"interval_s": 0},
        {"interval_s": 2**17}, {"backlog": -1}, {"backlog": 2**24},
        {"echo": (2**32, 0)}, {"echo": (0, 2**16)}, {"echo": (0, -1)},
    ],
)  # fmt: skip
def test_fields_outside_their_range_are_refused(changes):
    with pytest.raises(Malformed):
        one(**changes).encode()


def test_a_bound_below_one_sample_is_refused():
    with pytest.raises(Malformed, match="does not fit"):
        one().encode(10)
