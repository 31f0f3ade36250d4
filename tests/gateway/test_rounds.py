"""Rounds of what is worked out: each part at its own pace, whatever becomes of another."""

import sqlite3

import pytest

from amont_gateway.counters import Counters
from amont_gateway.database import Away, Denied
from amont_gateway.events import Events
from amont_gateway.rounds import Due, Rounds


class Part:
    """A part that does as the test says, and takes as long."""

    def __init__(self, time, *results, takes_s=0.0):
        self.time, self.results, self.takes_s = time, list(results), takes_s
        self.made, self.closed = [], 0

    def step(self):
        self.made.append(self.time.real_s)
        self.time.real_s += self.takes_s
        result = self.results.pop(0) if self.results else False
        if isinstance(result, Exception):
            raise result
        return result

    def close(self):
        self.closed += 1


class Time:
    """Real time that runs on half a second a look, the domain's at ``speed``; stops after some."""

    def __init__(self, clock, until_s, speed=1.0):
        self.clock, self.until_s, self.speed, self.real_s = clock, until_s, speed, 0.0
        self.begin_s = clock.now_s

    def wait(self, seconds):
        self.real_s += seconds
        self.clock.now_s = self.begin_s + self.speed * self.real_s
        return self.real_s > self.until_s

    def is_set(self):
        return self.real_s > self.until_s


@pytest.fixture
def made(clock):
    def make(time, **parts):
        counters = Counters()
        events = Events(counters, clock.wall_ms)
        due = [Due(name, part, every_s) for name, (part, every_s) in parts.items()]
        Rounds(due, counters, events, clock, lambda: time.real_s).run(time)
        return counters.snapshot(), events

    return make


def test_each_part_has_its_own_pace(made, clock):
    time = Time(clock, 40.0)
    often, seldom = Part(time), Part(time)
    made(time, often=(often, 5.0), seldom=(seldom, 20.0))
    assert often.made == [0.5, 5.5, 10.5, 15.5, 20.5, 25.5, 30.5, 35.5]
    assert seldom.made == [0.5, 20.5]
    assert (often.closed, seldom.closed) == (1, 1)


def test_however_fast_the_domains_clock_runs_a_part_rests(made, clock):
    time = Time(clock, 10.0, speed=600.0)
    part = Part(time)
    made(time, part=(part, 5.0))
    assert part.made == [0.5, 2.5, 4.5, 6.5, 8.5]


def test_a_part_of_which_more_waits_rests_as_long_as_it_worked(made, clock):
    time = Time(clock, 30.0)
    busy, other = Part(time, True, True, True, False, takes_s=2.0), Part(time)
    made(time, busy=(busy, 600.0), other=(other, 1.0))
    assert busy.made == [0.5, 4.5, 8.5, 12.5]
    assert len(other.made) > 8  # it was never held up for longer than a round


@pytest.mark.parametrize(
    ("error", "told"),
    [(Away("gone"), None), (Denied("token"), None), (sqlite3.OperationalError("disk"),
      "journal_fault"), (KeyError("x"), "round_fault")],
)  # fmt: skip
def test_a_part_that_fails_is_asked_again_and_holds_up_no_other(made, clock, error, told):
    time = Time(clock, 300.0)
    failing, steady = Part(time, *[error] * 4, True, False), Part(time)
    counts, events = made(time, failing=(failing, 1_000.0), steady=(steady, 2.0))
    assert len(failing.made) == 6  # four failures, then on while more waited
    assert counts["failing_failures"] == 4
    assert len(steady.made) > 140
    assert [event.kind for event in events.latest()] == ([told] if told else [])
