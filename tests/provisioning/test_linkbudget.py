"""The link budget: its formulas beside published values, and what must always hold of them."""

from dataclasses import replace
from math import hypot
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_provision import linkbudget
from amont_provision.linkbudget import (
    BEST,
    SETTINGS,
    Link,
    delivery,
    edge_db,
    estimate,
    fade_margin_db,
    free_space_db,
    hata_db,
    loss_db,
    sensitivity_dbm,
    two_rays_db,
)

# --- published values


@pytest.mark.parametrize(
    ("mhz", "away_m", "published_db"),
    [
        (900, 1_000, 91.5),  # the usual table of free-space losses
        (2_400, 1_000, 100.0),
        (2_400, 100, 80.0),
        (868.3, 10_000, 111.2),
    ],
)
def test_free_space(mhz, away_m, published_db):
    assert free_space_db(away_m, mhz) == pytest.approx(published_db, abs=0.1)


@pytest.mark.parametrize(
    ("area", "published_db"),
    [("urban", 137.88), ("suburban", 128.03), ("open", 110.21)],
)
def test_hata_is_that_of_another_program(area, published_db):
    """Reference values of ns-3's test of its model: 869 MHz, 2 km, 30 m and 1 m.

    SM.2028 rounds Hata's constants, which is 0.17 dB; ns-3's open area has others, half a dB.
    """
    most_db = 0.6 if area == "open" else 0.18
    assert hata_db(2_000, 1, 30, area, 869) == pytest.approx(published_db, abs=most_db)


def test_hata_worked_by_hand_above_and_below_its_range():
    """900 MHz, 100 m, 2 m, 4 km by Hata's paper: 137.0 dB; 20 log(h/30) more below 30 m."""
    urban_db = 69.55 + 26.16 * 2.954 - 13.82 * 2 - 1.29 + (44.9 - 6.55 * 2) * 0.602
    assert hata_db(4_000, 2, 100, "urban", 900) == pytest.approx(urban_db, abs=0.2)
    lower_db = hata_db(2_000, 1, 15, "open") - hata_db(2_000, 1, 30, "open")
    assert lower_db == pytest.approx(6.02, abs=0.01)


@pytest.mark.parametrize(
    ("nu", "published_db"), [(0.0, 6.0), (1.0, 13.9), (2.0, 19.0), (-0.78, 0.0), (-2.0, 0.0)]
)
def test_one_edge(nu, published_db):
    """J(nu) of P.526; nu is the height in these distances' own unit."""
    near_m = far_m = 1_000.0
    height_m = nu / (2 / (299.792458 / 868.3) * (1 / near_m + 1 / far_m)) ** 0.5
    assert edge_db(height_m, near_m, far_m) == pytest.approx(published_db, abs=0.15)


def test_two_rays_lose_twelve_db_a_doubling_from_the_break_on():
    away_m = linkbudget.break_m(2, 10)
    assert two_rays_db(away_m, 2, 10) == pytest.approx(free_space_db(away_m), abs=0.1)
    assert two_rays_db(2 * away_m, 2, 10) - two_rays_db(away_m, 2, 10) == pytest.approx(
        12.04, abs=0.01
    )
    high = Link(away_m / 4, "clear", 9, 2, 10)
    assert loss_db(high) == pytest.approx(free_space_db(hypot(away_m / 4, 8)))


@pytest.mark.parametrize(("sf", "dbm"), [(7, -124), (12, -137)])
def test_what_is_received_is_the_datasheets(sf, dbm):
    """SX1262 datasheet, table 3-8; SX1272's table says -124, -127, -130, -133, -135, -137."""
    assert sensitivity_dbm(sf) == pytest.approx(dbm, abs=0.6)
    assert linkbudget.noise_dbm() == pytest.approx(-117.0, abs=0.1)


def test_each_step_of_the_spreading_factor_gives_two_and_a_half_db():
    for sf in range(7, 12):
        assert sensitivity_dbm(sf) - sensitivity_dbm(sf + 1) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("here", "there", "away_m"),
    [
        ((48.8566, 2.3522), (51.5074, -0.1278), 343_560),  # Paris, London
        ((44.0, 3.0), (45.0, 3.0), 111_195),
        ((44.0, 3.0), (44.0, 3.0), 0),
    ],
)
def test_distance(here, there, away_m):
    assert linkbudget.distance_m(here, there) == pytest.approx(away_m, rel=2e-4, abs=0.01)


def test_delivery_is_the_normal_distributions():
    """Tables of the normal distribution: 1.2816 spreads leave one in ten, 2.3263 one in 100."""
    assert delivery(0, 5.6) == 0.5
    assert delivery(1.2816 * 5.6, 5.6) == pytest.approx(0.9, abs=1e-4)
    assert delivery(-2.3263 * 8, 8) == pytest.approx(0.01, abs=1e-4)
    assert fade_margin_db(0.9, 5.6) == pytest.approx(1.2816 * 5.6, abs=1e-3)
    low_db, high_db = estimate(Link(1_000, "open", 9)).band_db
    assert high_db - low_db == pytest.approx(2 * 1.2816 * 9, abs=1e-3)


def test_the_law_counts_beside_a_dipole():
    link = Link(1_000, "open", 9, node_gain_db=2.15)
    assert link.erp_dbm == pytest.approx(linkbudget.ERP_MOST_DBM)
    found = estimate(link)
    expected_dbm = 14 + 2.15 + 2.0 - loss_db(link)
    assert found.received_dbm == pytest.approx(expected_dbm)
    assert found.margin_db == pytest.approx(expected_dbm - sensitivity_dbm(9))


def test_the_best_of_several_is_that_of_drawn_numbers():
    random = Random(5)
    for count, (mean, deviation) in BEST.items():
        best = [max(random.gauss(0, 1) for _ in range(count)) for _ in range(40_000)]
        assert fmean(best) == pytest.approx(mean, abs=0.02)
        assert stdev(best) == pytest.approx(deviation, abs=0.02)
        found = estimate(Link(2_000, "village", 9, receivers=count))
        low_db, high_db = found.band_db
        drawn_db = sorted(found.margin_db + 9 * one for one in best)
        assert drawn_db[4_000] == pytest.approx(low_db, abs=0.4)
        assert drawn_db[36_000] == pytest.approx(high_db, abs=0.4)


# --- what must always hold

links = st.builds(
    Link,
    distance_m=st.floats(1, 40_000),
    setting=st.sampled_from(sorted(SETTINGS)),
    sf=st.integers(7, 12),
    node_m=st.floats(0, 30),
    bridge_m=st.floats(1, 100),
    node_gain_db=st.floats(-10, 6),
    bridge_gain_db=st.floats(-10, 6),
    obstacle_m=st.floats(0, 200),
    receivers=st.integers(1, 4),
)


@settings(max_examples=60, deadline=None)
@given(links, st.floats(1.01, 10))
def test_further_away_is_never_better(link, times):
    further = replace(link, distance_m=link.distance_m * times)
    # over one edge midway a longer way bends less: there the whole is looked at further on
    if link.setting != "valley" or link.obstacle_m == 0:
        assert loss_db(further) >= loss_db(link) - 1e-9


@settings(max_examples=60, deadline=None)
@given(links, st.floats(0.5, 20))
def test_higher_is_never_worse_from_where_heights_matter(link, more_m):
    link = replace(link, distance_m=max(link.distance_m, 500.0))
    higher = replace(link, node_m=link.node_m + more_m, bridge_m=link.bridge_m + more_m)
    assert loss_db(higher) <= loss_db(link) + 0.2  # the way itself grows by its slope


@settings(max_examples=60, deadline=None)
@given(links)
def test_nothing_beats_free_space_and_what_is_between_costs(link):
    slope_m = link.bridge_m - max(link.node_m, linkbudget.LOW_M)
    away_m = hypot(max(link.distance_m, 1.0), slope_m)
    assert loss_db(link) >= free_space_db(away_m) - 1e-6
    open_db = loss_db(replace(link, setting="open"))
    assert loss_db(replace(link, setting="village")) >= open_db - 1e-9
    assert loss_db(replace(link, setting="valley")) >= open_db
    below = replace(link, setting="manhole", node_m=0.0)
    assert loss_db(below) >= loss_db(replace(link, setting="village", node_m=1.0)) + 20


@settings(max_examples=60, deadline=None)
@given(links)
def test_an_estimate_is_a_band_and_a_word(link):
    found = estimate(link)
    worse_db, better_db = found.band_db
    assert worse_db < better_db
    assert worse_db < found.margin_db or link.receivers > 1
    worse, expected, better = found.frames
    assert 0 <= worse <= better <= 1
    assert 0 <= expected <= 1
    if found.word == "good":
        assert worse >= 0.8
        assert worse_db > 0
    elif found.word == "unlikely":
        assert expected < 0.5
    else:
        assert found.word == "marginal"
        assert worse < 0.8


@settings(max_examples=60, deadline=None)
@given(links)
def test_slower_and_stronger_only_help(link):
    margin_db = estimate(link).margin_db
    if link.sf < 12:
        assert estimate(replace(link, sf=link.sf + 1)).margin_db == pytest.approx(margin_db + 2.5)
    if link.receivers < 4:
        more = estimate(replace(link, receivers=link.receivers + 1))
        pairs = zip(more.frames, estimate(link).frames, strict=True)
        assert all(after >= before - 1e-6 for after, before in pairs)
    stronger = replace(link, node_gain_db=link.node_gain_db + 3)
    assert estimate(stronger).margin_db == pytest.approx(margin_db + 3)


def test_each_setting_says_where_its_figures_come_from():
    for setting in SETTINGS.values():
        assert setting.source
        assert 0 < setting.time_db < setting.place_db <= 10
    assert not SETTINGS["open"].assumed
    assert SETTINGS["manhole"].assumed
