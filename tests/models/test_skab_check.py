"""The sanity check itself: known faults are found, normal water is not, nothing is adjusted."""

import numpy as np
import pytest

from amont_models import skab_check
from amont_models.records.table import Label, Record, Source, channel
from amont_models.skab_check import Experiment


def run(name, fault, length=900, seed=1):
    rng = np.random.default_rng(seed)
    flow, pressure = rng.normal(2000.0, 20.0, length), rng.normal(50.0, 2.0, length)
    faulty = np.zeros(length, bool)
    if fault:
        faulty[600:800] = True
        flow[faulty] -= 300.0
    return Experiment(name, flow, pressure, faulty)


@pytest.fixture(scope="module")
def table():
    runs = [run(f"valve_{k}", True, seed=k) for k in range(4)] + [run("normal", False, seed=9)]
    return skab_check.score(runs)


def test_a_fault_that_is_plain_is_found(table):
    for name in ("residual of 10 s", "PCA, T2 or Q"):
        value, low, high = table[name]["f1"]
        assert low <= value <= high
        assert value > 0.9
        assert table[name]["false_share"] < 0.1
        assert table[name]["experiments"] == 4


def test_saying_always_faulty_is_what_f1_gives_for_nothing(table):
    row = table["always faulty"]
    assert row["recall"][0] == 1.0
    assert row["precision"][0] == pytest.approx(200 / 500)
    assert row["false_share"] == 1.0


def test_a_flow_that_falls_is_no_leak(table):
    row = table["network test, a second an hour"]
    assert row["f1"][0] == 0.0
    assert row["false_share"] == 0.0


def test_no_rule_sees_ahead():
    one = run("valve", True)
    cut = Experiment(one.name, one.flow_l_h[:700], one.pressure_kpa[:700], one.faulty[:700])
    for name, rule in skab_check.RULES.items():
        assert (rule(one)[:700] == rule(cut)).all(), name


def test_a_record_gives_its_runs():
    t_ms = 1000 * np.arange(5, dtype=np.int64)
    flow = channel("a", "inflow", t_ms, np.full(5, 1.0))
    pressure = channel("a", "pressure", t_ms, np.full(5, 2.0))
    source = Source(title="", origin="", licence="", citation="")
    record = Record("r", "sensor", source, (flow, pressure), labels=(Label("a", "x", 1000, 2000),))
    (one,) = skab_check.experiments(record)
    assert one.faulty.tolist() == [False, True, True, False, False]
    assert one.table.tolist() == [[1.0, 2.0]] * 5
