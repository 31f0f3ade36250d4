"""Airtime, collisions and what overlap brings: beside published values, and never over the law."""

from dataclasses import replace
from math import exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.node_life import NodeLife, Told

from amont_provision import framesizes, traffic
from amont_provision.traffic import SHARE_S, TRIES, Air, Rhythm, load, lost_readings
from amont_wire.airtime import time_on_air_ms
from amont_wire.const import MAX_FRAME, QUANTITY_CODES

RIVER = Rhythm(("stage_mm",), 900, 4, 60, 21_600, alarms=True)
AIR = Air(9, 8)

# --- frames


@pytest.mark.parametrize("quantity", QUANTITY_CODES)
def test_every_quantity_makes_frames_that_fit(quantity):
    for readings in (1, 4, 64):
        frame = framesizes.samples((quantity,), readings)
        assert 27 <= frame.size <= MAX_FRAME
        assert 1 <= frame.readings <= readings
    longest = framesizes.full((quantity,), 4)
    assert longest.readings >= 12
    assert longest.size >= framesizes.samples((quantity,), 4).size


def test_more_channels_leave_less_overlap_and_a_flood_costs_more():
    four = ("stage_mm", "water_temp_cc", "battery_mv", "rain_um")
    assert framesizes.full(four, 1).readings < framesizes.full(("stage_mm",), 1).readings
    calm = framesizes.samples(("stage_mm",), 20, 60)
    assert framesizes.samples(("stage_mm",), 20, 60, flood=True).size > calm.size
    assert framesizes.ack_size() < framesizes.health_size() < MAX_FRAME


# --- a calm day


def test_a_calm_day_worked_by_hand():
    size = framesizes.samples(("stage_mm",), 8).size
    day_ms = 24 * time_on_air_ms(size, 9, 125, 5, 8)
    day_ms += 4 * time_on_air_ms(framesizes.health_size(), 9, 125, 5, 8)
    assert load(RIVER, AIR).day_s == pytest.approx(day_ms / 1000)
    longest = framesizes.full(("stage_mm",), 4)
    hour_ms = TRIES * time_on_air_ms(longest.size, 9, 125, 5, 8)
    hour_ms += time_on_air_ms(framesizes.health_size(), 9, 125, 5, 8)
    assert load(RIVER, AIR).calm_hour_s == pytest.approx(hour_ms / 1000)


def test_a_frame_goes_out_until_it_is_answered():
    assert AIR.tries() == 1
    assert replace(AIR, loss=1).tries() == 2 * TRIES  # once more from the backlog
    u = 1 - 0.8**2
    assert replace(AIR, loss=0.2).tries() == pytest.approx((1 + u + u**2) * (1 + u**3))
    assert replace(AIR, loss=0.2, repeats=False).tries() == 1
    assert replace(AIR, calm_answered=0.5).tries() == pytest.approx(1.75 * 1.125)


airs = st.builds(
    Air,
    sf=st.integers(7, 12),
    preamble=st.integers(8, 140),
    overhead_bytes=st.sampled_from([0, 13]),
    loss=st.floats(0, 1),
    flood_loss=st.floats(0, 1),
    calm_answered=st.floats(0, 1),
    flood_answered=st.floats(0, 1),
    repeats=st.booleans(),
)
rhythms = st.builds(
    Rhythm,
    quantities=st.sampled_from([("stage_mm",), ("rain_um",), ("flow_l_h", "pressure_pa10")]),
    interval_s=st.sampled_from([300, 900, 3600]),
    frame_samples=st.integers(1, 4),
    fast_interval_s=st.sampled_from([10, 60, 300]),
    health_s=st.sampled_from([3_600, 21_600]),
    alarms=st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(rhythms, airs)
def test_no_hour_is_over_the_law_whatever_is_lost(rhythm, air):
    found = load(rhythm, air)
    assert 0 < found.flood_hour_s <= SHARE_S
    assert 0 < found.calm_hour_s <= SHARE_S / 2
    assert found.fast_s >= 1
    assert 0 <= found.urgent_s <= 3_600


@settings(max_examples=20, deadline=None)
@given(rhythms, airs, st.floats(0, 0.3))
def test_slower_and_lossier_never_sends_less_on_a_calm_day(rhythm, air, more):
    now_s = load(rhythm, air).day_s
    assert load(rhythm, replace(air, loss=min(1, air.loss + more))).day_s >= now_s - 1e-9
    if air.sf < 12:
        assert load(rhythm, replace(air, sf=air.sf + 1)).day_s > now_s


# --- a flood


def test_a_flood_is_heard_at_once_and_its_samples_slow_down_with_the_factor():
    floods = [load(RIVER, replace(AIR, sf=sf)) for sf in range(7, 13)]
    assert [flood.urgent_s for flood in floods] == [0] * 6
    each_s = [flood.fast_s for flood in floods]
    assert each_s == sorted(each_s)
    assert each_s[0] <= 60 < each_s[-1]  # urgent frames carry samples, too
    assert floods[2].flood_hour_s < floods[5].flood_hour_s


def test_a_flood_is_the_same_each_time_and_lossier_ones_are_later():
    lossy = replace(AIR, flood_loss=0.6)
    assert load(RIVER, lossy) == load(RIVER, lossy)
    assert load(RIVER, lossy).urgent_s > load(RIVER, AIR).urgent_s


def test_without_alarms_nothing_is_urgent():
    pipe = replace(RIVER, alarms=False)
    assert load(pipe, AIR).flood_hour_s < load(RIVER, AIR).flood_hour_s


# --- beside the node's own logic

DAY_S = 86_400


def node(sf: int, seed: int, loss: float) -> NodeLife:
    carrier = {"kind": "radio", "host": "h", "port": 1, "lora": {"sf": sf}}
    probe = {"kind": "replay", "file": "stage.txt"}
    river = {
        "schema": 1, "id": 17, "generation": 1, "version": 1, "interval_s": 900,
        "fast_interval_s": 60, "frame_samples": 4, "profile": "slow-river", "high_mark": 1200,
        "alarm_mark": 2500, "carrier": carrier,
        "channels": [{"index": 0, "quantity": 1, "step": 1, "probe": probe}],
    }  # fmt: skip
    return NodeLife(river, stage_mm, seed, loss)


def stage_mm(tick_s: int) -> int:
    """Return a calm day, then a flood that is over the alarm's mark after half an hour."""
    return 400 if tick_s < DAY_S else 1_200 + (tick_s - DAY_S) * 1_300 // 1_800


@pytest.mark.parametrize("loss", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("sf", [7, 9, 12])
def test_a_day_and_a_flood_are_about_what_the_nodes_own_logic_sends(sf, loss):
    """Its guard asks for nothing, so it has fewer urgent frames: a fifth of the share apart."""
    runs = []
    for seed in range(3):
        life = node(sf, seed, loss)
        life.run(DAY_S)
        before = len(life.told)
        life.run(DAY_S + 3_605)
        runs.append((on_air_s(life.told[:before], sf), on_air_s(life.told[before:], sf)))
    found = load(RIVER, replace(AIR, sf=sf, loss=loss, flood_loss=loss))
    assert found.day_s == pytest.approx(sum(day for day, _ in runs) / 3, rel=0.3)
    flood_s = sum(flood for _, flood in runs) / 3
    assert found.flood_hour_s == pytest.approx(flood_s, abs=SHARE_S / 5)


def on_air_s(told: list[Told], sf: int) -> float:
    return sum(time_on_air_ms(frame.size, sf, 125, 5, 8) for frame in told) / 1000


# --- the others on the air


def test_collisions_are_those_of_pure_aloha():
    """Half of the time taken: e^-1 of the frames are alone (Abramson 1970)."""
    assert traffic.collisions(1_800) == pytest.approx(1 - exp(-1))
    assert traffic.collisions(0) == 0
    assert traffic.collisions(36) == pytest.approx(0.02, abs=0.0005)


# --- what overlap brings

# loss, mean run of lost frames, then the share of readings for (new, carried): three years of
# frames simulated with such losses
SIMULATED = {
    (0.1, 1.1): (89.98, 90.2, 100.0, 99.999, 98.87, 99.99),
    (0.2, 1.25): (80.0, 79.4, 99.981, 100.0, 96.1, 99.87),
    (0.3, 1.4): (70.0, 69.4, 99.95, 100.0, 91.7, 99.4),
    (0.2, 4): (80.1, 80.4, 95.6, 99.98, 84.7, 90.8),
    (0.2, 12): (80.2, 79.1, 88.5, 97.2, 82.2, 85.6),
}
FRAMES = ((1, 1), (4, 4), (4, 24), (1, 24), (12, 24), (12, 48))


@pytest.mark.parametrize(("way", "shares"), SIMULATED.items(), ids=str)
def test_readings_that_arrive_are_those_of_a_simulation(way, shares):
    loss, burst = way
    for (fresh, carried), share in zip(FRAMES, shares, strict=True):
        found = 100 * (1 - lost_readings(loss, fresh, carried, burst))
        assert found == pytest.approx(share, abs=1.5 if burst > 2 else 1.2)
        if share >= 99.9:
            assert found == pytest.approx(share, abs=0.07)


def test_four_of_twenty_four_bear_a_loss_of_one_in_five():
    assert 1 - lost_readings(0.2, 4, 24) == pytest.approx(1 - 0.2**6)
    assert 1 - lost_readings(0.2, 4, 24) > 0.999
    assert lost_readings(0.2, 4, 26) < lost_readings(0.2, 4, 24)
    assert lost_readings(0, 4, 24) == 0
    assert lost_readings(1, 4, 24) == 1
    assert lost_readings(0.2, 4, 2) == pytest.approx(0.2)  # what never fits is never carried


@pytest.mark.parametrize(("loss", "fresh", "carried"), [(0.3, 4, 9), (0.5, 2, 5), (0.5, 1, 3)])
def test_the_formula_is_what_frames_do(loss, fresh, carried):
    random, frames = Random(7), 40_000
    heard = [random.random() >= loss for _ in range(frames)]
    arrived = {
        number
        for at, good in enumerate(heard)
        if good
        for number in range((at + 1) * fresh - carried, (at + 1) * fresh)
    }
    whole = range(carried, (frames - carried) * fresh)
    missing = sum(number not in arrived for number in whole) / len(whole)
    assert missing == pytest.approx(lost_readings(loss, fresh, carried), abs=0.01)


def test_answers_bring_back_what_overlap_leaves():
    assert traffic.recovered(RIVER, replace(AIR, loss=0.2)) == 1
    assert traffic.recovered(RIVER, replace(AIR, loss=0.8)) == 1
    hopeless = traffic.recovered(RIVER, replace(AIR, sf=12, loss=0.99))
    assert hopeless < 0.5
    silent = replace(AIR, loss=0.6, calm_answered=0)
    frame = framesizes.full(RIVER.quantities, 4)
    assert 1 - traffic.recovered(RIVER, silent) == pytest.approx(
        lost_readings(0.6, 4, frame.readings)
    )
