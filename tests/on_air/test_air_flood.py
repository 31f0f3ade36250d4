"""An hour of flood on the simulated air: replay, what holds of any run, what a dead air costs."""

from collections import Counter
from functools import cache
from itertools import pairwise

import pytest

from amont_hil.air_anchor import AlohaFlood
from amont_hil.air_bridge import CONCENTRATOR, CONTINUOUS, SCANNING, THREE
from amont_hil.air_flood import CALM_S, CHANNELS_KHZ, HOUR_S, Flood, Scenario, worst_hour_us
from amont_hil.air_links import FACTORS, Weather
from amont_hil.air_receivers import FATES
from amont_hil.air_site import ALARM_MM, River, rivers_of

NODES = 12
HOUR_PERMILLE_US = 3_600_000
LISTEN_US = 2_600_000
KINDS = (SCANNING, CONTINUOUS, THREE, CONCENTRATOR)


def scenario(seed=1, **changes):
    return Scenario(seed, **{"nodes": NODES, "crossing": 6, "drain_s": 0, **changes})


@cache
def run(kind=SCANNING):
    flood = Flood(scenario(kind=kind))
    return flood, flood.run()


def test_the_same_seed_gives_the_same_trace():
    _, first = run()
    again, other = Flood(scenario()).run(), Flood(scenario(seed=2)).run()
    assert len(first.trace) > 200
    assert (again.trace, again.urgent_s, again.fates) == (
        first.trace, first.urgent_s, first.fates,
    )  # fmt: skip
    assert other.trace != first.trace


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_comes_to_one_fate(kind):
    flood, outcome = run(kind)
    over = [s for s in flood.air.sent if s.sender and s.end_us <= flood.events.now_us]
    assert Counter(s.fates[0] for s in over) == outcome.fates
    assert outcome.fates.total() == len(over) >= outcome.uplinks - NODES
    assert set(outcome.fates) <= set(FATES)
    assert outcome.fates["heard"] > outcome.fates.total() / 3
    counters = flood.guard.counters
    assert counters["opened"] + counters["seen again"] + 2 >= outcome.fates["heard"]
    assert not [name for name in counters if name in ("wrong key or damaged", "malformed body")]


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_on_the_air_for_over_one_percent_of_any_hour(kind):
    _, outcome = run(kind)
    assert len(outcome.node_airtime_us) == NODES
    assert max(outcome.node_airtime_us.values()) <= 10 * HOUR_PERMILLE_US
    assert 0 < outcome.bridge_airtime_us <= 10 * HOUR_PERMILLE_US


def test_who_sends_does_one_thing_at_a_time_on_its_channels_by_turns():
    flood, _ = run()
    for node in range(NODES + 1):
        sent = [s for s in flood.air.sent if s.sender == node]
        assert len(sent) > 5
        assert all(after.begin_us >= before.end_us for before, after in pairwise(sent))
        if node:
            turns = [CHANNELS_KHZ.index(s.modulation.freq_khz) for s in sent]
            assert turns[0] == node % 3
            assert all((b - a) % 3 == 1 for a, b in pairwise(turns))
            assert {s.modulation.sf for s in sent} == {FACTORS[(node - 1) % 3]}
            assert not any(s.modulation.inverted for s in sent)


def test_a_bridge_speaks_only_into_the_window_of_who_it_speaks_to():
    flood, outcome = run()
    last = {}
    downlinks = 0
    for sent in flood.air.sent:
        m = sent.modulation
        if sent.sender:
            last[sent.sender] = sent
            continue
        downlinks += 1
        uplink = last[sent.frame[1] | sent.frame[2] << 8]
        where = uplink.modulation
        assert m.inverted
        assert (m.freq_khz, m.sf) == (where.freq_khz, where.sf)
        assert uplink.fates[0] == "heard" or uplink.end_us > sent.begin_us
        assert sent.begin_us <= uplink.end_us + LISTEN_US
    assert downlinks == outcome.downlinks > 20
    assert outcome.downlinks_heard > downlinks / 2


@pytest.mark.parametrize("kind", KINDS)
def test_crossings_are_told_and_nothing_is_lost(kind):
    flood, outcome = run(kind)
    crossed = [c for c in flood.crossings if c.at_us < (CALM_S + HOUR_S - 180) * 1_000_000]
    assert len(crossed) >= 6
    assert all(0 < c.took_s < 180 for c in crossed)
    assert outcome.lost == 0
    assert outcome.readings > 4 * NODES + 6 * 60


def test_what_an_acknowledgement_told_is_committed():
    flood, _ = run()
    acked = 0
    for node in flood.nodes.values():
        for seq in range(len(node.outbox.records)):
            if not node.outbox.waits(seq):
                acked += 1
                assert flood.guard.holds(node.id, seq)
    assert acked > 100


def test_with_time_everything_is_committed():
    outcome = Flood(scenario(nodes=6, crossing=3, drain_s=5 * HOUR_S)).run()
    assert (outcome.late, outcome.lost) == (0, 0)
    assert 0 < outcome.drained_s < 5 * HOUR_S


def test_a_dead_air_costs_no_more_airtime_and_loses_nothing():
    flood = Flood(scenario(weather=Weather(loss=1.0)))
    outcome = flood.run()
    assert set(outcome.fates) <= {"lost", "busy"}
    assert (outcome.downlinks, outcome.lost) == (0, 0)
    assert outcome.late == outcome.readings
    assert max(outcome.node_airtime_us.values()) <= 10 * HOUR_PERMILLE_US
    assert all(c.told_us is None for c in flood.crossings)


def test_clocks_in_step_change_what_happens_and_not_what_holds():
    outcome = Flood(scenario(in_step=True)).run()
    assert outcome.trace != run()[1].trace
    assert outcome.lost == 0
    assert max(outcome.node_airtime_us.values()) <= 10 * HOUR_PERMILLE_US


def test_the_anchor_replays_and_keeps_to_no_airtime():
    first, again = AlohaFlood(scenario()).run(), AlohaFlood(scenario()).run()
    assert first == again
    assert len(first.urgent_s) >= 6
    assert first.bridge_airtime_us > run()[1].bridge_airtime_us


def test_the_worst_hour_slides():
    hour_us = 3_600_000_000
    assert worst_hour_us([]) == 0
    assert worst_hour_us([(0, 10), (hour_us - 10, 10)]) == 20
    assert worst_hour_us([(0, 10), (hour_us, 10)]) == 10
    assert worst_hour_us([(0, 10), (hour_us - 4, 10)]) == 14


def test_rivers_cross_when_they_should():
    for river in rivers_of(3, 10, 1000.0, 600.0, 9000.0):
        crossed_s = next(s for s in range(9000) if river.mm(s) >= 1200)
        assert 1000 <= crossed_s <= 1601
    river = River(0.0, 60.0, 9000.0)
    assert (river.mm(-5.0), river.mm(600.0), river.mm(5000.0)) == (400, 1000, 2900)
    assert river.mm(8999) > ALARM_MM > river.mm(12_000) > river.mm(20_000) == 400
