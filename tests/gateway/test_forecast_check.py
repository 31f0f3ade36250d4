"""Forecasts beside what came: worked cases, gaps, late readings, a database that is away."""

import re

import numpy as np
import pytest

from amont_gateway import series
from amont_gateway.database import Away
from amont_gateway.forecast_check import AGAIN_MS, WAIT_MS, ForecastCheck
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.records import FILE, append
from amont_gateway.seen import Seen
from amont_gateway.view import Forecast, ForecastStep
from amont_gateway.windows import Windows

T_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


class Sink:
    def __init__(self):
        self.lines, self.away = [], False

    def write(self, lines, store=""):
        if self.away:
            raise Away("gone")
        assert store == series.FORECAST_ERROR.store
        self.lines += lines

    def close(self):
        pass


class Rig:
    def __init__(self, places, folder, clock):
        self.clock, self.sink, self.path = clock, Sink(), folder / FILE
        self.windows = Windows(places.window_keys())
        self.check = ForecastCheck(places, self.path, self.windows, self.sink, clock)

    def stage(self, node, from_ms, until_ms, of, step_ms=600_000):
        samples = [
            Sample(node, 1, n, t, 0, t, 0, pack_channels([(0, 1, 0, of(t))]))
            for n, t in enumerate(range(from_ms, until_ms + 1, step_ms))
        ]
        self.windows.add(samples)

    def forecast(self, issued_ms, *steps, **more):
        record = {
            "at_ms": issued_ms + 1000, "kind": "seen forecast", "station": "pont",
            "issued_ms": issued_ms, "model": "r1", "steps": [list(s) for s in steps],
        }  # fmt: skip
        append(self.path, {**record, **more})

    def round(self, at_ms):
        self.clock.now_s = at_ms / 1000
        self.sink.lines.clear()
        self.check.step()
        return [self.parsed(line) for line in self.sink.lines]

    @staticmethod
    def parsed(line):
        horizon = re.search(r"horizon=(\w+),model=r1", line)[1]
        error, inside = re.search(r"error_mm=(\S+),inside=(\d)i", line).groups()
        return int(horizon), float(error), int(inside), int(line.rsplit(" ", 1)[1])


@pytest.fixture
def rig(places, tmp_path, clock):
    return Rig(places, tmp_path, clock)


def rising(t_ms):
    return 1000 + (t_ms - T_MS) // 36_000  # 100 mm an hour


def test_each_horizon_is_judged_once_when_it_is_over(rig):
    assert rig.round(T_MS) == []  # no record yet
    rig.stage(17, T_MS, T_MS + 3 * HOUR_MS, rising)
    rig.forecast(T_MS, (1, 1000, 1080, 1120), (3, 1000, 1250, 1290))
    assert rig.round(T_MS + HOUR_MS) == []  # just over: readings may still come
    over_ms = T_MS + HOUR_MS + WAIT_MS
    assert rig.round(over_ms) == [(1, -20.0, 1, T_MS + HOUR_MS)]
    assert rig.round(over_ms + HOUR_MS) == []
    assert rig.round(over_ms + 2 * HOUR_MS) == [(3, -50.0, 0, T_MS + 3 * HOUR_MS)]


def test_the_second_sensor_speaks_where_the_first_has_a_gap(rig):
    rig.stage(17, T_MS, T_MS + HOUR_MS, rising)
    rig.stage(17, T_MS + 3 * HOUR_MS, T_MS + 4 * HOUR_MS, lambda _: 9_000)
    rig.stage(18, T_MS, T_MS + 4 * HOUR_MS, rising)
    rig.forecast(T_MS, (3, 1200, 1310, 1400))
    assert rig.round(T_MS + 4 * HOUR_MS) == [(3, 10.0, 1, T_MS + 3 * HOUR_MS)]


def test_a_horizon_without_readings_waits_for_late_ones(rig):
    rig.forecast(T_MS, (3, 1200, 1310, 1400))
    over_ms = T_MS + 3 * HOUR_MS + WAIT_MS
    assert rig.round(over_ms) == []
    rig.stage(17, T_MS, T_MS + 4 * HOUR_MS, rising)
    assert rig.round(over_ms + AGAIN_MS - 1) == []
    assert rig.round(over_ms + AGAIN_MS) == [(3, 10.0, 1, T_MS + 3 * HOUR_MS)]


def test_doubted_readings_are_not_what_came(rig):
    rig.stage(17, T_MS, T_MS + 3 * HOUR_MS, rising)
    spike_ms = T_MS + HOUR_MS
    rig.stage(17, spike_ms, spike_ms, lambda _: 4_000)
    rig.windows.put_doubts("pont-a", np.array([spike_ms]), np.array([1], np.uint8))
    rig.forecast(T_MS, (3, 1200, 1310, 1400))
    assert rig.round(T_MS + 4 * HOUR_MS) == [(3, 10.0, 1, T_MS + 3 * HOUR_MS)]


def test_a_database_that_was_away_costs_no_verdict(rig):
    rig.stage(17, T_MS, T_MS + 4 * HOUR_MS, rising)
    rig.forecast(T_MS, (3, 1200, 1310, 1400))
    rig.sink.away = True
    with pytest.raises(Away):
        rig.round(T_MS + 4 * HOUR_MS)
    rig.sink.away = False
    assert len(rig.round(T_MS + 4 * HOUR_MS + 60_000)) == 1


def test_records_that_are_no_forecast_of_ours_are_passed_over(rig):
    rig.stage(17, T_MS, T_MS + 4 * HOUR_MS, rising)
    rig.forecast(T_MS, (3, 1200, 1310, 1400), station="elsewhere")
    rig.forecast(T_MS, (3, 1200, 1310, 1400), **{"steps": [[3, 1, 2]]})
    append(rig.path, {"at_ms": T_MS, "kind": "seen forecast", "station": "pont", "issued_ms": "x"})
    rig.forecast(T_MS, (3, "x", 1310, 1400), (300, 1, 2, 3), (0, 1, 2, 3))
    rig.forecast(T_MS, steps=5)
    assert rig.round(T_MS + 4 * HOUR_MS) == []


def test_the_record_of_a_forecast_names_its_model():
    kept = []
    seen = Seen(kept.append, lambda: T_MS)
    step = ForecastStep(horizon_h=3.0, p05_mm=1, p50_mm=2, p95_mm=3)
    said = Forecast(status="ok", model="r7", issued_ms=T_MS, steps=[step])
    seen.forecasts([("pont", said)])
    assert kept[0]["model"] == "r7"
