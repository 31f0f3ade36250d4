from __future__ import annotations

import time
from pathlib import Path

import pytest

from amont_demo.clock import HISTORY_S, ScaledClock, change_speed, read_clock, write_clock


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    moments = [1_000.0]
    monkeypatch.setattr(time, "time", lambda: moments[0])
    monkeypatch.setattr(time, "monotonic", lambda: moments[0])

    def sleep(seconds: float) -> None:
        moments[0] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    path = tmp_path / "clock"
    write_clock(path, HISTORY_S, 100)
    return path


def test_runs_at_its_speed(path: Path) -> None:
    clock = ScaledClock(path, epoch_ms=5_000)
    assert clock.monotonic_s() == HISTORY_S
    assert clock.wall_ms() == 5_000
    clock.sleep_s(2)
    assert clock.monotonic_s() == HISTORY_S + 200
    assert clock.wall_ms() == 205_000


def test_a_new_speed_makes_no_step(path: Path) -> None:
    clock = ScaledClock(path, epoch_ms=0)
    clock.sleep_s(3)
    change_speed(path, 10)
    clock.sleep_s(1)
    assert clock.virtual_s() == pytest.approx(HISTORY_S + 310)
    assert clock.speed == 10


def test_never_goes_back(path: Path) -> None:
    clock = ScaledClock(path, epoch_ms=0)
    clock.sleep_s(3)
    before = clock.virtual_s()
    write_clock(path, HISTORY_S, 1)
    clock.sleep_s(1)
    assert clock.virtual_s() == before


def test_a_damaged_line_leaves_the_last_good_one(path: Path) -> None:
    clock = ScaledClock(path, epoch_ms=0)
    for damaged in ("12 nonsense", "1 2 3 4 5"):
        path.write_text(damaged)
        clock.sleep_s(1)
        clock.virtual_s()
    assert clock.virtual_s() == HISTORY_S + 200


@pytest.mark.parametrize("speed", [0, 0.5, 3601, -1])
def test_refuses_a_speed_outside_its_bounds(path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="outside 1 to 3600"):
        change_speed(path, speed)
    assert read_clock(path)[2] == 100


def test_marks_itself_as_scaled() -> None:
    assert ScaledClock.scaled is True
