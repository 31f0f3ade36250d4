from hypothesis import given
from hypothesis import strategies as st

from amont_gateway.ledger import BITS, Ledger, Ranges


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 6)), max_size=40))
def test_ranges_hold_exactly_what_was_added(spans):
    ranges, model = Ranges(), set()
    for first, extra in spans:
        ranges.add(first, first + extra)
        model |= set(range(first, first + extra + 1))
    assert [seq for seq in range(90) if seq in ranges] == sorted(model)
    assert len(ranges) == len(model)


@given(st.sets(st.integers(0, 200)), st.integers(0, 200), st.integers(0, 200))
def test_an_answer_claims_only_what_is_committed_or_gone(committed, newest, backlog):
    ranges = Ranges()
    for seq in committed:
        ranges.add(seq, seq)
    ranges.heard(newest, backlog)
    through, bits = ranges.answer()
    gone = max(0, newest - backlog)
    claimed = {seq for seq in range(through + 1) if seq >= gone}
    claimed |= {through + 1 + i for i in range(BITS) if bits >> i & 1}
    assert claimed <= committed
    assert {s for s in committed if s <= through + BITS and s >= gone} <= claimed
    assert through + 1 not in committed


def test_through_passes_what_the_node_no_longer_keeps():
    ranges = Ranges()
    ranges.add(1000, 1023)
    assert ranges.answer() == (-1, 0)
    ranges.heard(newest_seq=1023, backlog=23)
    assert ranges.answer() == (1023, 0)


def test_a_late_frame_cannot_make_through_claim_too_much():
    """An old frame says "I keep 100 only"; since then the node kept 101 to 200, not committed."""
    ranges = Ranges()
    ranges.add(100, 100)
    ranges.add(177, 200)
    ranges.heard(newest_seq=200, backlog=99)
    ranges.heard(newest_seq=100, backlog=0)
    assert ranges.answer() == (100, 0)  # 177 lies more than 63 above


def test_an_outbox_whose_newest_was_acknowledged_first_is_not_taken_for_empty():
    ranges = Ranges()
    ranges.add(10, 60)
    ranges.heard(newest_seq=60, backlog=55)
    ranges.heard(newest_seq=5, backlog=0)  # keeps 5 alone: 6 to 9 were committed elsewhere
    assert ranges.answer()[0] == 4


def test_a_ledger_is_loaded_from_spans():
    ledger = Ledger()
    ledger.of(1, 4097).add(5, 5)
    ledger.load([(1, 4097, 0, 9), (2, 4097, 3, 4)])
    assert ledger.of(1, 4097).answer() == (9, 0)
    assert ledger.of(2, 4097).answer() == (-1, 0b11000)
