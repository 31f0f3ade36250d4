# A board whose clock chip, wiring or guard's time is wrong: it costs no boot and no reading.

import gate_rig
from check_gate import field
from gate_rig import GATE_PIN, Bench

from amont_node.kept import KeptDuty
from amont_wire import const


# A chip that is dead for good: the board's own clock, which runs through deep sleep, counts one
# life, not one a boot; a node has 4096 of them.
def check_deep_sleep_without_its_chip_is_one_life() -> None:
    bench = Bench("ds3231", "deep", profile="flash-flood", look_s=None)
    bench.boot(10**6)
    bench.live(3600)
    bench.world.chip.is_there = False
    boots, hellos = bench.boots, bench.guard.hellos
    bench.live(6 * 3600)
    assert bench.boots - boots > 20 and bench.guard.wrong == bench.guard.reused == 0
    assert bench.node._life.number == 1, bench.node._life.number
    assert bench.guard.hellos == hellos + 1


# The board's own calendar counts no chip's seconds: it is left alone.
def check_a_dead_chip_moves_no_calendar() -> None:
    bench = Bench("ds3231", "deep", profile="flash-flood", look_s=None)
    bench.guard.time = (1795000000, const.TIME_SYNCED)
    bench.boot(10**6)
    bench.live(3600)
    assert bench.world.calendar is not None
    bench.world.chip.is_there = False
    bench.world.calendar = None
    bench.live(3600)
    assert bench.world.calendar is None and bench.node.clock.kind == ""


# One boot in which the chip did not answer must not cost the battery.
def check_a_chip_that_answers_again_is_trusted_after_a_day() -> None:
    for rtc in ("ds3231", "pcf8563"):
        bench = field(rtc, board={"gate": GATE_PIN})
        world = bench.world
        world.chip.is_there = False
        world.pulse_until_ms = world.ms + 5000
        world.moments.append((world.ms + 4000, answers(world.chip)))
        boots = bench.boots
        bench.live(23 * 3600)
        assert bench.boots == boots + 1 and bench.node._life.number == 1
        bench.live(6 * 3600)
        assert bench.boots - boots > 12 and bench.node._life.number == 2
        assert bench.guard.wrong == bench.guard.reused == 0
        assert len(bench.guard.readings) > 4 * 29 - 5


def answers(chip):
    return lambda: setattr(chip, "is_there", True)


# Pins that are none of the bus's: machine.I2C says so when it is made.
def check_pins_that_cannot_be_cost_the_chip_alone() -> None:
    bench = field(board={"gate": GATE_PIN})
    made = gate_rig._I2c.__init__
    gate_rig._I2c.__init__ = refused
    bench.world.cable = True
    try:
        boots, readings = bench.boots, len(bench.guard.readings)
        bench.live(4 * 3600)
    finally:
        gate_rig._I2c.__init__ = made
    assert bench.boots == boots + 1 and len(bench.guard.readings) - readings > 14
    assert bench.faults[0] == (const.FAULT_CLOCK, "ValueError: bad SCL pin")
    bench.node._sleeper.set_wall(bench.node, 1795000000, const.TIME_SYNCED)


def refused(*_, **__) -> None:
    raise ValueError("bad SCL pin")


# What a guard's clock may say: neither before 2020, nor beyond what a calendar holds.
def check_a_time_that_cannot_be_is_not_kept() -> None:
    bench = field()
    for wall_s in (0, 1000000000, 4102444800, 0xFFFFFFFF):
        bench.guard.time = (wall_s, const.TIME_SYNCED)
        boots = bench.boots
        bench.live(3600)
        assert bench.guard.time is None and bench.boots - boots >= 3
        assert bench.world.calendar is None, wall_s
    bench.guard.time = (1795000000, const.TIME_SYNCED)
    bench.live(3600)
    assert bench.world.calendar[0] == 2026 and not bench.faults


# Without the heap for what the duty knows it neither lets go nor stays awake.
def check_no_memory_to_keep_the_duty_is_slept_through() -> None:
    bench = field()
    keep, lightsleep = KeptDuty.keep, gate_rig.Machine.lightsleep
    naps_ms = [0]

    def nap(self, ms: int) -> None:
        naps_ms[0] += ms
        lightsleep(self, ms)

    KeptDuty.keep, gate_rig.Machine.lightsleep = starved, nap
    try:
        boots, readings, began_ms = bench.boots, len(bench.guard.readings), bench.world.ms
        bench.live(4 * 3600)
    finally:
        KeptDuty.keep, gate_rig.Machine.lightsleep = keep, lightsleep
    assert bench.boots <= boots + 1 and len(bench.guard.readings) - readings >= 14
    assert bench.faults[0][0] == const.FAULT_FLASH
    assert naps_ms[0] > (bench.world.ms - began_ms) * 9 // 10


def starved(*_) -> None:
    raise MemoryError()


# The supply stays on after all, and the flash is full when the duty goes on: the duty of before
# that sleep would bring back a past that was not the last.
def check_what_was_kept_for_a_sleep_that_failed_is_forgotten() -> None:
    bench = field(board={"gate": GATE_PIN})
    keep = KeptDuty.keep

    def full(self, duty, sleeps, boots=0, own=None) -> None:
        if boots == 0:
            raise OSError(28)
        keep(self, duty, sleeps, boots, own)

    bench.world.stays_on = True
    KeptDuty.keep = full
    try:
        bench.live(3600)
    finally:
        KeptDuty.keep = keep
    assert [bit for bit, _ in bench.faults].count(const.FAULT_FLASH)
    hellos = bench.guard.hellos
    bench.world.stays_on = False
    bench.live(2 * 3600)
    assert bench.guard.hellos == hellos + 1  # it began anew
    assert bench.guard.wrong == bench.guard.reused == 0
