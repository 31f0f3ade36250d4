import itertools

import numpy as np
import pytest
from tests.models.scene import DAY_MS, zone_hours

from amont_models import metrics
from amont_models.data import Zone
from amont_models.inject import Leak, inject, outflow
from amont_models.leak import count, label_of
from amont_models.leak_events import Alarm, last_call_ms
from amont_models.records.table import channel
from amont_models.river import max_rises
from amont_models.river_truth import Water, warned

H = 3_600_000
HOURS = H * np.arange(200, dtype=np.int64)


def test_persistence_index_by_hand():
    truth, nothing = np.array([1.0, 3.0, np.nan]), np.zeros(3)
    assert metrics.persistence_index(truth, truth, nothing) == 1.0
    assert metrics.persistence_index(truth, nothing, nothing) == 0.0
    assert metrics.persistence_index(truth, np.array([1.0, 2.0, 9.0]), nothing) == 0.9
    assert np.isnan(metrics.persistence_index(nothing, nothing, nothing))


def test_coverage_by_hand():
    truth = np.array([1.0, 2.0, 3.0, np.nan])
    assert metrics.coverage(truth, np.full(4, 1.0), np.full(4, 2.0)) == pytest.approx(2 / 3)
    assert np.isnan(metrics.coverage(truth[3:], truth[3:], truth[3:]))


def stage(*above):
    out = np.zeros(200)
    for start, end in above:
        out[start:end] = 10.0
    return out


def warnings(stage_mm, warn):
    return warned(Water(channel("a", "stage", HOURS, stage_mm), 5.0), 0, HOURS, warn)


def flags(*hours):
    out = np.zeros(200, dtype=bool)
    out[list(hours)] = True
    return out


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((98,), (1, 1, 0)),  # two hours ahead: warned
        ((94,), (1, 1, 0)),  # six hours ahead still counts
        ((93,), (0, 1, 1)),  # seven do not, and the group is false
        ((70,), (0, 1, 1)),
        ((70, 74, 90), (0, 2, 2)),  # gaps under six hours are one group
        ((101, 105, 115), (0, 0, 0)),  # above, and the 12 h after
        ((125,), (0, 1, 1)),
    ],
)
def test_warnings_are_counted_as_defined(hours, expected):
    counts = warnings(stage((100, 110)), flags(*hours))
    assert counts.events == 1
    assert (counts.warned, counts.groups, counts.false) == expected


def test_a_second_crossing_within_12_h_is_the_same_event():
    water = Water(channel("a", "stage", HOURS, stage((50, 55), (60, 65), (90, 95))), 5.0)
    assert (water.events_ms // H).tolist() == [50, 90]


def test_lead_is_from_the_first_warning():
    counts = warnings(stage((100, 110)), flags(96, 99))
    assert counts.leads_h == (4.0,)
    assert metrics.summary(counts)["lead_h"] == 4.0


def test_counts_of_stations_add_up():
    one = warnings(stage((100, 110)), flags(96, 70))
    two = metrics.add_up([one, one])
    assert (two.events, two.warned, two.groups, two.false) == (2, 2, 4, 2)
    row = metrics.summary(two)
    assert (row["pod"], row["far"], row["csi"]) == (1.0, 0.5, 0.5)
    none = metrics.summary(metrics.add_up([warnings(stage(), flags())]))
    assert np.isnan([none["pod"], none["far"], none["lead_h"]]).all()


def test_max_rises_look_ahead_only_as_far_as_the_horizon():
    rises = max_rises(np.array([0.0, 5.0, 1.0, 1.0, 9.0, 0.0, 0.0, 0.0, 0.0]))
    assert np.isnan(rises[:, 0]).all()  # an hourly record says nothing of half an hour
    assert rises[0, 1:].tolist() == [5.0, 5.0, 9.0]
    assert rises[1, 1] == -4.0
    assert np.isnan(rises[-1]).all()


def test_a_leak_flows_between_its_times_only_and_grows_with_the_square():
    t_ms = H * np.arange(1, 101, dtype=np.int64)
    leak = Leak(20 * H, 60 * H, 80 * H, False, 100.0, 0.1)
    flow = outflow(t_ms, leak)
    assert (flow[t_ms <= 20 * H] == 0).all()
    assert (flow[t_ms > 80 * H] == 0).all()
    assert flow[39] == pytest.approx(25.0, rel=0.06)
    assert flow[69] == pytest.approx(100.0, rel=0.06)


def test_injection_is_repeatable_and_leaves_the_record_alone():
    t_ms, l_h = zone_hours(450)
    zone = Zone("3", t_ms, l_h)
    copy = l_h.copy()
    one, leaks = inject(zone, 5, 6)
    other, _ = inject(zone, 5, 6)
    assert np.array_equal(one.inflow_l_h, other.inflow_l_h)
    assert np.array_equal(zone.inflow_l_h, copy)
    assert len(leaks) == 6
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(leaks))
    assert leaks[0].start_ms >= t_ms[0] + 42 * DAY_MS


def test_opened_leaks_are_judged_as_any_other():
    slow = Leak(0, 20 * DAY_MS, 40 * DAY_MS, False, 100.0, 0.2)
    label = label_of(slow)
    assert (label.peak_ms, label.end_ms, label.abrupt) == (20 * DAY_MS, 40 * DAY_MS, False)
    assert last_call_ms(label) == 30 * DAY_MS
    assert (label.size_l_h, label.night_share) == (100.0, 0.2)


def test_alarms_are_counted_after_the_warm_up():
    zone = Zone("3", H * np.arange(1, 8766, dtype=np.int64), np.ones(8765))
    leak = Leak(150 * DAY_MS, 150 * DAY_MS, 180 * DAY_MS, True, 1.0, 0.2)
    said = [Alarm(day * DAY_MS) for day in (10, 100, 151, 200)]
    found = count(lambda _: said, [zone], [(zone, [leak])]).summary()
    years = 1 - 42 / 365.25
    assert found["false_per_zone_year"] == pytest.approx(3 / years, rel=1e-3)
    assert found["false_beside_leaks_per_zone_year"] == pytest.approx(2 / years, rel=1e-3)
    assert (found["found_15"], found["leaks_15"], found["delay_h"]) == (1, 1, 24.0)
    assert found["found_15_share_low"] == found["found_15_share_high"] == 1.0
