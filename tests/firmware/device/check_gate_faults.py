# A board whose clock chip, wiring or guard's time is wrong: it costs no boot and no reading.

from gate_rig import Bench


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
