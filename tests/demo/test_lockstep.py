"""Time waits for what the sensors tell, and for a node that is really gone only so long."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from amont_demo.clock import HISTORY_S, Line, ScaledClock, change_speed, read_clock, write_clock
from amont_demo.lockstep import PATIENCE_S, Lockstep
from amont_watch.vote import PROVED, SensorState, StationConfig, observe

STATION = StationConfig(
    {"watch_mm": 1500, "warning_mm": 2000, "alarm_mm": 2500, "alarm_plus_mm": 4000,
     "hysteresis_mm": 100, "rise_support_mm": 100, "rise_support_s": 900}
)  # fmt: skip
VALIDITY_S, FAST_VALIDITY_S = 2700, 300
SPEED = 800


class Desk:
    """Two sensors of a station, a clock file, and real time in our hand."""

    def __init__(self, path: Path) -> None:
        self.path, self.real_s = path, 1_000.0
        self.sensors = [SensorState(name, VALIDITY_S, FAST_VALIDITY_S) for name in "ab"]

    def begin(self) -> None:
        write_clock(self.path, HISTORY_S, SPEED)
        self.lockstep = Lockstep(self.path, self.sensors, lambda: self.real_s)

    def hears(self, sensor: SensorState, value: int) -> None:
        assert observe(STATION, sensor, int(self.now_s()), value, 0, PROVED)

    def now_s(self) -> float:
        return read_clock(self.path).now_s()

    def passes(self, real_s: float) -> None:
        self.real_s += real_s
        self.lockstep.look()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path / "clock")
    monkeypatch.setattr(time, "time", lambda: made.real_s)
    made.begin()
    return made


def test_nobody_waits_for_a_sensor_that_was_never_heard(desk: Desk) -> None:
    desk.passes(10)
    assert desk.now_s() == HISTORY_S + 10 * SPEED


@pytest.mark.parametrize(("value", "validity_s"), [(600, VALIDITY_S), (1600, FAST_VALIDITY_S)])
def test_no_reading_grows_too_old_while_nodes_get_no_processor(
    desk: Desk, value: int, validity_s: int
) -> None:
    for sensor in desk.sensors:
        desk.hears(sensor, value)
    desk.passes(0)
    desk.passes(PATIENCE_S - 1)  # else nothing in this machine has run
    assert desk.now_s() == HISTORY_S + validity_s * 4 // 5
    assert all(sensor.usable(int(desk.now_s())) for sensor in desk.sensors)


def test_time_goes_on_without_a_step_when_the_last_of_them_is_heard(desk: Desk) -> None:
    for sensor in desk.sensors:
        desk.hears(sensor, 1600)
    desk.passes(0)
    desk.passes(20)
    stood_s = desk.now_s()
    desk.hears(desk.sensors[0], 1650)
    desk.passes(1)
    assert desk.now_s() == stood_s  # the other one is still awaited
    desk.hears(desk.sensors[1], 1640)
    desk.passes(0)
    assert desk.now_s() == stood_s
    desk.real_s += 0.1
    assert desk.now_s() == pytest.approx(stood_s + 0.1 * SPEED)


def test_a_node_that_is_gone_is_waited_for_in_real_time_and_then_lost(desk: Desk) -> None:
    for sensor in desk.sensors:
        desk.hears(sensor, 1600)
    desk.passes(0)
    desk.passes(5)
    desk.passes(PATIENCE_S)
    assert not read_clock(desk.path).stands()
    desk.real_s += 1
    assert not any(sensor.usable(int(desk.now_s())) for sensor in desk.sensors)
    desk.hears(desk.sensors[0], 1700)  # one comes back, and counts again
    desk.passes(0)
    desk.passes(20)
    assert desk.now_s() - desk.sensors[0].good_s == FAST_VALIDITY_S * 4 // 5


def test_people_may_change_the_speed_while_time_stands(desk: Desk) -> None:
    for sensor in desk.sensors:
        desk.hears(sensor, 1600)
    desk.passes(0)
    desk.real_s += 20
    stood_s = desk.now_s()
    change_speed(desk.path, 60)
    assert (desk.now_s(), read_clock(desk.path).speed) == (stood_s, 60)
    for sensor in desk.sensors:
        desk.hears(sensor, 1610)
    desk.passes(0)
    desk.real_s += 1
    assert desk.now_s() == pytest.approx(stood_s + 60)


def test_looks_until_it_is_told_that_it_is_over(desk: Desk) -> None:
    desk.hears(desk.sensors[0], 600)
    over = threading.Event()
    thread = threading.Thread(target=desk.lockstep.follow, args=(over,))
    thread.start()
    while read_clock(desk.path) == Line(1_000_000, HISTORY_S, SPEED):
        over.wait(0.01)
    over.set()
    thread.join(20)
    assert not thread.is_alive()
    assert read_clock(desk.path).until_s == HISTORY_S + VALIDITY_S * 4 // 5


def test_every_process_stands_where_the_line_ends(desk: Desk) -> None:
    write_clock(desk.path, HISTORY_S, SPEED, HISTORY_S + 100)
    clock = ScaledClock(desk.path, epoch_ms=0)
    desk.real_s += 1
    assert (clock.virtual_s(), clock.wall_ms()) == (HISTORY_S + 100, 100_000)
