"""What the simulated air does to frames: lengths, levels, collisions, deaf receivers, bursts."""

import math
from itertools import pairwise

import pytest

from amont_hil.air import CAPTURE_DB, ISOLATION_DB, Air, Events, airtime_us
from amont_hil.air_bridge import CONCENTRATOR, CONTINUOUS, SCANNING, THREE, Plan, preamble, shares
from amont_hil.air_links import BRIDGE, Links, Weather, settle
from amont_hil.air_node import NodeRadio
from amont_hil.air_receivers import FATES, Looks, Radio
from amont_node.radio import Modulation
from amont_provision.linkbudget import SETTINGS, sensitivity_dbm
from amont_wire.airtime import scan_preamble

KHZ = (868_100, 868_300, 868_500)
FACTORS = (7, 8, 9)
MODES = [(khz, sf) for khz in KHZ for sf in FACTORS]
FRAME = bytes(30)
CLEAN = Weather(loss=0.0, fading_db=0.0)


class Desk:
    """One receiver, senders whose level at it is given: node n is lost by ``losses[n]`` dB."""

    def __init__(self, modes, kind=CONTINUOUS, losses=()):
        self.losses = {1: 100.0, 2: 100.0, 3: 100.0, BRIDGE: 100.0, **dict(losses)}
        self.events = Events()
        self.air = Air(self.events, lambda here, there, _at: self.losses[here or there])
        self.links = Links(1, {n: (float(n), 0.0) for n in self.losses}, CLEAN)
        self.heard = []
        self.radios = [
            Radio(self.air, self.links, BRIDGE, mine, self.take, count, kind != CONCENTRATOR)
            for mine, count in shares(kind, modes)
        ]

    def take(self, sent, level_dbm, snr_db):
        self.heard.append((sent.sender, round(level_dbm), round(snr_db)))

    def send(self, node, at_ms, khz=KHZ[0], sf=7, symbols=8, frame=FRAME):
        return self.air.send(node, Modulation(khz, sf, preamble=symbols), frame, at_ms * 1000)

    def bridge_sends(self, at_ms, until_ms):
        def begin():
            for radio in self.radios:
                radio.send_begins(until_ms * 1000)

        self.events.at(at_ms * 1000, begin)

    def fates(self):
        self.events.run(60_000_000)
        return {sent.sender: sent.fates.get(BRIDGE) for sent in self.air.sent}


@pytest.mark.parametrize("sf", range(7, 13))
def test_airtime_is_semtechs_formula(sf):
    for size in range(20, 52):
        for symbols in (8, 37, 115):
            symbol_ms = 2**sf / 125
            low_rate = 2 if symbol_ms >= 16 else 0
            blocks = math.ceil((8 * size - 4 * sf + 28 + 16) / (4 * (sf - low_rate)))
            exact_ms = (symbols + 4.25 + 8 + max(0, blocks) * 5) * symbol_ms
            found_ms = airtime_us(size, Modulation(KHZ[0], sf, preamble=symbols)) / 1000
            assert exact_ms <= found_ms + 1e-6 < exact_ms + 1.001


def test_a_frame_is_heard_at_its_level():
    desk = Desk([(KHZ[0], 7)])
    desk.send(1, 0)
    assert desk.fates() == {1: "heard"}
    assert desk.heard == [(1, -86, 31)]  # 14 dBm, 100 dB lost, over -117 dBm of noise


@pytest.mark.parametrize("sf", FACTORS)
def test_what_is_below_sensitivity_is_weak(sf):
    for above_db, fate in ((0.1, "heard"), (-0.1, "weak")):
        desk = Desk([(KHZ[0], sf)], losses={1: 14 - sensitivity_dbm(sf) - above_db})
        desk.send(1, 0, sf=sf)
        assert desk.fates() == {1: fate}


def test_the_stronger_one_that_came_first_outlives_a_collision():
    for weaker_db, fate in ((CAPTURE_DB + 0.1, "heard"), (CAPTURE_DB - 0.1, "collided")):
        desk = Desk([(KHZ[0], 7)], losses={2: 100 + weaker_db})
        desk.send(1, 0)
        desk.send(2, 40)
        assert desk.fates() == {1: fate, 2: "busy"}


def test_two_weak_ones_together_are_one_strong_one():
    desk = Desk([(KHZ[0], 7)], losses={2: 108.0, 3: 108.0})
    desk.send(1, 0)
    desk.send(2, 40)
    desk.send(3, 45)
    assert desk.fates() == {1: "collided", 2: "busy", 3: "busy"}  # 5 dB


@pytest.mark.parametrize("other", [8, 9])
def test_other_factors_disturb_when_they_are_much_stronger(other):
    limit_db = ISOLATION_DB[7][other - 7]
    for stronger_db, fate in ((-limit_db - 0.1, "heard"), (-limit_db + 0.1, "collided")):
        desk = Desk([(KHZ[0], 7)], losses={2: 100 - stronger_db})
        desk.send(1, 0)
        desk.send(2, 20, sf=other)
        assert desk.fates() == {1: fate, 2: None}


def test_other_channels_do_not_disturb():
    desk = Desk([(KHZ[0], 7)], losses={2: 60.0})
    desk.send(1, 0)
    desk.send(2, 0, khz=KHZ[1])
    assert desk.fates() == {1: "heard", 2: None}


def test_what_is_over_before_a_receiver_locks_on_does_no_harm():
    long_ms = 150 * 1024 // 1000
    desk = Desk([(KHZ[0], 7), (KHZ[0], 8)], SCANNING)
    desk.send(1, 0, symbols=150)
    desk.send(2, long_ms - 90, frame=bytes(20), khz=KHZ[0])  # 57 ms, within the preamble
    assert desk.fates()[1] == "heard"


def test_while_it_sends_a_bridge_is_deaf_and_cuts_off_what_came():
    desk = Desk([(KHZ[0], 7)])
    desk.send(1, 0)  # being received at 30 ms
    desk.bridge_sends(30, 200)
    desk.send(2, 150)  # its preamble is over at 200 ms
    desk.send(3, 300)
    assert desk.fates() == {1: "cut", 2: "sending", 3: "heard"}


def test_a_preamble_that_outlasts_the_bridges_frame_is_heard():
    desk = Desk(MODES, SCANNING)
    desk.bridge_sends(0, 100)
    desk.send(1, 90, symbols=scan_preamble(3, [7, 8, 9], 7))
    assert desk.fates() == {1: "heard"}


@pytest.mark.parametrize(
    ("kind", "fate"), [(SCANNING, "busy"), (THREE, "heard"), (CONCENTRATOR, "heard")]
)
def test_one_demodulator_takes_one_frame_at_a_time(kind, fate):
    plan = Plan(kind, KHZ, FACTORS)
    desk = Desk(MODES, kind)
    desk.send(1, 0, symbols=preamble(plan, 9), sf=9)
    desk.send(2, 200, khz=KHZ[1], symbols=preamble(plan, 7))
    assert desk.fates() == {1: "heard", 2: fate}


def test_a_concentrator_has_eight_demodulators():
    desk = Desk(MODES, CONCENTRATOR, losses=dict.fromkeys(range(1, 10), 100.0))
    for at, (khz, sf) in enumerate(MODES):
        desk.send(at + 1, 0, khz=khz, sf=sf, frame=bytes(51))
    assert sorted(desk.fates().values()).count("heard") == 8
    assert len(desk.heard) == 8


@pytest.mark.parametrize("sf", FACTORS)
def test_a_scan_sees_every_preamble_that_is_long_enough(sf):
    desk = Desk(MODES, SCANNING)
    circle_ms = Looks(tuple(MODES)).circle_us // 1000
    symbols = scan_preamble(len(KHZ), list(FACTORS), sf)
    for at, khz in enumerate(KHZ * 30):
        desk.send(1, 1000 + at * (600 + circle_ms // 7), khz=khz, sf=sf, symbols=symbols)
    desk.events.run(120_000_000)
    assert desk.radios[0].counts == {"heard": 90}


def test_a_scan_misses_most_short_preambles():
    desk = Desk(MODES, SCANNING)
    for at in range(90):
        desk.send(1, 1000 + at * 419)
    desk.events.run(120_000_000)
    counts = desk.radios[0].counts
    assert counts["unseen"] > 70
    assert counts.total() == 90
    assert set(counts) <= set(FATES)


def test_a_node_hears_the_bridge_only_while_it_listens():
    desk = Desk([(KHZ[0], 7)])
    came = []
    radio = NodeRadio(desk.air, desk.links, 1, came.append)
    down = Modulation(KHZ[0], 7, inverted=True)
    desk.air.send(BRIDGE, down, FRAME, 0)
    desk.events.at(400_000, radio.configure, [down])
    desk.events.at(400_000, radio.receive, 0)
    desk.air.send(2, Modulation(KHZ[0], 7), FRAME, 410_000)  # another node: its IQ is the usual
    desk.air.send(BRIDGE, down, bytes([9]) * 30, 500_000)
    desk.events.run(1_000_000)
    assert came == [1]
    assert radio.receive(0) == (bytes([9]) * 30, -86, 124, 0)
    assert radio.receive(0) is None


def test_bursts_have_their_share_and_length():
    weather = Weather(loss=0.2, burst_s=5.0, fading_db=0.0)
    links = Links(3, {0: (0.0, 0.0), 1: (900.0, 0.0)}, weather)
    states = [links.is_bad(0, 1, at * 100_000) for at in range(400_000)]
    begun = sum(now and not before for before, now in pairwise(states))
    assert abs(sum(states) / len(states) - 0.2) < 0.01
    assert abs(sum(states) / 10 / begun - 5.0) < 0.4


def test_levels_fade_and_shadows_stay():
    weather = Weather(fading_db=3.0, fading_s=60.0)
    places = {0: (0.0, 0.0), **{n: (900.0, float(n)) for n in range(1, 400)}}
    links = Links(5, places, weather)
    faded = [links.loss_db(0, 1, at * 60_000_000) - links.static_db(0, 1) for at in range(4000)]
    assert abs(math.sqrt(sum(db * db for db in faded) / len(faded)) - 3.0) < 0.3
    losses = [links.static_db(0, n) for n in range(1, 400)]
    middle = sum(losses) / len(losses)
    spread = math.sqrt(sum((db - middle) ** 2 for db in losses) / len(losses))
    assert abs(spread - SETTINGS["village"].place_db) < 1.0


def test_links_are_the_same_for_the_same_seed_and_both_ways():
    def made(seed):
        links = Links(seed, {0: (0.0, 0.0)})
        return settle(links, 9, 2500.0), links

    spots, links = made(7)
    assert (spots, [s.sf for s in spots]) == (made(7)[0], [7, 8, 9] * 3)
    assert spots != made(8)[0]
    assert all(spot.margin_db >= 10 for spot in spots)
    assert links.static_db(0, 5) == links.static_db(5, 0)
