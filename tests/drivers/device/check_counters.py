# Flow meters and rain gauges that count while the node sleeps.

from chips import Pcf8583
from fakes import Board, install, refused

from amont_node.drivers.pcf8583 import decode, encode
from amont_node.drivers.pulse import Told, load, told_of
from amont_node.probes import make_probe

GOOD, SUSPECT = 0, 1
CHIP = {"kind": "pcf8583", "i2c": {"id": 0, "scl": 5, "sda": 4}}


# NXP PCF8583, event-counter mode: D5 to D0 in 03h to 01h, two digits a byte.
def check_digits_of_the_datasheet() -> None:
    assert decode(b"\x21\x43\x65") == 654321 and decode(b"\x99\x99\x99") == 999999
    assert encode(654321) == b"\x21\x43\x65"
    for count in (0, 7, 99, 100, 12345, 999999):
        assert decode(encode(count)) == count
    assert "not digits" in refused(decode, b"\x0a\x00\x00")
    assert "2 bytes of 3" in refused(decode, b"\x00\x00")


def counting(kind: str = "pulse", **more):
    board = install(Board())
    board.chips[0x50] = Pcf8583()
    settings = {"kind": kind, "counter": CHIP}
    for name in more:
        settings[name] = more[name]
    probe = make_probe(settings, ".")
    value, quality = probe.read(0)
    assert (value, quality) == (0, SUSPECT) and "counting begins" in probe.why
    probe.kept()
    return probe, board, settings


def stored(probe, clock_s: int):
    found = probe.read(clock_s)
    probe.kept()
    return found


def check_counts_between_stored_readings() -> None:
    probe, board, _ = counting()
    chip = board.chips[0x50]
    chip.pulses(40)
    assert stored(probe, 900) == (40, GOOD)
    assert stored(probe, 1800) == (0, GOOD)
    chip.pulses(3)
    assert probe.read(2700) == (3, GOOD)  # and it could not be stored
    chip.pulses(4)
    assert stored(probe, 3600) == (7, GOOD)


# Power is cut between two wakes: the count and what was told lie in the chip.
def check_counts_through_a_reboot() -> None:
    probe, board, settings = counting()
    board.chips[0x50].pulses(5)
    assert stored(probe, 900) == (5, GOOD)
    board.chips[0x50].pulses(6)
    probe = make_probe(settings, ".")
    assert stored(probe, 1800) == (6, GOOD)
    assert stored(probe, 2700) == (0, GOOD)


# At every byte that kept() writes to the chip.
def check_power_cut_while_it_is_kept() -> None:
    for cut in range(21):
        probe, board, settings = counting()
        chip = board.chips[0x50]
        chip.pulses(5)
        assert stored(probe, 900) == (5, GOOD)
        chip.pulses(6)
        assert probe.read(1800) == (6, GOOD)
        whole_write = chip.write
        chip.write = lambda at, data: whole_write(at, data[:cut])  # noqa: B023
        probe.kept()
        chip.write = whole_write
        after = make_probe(settings, ".").read(2700)
        assert after == ((0, GOOD) if cut == 20 else (6, GOOD)) or (
            cut > 16 and after[0] in (0, 6)
        )


def check_counts_over_the_last_digit() -> None:
    probe, board, _ = counting(raw="total", max_per_min=1000000)
    chip = board.chips[0x50]
    chip.pulses(999990)
    assert stored(probe, 900) == (999990, GOOD)
    chip.pulses(25)
    assert stored(probe, 1800) == (1000015, GOOD)


def check_chip_lost_its_supply() -> None:
    probe, board, settings = counting()
    board.chips[0x50].pulses(5)
    stored(probe, 900)
    board.chips[0x50].lose_supply()
    assert stored(probe, 1800) == (0, SUSPECT) and "no supply" in probe.why
    board.chips[0x50].pulses(2)
    assert stored(make_probe(settings, "."), 2700) == (2, GOOD)


def check_rate_of_flow() -> None:
    probe, board, _ = counting(raw="rate")
    board.chips[0x50].pulses(30)
    assert stored(probe, 900) == (120, GOOD)  # pulses an hour
    board.chips[0x50].pulses(1)
    assert stored(probe, 910) == (360, GOOD)
    board.chips[0x50].pulses(9)
    assert "the clock moved by -900 s" in refused(probe.read, 10)
    probe.kept()
    assert stored(probe, 910) == (36, GOOD)  # nothing of it is lost


def check_contact_that_bounces() -> None:
    probe, board, _ = counting("tipping_bucket")
    board.chips[0x50].pulses(100)
    assert stored(probe, 60) == (100, GOOD)
    board.chips[0x50].pulses(201)
    assert stored(probe, 180) == (201, SUSPECT) and "201 pulses in 120 s" in probe.why


def check_chip_missing_or_not_counting_digits() -> None:
    probe, board, _ = counting()
    chip = board.chips.pop(0x50)
    assert "0x50 does not answer" in refused(probe.read, 900)
    probe.kept()
    board.chips[0x50] = chip
    chip.pulses(3)
    assert stored(probe, 1800) == (3, GOOD)
    chip.data[1] = 0xAA
    assert "not digits" in refused(probe.read, 2700)


def check_memory_of_two_copies() -> None:
    assert told_of(Told(1, 2, 3, 4).encode()).clock_s == 3
    data = Told(1, 2, 3, 4).encode()
    for at in range(8 * len(data)):
        bad = bytearray(data)
        bad[at // 8] ^= 1 << at % 8
        assert told_of(bytes(bad)) is None

    class Counter:
        def __init__(self, copies) -> None:
            self._data = copies[0] + copies[1]

        def recall(self, at, size):
            return self._data[at : at + size]

    empty = bytes(20)
    for turns, expected in (((2, 3), 3), ((4, 3), 4), ((0, 255), 0), ((254, 255), 255)):
        copies = [Told(turn, 0, 0, turn).encode() for turn in turns]
        assert load(Counter(copies)).turn == expected
    assert load(Counter([copies[0], empty])).turn == 254
    assert load(Counter([empty, copies[1]])).turn == 255
    assert load(Counter([empty, empty])) is None


def check_counter_of_the_port() -> None:
    board = install(Board())
    probe = make_probe({"kind": "pulse", "counter": {"kind": "port", "pin": 9}}, ".")
    assert stored(probe, 0) == (0, SUSPECT)
    board.counted[9] += 12
    assert stored(probe, 60) == (12, GOOD)
    board.Counter = None
    del board.Counter
    install(board)
    probe = make_probe({"kind": "pulse", "counter": {"kind": "port", "pin": 9}}, ".")
    assert "no pulse counter" in refused(probe.read, 0)


# No pulse is lost where a count begins anew.
def check_counter_of_the_port_over_its_end() -> None:
    board = install(Board())
    settings = {"kind": "pulse", "counter": {"kind": "port", "pin": 9}, "raw": "total"}
    probe = make_probe(settings, ".")
    assert stored(probe, 0) == (0, SUSPECT)
    board.counted[9] = (1 << 30) - 5
    assert stored(probe, 40000000) == ((1 << 30) - 5, GOOD)
    board.counted[9] += 12
    assert stored(probe, 40000060) == (7, GOOD)
    board.counted[9] += 1
    assert stored(probe, 40000120) == (8, GOOD)


# A reed contact that bounces for 3 ms, tipping each 200 ms.
def check_counter_on_a_pin() -> None:
    board = install(Board())
    settings = {"kind": "tipping_bucket", "counter": {"kind": "pin", "pin": 9}}
    probe = make_probe(settings, ".")
    assert stored(probe, 0) == (0, SUSPECT)
    for _ in range(5):
        for _ in range(3):
            board.drive(9, 0)
            board.clock.sleep_ms(1)
            board.drive(9, 1)
        board.clock.sleep_ms(200)
    assert stored(probe, 60) == (5, GOOD)


# A contact bounces at both ends: a rain gauge closes for 100 ms, a water meter that stands at its
# magnet for hours. Nothing in between counts, nor does one that is closed as the board starts.
def check_counter_on_a_pin_that_bounces_as_it_opens() -> None:
    for closed_ms in (20, 100, 250 * 14400):
        board = install(Board())
        board.levels[9] = 0
        settings = {"kind": "pulse", "counter": {"kind": "pin", "pin": 9}}
        probe = make_probe(settings, ".")
        assert stored(probe, 0) == (0, SUSPECT)
        board.clock.sleep_ms(200)
        bounce(board, 1)
        assert stored(probe, 60) == (0, GOOD)
        for tip in range(1, 4):
            board.clock.sleep_ms(200)
            bounce(board, 0)
            for _ in range(0, closed_ms, 250):
                board.clock.sleep_ms(min(closed_ms, 250))
            bounce(board, 1)
            assert stored(probe, 60 + tip) == (1, GOOD), closed_ms


def bounce(board, level: int) -> None:
    for at in range(7):
        board.drive(9, level ^ at & 1)
        board.clock.sleep_us(400)


# MicroPython's ticks begin anew after 12.4 days; the first tip after a dry week is rain, too.
def check_counter_on_a_pin_after_dry_days() -> None:
    for days in (0, 1, 5, 7, 11, 12, 13, 20, 40):
        board = install(Board())
        settings = {"kind": "tipping_bucket", "counter": {"kind": "pin", "pin": 9}}
        probe = make_probe(settings, ".")
        assert stored(probe, 0) == (0, SUSPECT)
        for _ in range(2):
            board.clock.sleep_us(days * 86400 * 1000000 + 200000)
            bounce(board, 0)
            board.clock.sleep_ms(100)
            bounce(board, 1)
        assert stored(probe, 60) == (2, GOOD), days


def check_latch_wakes_for_each_tip() -> None:
    board = install(Board())
    settings = {"kind": "tipping_bucket", "counter": {"kind": "latch", "pin": 9, "clear": 10}}
    board.levels[9] = 1  # the tip that woke the board
    board.watching[10] = lambda level: board.levels.update({9: 0}) if level else None
    probe = make_probe(settings, ".")
    assert probe.read(0) == (1, GOOD)  # the reading is lost
    assert stored(probe, 5) == (1, GOOD)
    assert board.levels[9] == 0
    assert stored(probe, 60) == (0, GOOD)
    board.levels[9] = 1
    assert stored(probe, 90) == (1, GOOD)
    assert stored(make_probe(settings, "."), 120) == (0, GOOD)  # woken by the clock


def check_counter_settings() -> None:
    for settings, text in (
        ({}, "probe.counter"),
        ({"counter": {"kind": "abacus"}}, "abacus"),
        ({"counter": {"kind": "pcf8583"}}, "probe.i2c"),
        ({"counter": CHIP, "raw": "litres"}, "litres"),
        ({"counter": {"kind": "pin"}}, "probe.pin"),
    ):
        settings["kind"] = "pulse"
        try:
            make_probe(settings, ".")
        except ValueError as error:
            assert text in str(error)
        else:
            raise AssertionError(text)
