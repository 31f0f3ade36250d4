"""Two people, bounds, a delay: how the limits of a station change, and how they do not."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_guard.thresholds import TOGETHER_S, Thresholds
from amont_watch.siren import KEY, SCHEDULE

FILE = [1200, 1800, 2500, 3200]
NEW = [1100, 1700, 2400, 3100]
HIGHER = [1300, 1900, 2600, 3300]
DELAY_S = 600
SAID = [*FILE, -500, 8000]  # what a state of this file begins with


def station(limits_mm=FILE, bounds_mm=(-500, 8000), delay_s=DELAY_S):
    return SimpleNamespace(
        limits_mm=list(limits_mm), bounds_mm=list(bounds_mm), limits_delay_s=delay_s
    )


class Desk:
    """The limits of one station, calm unless the test says otherwise."""

    def __init__(self, **site):
        self.calm, self.now_s = True, 1000
        self.made = Thresholds({"pont": station(**site)}, lambda name: self.calm)

    def ask(self, limits_mm, person):
        return self.made.ask("pont", list(limits_mm), person, self.now_s)

    def agree(self, limits_mm):
        assert self.ask(limits_mm, "Anne") == "second"
        assert self.ask(limits_mm, "Bruno") == "agreed"

    def later(self, seconds):
        self.now_s += seconds
        return self.made.due(self.now_s)

    def shown(self):
        return self.made.show("pont", self.now_s)

    def restarted(self, **site):
        """Return a desk that took back what this one saved, and what the file overruled."""
        desk = Desk(**site)
        desk.now_s = 50  # another run of the clock
        saved = json.loads(json.dumps(self.made.as_dict(self.now_s)))
        return desk, desk.made.restore(saved, desk.now_s)


def test_two_people_and_a_delay_change_the_limits_and_the_old_ones_are_kept():
    desk = Desk()
    desk.agree(NEW)
    from_s = desk.now_s + DELAY_S
    assert desk.shown()["agreed"] == {
        "limits_mm": NEW, "people": ["Anne", "Bruno"], "at_s": from_s,
    }  # fmt: skip
    assert desk.later(DELAY_S - 1) == []
    assert desk.made.in_force("pont") == FILE
    assert desk.later(1) == [("pont", NEW)]
    assert desk.later(1) == []
    assert desk.made.in_force("pont") == NEW
    assert desk.shown() == {
        "proposed": None, "agreed": None,
        "previous": {"limits_mm": FILE, "people": ["Anne", "Bruno"], "at_s": from_s},
    }  # fmt: skip


def test_one_person_is_never_two():
    desk = Desk()
    assert desk.ask(NEW, "Anne") == "second"
    assert desk.ask(NEW, "Anne") == "same person"
    assert desk.later(10 * DELAY_S) == []
    assert desk.made.in_force("pont") == FILE


@pytest.mark.parametrize("nobody", ["", KEY, SCHEDULE])
def test_nobody_known_is_none_of_two(nobody):
    desk = Desk()
    assert desk.ask(NEW, nobody) == "two people needed"
    assert desk.ask(NEW, "Anne") == "second"
    assert desk.ask(NEW, nobody) == "two people needed"
    assert desk.shown()["agreed"] is None


def test_agreeing_means_the_very_same_four():
    desk = Desk()
    assert desk.ask(NEW, "Anne") == "second"
    assert desk.ask([1100, 1700, 2400, 3101], "Bruno") == "second"  # a proposal of his own
    assert desk.ask(NEW, "Bruno") == "second"  # the first one is gone
    assert desk.ask(NEW, "Anne") == "agreed"


def test_second_person_comes_in_time():
    desk = Desk()
    assert desk.ask(NEW, "Anne") == "second"
    desk.later(TOGETHER_S)
    assert desk.shown()["proposed"] is None
    assert desk.ask(NEW, "Bruno") == "second"
    desk.later(TOGETHER_S - 1)
    assert desk.ask(NEW, "Anne") == "agreed"


@pytest.mark.parametrize(
    ("limits_mm", "code"),
    [
        ([-501, 1800, 2500, 3200], "bounds"),
        ([1200, 1800, 2500, 8001], "bounds"),
        ([1200, 1800, 1800, 3200], "order"),
        ([1200, 1800, 2500], "order"),
        ([1200, 1800, 2500, 3200, 3300], "order"),
        ([], "order"),
        (FILE, "unchanged"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(limits_mm, code):
    desk = Desk()
    assert desk.ask(limits_mm, "Anne") == code
    assert desk.shown()["proposed"] is None


def test_anybody_may_keep_what_is_in_force():
    desk = Desk()
    assert desk.made.keep("pont", desk.now_s) == "nothing to keep"
    desk.ask(NEW, "Anne")
    assert desk.made.keep("pont", desk.now_s) == "done"
    assert desk.ask(NEW, "Bruno") == "second"
    assert desk.ask(NEW, "Anne") == "agreed"
    assert desk.made.keep("pont", desk.now_s) == "done"
    assert desk.later(DELAY_S) == []
    assert desk.made.in_force("pont") == FILE


def test_what_is_agreed_already_is_unchanged_and_a_later_agreement_replaces_it():
    desk = Desk()
    desk.agree(NEW)
    assert desk.ask(NEW, "Carla") == "unchanged"
    desk.agree(FILE)  # back again, as two people want it
    assert desk.later(DELAY_S) == [("pont", FILE)]


def test_no_limit_rises_while_the_station_is_not_calm():
    desk = Desk()
    desk.calm = False
    assert desk.ask(HIGHER, "Anne") == "not calm"
    assert desk.ask([1100, 1700, 2400, 3300], "Anne") == "not calm"
    desk.agree(NEW)  # lower: the siren only sounds earlier
    assert desk.later(DELAY_S) == [("pont", NEW)]


def test_agreed_in_calm_waits_out_a_flood():
    desk = Desk()
    desk.agree(HIGHER)
    desk.calm = False
    assert desk.later(10 * DELAY_S) == []
    assert desk.made.in_force("pont") == FILE
    assert desk.shown()["agreed"]["limits_mm"] == HIGHER  # and people see it
    desk.calm = True
    assert desk.later(1) == [("pont", HIGHER)]


def test_restart_keeps_what_is_in_force_and_what_was_left_of_the_delay():
    desk = Desk()
    desk.agree(NEW)
    desk.later(DELAY_S)
    desk.agree(HIGHER)
    desk.later(DELAY_S - 10)
    again, overruled = desk.restarted()
    assert overruled == []
    assert again.made.in_force("pont") == NEW
    assert again.shown()["previous"]["limits_mm"] == FILE
    assert again.later(9) == []
    assert again.later(1) == [("pont", HIGHER)]


def test_file_with_other_limits_wins():
    desk = Desk()
    desk.agree(NEW)
    desk.later(DELAY_S)
    again, overruled = desk.restarted(limits_mm=HIGHER)
    assert overruled == ["pont"]
    assert again.made.in_force("pont") == HIGHER
    assert again.shown() == {"proposed": None, "agreed": None, "previous": None}


def test_file_that_undoes_nothing_is_no_news():
    again, overruled = Desk().restarted(limits_mm=HIGHER)
    assert (again.made.in_force("pont"), overruled) == (HIGHER, [])


def test_file_with_narrower_bounds_wins():
    desk = Desk()
    desk.agree(NEW)
    assert desk.restarted(bounds_mm=(1150, 8000))[1] == ["pont"]
    desk.later(DELAY_S)
    again, overruled = desk.restarted(bounds_mm=(1150, 8000))
    assert (again.made.in_force("pont"), overruled) == (FILE, ["pont"])


@pytest.mark.parametrize(
    "saved",
    [
        {"pont": None},
        {"pont": {}},
        {"pont": {"file": SAID, "now_s": "x", "changes": {}}},
        {"pont": {"file": SAID, "now_s": 0, "changes": {}}},
        {"pont": {"file": SAID, "now_s": 0, "changes": {"in force": [FILE]}}},
        {"pont": {"file": SAID, "now_s": 0, "changes": {"in force": [["x"] * 4, [], 0]}}},
        {"pont": {"file": SAID, "now_s": 0, "changes": {"in force": [NEW, [], "x"]}}},
    ],
)
def test_damaged_state_leaves_the_file_in_force(saved):
    desk = Desk()
    with pytest.raises((KeyError, TypeError, ValueError)):
        desk.made.restore(saved, 0)
    assert desk.made.in_force("pont") == FILE


def test_state_of_a_station_that_is_gone_is_left_alone():
    desk = Desk()
    assert desk.made.restore({"moulin": None}, 0) == []


LIMITS = st.sampled_from([FILE, NEW, HIGHER, [0, 1, 2, 3], [3, 2, 1, 0], [0, 1, 2, 9000]])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), LIMITS, st.sampled_from(["Anne", "Bruno", KEY, SCHEDULE, ""])),
        st.tuples(st.just("keep")),
        st.tuples(st.just("calm"), st.booleans()),
        st.tuples(st.just("later"), st.sampled_from([1, 59, 300, 599, 600, 601, 90_000])),
        st.tuples(st.just("restart")),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=300)
def test_whatever_people_do_limits_hold(steps):
    desk, wanted = Desk(), {}  # wanted: four limits -> {person: when last asked}
    for step in steps:
        before = desk.made.in_force("pont")
        came = []
        if step[0] == "ask":
            if desk.ask(*step[1:]) in ("second", "agreed"):
                wanted.setdefault(tuple(step[1]), {})[step[2]] = desk.now_s
        elif step[0] == "keep":
            desk.made.keep("pont", desk.now_s)
            wanted.clear()
        elif step[0] == "calm":
            desk.calm = step[1]
        elif step[0] == "later":
            came = desk.later(step[1])
        else:
            calm, lost_s = desk.calm, desk.now_s - 50
            desk, overruled = desk.restarted()
            desk.calm = calm
            assert overruled == []
            wanted = {k: {p: at - lost_s for p, at in v.items()} for k, v in wanted.items()}
        after = desk.made.in_force("pont")
        assert sorted(set(after)) == after
        assert all(-500 <= limit <= 8000 for limit in after)
        if after != before:
            assert came == [("pont", after)]
            asked = wanted[tuple(after)]
            assert len(asked) >= 2
            assert not {"", KEY, SCHEDULE} & asked.keys()
            assert max(asked.values()) <= desk.now_s - DELAY_S
            assert desk.calm or all(a <= b for a, b in zip(after, before, strict=True))
            assert desk.shown()["previous"]["limits_mm"] == before
