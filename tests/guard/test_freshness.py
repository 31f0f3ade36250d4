"""Ages: never too young once proved, and not poisoned by any tick."""

import random
from math import inf

import pytest

from amont_guard.freshness import DRIFT_PPM, RENEW_S, REUSE_S, Freshness
from amont_guard.messages import ASSUMED, PROVED, UNKNOWN

NODE, EPOCH = 17, 4097


class Desk:
    """A node whose tick is guard time minus ``base_s``, and a guard's freshness."""

    def __init__(self, base_s=1000.0, drift_ppm=0.0):
        self.fresh, self.now_s = Freshness(), 5000.0
        self.base_s, self.drift_ppm = base_s, drift_ppm
        self.counter = 0

    def tick(self, now_s=None):
        now_s = self.now_s if now_s is None else now_s
        return int((now_s - self.base_s) * (1 + self.drift_ppm / 1e6))

    def send(self, delay_s=0.0, tick_s=None, echo=None, counter=None):
        """Make a frame now, deliver it ``delay_s`` later."""
        tick_s = self.tick() if tick_s is None else tick_s
        self.counter = self.counter + 1 if counter is None else counter
        made_s, self.now_s = self.now_s, self.now_s + delay_s
        age, odd = self.fresh.observe(NODE, EPOCH, self.counter, tick_s, echo, self.now_s)
        self.true_age_s = self.now_s - made_s
        return age, odd

    def prove(self, downlink_s=0.0):
        nonce = self.fresh.nonce_for(NODE, EPOCH, self.now_s)
        self.now_s += downlink_s
        heard = self.tick()
        self.now_s += 30
        return self.send(echo=(nonce, self.tick() - heard))


def test_age_is_assumed_until_an_echo_proves_it():
    desk = Desk()
    age, odd = desk.send()
    assert (age.quality, age.estimate_s, odd) == (ASSUMED, 0.0, "")
    age, odd = desk.prove()
    assert (age.quality, odd) == (PROVED, "")
    assert 0 <= age.upper_s <= 2
    assert desk.fresh.quality(NODE, EPOCH) == PROVED


def test_estimate_follows_the_fastest_frame():
    desk = Desk()
    desk.send(delay_s=500)
    assert desk.send()[0].estimate_s == 0
    assert desk.send(delay_s=100)[0].estimate_s == pytest.approx(100, abs=2)


@pytest.mark.parametrize("drift_ppm", [-DRIFT_PPM, 0, 110, DRIFT_PPM])
def test_a_proved_age_is_never_too_young(drift_ppm):
    rng = random.Random(drift_ppm)
    desk = Desk(drift_ppm=0)
    desk.drift_ppm = drift_ppm
    desk.send(delay_s=rng.uniform(0, 4000))
    for _ in range(400):
        desk.now_s += rng.uniform(1, 4000)
        if rng.random() < 0.2:
            desk.prove(downlink_s=rng.uniform(0, 900))
        age, _odd = desk.send(delay_s=rng.choice((0.0, 0.3, rng.uniform(0, 90_000))))
        if age.quality == PROVED:
            assert age.upper_s >= desk.true_age_s - 1e-6


def test_a_withheld_echo_proves_no_more_than_its_nonce():
    desk = Desk()
    nonce = desk.fresh.nonce_for(NODE, EPOCH, desk.now_s)
    heard = desk.tick()
    age, _ = desk.send(delay_s=7200, echo=(nonce, desk.tick() - heard))
    assert age.upper_s >= 7200


def test_late_downlink_makes_the_bound_looser_and_a_later_nonce_tightens_it():
    desk = Desk()
    assert desk.prove(downlink_s=600)[0].upper_s == pytest.approx(600, abs=3)
    desk.now_s += RENEW_S + 1
    assert desk.prove()[0].upper_s <= 3


def test_other_nonces_prove_nothing():
    desk = Desk()
    nonce = desk.fresh.nonce_for(NODE, EPOCH, desk.now_s)
    assert desk.send(echo=(nonce ^ 1, 0))[0].quality == ASSUMED
    assert Freshness().observe(NODE, EPOCH, 1, 10, (nonce, 0), 20.0)[0].quality == ASSUMED


def test_an_echo_that_claims_to_be_older_than_its_nonce_proves_nothing():
    desk = Desk()
    nonce = desk.fresh.nonce_for(NODE, EPOCH, desk.now_s)
    age, odd = desk.send(echo=(nonce, 60_000))
    assert age.quality == UNKNOWN
    assert "older than the nonce" in odd


def test_nonces_change_until_proved_but_not_for_each_frame():
    desk = Desk()
    desk.send()
    first = desk.fresh.nonce_for(NODE, EPOCH, desk.now_s)
    assert desk.fresh.nonce_for(NODE, EPOCH, desk.now_s + REUSE_S / 2) == first
    assert desk.fresh.nonce_for(NODE, EPOCH, desk.now_s + REUSE_S) != first
    desk.now_s += 100
    desk.prove()
    kept = desk.fresh.nonce_for(NODE, EPOCH, desk.now_s + 3600)
    assert desk.fresh.nonce_for(NODE, EPOCH, desk.now_s + 7200) == kept
    assert desk.fresh.nonce_for(NODE, EPOCH, desk.now_s + RENEW_S + 100) != kept


def test_nonces_are_bounded():
    fresh = Freshness()
    nonces = [fresh.nonce_for(NODE, EPOCH, 100.0 * n) for n in range(100)]
    assert len(set(nonces)) == 100
    assert fresh.observe(NODE, EPOCH, 1, 0, (nonces[0], 0), 10_000.0)[0].quality == ASSUMED


@pytest.mark.parametrize("leap_s", [100, 3600, 2**28 - 10_000])
def test_a_tick_that_leaps_ahead_does_not_poison_the_base(leap_s):
    desk = Desk()
    desk.prove()
    desk.now_s += 60
    age, odd = desk.send(tick_s=desk.tick() + leap_s)
    assert age.quality == UNKNOWN
    assert "ahead" in odd
    desk.now_s += 60
    age, _ = desk.send()  # the clock is right again
    assert (age.quality, age.estimate_s) == (UNKNOWN, 0)
    assert desk.prove()[0].quality == PROVED
    assert desk.send()[0].upper_s <= 3


def test_a_clock_that_shakes_is_given_more_tolerance():
    for tolerance_s, odd in ((2.0, True), (60.0, False)):
        desk = Desk()
        desk.fresh = Freshness(tolerance_s)
        desk.prove()
        assert bool(desk.send(tick_s=desk.tick() + 30)[1]) is odd


def test_a_leap_before_any_proof_is_noticed_when_the_tick_falls_back():
    desk = Desk()
    desk.send(tick_s=2**28 - 1)
    age, odd = desk.send()
    assert "behind" in odd
    assert (age.quality, age.estimate_s) == (UNKNOWN, 0)
    assert desk.fresh.quality(NODE, EPOCH) == UNKNOWN


def test_nonces_of_before_a_leap_prove_nothing_after_it():
    desk = Desk()
    nonce = desk.fresh.nonce_for(NODE, EPOCH, desk.now_s)
    heard = desk.tick()
    desk.send(tick_s=2**28 - 1)
    desk.send()
    assert desk.send(echo=(nonce, desk.tick() - heard))[0].quality == UNKNOWN


def test_frames_of_before_a_fall_back_are_never_young_again():
    desk = Desk()
    desk.prove()
    withheld = desk.counter + 1
    tick_s = desk.tick()
    desk.counter += 1
    desk.now_s += 3600
    desk.base_s += 3600  # the node's clock fell back an hour
    desk.send()
    desk.now_s += 60
    assert desk.prove()[0].quality == UNKNOWN  # the echo of a new nonce shows the fall
    desk.now_s += 60
    assert desk.prove()[0].quality == PROVED
    assert desk.send()[0].upper_s <= 3
    age, odd = desk.send(tick_s=tick_s, counter=withheld)
    assert (age.quality, age.upper_s) == (UNKNOWN, inf)
    assert "before" in odd
    assert desk.fresh.quality(NODE, EPOCH) == PROVED  # and it undid nothing


def test_late_frames_do_not_undo_what_is_known():
    desk = Desk()
    desk.send()
    desk.prove()
    desk.now_s += 100
    old = desk.tick() - 90
    age, odd = desk.send(tick_s=old, counter=1)
    assert (age.quality, odd) == (PROVED, "")
    assert age.upper_s >= 90


def test_snapshot_keeps_the_proof_over_a_restart():
    desk = Desk()
    desk.prove()
    saved = desk.fresh.snapshot()
    desk.fresh = Freshness()
    desk.fresh.restore(saved)
    assert desk.send()[0].quality == PROVED
    assert desk.send(delay_s=5000)[0].upper_s >= 5000


@pytest.mark.parametrize("saved", [{"17": {}}, {"a/b": {}}, {"1/2": {"high": 1}}, {"1/2": 5}])
def test_a_bad_snapshot_is_refused_whole(saved):
    fresh = Freshness()
    with pytest.raises((ValueError, TypeError)):
        fresh.restore(saved)
    assert fresh.snapshot() == {}


def test_epochs_are_bounded_and_the_eldest_goes():
    fresh = Freshness()
    for epoch in range(10):
        fresh.observe(NODE, epoch, 1, 0, None, 1.0)
    assert list(fresh.snapshot()) == [f"{NODE}/{epoch}" for epoch in range(6, 10)]
    assert fresh.quality(NODE, 0) == UNKNOWN


def test_what_is_left_of_a_life_that_is_over_keeps_its_time():
    fresh = Freshness()
    fresh.observe(NODE, EPOCH, 10, 900, None, 1900.0)
    fresh.observe(NODE, EPOCH, 11, 950, None, 1950.0)  # of its backlog, after its last sample
    fresh.observe(NODE, EPOCH + 1, 60, 5, None, 21_000.0)
    age, odd = fresh.observe(NODE, EPOCH, 61, 900, None, 21_001.0)
    assert odd == ""
    assert age.estimate_s == pytest.approx(21_001 - 1900, abs=15)


def test_an_old_echo_leaves_room_for_the_drift_since():
    fresh = Freshness()
    nonce = fresh.nonce_for(NODE, EPOCH, 1000.0)
    tick_s = int(60_000 * 1.0004)  # a node's clock that runs fast
    age, _ = fresh.observe(NODE, EPOCH, 1, tick_s, (nonce, tick_s), 61_000.0 + 100)
    assert age.upper_s >= 100


def test_a_nonce_that_came_very_late_is_renewed_at_once():
    desk = Desk()
    desk.prove(downlink_s=3000)
    desk.now_s += 60
    assert desk.prove()[0].upper_s <= 3
