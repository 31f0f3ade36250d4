import pytest
from hypothesis import given
from hypothesis import strategies as st

from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.errors import Forged, Malformed, OtherVersion, UnknownType, WireError
from amont_wire.frame import Header, Opener, Sealer, peek

SECRET = bytes(range(16))


def sealer(node=17, generation=1, direction=const.UPLINK, start=0, secret=SECRET):
    return Sealer(secret, node, generation, direction, ReservedCounter(start, lambda limit: None))


def opener(node=17, generation=1, direction=const.UPLINK, secret=SECRET):
    return Opener(secret, node, generation, direction)


@given(
    st.sampled_from(sorted(const.DIRECTIONS)),
    st.integers(1, const.NODE_MAX),
    st.integers(1, const.GENERATION_MAX),
    st.integers(0, const.COUNTER_MAX - 1),
    st.binary(min_size=1, max_size=const.MAX_BODY),
)
def test_every_frame_opens_to_what_was_sealed(kind, node, generation, start, body):
    direction = const.DIRECTIONS[kind]
    counter, frame = sealer(node, generation, direction, start).seal(kind, body)
    assert counter == start + 1
    assert len(frame) == len(body) + 15 <= const.MAX_FRAME
    header = Header(const.VERSION, kind, node, counter)
    assert opener(node, generation, direction).open(frame) == (header, body)
    assert peek(frame) == header


def test_header_is_laid_out_as_documented():
    frame = sealer(node=0x0201, start=0x06050402).seal(const.URGENT, b"body")[1]
    assert frame[:7] == bytes([0x12, 1, 2, 3, 4, 5, 6])


def test_header_shows_and_hashes_by_value():
    header = Header(1, 2, 3, 4)
    assert repr(header) == "Header(version=1, type=2, node=3, counter=4)"
    assert {header, Header(1, 2, 3, 4)} == {header}
    assert header != Header(1, 2, 3, 5)
    assert header != "header"


def test_every_single_flipped_bit_is_refused():
    frame = sealer().seal(const.SAMPLES, bytes(range(36)))[1]
    reader = opener()
    for bit in range(len(frame) * 8):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(WireError):
            reader.open(bytes(flipped))


def test_every_cut_is_refused():
    frame = sealer().seal(const.SAMPLES, bytes(range(36)))[1]
    for length in range(len(frame)):
        with pytest.raises(WireError):
            opener().open(frame[:length])


@pytest.mark.parametrize(
    "other",
    [
        {"generation": 2},
        {"secret": bytes(16)},
    ],
)
def test_another_key_does_not_open(other):
    frame = sealer().seal(const.SAMPLES, b"body")[1]
    with pytest.raises(Forged):
        opener(**other).open(frame)


def test_directions_have_their_own_key_and_nonce():
    up = sealer().seal(const.SAMPLES, b"body")[1]
    down = sealer(direction=const.DOWNLINK).seal(const.ACK, b"body")[1]
    assert up[7:11] != down[7:11]
    relabelled = bytes([const.VERSION << 4 | const.ACK]) + up[1:]
    with pytest.raises(Forged):
        opener(direction=const.DOWNLINK).open(relabelled)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda f: b"", Malformed),
        (lambda f: f[:15], Malformed),
        (lambda f: f + bytes(52), Malformed),
        (lambda f: b"\x01" + f[1:], OtherVersion),
        (lambda f: b"\x10" + f[1:], UnknownType),
        (lambda f: b"\x1d" + f[1:], UnknownType),
        (lambda f: f[:1] + b"\x00\x00" + f[3:], Malformed),
        (lambda f: f[:1] + b"\xff\xff" + f[3:], Malformed),
        (lambda f: f[:3] + bytes(4) + f[7:], Malformed),
    ],
)
def test_headers_are_refused_with_their_reason(change, error):
    frame = change(sealer().seal(const.SAMPLES, b"body")[1])
    with pytest.raises(error) as caught:
        peek(frame)
    assert caught.value.reason
    with pytest.raises(error):
        opener().open(frame)


def test_a_frame_of_another_node_or_direction_is_refused():
    frame = sealer().seal(const.SAMPLES, b"body")[1]
    with pytest.raises(Malformed, match="node 17"):
        opener(node=18).open(frame)
    with pytest.raises(UnknownType, match="direction"):
        opener(direction=const.DOWNLINK).open(frame)


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        (const.ACK, b"body", UnknownType),
        (0, b"body", UnknownType),
        (const.SAMPLES, b"", Malformed),
        (const.SAMPLES, bytes(37), Malformed),
    ],
)
def test_what_cannot_be_sealed_uses_no_counter(kind, body, error):
    maker = sealer()
    with pytest.raises(error):
        maker.seal(kind, body)
    assert maker.seal(const.SAMPLES, b"body")[0] == 1


@pytest.mark.parametrize(
    ("node", "generation", "direction"), [(0, 1, 0), (65535, 1, 0), (1, 0, 0), (1, 1, 2)]
)
def test_an_impossible_identity_is_refused(node, generation, direction):
    with pytest.raises(Malformed):
        sealer(node, generation, direction)
    with pytest.raises(Malformed):
        opener(node, generation, direction)
