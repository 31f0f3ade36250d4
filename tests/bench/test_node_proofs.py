"""The harnesses of the node's proofs find planted faults, and nothing without one."""

import pytest
from tests.bench import bench_node, bench_outbox, device_rig, node_months

pytestmark = pytest.mark.micropython


def test_power_cuts_of_every_kind_break_nothing():
    found = bench_outbox.cuts(60, 23, 3)
    assert found["cuts"] >= 60
    assert found["torn"] > 20
    assert found["again"] > 0
    assert found["broken"] == 0


@pytest.mark.parametrize("fault", ["no-sync", "copy-rename"])
def test_power_cuts_find_a_planted_fault(fault):
    assert bench_outbox.cuts(80, 5, 3, fault)["broken"] > 0


@pytest.mark.parametrize(("fault", "reused"), [((), False), (("late-reserve",), True)])
def test_reboots_find_counters_that_come_twice(fault, reused):
    found = device_rig.counts(
        device_rig.run("node_reboots.py", "3", "60", *fault, heap="8m", timeout_s=60)
    )
    assert found["frames"] > 60
    assert 0 < found["flash"] < 60
    assert (found["reused"] > 0) is reused


def test_a_day_alone_is_told_in_full_afterwards():
    month = node_months.live(2, range(1), 3)
    (outage, _) = bench_node._outage(month)
    assert outage["met"] is True
    assert month.samples > 150
    assert month.delivered == month.samples - month.waiting
    assert 0 < min(month.free) < bench_node.BOARD_FREE_BYTES


def test_an_outage_that_cost_a_reading_is_no_goal_met():
    month = node_months.Month(
        samples=100,
        waiting=0,
        dropped=0,
        delivered=99,
        wrong=0,
        free=[1],
        largest=[1],
        start=1,
        late=1,
        output="",
    )
    (outage, _) = bench_node._outage(month)
    assert outage["failures"] == 1
    assert outage["met"] is False


def test_a_heap_that_is_too_small_is_found():
    with pytest.raises(RuntimeError, match="MemoryError"):
        node_months.live(1, range(0), 3, heap="120k")
