import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_wire.const import COUNTER_MAX
from amont_wire.counters import NEW, OLD, SEEN, ReplayWindow, ReservedCounter
from amont_wire.errors import CounterExhausted, Malformed


class Store:
    """A flash word that a power cut leaves at the old value, the new one, or refuses to write."""

    def __init__(self):
        self.limit = 0
        self.fails = None

    def reserve(self, limit):
        if self.fails == "before":
            raise OSError("flash worn out")
        self.limit = limit
        if self.fails == "after":
            raise OSError("power cut")


def test_counters_start_at_one_and_reserve_ahead():
    store = Store()
    counter = ReservedCounter(0, store.reserve, block=4)
    assert store.limit == 0
    assert [(counter.next(), store.limit) for _ in range(5)] == [
        (1, 4), (2, 4), (3, 4), (4, 4), (5, 8)
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 10), st.sampled_from([None, "before", "after"]))),
    st.integers(1, 5),
)
def test_counters_are_never_used_twice_across_reboots(boots, block):
    store = Store()
    used = []
    for frames, fails in boots:
        counter = ReservedCounter(store.limit, store.reserve, block)
        store.fails = None
        for _ in range(frames):
            used.append(counter.next())
        store.fails = fails
        for _ in range(block + 1):
            try:
                used.append(counter.next())
            except OSError:
                break
    assert used == sorted(set(used))
    assert all(counter <= store.limit for counter in used)


def test_a_refused_reservation_sends_nothing_and_can_be_tried_again():
    store = Store()
    counter = ReservedCounter(0, store.reserve, block=1)
    store.fails = "before"
    for _ in range(2):
        with pytest.raises(OSError, match="worn out"):
            counter.next()
    store.fails = None
    assert counter.next() == 1


def test_the_last_counter_is_used_and_none_after_it():
    store = Store()
    counter = ReservedCounter(COUNTER_MAX - 2, store.reserve, block=64)
    assert [counter.next(), counter.next()] == [COUNTER_MAX - 1, COUNTER_MAX]
    assert store.limit == COUNTER_MAX
    for _ in range(2):
        with pytest.raises(CounterExhausted):
            counter.next()


@pytest.mark.parametrize(("start", "block"), [(-1, 64), (COUNTER_MAX + 1, 64), (0, 0)])
def test_a_counter_outside_its_range_is_refused(start, block):
    with pytest.raises(Malformed):
        ReservedCounter(start, Store().reserve, block)


class Model:
    """The window as a set of all counters that were ever taken."""

    def __init__(self, size):
        self.size = size
        self.taken = set()

    def check(self, counter):
        highest = max(self.taken, default=0)
        if counter < 1 or counter < highest - self.size:
            return OLD
        return SEEN if counter in self.taken else NEW


@settings(max_examples=300)
@given(
    st.sampled_from([1, 8, 1024]),
    st.lists(st.integers(0, 40) | st.integers(990, 1070) | st.integers(0, COUNTER_MAX)),
    st.lists(st.integers(0, 2000)),
)
def test_window_agrees_with_a_set(size, counters, restored_at):
    window, model = ReplayWindow(0, 0, size), Model(size)
    for number, counter in enumerate(counters):
        if number in restored_at:
            window = ReplayWindow(*window.state())
        verdict = window.check(counter)
        assert verdict == model.check(counter)
        if verdict == NEW:
            window.add(counter)
            model.taken.add(counter)
            assert window.check(counter) == SEEN
    assert window.highest == max(model.taken, default=0)


def test_checking_changes_nothing():
    window = ReplayWindow()
    window.add(7)
    before = window.state()
    assert [window.check(c) for c in (7, 6, 8, 0)] == [SEEN, NEW, NEW, OLD]
    assert window.state() == before


def test_adding_what_was_seen_or_is_old_changes_nothing():
    window = ReplayWindow()
    window.add(5000)
    window.add(4990)
    before = window.state()
    for counter in (5000, 4990, 5000 - 1025):
        window.add(counter)
    assert window.state() == before


@pytest.mark.parametrize("counter", [0, -1, COUNTER_MAX + 1])
def test_an_impossible_counter_cannot_be_added(counter):
    with pytest.raises(Malformed):
        ReplayWindow().add(counter)


@pytest.mark.parametrize(
    "state", [(-1, 0, 8), (COUNTER_MAX + 1, 0, 8), (9, -1, 8), (9, 256, 8), (0, 0, 0)]
)
def test_a_damaged_state_is_refused(state):
    with pytest.raises(Malformed):
        ReplayWindow(*state)
