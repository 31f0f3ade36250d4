"""A float switch through the real shell: told within seconds, and no more than it should be."""

from pathlib import Path

from tests.firmware.test_app import Bench, Make, bench

from amont_wire import const

__all__ = ["bench"]
DAY_S = 86400
BOARD = {"name": "unix", "float": {"pin": 13}}


def flash_flood(bench: Make, **changes: object) -> Bench:
    settings = {"profile": "flash-flood", "look_s": None, "interval_s": 900, "board": BOARD}
    one = bench(**{**settings, "fast_interval_s": 60, **changes})
    for _ in range(3):
        one.wake(1)
    return one


def close(one: Bench) -> Path:
    path = one.folder / "float"
    path.touch()
    return path


def test_it_closes_and_an_urgent_frame_goes_at_once(bench: Make) -> None:
    one = flash_flood(bench)
    before = len(one.guard.readings)
    close(one)
    assert len(one.wake(2)) == 1  # a nap is two seconds at most
    assert len(one.guard.readings) == before + 1
    assert one.node.duty.fast(one.node.tick_s())
    assert one.wake(1) == []  # once


def test_out_of_the_rest_of_a_node_that_nobody_answered(bench: Make) -> None:
    one = flash_flood(bench, max_awake_s=60)
    one.guard.answering = False
    one.node.duty.delivery.waits = lambda: True  # type: ignore[method-assign]
    while not one.node._rests():
        one.wake(1)
    close(one)
    assert one.wake(2)


def test_a_switch_that_is_stuck_neither_hurries_nor_hides(bench: Make) -> None:
    one = flash_flood(bench)
    path = close(one)
    frames = 0
    for _ in range(0, 2 * DAY_S, 60):
        frames += len(one.wake(60))
    assert not one.node.duty.fast(one.node.tick_s())
    assert frames < 10 + 2 * 96 + 48 + 10
    assert one.node._fault_bits & const.FAULT_PROBE
    path.unlink()
    for _ in range(30):
        one.wake(60)
    assert not one.node._fault_bits & const.FAULT_PROBE


def test_a_switch_that_is_caught_by_a_branch_is_told(bench: Make) -> None:
    one = flash_flood(bench)
    for _ in range(300):
        path = close(one)
        one.wake(30)
        path.unlink()
        one.wake(30)
    assert not one.node.duty.fast(one.node.tick_s())
    assert one.node._fault_bits & const.FAULT_PROBE
