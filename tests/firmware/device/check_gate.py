# A node whose supply is cut between its wakes: what ends a sleep, what forbids it, what stays.

import clock_chips
from gate_rig import FLOAT_PIN, GATE_PIN, MOUNT, Bench

from amont_node import console
from amont_node.kept import KeptDuty
from amont_wire import const

DAY_S = 86400
WITH_FLOAT = {"gate": GATE_PIN, "float": {"pin": FLOAT_PIN}}


# A bench out in the field: it has begun on the desk, by its cable, and said hello.
def field(rtc: str = "ds3231", **settings) -> Bench:
    bench = Bench(rtc, **settings)
    bench.boot(2000)
    bench.world.cable = False
    bench.faults = []
    bench.guard.hellos = 0
    bench.live(1000)
    return bench


def kinds(bench: Bench, after_ms: int):
    return [kind for ms, kind in bench.guard.told if ms >= after_ms]


def check_half_a_day_is_one_life_and_one_boot_a_sample() -> None:
    for rtc, board in (("ds3231", {}), ("pcf8563", {"gate": GATE_PIN})):
        bench = field(rtc, board=board)
        boots, readings, hellos = bench.boots, len(bench.guard.readings), bench.guard.hellos
        on_ms = bench.on_ms
        bench.live(DAY_S // 2)
        assert bench.boots - boots in (48, 49), bench.boots - boots
        assert len(bench.guard.readings) - readings in (47, 48, 49)
        assert hellos == bench.guard.hellos <= 1
        assert bench.node._life.number == 0 and not bench.faults
        assert bench.late_s <= 2 and bench.early_s == 0
        assert (bench.on_ms - on_ms) // 1000 < 49 * 4  # seconds awake
        assert bench.node.reset_cause == const.RESET_DEEP_SLEEP


def check_four_samples_a_frame_over_four_boots() -> None:
    bench = field(frame_samples=4, overlap=0)
    before_ms = bench.world.ms
    bench.live(6 * 3600)
    assert kinds(bench, before_ms).count(const.SAMPLES) in (5, 6, 7)
    assert len(bench.guard.readings) > 20


def check_what_the_shell_knew_goes_on() -> None:
    bench = field()
    bench.node = None
    bench.live(4 * 900)
    assert bench.node._values[0] and bench.node.carrier.rssi_dbm == -80
    bench.live(8 * 3600)
    assert bench.guard.health.reset_cause == const.RESET_DEEP_SLEEP
    assert bench.guard.health.rssi_dbm == -80 and bench.guard.health.faults == 0


def check_half_a_day_without_a_guard_is_told_later() -> None:
    bench = field(interval_s=1800)
    bench.guard.away = True
    bench.live(DAY_S // 2)
    bench.guard.away = False
    bench.live(DAY_S // 4)
    samples = bench.node.outbox.next_seq(0)
    assert samples > 35 and len(bench.guard.readings) >= samples - 1
    assert bench.guard.wrong == bench.guard.reused == 0


# --- to the safe side


def awake(bench: Bench) -> None:
    boots, readings = bench.boots, len(bench.guard.readings)
    bench.live(7 * 3600)
    assert bench.boots == boots + 1 and len(bench.guard.readings) - readings in (27, 28, 29)
    assert bench.guard.health.faults & const.FAULT_CLOCK


def check_without_its_chip_it_sleeps_lightly_in_a_new_life() -> None:
    bench = field(board={"gate": GATE_PIN})
    bench.world.chip.is_there = False
    bench.world.cable = True  # it would not come up otherwise
    awake(bench)
    assert bench.node._life.number == 1 and "0x68 does not answer" in bench.faults[0][1]
    bench.world.chip.is_there = True
    bench.world.cable = False
    bench.world.pulse_until_ms = bench.world.ms + 5000
    boots = bench.boots
    bench.live(3 * 3600)
    # Another clock, another life: the node must have had a sample of it, then it lets go again.
    assert bench.node._life.number == 2 and bench.boots - boots > 8


def check_a_clock_that_stood_still_begins_a_new_life() -> None:
    for rtc in ("ds3231", "pcf8563"):
        bench = field(rtc, board={"gate": GATE_PIN})
        seen = len(bench.guard.readings)
        bench.world.chip.lose_supply()
        bench.world.pulse_until_ms = bench.world.ms + 5000
        boots = bench.boots
        bench.live(3 * 3600)
        assert bench.node._life.number == 1 and len(bench.guard.readings) - seen > 9
        assert bench.boots - boots > 8 and bench.guard.wrong == 0


def check_an_alarm_that_does_not_keep_never_goes_dark() -> None:
    for rtc, registers in (("ds3231", (7, 8, 9)), ("pcf8563", (9, 10))):
        bench = field(rtc, board={"gate": GATE_PIN})
        bench.world.chip.deaf = registers
        awake(bench)
        assert "does not read back" in bench.faults[0][1], bench.faults[0]


def check_a_supply_that_stays_on_is_told_and_costs_no_sample() -> None:
    bench = field()
    bench.world.stays_on = True
    awake(bench)
    assert bench.faults[0][1] == "board.gate: the supply stays on"
    # It did not sleep: what it kept for that is no longer true.
    kept = KeptDuty(MOUNT + "/flash")
    bench._mount()
    try:
        assert not kept.recall(bench.node.duty, 0, 0, True, bench.node._lives.boots + 1)
    finally:
        import vfs

        vfs.umount(MOUNT)


def check_it_lets_go_of_nothing_before_all_is_kept() -> None:
    bench = field()
    keep = KeptDuty.keep
    KeptDuty.keep = full
    try:
        bench.live(3600)
    finally:
        KeptDuty.keep = keep
    assert bench.faults[-1][0] == const.FAULT_FLASH
    assert bench.world.is_on() and bench.node is not None


def full(*_) -> None:
    raise OSError(28)


# A wake that fails counts as one in this boot; on trial, beside a person and so on it stays on.
def check_what_forbids_to_let_go() -> None:
    bench = field()
    node = bench.node
    sleeper = node._sleeper
    node.is_whole = True
    assert sleeper._may(node)
    for owner, name in ((node, "is_whole"), (node.boot, "on_trial"), (node.boot, "is_safe")):
        before = getattr(owner, name)
        setattr(owner, name, not before)
        assert not sleeper._may(node), name
        setattr(owner, name, before)
    node.upkeep.takes = lambda: True
    assert not sleeper._may(node)
    node.upkeep.takes = lambda: False
    console.begin(True)
    try:
        assert not sleeper._may(node) and not sleeper.woke(5)
    finally:
        console.begin(False)
    assert sleeper._may(node)
    node.outbox._last_tick_s = {}
    assert not sleeper._may(node)


def check_a_short_gap_is_slept_lightly() -> None:
    bench = field(interval_s=60, fast_interval_s=20, profile=None)
    bench.node = None
    bench.live(600)
    boots = bench.boots
    bench.live(1200)
    assert 18 <= bench.boots - boots <= 22  # a minute is worth it
    bench = field(interval_s=20, fast_interval_s=20, profile=None)
    boots = bench.boots
    bench.live(600)
    assert bench.boots - boots <= 1


# --- the float switch


def trip(bench: Bench, after_s: int) -> int:
    at_ms = bench.world.ms + after_s * 1000
    bench.world.moments.append((at_ms, bench.world.close_float))
    return at_ms


def first_urgent(bench: Bench, after_ms: int) -> int:
    return min([ms for ms, kind in bench.guard.told if kind == const.URGENT and ms >= after_ms])


def check_it_closes_in_the_dark_and_is_told_within_five_seconds() -> None:
    for rtc in ("ds3231", "pcf8563"):
        for after_s in (5, 890):
            bench = field(rtc, board=WITH_FLOAT, profile="flash-flood", look_s=None)
            at_ms = trip(bench, after_s)
            bench.live(after_s + 60)
            assert first_urgent(bench, at_ms) - at_ms <= 5000
            assert bench.node._life.number == 0 and bench.guard.hellos <= 1


def check_a_switch_that_stays_closed_costs_two_hours_at_most_and_is_told() -> None:
    bench = field(board=WITH_FLOAT, profile="flash-flood", look_s=None, interval_s=3600)
    bench.live(3600)
    trip(bench, 100)
    bench.live(3600)
    boots = bench.boots
    bench.live(DAY_S)
    assert bench.boots - boots in (23, 24, 25)
    bench.live(6 * 3600)
    assert bench.guard.health.faults & const.FAULT_PROBE
    bench.world.open_float()
    bench.live(7 * 3600)
    assert not bench.guard.health.faults & const.FAULT_PROBE
    at_ms = trip(bench, 100)
    bench.live(200)
    assert first_urgent(bench, at_ms) - at_ms <= 5000


# It opens and closes while nothing looks: the second closing wakes the board by itself.
def check_a_switch_that_closes_again_in_the_dark() -> None:
    bench = field(board=WITH_FLOAT, profile="flash-flood", look_s=None)
    trip(bench, 10)
    bench.live(3 * 3600)
    assert bench.node.switch.is_closed
    bench.world.open_float()
    at_ms = trip(bench, 30)
    bench.live(100)
    assert first_urgent(bench, at_ms) - at_ms <= 5000


# --- deep sleep


def check_deep_sleep_with_and_without_a_chip() -> None:
    for rtc in (None, "ds3231"):
        bench = Bench("ds3231", "deep", {"rtc": rtc, "float": {"pin": FLOAT_PIN}},
                      profile="flash-flood", look_s=None)  # fmt: skip
        bench.boot(10**6)
        bench.guard.hellos = 0
        boots = bench.boots
        bench.live(DAY_S // 4)
        assert bench.boots - boots in (23, 24, 25) and len(bench.guard.readings) > 22
        assert bench.guard.hellos == 0 and bench.node._life.number == 0 and not bench.faults
        at_ms = trip(bench, 100)
        bench.live(160)
        assert first_urgent(bench, at_ms) - at_ms <= 5000
        boots = bench.boots
        bench.live(DAY_S // 4)  # closed all the time: it does not wake it again and again
        assert bench.boots - boots < 24 + 20


# --- the time


def check_set_time_is_kept_and_no_tick_feels_it() -> None:
    bench = field()
    before_s = bench.node._life.origin_s
    bench.guard.time = (1795000000, const.TIME_SYNCED)
    before_ms = bench.world.ms
    bench.live(DAY_S // 4)
    said_ms = [ms for ms, _ in bench.guard.told if ms > before_ms][0]
    assert bench.node._life.origin_s == before_s and bench.node._life.number == 0
    assert bench.late_s <= 2 and bench.guard.wrong == 0
    year, month, day, weekday, hour, minute, second, _ = bench.world.calendar
    wall_s = clock_chips.seconds(year - 2000, month, day, hour, minute, second)
    assert clock_chips.fields(wall_s)[6] == (weekday + 1) % 7
    # The board's own calendar was set when it booted last.
    assert abs(wall_s - 1795000000 - (bench.world.boot_ms - said_ms) // 1000) <= 3
