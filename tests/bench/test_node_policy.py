"""The benches of policy and energy find what they look for, and see planted faults."""

import random

import pytest
from tests.bench import bench_energy, bench_node_airtime, bench_node_crossing
from tests.bench.figures import complete
from tests.firmware.test_airtime_properties import worst_hour_ms as by_brute_force

from amont_node import sampling


@pytest.mark.parametrize("case", bench_node_crossing.CASES, ids=lambda case: case.name)
def test_a_crossing_is_told_in_time(case):
    assert max(bench_node_crossing.crossing(case, seed) for seed in range(8)) <= case.goal_s


@pytest.mark.parametrize("case", bench_node_crossing.CASES, ids=lambda case: case.name)
def test_a_node_without_marks_is_late(case):
    late = [bench_node_crossing.crossing(case, seed, marks=False) for seed in range(8)]
    assert max(late) > case.goal_s


def test_looks_that_see_nothing_are_late(monkeypatch):
    monkeypatch.setattr(sampling.Sampler, "looked", lambda *_: None)
    pipe = next(c for c in bench_node_crossing.CASES if c.name == "pipe_look_60")
    assert max(bench_node_crossing.crossing(pipe, seed) for seed in range(8)) > pipe.goal_s


def test_the_worst_hour_is_the_brute_force_one():
    chance = random.Random(3)
    for _ in range(20):
        sent, free_ms = [], 0
        for _ in range(60):
            free_ms += chance.choice((0, 0, 1000, 200_000, 3_600_000))
            length_ms = chance.randint(50, 2500)
            sent.append((free_ms, length_ms))
            free_ms += length_ms
        assert bench_node_airtime.worst_hour_ms(sent) == by_brute_force(sent)


def test_a_node_with_the_whole_hour_goes_over_the_budget():
    free = bench_node_airtime.live(1, 12, 1000)
    bound = bench_node_airtime.live(1, 12, 10)
    hours = [bench_node_airtime.worst_hour_ms(bench_node_airtime.on_air(n)) for n in (free, bound)]
    assert hours[0] > 36_000 >= hours[1]


def test_the_model_reaches_its_goals_and_is_complete():
    rows = [complete(row, bench_energy.NAMES, 0.0, 1) for row in bench_energy.figures(False, 1)]
    assert [row["name"] for row in rows if row["met"] is False] == []
    assert {row["name"] for row in rows} == set(bench_energy.NAMES)
