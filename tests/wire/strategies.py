"""Draw messages of the wire format, over the whole range of each field."""

from __future__ import annotations

from hypothesis import strategies as st

from amont_wire import const, messages

LIFE = st.integers(0, const.LIFE_MAX)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)
TICK = st.integers(0, 2**28 - 1)
SEQ = st.integers(0, 2**24 - 1)
ECHO = st.none() | st.tuples(U32, U16)
QUANTITY = st.sampled_from(sorted(const.QUANTITIES))
QUALITY = st.integers(0, const.QUALITY_MAX)
SCALED = st.integers(-const.VALUE_MAX, const.VALUE_MAX)


@st.composite
def series(draw, count):
    """Draw a calm walk, a flat line with steps, or anything at all."""
    kind = draw(st.sampled_from(["walk", "flat", "any"]))
    if kind == "any":
        return draw(st.lists(SCALED, min_size=count, max_size=count))
    reach = 3 if kind == "walk" else 0
    value = draw(st.integers(-5000, 5000))
    values = [value]
    for _ in range(count - 1):
        value += draw(st.integers(-reach, reach))
        values.append(value)
    if kind == "flat":
        values[draw(st.integers(0, count - 1))] = draw(SCALED)
    return values


@st.composite
def channels(draw, count):
    """Draw one to four channels of `count` readings whose values are multiples of the step."""
    out = []
    for index in sorted(draw(st.sets(st.integers(0, 3), min_size=1))):
        step = draw(st.sampled_from(const.STEPS))
        values = [value * step for value in draw(series(count))]
        good = draw(st.booleans())
        quality = [0] * count if good else draw(st.lists(QUALITY, min_size=count, max_size=count))
        out.append(messages.Channel(index, draw(QUANTITY), step, values, quality))
    return out


@st.composite
def samples(draw):
    """Draw samples with one to sixty-four readings a channel."""
    count = draw(st.integers(1, 8) | st.integers(1, const.READINGS_MAX))
    tick_s = draw(TICK)
    seq = draw(st.integers(count - 1, 2**24 - 1))
    interval_s = draw(st.sampled_from(const.INTERVALS) | st.integers(1, 2**17 - 1))
    return messages.Samples(
        draw(LIFE),
        tick_s,
        seq,
        draw(st.integers(0, tick_s)),
        interval_s,
        draw(SEQ),
        draw(st.booleans()),
        draw(channels(count)),
        draw(ECHO),
    )


HEALTH = st.builds(
    messages.Health,
    LIFE, TICK, st.integers(0, 8191), st.integers(-128, 127), st.integers(0, 5),
    st.integers(0, 2**20 - 1), SEQ, SEQ, st.integers(0, 2**20 - 1),
    st.integers(-256, 255), st.integers(-128, 127), U16, U16, SEQ, U16, ECHO,
)  # fmt: skip
HELLO = st.builds(
    messages.Hello,
    LIFE, TICK, st.integers(0, 5), st.integers(0, 2**20 - 1), SEQ, U16,
    st.lists(QUANTITY, max_size=4), ECHO,
)  # fmt: skip

PROGRESS = st.builds(messages.Progress, LIFE, TICK, U16, SEQ, st.integers(0, 3), ECHO)


@st.composite
def acks(draw):
    """Draw an acknowledgement whose bitmap is as long as it says."""
    nbits = draw(st.integers(0, 63))
    bits = draw(st.integers(0, (1 << nbits) - 1))
    through = draw(st.just(-1) | SEQ)
    return messages.Ack(
        draw(U32), draw(U32), draw(LIFE), through, bits, nbits, draw(st.integers(0, 2))
    )


TIME = st.builds(messages.Time, U32, U32, U32, st.integers(0, 2))
CONFIG = st.builds(
    messages.Config,
    U32, U32, U16,
    st.lists(st.tuples(st.integers(1, 63), st.integers(-(2**30), 2**30 - 1)),
             max_size=4, unique_by=lambda item: item[0]),
)  # fmt: skip
RESEND = st.builds(
    messages.Resend,
    U32, U32, LIFE,
    st.lists(st.tuples(st.integers(0, 2**24 - 256), st.integers(1, 256)),
             min_size=1, max_size=4),
)  # fmt: skip
UPDATE = st.builds(messages.UpdateChunk, U32, U32, U16, SEQ, st.binary(min_size=1, max_size=22))
DOWNLINKS = acks() | TIME | CONFIG | RESEND | UPDATE
