"""A simulated board whose sleep forgets: whole releases as .mpy files, in a Pico's heap."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hil_tests.rig_parts import clock_line
from tests.firmware.supply_rig import EXIT_DEEP_SLEEP, Guard, Supply
from tests.firmware.test_boards import files, guard, serve

from amont_wire import const

__all__ = ["files", "guard"]  # fixtures
pytestmark = pytest.mark.micropython
SPEED = 600  # times real: a second and a half a quarter of an hour
GATE = {"name": "unix", "sleep": "gate", "rtc": "ds3231", "gate": 12, "float": {"pin": 13}}


@pytest.fixture
def supply(tmp_path: Path, files: dict[str, bytes]) -> Iterator[Supply]:
    one = Supply(tmp_path / "board")
    one.install(1, files)
    yield one
    one.kill()


def begin(supply: Supply, guard: Guard, board: dict[str, object]) -> None:
    supply.enrol(
        guard.port, board=board, profile="flash-flood", look_s=None, interval_s=900,
        fast_interval_s=60,
    )  # fmt: skip
    clock_line(supply.root / "clock", 0, SPEED)
    supply.start()


@pytest.mark.parametrize("sleep", ["gate", "deep"])
def test_each_sample_is_a_boot_of_one_life(supply: Supply, guard: Guard, sleep: str) -> None:
    begin(supply, guard, {**GATE, "sleep": sleep})
    serve(supply, guard, lambda: len(supply.exits) >= 6 and guard.samples >= 6)
    assert set(supply.exits) == {EXIT_DEEP_SLEEP}
    assert len(guard.hellos) == 1
    assert guard.lives == {0}
    assert supply.record()["bad_boots"] in (0, 1)  # 1: in the middle of a boot


def test_its_float_switch_ends_the_sleep(supply: Supply, guard: Guard) -> None:
    begin(supply, guard, GATE)
    serve(supply, guard, lambda: len(supply.exits) >= 2)
    assert guard.urgents == 0
    (supply.root / "float").touch()
    serve(supply, guard, lambda: guard.urgents > 0)
    assert len(guard.hellos) == 1


def test_a_clock_that_had_stopped_begins_a_new_life(supply: Supply, guard: Guard) -> None:
    begin(supply, guard, GATE)
    serve(supply, guard, lambda: len(supply.exits) >= 2)
    supply.kill()
    (supply.root / "rtc").unlink()
    supply.start()
    serve(supply, guard, lambda: guard.lives == {0, 1})
    assert guard.hellos[-1].life == 1


def test_it_has_the_heap_for_it(supply: Supply, guard: Guard) -> None:
    begin(supply, guard, {**GATE, "float": {"pin": 13}})
    clock_line(supply.root / "clock", 0, 3 * SPEED)
    serve(supply, guard, lambda: len(guard.healths) > 1)
    free = guard.healths[-1].free_heap * 256
    assert guard.healths[-1].reset_cause == const.RESET_DEEP_SLEEP
    assert free > 12_000
