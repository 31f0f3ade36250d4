# ADS1115 with a 4-20 mA loop, and the battery's converter.

from chips import Ads1115
from fakes import Board, install, refused

from amont_node.drivers import battery
from amont_node.drivers.ads1115 import config_word, decode, judge
from amont_node.probes import make_probe

GOOD, SUSPECT, OUT_OF_RANGE, FAULT = 0, 1, 2, 3


# TI ADS1115 (SBAS444), "Input Signal Versus Ideal Output Code": 7FFFh at full scale, 0001h one
# step, FFFFh minus one step, 8000h minus full scale. At +-4.096 V a step is 125 uV.
def check_codes_of_the_datasheet() -> None:
    for code, step in ((0x7FFF, 32767), (1, 1), (0, 0), (0xFFFF, -1), (0x8000, -32768)):
        assert decode(bytes((code >> 8, code & 0xFF)), 125000) == step  # 1 uA a step
    # 150 ohm: 0.6 V are 4 mA, 3.0 V are 20 mA
    assert decode((4800).to_bytes(2, "big"), 150000) == 4000
    assert decode((24000).to_bytes(2, "big"), 150000) == 20000


# The same document, config register: OS, MUX 100b + input, PGA 001b, MODE 1, DR 100b,
# COMP_QUE 11b.
def check_config_of_the_datasheet() -> None:
    assert config_word(0) == 0b1100001110000011
    assert config_word(3) == 0b1111001110000011


# NAMUR NE 43: failure at 3.6 mA and below and at 21 mA and above; 3.8 to 20.5 mA is measured.
def check_levels_of_ne_43() -> None:
    table = (
        (0, FAULT), (3200, FAULT), (3600, FAULT), (3601, SUSPECT), (3799, SUSPECT),
        (3800, GOOD), (4000, GOOD), (12000, GOOD), (20000, GOOD), (20500, GOOD),
        (20501, SUSPECT), (20999, SUSPECT), (21000, FAULT), (22000, FAULT),
    )  # fmt: skip
    for current_ua, quality in table:
        assert judge(current_ua)[0] == quality, current_ua
        assert bool(judge(current_ua)[1]) == (quality != GOOD)
    assert "open" in judge(12)[1] and "broken wire" in judge(3500)[1]
    assert "shorted" in judge(27000)[1] and "over" in judge(20600)[1]


def loop(current_ua, **more):
    board = install(Board())
    chip = Ads1115(board.clock, lambda n: current_ua(n) * 150 if n == 2 else 0)
    board.chips[0x49] = chip
    settings = {"kind": "ads1115_420ma", "i2c": {"id": 0, "scl": 5, "sda": 4}}
    settings["address"], settings["input"] = 0x49, 2
    for name in more:
        settings[name] = more[name]
    return make_probe(settings, "."), board, chip


def check_loop_measures() -> None:
    for current_ua in (3800, 4000, 12345, 20000, 20500):
        probe, board, _ = loop(lambda n: current_ua)  # noqa: B023
        value, quality = probe.read(0)
        assert abs(value - current_ua) <= 1 and quality == GOOD
        assert board.clock.now_us < 200000


# SBAS444, "Electrical Characteristics": all data rates vary by 10 %.
def check_loop_of_a_slow_chip() -> None:
    for slow_pct in (90, 110):
        probe, _, chip = loop(lambda n: 12345)
        chip.slow_pct = slow_pct
        assert abs(probe.read(0)[0] - 12345) <= 1


# Two loops on one chip: each value is that of its own input, in any order.
def check_two_loops_on_one_chip() -> None:
    board = install(Board())
    chip = Ads1115(board.clock, lambda n: (4000, 9000, 14000, 19000)[n] * 150)
    board.chips[0x48] = chip
    i2c = {"id": 0, "scl": 5, "sda": 4}
    probes = [make_probe({"kind": "ads1115_420ma", "i2c": i2c, "input": n}, ".") for n in range(4)]
    for n in (0, 3, 0, 1, 2, 3, 2, 0):
        assert probes[n].read(0) == ((4000, 9000, 14000, 19000)[n], GOOD), n
    chip.write(1, b"\xf3\x83")  # somebody else began a conversion of input 3
    assert probes[0].sense(0) == (4000, GOOD)


def check_loop_looks() -> None:
    probe, board, _ = loop(lambda n: 12345)
    assert probe.sense(0)[1] == GOOD
    assert board.clock.now_us < 50000


def check_loop_faults() -> None:
    for current_ua, quality, text in (
        (0, FAULT, "open"), (3400, FAULT, "broken wire"), (3700, SUSPECT, "under"),
        (20800, SUSPECT, "over"), (21600, FAULT, "shorted"), (90000, FAULT, "shorted"),
        (-5000, FAULT, "open"),
    ):  # fmt: skip
        probe, _, _ = loop(lambda n: current_ua)  # noqa: B023
        assert probe.read(0)[1] == quality and text in probe.why, current_ua


def check_loop_noise_is_suspect() -> None:
    currents = [8000, 9000, 8500, 9500, 8000, 9000, 8500, 9500]
    probe, _, _ = loop(lambda n: currents.pop())
    value, quality = probe.read(0)
    assert 8500 <= value <= 9000 and quality == SUSPECT and "spread" in probe.why


def check_loop_chip_missing_frozen_or_another() -> None:
    probe, board, chip = loop(lambda n: 4000)
    del board.chips[0x49]
    assert "0x49 does not answer" in refused(probe.read, 0)
    board.chips[0x49] = chip
    assert probe.read(0)[1] == GOOD  # wired again
    chip.never_ends = True
    assert "no conversion ends" in refused(probe.read, 0)
    probe, board, _ = loop(lambda n: 4000)
    board.chips[0x49] = Deaf()
    assert "no ADS1115" in refused(probe.read, 0)


# A chip of another kind at the same address.
class Deaf:
    def read(self, register, count):
        return b"\xff" * count

    def write(self, register, data):
        pass


# NXP UM10204, "Bus clear": a chip that was cut off in a byte holds the data line for up to nine
# clocks; and a line that is shorted for ever.
def check_frozen_bus() -> None:
    probe, board, _ = loop(lambda n: 4000)
    assert probe.read(0)[1] == GOOD
    board.held_low.append(4)
    board.stuck_clocks = 7
    assert probe.read(0) == (4000, GOOD)
    board.held_low.append(4)
    board.stuck_clocks = 0
    started_us = board.clock.now_us
    assert "held low" in refused(probe.read, 0)
    assert board.clock.now_us - started_us < 200000


def check_loop_supply_is_switched() -> None:
    power = {"pin": 22, "active": 0, "warm_ms": 1500}
    probe, board, _ = loop(lambda n: 4000 if board.levels[22] == 0 else 0, power=power)
    assert probe.read(0) == (4000, GOOD)
    assert board.levels[22] == 1 and board.clock.now_us > 1500000
    board.chips.clear()
    refused(probe.read, 0)
    assert board.levels[22] == 1  # off also when it fails


# 65535 of the reference is full scale; a Pico's VSYS comes over a third on pin 29.
def check_battery_arithmetic() -> None:
    assert battery.decode(27306, 3300, 3, 1) == (4125, GOOD, "")
    assert battery.decode(65535, 3300, 3, 1)[1] == FAULT
    assert battery.decode(0, 3300, 3, 1)[1] == FAULT


# ESP32: microvolts, corrected by what the factory measured.
def check_battery_on_a_corrected_converter() -> None:
    board = install(Board())

    class Adc:
        ATTN_11DB = 3

        def __init__(self, pin, atten=0) -> None:
            assert pin.number == 34
            self._most_uv = 3_100_000 if atten == 3 else 950_000

        def read_uv(self) -> int:
            return min(1_650_000, self._most_uv)

    board.ADC = Adc
    probe = make_probe({"kind": "battery", "pin": 34, "multiply": 2}, ".")
    assert probe.read(0) == (3300, GOOD)


def check_battery_probe() -> None:
    board = install(Board())
    board.shares[29] = 20000
    settings = {"kind": "battery", "pin": 29, "multiply": 3, "low": 3000, "high": 5500}
    probe = make_probe(settings, ".")
    assert probe.read(0) == (3021, GOOD)
    board.shares[29] = 19000
    assert probe.read(0) == (2870, OUT_OF_RANGE) and "2870" in probe.why
    board.shares[29] = 10
    assert probe.read(0)[1] == FAULT and "divider" in probe.why
