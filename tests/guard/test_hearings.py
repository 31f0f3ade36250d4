"""One transmission that several receivers hear, in any order, beside a node's own repetitions."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from amont_guard.hearings import KEPT, SAME_S, Hearings, Signal

RECEIVERS = 4


def test_the_first_is_passed_on_and_the_best_signal_kept():
    hearings = Hearings()
    assert hearings.first(b"frame", 0, -110, -20, 5.0)
    assert hearings.best(b"frame") == Signal(-110, -20, 1)
    assert not hearings.first(b"frame", 1, -90, 30, 5.2)
    assert not hearings.first(b"frame", 2, -100, 30, 5.3)
    assert hearings.best(b"frame") == Signal(-90, 30, 3)


def test_below_the_noise_the_ratio_decides():
    hearings = Hearings()
    hearings.first(b"frame", 0, -110, -60, 0.0)
    hearings.first(b"frame", 1, -111, -20, 0.0)
    assert hearings.best(b"frame") == Signal(-111, -20, 2)


def test_a_repetition_is_not_a_second_hearing():
    hearings = Hearings()
    assert hearings.first(b"frame", 0, -90, 30, 0.0)
    assert hearings.first(b"frame", 0, -91, 30, 0.5)  # the same receiver: the node sent again
    assert not hearings.first(b"frame", 1, -80, 30, 0.6)
    assert hearings.first(b"frame", 1, -80, 30, 0.6 + SAME_S)
    assert not hearings.first(b"frame", 0, -92, 30, 0.7 + SAME_S)
    assert hearings.first(b"other", 1, -80, 30, 0.7 + SAME_S)


def test_the_table_is_bounded_and_forgets_the_oldest():
    hearings = Hearings()
    for number in range(3 * KEPT):
        assert hearings.first(b"%d" % number, 0, -90, 30, 0.0)
    assert len(hearings) == KEPT
    assert not hearings.first(b"%d" % (3 * KEPT - 1), 1, -90, 30, 0.1)
    assert hearings.first(b"0", 1, -90, 30, 0.1)


transmissions = st.lists(
    st.tuples(
        st.integers(0, 3),  # which frame
        st.sets(st.integers(0, RECEIVERS - 1), min_size=1),  # who hears it
        st.randoms(use_true_random=False),
    ),
    max_size=12,
)


@given(transmissions)
def test_in_any_order_each_transmission_counts_once(sent):
    """Transmissions as nodes make them: apart by more than a receiver's delay, in any order."""
    hearings, firsts, at_s = Hearings(), 0, 0.0
    for frame, hearers, rng in sent:
        at_s += SAME_S + 0.6  # the same bytes come again no sooner
        order = list(hearers)
        rng.shuffle(order)
        signals = {receiver: (-rng.randrange(60, 130), rng.randrange(0, 40)) for receiver in order}
        for delay, receiver in enumerate(order):
            firsts += hearings.first(b"%d" % frame, receiver, *signals[receiver], at_s + delay / 9)
        best = hearings.best(b"%d" % frame)
        assert best.rssi_dbm == max(rssi for rssi, _ in signals.values())
        assert best.receivers == len(order)
    assert firsts == len(sent)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.floats(0, 3)), max_size=40))
def test_whatever_comes_no_frame_is_lost_and_the_table_stays_small(heard):
    """A frame that no receiver handed over in the last seconds always passes."""
    hearings, passed, at_s = Hearings(), {}, 0.0
    for frame, receiver, gap_s in heard:
        at_s += gap_s
        first = hearings.first(b"%d" % frame, receiver, -90, 0, at_s)
        if at_s - passed.get(frame, -10.0) > SAME_S:
            assert first
        if first:
            passed[frame] = at_s
    assert len(hearings) <= len({frame for frame, *_ in heard})


def test_every_order_of_three_receivers_gives_the_same():
    found = set()
    for order in itertools.permutations(range(3)):
        hearings = Hearings()
        firsts = [hearings.first(b"frame", r, -80 - r, 10, 1.0) for r in order]
        found.add((tuple(firsts), hearings.best(b"frame")))
    assert found == {((True, False, False), Signal(-80, 10, 3))}
