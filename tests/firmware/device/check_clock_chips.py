# The two clock chips' alarms, against doubles after their datasheets.

import clock_chips
from world import Random

from amont_node.drivers import ds3231, pcf8563
from amont_node.measure import ProbeError

START_S = 1767225600  # 2026-01-01
PAIRS = (
    (ds3231.Ds3231, clock_chips.Ds3231, 0x68), (pcf8563.Pcf8563, clock_chips.Pcf8563, 0x51),
)  # fmt: skip


class World:
    now_s = 500

    def now(self) -> int:
        return self.now_s


class Bus:
    def __init__(self, chip, address: int) -> None:
        self.chip = chip
        self._address = address

    def read(self, address: int, register: int, count: int) -> bytes:
        self._answers(address)
        return self.chip.read(register, count)

    def write(self, address: int, register: int, data: bytes) -> None:
        self._answers(address)
        self.chip.write(register, data)

    def _answers(self, address: int) -> None:
        if not self.chip.is_there or address != self._address:
            raise ProbeError("nobody")


def made(pair, at_s: int = START_S):
    driver, double, address = pair
    world = World()
    chip = double(world.now)
    clock = driver(Bus(chip, address))
    assert clock.read_s() is None
    clock.set_s(at_s)
    return world, chip, clock


def refused(call, *arguments) -> str:
    try:
        call(*arguments)
    except ProbeError as error:
        return str(error)
    raise AssertionError("taken")


def check_time_goes_on() -> None:
    for pair in PAIRS:
        world, chip, clock = made(pair)
        for passed_s in (0, 1, 59, 86400 * 59, 86400 * 365 * 3):
            world.now_s = 500 + passed_s
            assert clock.read_s() == START_S + passed_s
        chip.lose_supply()
        assert clock.read_s() is None


# From any second, over ends of months and years, for gaps of half a minute to a day.
def check_the_alarm_fires_then_and_not_before() -> None:
    random = Random(5)
    for pair in PAIRS:
        for _ in range(60):
            start_s = START_S + random.below(86400 * 1500)
            gap_s = (31, 240, 255, 256, 300, 900, 3600, 86400)[random.below(8)] + random.below(30)
            world, chip, clock = made(pair, start_s)
            armed_s = clock.arm(start_s + gap_s)
            early_s = 59 if pair[0] is pcf8563.Pcf8563 and gap_s > 255 else 0
            assert start_s < armed_s <= start_s + gap_s <= armed_s + early_s
            world.now_s += armed_s - start_s - 1
            assert not chip.interrupts() and not clock.fired(), (start_s, gap_s)
            world.now_s += 1
            assert chip.interrupts() and clock.fired(), (start_s, gap_s)
            world.now_s += 40
            assert chip.interrupts()  # it stays low
            clock.release()
            assert not chip.interrupts() and clock.read_s() == armed_s + 40


# The alarm that woke the board holds its supply until everything is written.
def check_a_new_alarm_lets_go_of_nothing() -> None:
    for pair in PAIRS:
        for first_s, then_s in ((100, 100), (100, 900), (900, 100), (900, 900)):
            world, chip, clock = made(pair)
            world.now_s += clock.arm(START_S + first_s) - START_S
            assert chip.interrupts()
            armed_s = clock.arm(clock.read_s() + then_s)
            assert chip.interrupts(), (first_s, then_s)
            clock.release()
            assert not chip.interrupts()
            world.now_s += armed_s - clock.read_s() - 1
            assert not chip.interrupts()
            world.now_s += 1
            assert chip.interrupts()


def check_an_alarm_that_does_not_keep_is_refused() -> None:
    for pair, registers in ((PAIRS[0], (7, 8, 9, 10, 14)), (PAIRS[1], (1, 9, 10, 11, 14))):
        for register in registers:
            _, chip, clock = made(pair)
            chip.deaf = (register,)
            # Whatever lies there before: one of two alarms differs in it.
            said = []
            for gap_s in (900, 86400 + 3660 + 61, 200):
                try:
                    clock.arm(START_S + gap_s)
                except ProbeError as error:
                    said.append(str(error))
            assert said and "does not read back" in said[0], (pair[0], register)
    for pair, register in ((PAIRS[0], 15), (PAIRS[1], 1)):
        world, chip, clock = made(pair)
        world.now_s += clock.arm(START_S + 900) - START_S
        assert clock.fired()
        chip.deaf = (register,)
        assert "flag does not clear" in refused(clock.release)


def check_no_alarm_without_a_time() -> None:
    _, chip, clock = made(PAIRS[1])
    assert "no alarm" in refused(clock.arm, START_S)
    chip.lose_supply()
    assert "no alarm" in refused(clock.arm, START_S + 900)
    for pair in PAIRS:
        _, chip, clock = made(pair)
        chip.is_there = False
        for call in (clock.read_s, clock.fired, clock.release):
            assert refused(call) == "nobody"
        assert refused(clock.arm, START_S + 900) == "nobody"


# What draws current for nobody is off; a clock that stood still still says so.
def check_outputs_are_off_and_the_flag_of_a_stopped_clock_stays() -> None:
    _, chip, clock = made(PAIRS[0])
    clock.arm(START_S + 900)
    chip.data[0x0F] |= 0x80
    clock.release()
    assert not chip.data[0x0F] & 0x08 and clock.read_s() is None
    _, chip, clock = made(PAIRS[1])
    clock.arm(START_S + 900)
    assert not chip.data[0x0D] & 0x80
    chip.data[0x02] |= 0x80
    clock.release()
    assert clock.read_s() is None
