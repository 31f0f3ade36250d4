"""Frames that must not be believed, on both carriers: counted, worded, nothing good lost."""

import pytest
from tests.gateway.sim_node import SimNode as Meter
from tests.system.town import (
    ALARM_MM,
    METER,
    OTHER_METER,
    STRANGER,
    next_second,
    secret_of,
    town,
    until,
)

from amont_wire import link
from amont_wire.const import DOWNLINK, UPLINK
from amont_wire.counters import ReservedCounter
from amont_wire.downlink import Ack
from amont_wire.frame import Sealer
from amont_wire.messages import Channel, Samples

pytestmark = pytest.mark.servers

STATIONS = 8
MALFORMED = "guard_bridge:_malformed"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with town(tmp_path_factory.mktemp("air"), STATIONS) as made:
        made.start()
        made.prove()
        yield made


def flipped(frame, bit=3):
    at = len(frame) - 9  # inside the ciphertext
    return frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]


def both_ways(place, bridge, meter):
    place.put(bridge)
    place.mqtt.send(meter[0], meter[1])


def forged(node):
    return sealed(node, b"wrong" + bytes(11))


def sealed(node, secret):
    meter = Meter(node, secret, quantity=1)
    meter.sample(ALARM_MM)
    return meter.frame()


def afterwards(place, station):
    """Readings still arrive, nothing was lost, and a live flood sounds this station's siren."""
    place.deliver()
    place.kept()
    place.flood(station)


def test_an_unknown_node(place):
    both_ways(place, sealed(STRANGER, b"s" * 16), (STRANGER, sealed(STRANGER, b"s" * 16)))
    place.shows("node_unknown", "Nœud inconnu : 99", "Unknown node: 99", at_least=2)
    afterwards(place, 0)


def test_a_wrong_key(place):
    both_ways(place, forged(101), (METER, forged(METER)))
    place.shows("frame_key", "nœud 101 : mauvaise clé", "node 101: wrong key")
    place.shows("frame_key", "nœud 31 : mauvaise clé", "node 31: wrong key")
    assert not place.sounding(1)
    afterwards(place, 1)


def test_a_flipped_bit(place):
    node = place.pairs[2][0]
    good = node.frame(1010)
    place.other_meter.sample(7)
    meter_frame = place.other_meter.frame()
    both_ways(place, flipped(good), (OTHER_METER, flipped(meter_frame)))
    place.shows("frame_key", "nœud 102 :", "node 102: wrong key or damaged bytes")
    place.shows("frame_key", "nœud 32 :", "node 32: wrong key or damaged bytes")
    both_ways(place, good, (OTHER_METER, meter_frame))  # the unharmed ones are taken
    next_second()
    afterwards(place, 2)
    assert not place.other_meter.unacknowledged


def test_a_replay(place):
    node = place.pairs[3][0]
    recorded = node.frame(1010)
    for _ in range(4):
        place.put(recorded)
    until(lambda: place.status()["counters"].get("guard_seen_again", 0) >= 3, "seen again")
    # Far enough on, the window leaves the recorded frame behind: it is refused by its counter.
    counter = ReservedCounter(node.last + 1100, lambda _limit: None)
    node.sealer = Sealer(secret_of(103), 103, 1, UPLINK, counter)
    next_second()
    place.put(node.frame(1011))
    place.put(recorded)
    place.shows("frame_replay", "trop ancienne refusée, nœud 103", "old frame refused, node 103")
    next_second()
    afterwards(place, 3)


def test_another_format_version_and_kind(place):
    other = bytes([0x20 | (frame := sealed(104, secret_of(104)))[0] & 15]) + frame[1:]
    both_ways(place, other, (METER, other[:1] + bytes([METER, 0]) + other[3:]))
    place.shows("frame_version", "autre version du format, nœud 104", "version, node 104")
    place.shows("frame_version", "autre version du format, nœud 31", "version, node 31")
    place.put(bytes([0x17]) + frame[1:])
    place.shows("frame_type", "type inconnu, nœud 104", "unknown type, node 104")
    afterwards(place, 4)


def test_sizes_topics_and_downlinks_from_outside(place):
    counter = ReservedCounter(0, lambda _limit: None)
    sealer = Sealer(secret_of(105), 105, 1, DOWNLINK, counter)
    place.put(sealer.seal(Ack.TYPE, Ack(1, 2, 0, 0, 0, 0, 0).encode())[1])
    place.mqtt.send(METER, b"\0" * 4096)
    place.mqtt.send(METER, sealed(OTHER_METER, secret_of(OTHER_METER)))
    place.shows("frame_direction", "Message descendant reçu", "Downlink received from outside")
    place.shows("payload_size", "4096", "4096 bytes")
    place.shows("topic_mismatch", "ne nomme pas le nœud 32", "does not name node 32")
    afterwards(place, 5)


def test_readings_marked_missing_or_absurd(place):
    """The wire carries no NaN: what is not a number is a quality, what is absurd a flag."""
    node = place.pairs[6][0]
    for quality, value in ((4, ALARM_MM), (3, ALARM_MM), (2, ALARM_MM), (0, 400_000)):
        next_second()
        tick_s = node.tick_s()
        node.seq += 1
        channel = Channel(0, 1, 1, [value], [quality])
        body = Samples(node.life, tick_s, node.seq, 0, 0, 0, False, [channel]).encode()
        node.last, frame = node.sealer.seal(Samples.TYPE, body)
        place.put(frame)
    assert not place.sounding(6)
    flags = next(s for s in place.status()["sensors"] if s["id"] == "rive-a6")["flags"]
    assert "range" in flags
    next_second()
    afterwards(place, 6)


def test_noise_on_the_serial_line(place):
    good = place.pairs[7][0].frame(1010)
    place.line.write(b"\0\xffnoise\0\x05" + bytes(range(1, 200)) + b"\0")
    place.line.write(link.pack(bytes([link.KIND_RECEIVED]) + bytes(7) + bytes(200)))
    place.put(good)
    next_second()
    afterwards(place, 7)
    counters = until(lambda: (c := place.status()["counters"]).get(MALFORMED) and c)
    assert counters["guard_bridge:_damaged_lines"] >= 1
