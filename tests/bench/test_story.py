"""The stories' oracle finds planted faults; crossings find nodes that measure too seldom."""

import pytest
from tests.bench import bench_crossing, story
from tests.bench.village import RelayDouble

from amont_guard.decide import Judge


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(story, "LENGTH_S", 3200)


def test_a_morning_without_trouble():
    outcome = story.Story(1).run()
    assert outcome.what == []
    assert outcome.counts["floods"]


def test_a_flood_that_nobody_heard_is_missed():
    silent = story.Story(1)
    silent._judge_floods()
    assert len(silent.outcome.what) == silent.outcome.counts["floods"] > 0


def test_a_flood_is_excused_only_by_boots_or_a_step_in_the_only_sensor():
    silent = story.Story(1)
    number, crossed = silent._crossings[0]
    silent._crossings = [(number, crossed)]
    silent._boots_s = [crossed + s for s in range(0, 6000, 100)]
    silent._judge_floods()
    silent._boots_s = [crossed - 1000, crossed + 1000]
    silent._judge_floods()
    silent.places[number].sensors = 1
    silent._spikes = [(100 + number, crossed - 60)]
    silent._judge_floods()
    silent.places[number].sensors = 2
    silent._judge_floods()
    assert [text.split(":")[0] for text in silent.outcome.excused] == [
        "over before a machine that boots could hear it",
        "a step in the only sensor just before",
    ]
    assert len(silent.outcome.what) == 2


def test_a_guard_that_takes_the_wall_clock_for_time_is_found():
    def plant(made):
        made.clock.monotonic_s = lambda: made.clock.wall_ms() / 1000

    assert story.Story(2, jumps=8).run(plant).failures


def test_a_relay_that_is_switched_before_a_decision_is_found():
    def plant(made):
        def eager(siren, folder):
            relay = made._relay(siren, folder)
            assert isinstance(relay, RelayDouble)
            relay.switch(True, False)
            return relay

        made.relay_factory = eager

    outcome = story.Story(3, boots=5).run(plant)
    assert outcome.counts["on before a decision"]


def test_crossings_find_a_village_that_never_hurries(monkeypatch):
    with monkeypatch.context() as planted:  # neither the node's own mark nor the guard's wish
        planted.setattr(Judge, "rate", lambda *_: 1)
        naive = [c.taken_s for c in bench_crossing.crossings("fast", 1, False, 3)]
    assert max(naive) > bench_crossing.FAST_GOAL_S
    marked = [c.taken_s for c in bench_crossing.crossings("fast", 1, True, 3)]
    assert max(marked) <= bench_crossing.FAST_GOAL_S
