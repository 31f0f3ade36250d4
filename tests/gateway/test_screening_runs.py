"""Short runs that jump there and back: what is doubted, when, and what must not be."""

import numpy as np
import pytest

from amont_gateway.scoring.screening import LOOK_AFTER, SPIKE, check
from amont_gateway.scoring.screening_runs import LONGEST, returned

STEP_MS = 900_000
AT = 300


def calm(count=600, seed=1):
    return 400.0 + np.round(np.random.default_rng(seed).standard_normal(count), 1)


def codes(value, agrees=None):
    t_ms = 1_700_000_000_000 + STEP_MS * np.arange(len(value), dtype=np.int64)
    return check(t_ms, value, agrees=agrees).code


@pytest.mark.parametrize("length", range(1, LONGEST + 1))
@pytest.mark.parametrize("jump_mm", [-40.0, 40.0, 700.0])
def test_a_run_that_came_back_is_doubted_in_the_end_whole(length, jump_mm):
    value = calm()
    value[AT : AT + length] += jump_mm
    last = codes(value)[:, -1] & SPIKE
    assert last[AT : AT + length].all()
    assert not last[:AT].any()
    assert not last[AT + length :].any()


def test_a_run_is_known_with_the_reading_that_came_back_and_not_before():
    value, margin = calm(), np.full(600, 10.0)
    value[AT : AT + 4] += 60.0
    found = returned(value, margin, np.ones(600, bool), LOOK_AFTER)
    assert found[AT].tolist() == [False, False, False, False, True]  # after 3 it was still up
    assert found[AT + 1].tolist() == [False, False, False, True, True]
    assert found[AT + 3].tolist() == [False, True, True, True, True]
    cut = returned(value[: AT + 4], margin[: AT + 4], np.ones(AT + 4, bool), LOOK_AFTER)
    assert not cut.any()


def test_a_longer_run_is_believed():
    value = calm()
    value[AT : AT + LONGEST + 1] += 150.0
    assert not codes(value)[AT : AT + LONGEST + 1, -1].any()


def test_a_quick_flood_that_falls_slower_than_it_rose_is_believed():
    value = calm()
    value[AT : AT + 12] += np.array([150, 380, 400, 340, 280, 230, 180, 140, 100, 70, 40, 20.0])
    margin, alone = np.full(600, 20.0), np.ones(600, bool)
    assert not returned(value, margin, alone, LOOK_AFTER).any()


def test_water_that_went_on_rising_is_believed_whatever_the_next_reading_says():
    value = calm()
    value[AT : AT + 4] += (40.0, 45.0, 70.0, 90.0)  # then one reading of a dry sensor
    margin, alone = np.full(600, 10.0), np.ones(600, bool)
    assert not returned(value, margin, alone, LOOK_AFTER)[AT : AT + 4].any()


def test_what_comes_behind_a_run_changes_nothing_of_it():
    value, margin, alone = calm(), np.full(600, 10.0), np.ones(600, bool)
    value[AT : AT + 3] += 60.0
    known = returned(value, margin, alone, LOOK_AFTER)[AT : AT + 3]
    value[AT + 4 :] += 900.0
    assert np.array_equal(returned(value, margin, alone, LOOK_AFTER)[AT : AT + 3], known)


def test_a_run_that_a_neighbour_saw_as_well_is_no_fault():
    value = calm()
    value[AT : AT + 4] += 60.0
    assert codes(value)[AT : AT + 4, -1].any()
    both = np.zeros(600, bool)
    both[AT : AT + 5] = True
    assert not codes(value, both)[AT : AT + 4, -1].any()


def test_water_that_moved_before_is_no_level_to_come_back_to():
    value = calm()
    value[AT - 2 :] += 30.0
    value[AT : AT + 4] += 80.0
    margin, alone = np.full(600, 40.0), np.ones(600, bool)
    assert not returned(value, margin, alone, LOOK_AFTER)[AT : AT + 4].any()
    value[AT - 3] += 30.0  # it had come to rest
    assert returned(value, margin, alone, LOOK_AFTER)[AT : AT + 4, -1].all()
