"""A node's airtime outlives its boots, through the real shell and its flash."""

from collections.abc import Callable

from tests.firmware.test_app import Bench, bench

from amont_node import reports
from amont_wire import const

__all__ = ["bench"]  # the fixture

PERMILLE = 1  # 3.6 s an hour: 15 frames of 227 ms


def test_a_reboot_remembers_what_it_sent(bench: Callable[..., Bench]) -> None:
    one = bench(airtime_permille=PERMILLE, interval_s=60)
    for _ in range(30):
        one.wake(60)
    used_ms = one.node.duty.airtime.used_ms(one.node.tick_s())
    assert used_ms > 1000
    one.node.close()
    one.boot()
    assert one.node.duty.airtime.used_ms(one.node.tick_s()) == used_ms


def test_reboots_do_not_add_up_to_more_than_the_budget(bench: Callable[..., Bench]) -> None:
    one = bench(airtime_permille=PERMILLE, interval_s=60)
    one.guard.answering = False
    frames = 0
    for _ in range(50):
        frames += len(one.wake(60))
        one.node.close()
        one.boot()
    assert 5 < frames <= 3600 // 186  # a hello of 20 bytes takes that long at SF9


def test_a_wait_for_airtime_is_told_in_health_and_by_no_other_boot(
    bench: Callable[..., Bench],
) -> None:
    one = bench(airtime_permille=PERMILLE, interval_s=60)
    one.guard.answering = False
    for _ in range(30):
        one.wake(60)
    assert reports.health(one.node, 1, None).faults & const.FAULT_AIRTIME
    one.node.duty.airtime._waits = [False] * 3
    assert not reports.health(one.node, 1, None).faults & const.FAULT_AIRTIME
    one.node._kept.keep(one.node.duty, True)
    one.node.close()
    one.boot()
    assert one.node.duty.airtime.refused > 0
    assert not reports.health(one.node, 1, None).faults & const.FAULT_AIRTIME


def test_a_flash_that_keeps_nothing_is_a_fault_and_no_end(
    bench: Callable[..., Bench], monkeypatch
) -> None:
    one = bench(airtime_permille=PERMILLE, interval_s=60)

    def full(*_: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(one.node._kept._pair, "save", full)
    for _ in range(3):
        one.wake(60)
    assert one.node._fault_bits & 2
