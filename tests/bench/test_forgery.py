"""The attacks of the benchmark, some of each; and that it notices what an attack leaves behind."""

import random

import pytest
from tests.bench import bench_forgery
from tests.bench.bench_forgery import KINDS, GuardSide, NodeSide

from amont_guard.freshness import Freshness


@pytest.fixture(scope="module", name="guard")
def _guard(tmp_path_factory):
    return GuardSide(tmp_path_factory.mktemp("forgery"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_guard_takes_none_of_them_and_all_that_is_good(guard, kind):
    assert bench_forgery._try(guard, kind, random.Random(7), 2500)[:2] == (0, 0)
    assert guard.refused == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_believes_none_of_them_and_all_that_is_good(guard, kind):
    node = NodeSide(guard.recorded)
    assert bench_forgery._try(node, kind, random.Random(7), 2500)[:2] == (0, 0)
    assert (node.good, node.refused) == (3, 0)


def test_a_replay_that_moved_the_bounds_of_an_age_would_be_noticed(tmp_path, monkeypatch):
    guard = GuardSide(tmp_path)

    def learn(self, node, epoch, counter, tick_s, now_s):
        return self.observe(node, epoch, counter, tick_s, None, now_s)[0]

    monkeypatch.setattr(Freshness, "look", learn)
    guard.clock.pass_s(120)  # it comes late, and is the newest: the age would be asked for anew
    assert not guard.takes(guard.recorded[0][-1])
    assert guard.changed() == 1
