# The adapter radio_sx126x with the real library of micropython-lib, against the chip in sx1262.py.
# MicroPython only, for the library is: see tests/firmware/real_lora.py, which runs this.
# Arguments: names of checks; none: all.

import sys

import sx1262
from sx1262 import SETTINGS, Air, Chip, Clock, Machine, Time

CLOCK = Clock()
MACHINE = Machine(CLOCK)
sys.modules["time"] = Time(CLOCK)  # before the library is imported
sys.modules["machine"] = MACHINE

import radio_contract  # noqa: E402
from radio_contract import DOWN, FRAME, OTHER, UP  # noqa: E402

from amont_node import radio_scan, radio_sx126x  # noqa: E402
from amont_node.radio import Modulation, RadioFault  # noqa: E402
from amont_node.settings import ConfigError  # noqa: E402
from amont_wire.airtime import scan_preamble  # noqa: E402


class Rig:
    tells_hearing = True

    def __init__(self, **changes) -> None:
        CLOCK.chips = []
        CLOCK.limit_us = CLOCK.us + 120 * 1000000
        self.settings = dict(SETTINGS)
        self.settings.update(changes)
        self.air = Air(CLOCK)
        self.chip = MACHINE.chip = Chip(CLOCK, self.air, bool(self.settings["tcxo_mv"]))
        self.radio = radio_sx126x.Sx126x(self.settings)

    def now_ms(self) -> int:
        return CLOCK.us // 1000

    def hear(self, frame, modulation, in_ms) -> None:
        self.air.put(frame, modulation, in_ms * 1000, -97, -28)

    def settle(self, ms: int) -> None:
        CLOCK.advance(ms * 1000)

    def sent(self):
        flights, self.chip.sent = self.chip.sent, []
        found = []
        for flight in flights:
            freq, sf, bw_khz, inverted, sync = flight.how
            assert sync == 0x1424
            khz = -(-freq * 32000 >> 25)
            preamble = flight.preamble_us // flight.symbol_us
            found.append((flight.frame, Modulation(khz, sf, bw_khz, 5, preamble, 14, inverted)))
        return found

    def damage(self, frame, modulation) -> bool:
        self.air.put(frame, modulation, 30000, is_damaged=True)
        return True

    def fail(self) -> None:
        self.chip.fault = "stuck"

    def mend(self) -> None:
        self.chip.fault = ""
        self.chip._power_on()

    def close(self) -> None:
        self.radio.close()
        assert self.chip.wrong == [], self.chip.wrong


class TcxoRig(Rig):
    def __init__(self) -> None:
        Rig.__init__(self, tcxo_mv=1800)


class BlindRig(Rig):
    def __init__(self) -> None:
        Rig.__init__(self, dio1=None)


def check_the_contract() -> None:
    radio_contract.run_all(Rig)


def check_the_contract_with_a_tcxo() -> None:
    radio_contract.run_all(TcxoRig)


def check_the_contract_without_dio1() -> None:
    radio_contract.run_all(BlindRig)


# Each way in which a chip can be no chip: told, within bounds, and over once it is one.
def check_every_fault_ends() -> None:
    for fault in ("absent", "stuck", "low", "nonsense", "mute"):
        rig = Rig()
        rig.radio.configure([DOWN])
        rig.chip.fault = fault
        began_ms = rig.now_ms()
        assert rig.radio.send(FRAME, UP) is False, fault
        most_ms = rig.radio.time_on_air_us(len(FRAME), UP) // 1000 + 200
        assert rig.now_ms() - began_ms <= most_ms, fault
        assert rig.radio.fault, fault
        began_ms = rig.now_ms()
        assert rig.radio.receive(3000) is None, fault
        assert 3000 <= rig.now_ms() - began_ms <= 3300, fault
        rig.radio.sleep()
        print("%s: %s" % (fault, rig.radio.fault))
        rig.mend()
        assert rig.radio.send(FRAME, UP), rig.radio.fault
        assert rig.radio.fault == ""
        rig.chip.wrong = []  # what an unfit chip took for commands
        rig.close()


# It breaks in the middle of whatever goes on.
def check_a_fault_in_the_middle() -> None:
    for fault in ("absent", "stuck", "low", "nonsense"):
        for is_asleep in (False, True):
            rig = Rig()
            rig.radio.configure([DOWN])
            rig.radio.receive(50)
            if is_asleep:
                rig.radio.sleep()
            rig.chip.fault = fault
            assert rig.radio.receive(400) is None
            assert rig.radio.hears() is False
            assert rig.radio.fault, (fault, is_asleep)
            rig.mend()
            rig.settle(1500)
            rig.hear(OTHER, DOWN, 30)
            assert rig.radio.receive(1500)[0] == OTHER
            rig.chip.wrong = []
            rig.close()


# A reset, and only that, cures it.
def check_a_reset_cures() -> None:
    rig = Rig()
    rig.radio.configure([DOWN])
    rig.radio.receive(50)
    rig.chip.fault = "once"
    rig.hear(OTHER, DOWN, 1500)
    assert rig.radio.receive(3000)[0] == OTHER
    assert rig.radio.resets == 2
    rig.chip.wrong = []
    rig.close()


# Without supply for a moment it is another chip, and says nothing of it.
def check_a_chip_that_forgot() -> None:
    rig = Rig()
    rig.radio.configure([DOWN])
    rig.radio.receive(50)
    rig.chip.brown_out()
    rig.hear(OTHER, DOWN, 1500)
    assert rig.radio.receive(3000)[0] == OTHER
    rig.chip.registers[0x0740] = 0x34  # it forgot, and listens all the same
    rig.hear(FRAME, DOWN, 63000)
    assert rig.radio.receive(65000)[0] == FRAME
    assert rig.radio.resets == 3
    rig.close()


# 15.4: a long frame with inverted IQ, and again without, either way.
def check_the_polarity_follows() -> None:
    rig = Rig()
    for listen, other in ((DOWN, UP), (UP, DOWN), (DOWN, UP)):
        rig.radio.configure([listen])
        assert rig.radio.send(OTHER, other)
        assert rig.radio.receive(20) is None
        rig.hear(OTHER, listen, 30)
        assert rig.radio.receive(1500)[0] == OTHER
        assert rig.chip.registers[0x0736] & 4 == (0 if listen.inverted else 4)
    rig.close()


# As the library has it, such frames are lost: the double would see it.
def check_the_double_sees_the_wrong_polarity() -> None:
    mended, radio_sx126x._mended = radio_sx126x._mended, lambda base: base
    try:
        rig = Rig()
    finally:
        radio_sx126x._mended = mended
    rig.radio.configure([DOWN])
    rig.radio.send(FRAME, UP)
    rig.radio.receive(20)
    rig.hear(OTHER, DOWN, 30)
    assert rig.radio.receive(1500) is None
    assert rig.chip.wrong
    rig.chip.wrong = []
    rig.close()


def check_the_settings_reach_the_chip() -> None:
    rig = Rig(tcxo_mv=1700, tcxo_us=4000, boost=True, rxen=20, txen=21)
    assert rig.radio.send(FRAME, Modulation(868500, 8, preamble=24, power_dbm=14))
    ((_, how),) = rig.sent()
    assert how.preamble == 24
    chip = rig.chip
    assert chip.settings["tcxo"] == 1  # table 13-35: 1.7 V
    assert 4000 <= chip.tcxo_us < 4016
    assert chip.settings["dio2"] == 1
    assert chip.settings["regulator"] == 1
    assert chip.settings["power"] == (b"\x02\x02\x00\x01", 22)  # table 13-21: 14 dBm
    assert chip.registers[0x08AC] == 0x96
    assert MACHINE.levels == {20: 0, 21: 0}
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    assert MACHINE.levels == {20: 1, 21: 0}
    rig.radio.sleep()
    assert chip.mode == sx1262.SLEEP
    assert MACHINE.levels == {20: 0, 21: 0}
    MACHINE.levels.clear()
    rig.close()


def check_the_oscillator_that_does_not_start() -> None:
    rig = TcxoRig()
    rig.settings["tcxo_us"] = 500  # the double's wants 1500
    assert rig.radio.send(FRAME, UP) is False
    assert "0x20" in rig.radio.fault, rig.radio.fault
    rig.settings["tcxo_us"] = 5000
    assert rig.radio.send(FRAME, UP), rig.radio.fault
    rig.close()


def check_settings_that_cannot_be() -> None:
    for wrong in (
        None, {}, {"spi": {}}, dict(SETTINGS, cs=None), dict(SETTINGS, busy="2"),
        dict(SETTINGS, tcxo_mv=5000), dict(SETTINGS, reset=99), dict(SETTINGS, dio1=True),
    ):  # fmt: skip
        try:
            radio_sx126x.Sx126x(wrong)
        except ConfigError:
            continue
        raise AssertionError(wrong)
    try:
        radio_sx126x.Sx126x(SETTINGS, "sx9999")
    except RadioFault:
        return
    raise AssertionError("a chip that nobody makes")


def check_odd_frames() -> None:
    rig = Rig()
    assert rig.radio.send(b"", UP) is False
    assert rig.radio.send(bytes(256), UP) is False
    assert rig.radio.send(bytes(255), UP) is True
    rig.radio.configure([])
    assert rig.radio.receive(50) is None
    assert rig.radio.fault
    rig.close()


# Preambles as long as airtime.scan_preamble says, from anywhere in the circle: each is heard.
# Frames follow each other; one that begins while another is received is another's matter.
def check_scanning_hears_all_that_is_long_enough() -> None:
    for channels, sfs in (
        ((868100, 868300, 868500), (9,)), ((868100,), (7, 10)),
        ((868100, 868300, 868500), (7, 8, 9)),
    ):  # fmt: skip
        for kind in (Rig, TcxoRig):
            rig = kind()
            listen = []
            for khz in channels:
                for sf in sfs:
                    preamble = scan_preamble(len(channels), list(sfs), sf)
                    listen.append(Modulation(khz, sf, preamble=preamble))
            rig.radio.configure(listen)
            assert rig.radio.receive(50) is None
            before, began_us = rig.radio._scan.looks, CLOCK.us
            assert rig.radio.receive(1000) is None
            look_us = (CLOCK.us - began_us) // (rig.radio._scan.looks - before)
            heard = 0
            for number in range(8):
                index = number * 7 % len(listen)
                rig.hear(FRAME, listen[index], 3 + number * 37 % 211)
                found = rig.radio.receive(6000)
                heard += found is not None and found[3] == index and found[0] == FRAME
            print(
                "scan %d x %s%s: %d us a look, heard %d of 8"
                % (len(channels), sfs, " TCXO" if rig.settings["tcxo_mv"] else "", look_us, heard)
            )
            assert heard == 8
            rig.close()


# Whoever wants to send knows from the look on that a frame comes in.
def check_a_scan_tells_what_it_expects() -> None:
    rig = Rig()
    listen = [Modulation(868100, 9, preamble=40), Modulation(868300, 9, preamble=40)]
    rig.radio.configure(listen)
    assert rig.radio.receive(100) is None
    assert not rig.radio.hears()
    rig.hear(OTHER, listen[0], 0)
    seen = []
    for _ in range(200):
        heard = rig.radio.receive(0)
        if heard is not None:
            break
        seen.append(rig.radio.hears())
        rig.settle(2)
    assert heard[0] == OTHER
    first = seen.index(True)
    assert first < 35  # within the preamble
    assert all(seen[first:])
    assert not rig.radio.hears()
    rig.close()


# A look that ends in nothing does not keep it, nor one that never ends.
def check_scanning_goes_on() -> None:
    rig = Rig()
    rig.radio.configure([Modulation(868100, 7, preamble=60), Modulation(868300, 7, preamble=60)])
    assert rig.radio.receive(100) is None
    scan = rig.radio._scan
    flight = rig.air.put(FRAME, scan._listen[0], 3000)
    rig.settle(1)
    flight.end_us = flight.header_us = CLOCK.us + 4000  # it breaks off
    flight.how = flight.how[:4] + (0x3444,)
    assert rig.radio.receive(300) is None
    rig.chip.fault = "mute"
    before = scan.looks
    assert rig.radio.receive(300) is None
    assert scan.stuck > 0
    assert scan.looks > before
    rig.chip.fault = ""
    rig.hear(FRAME, scan._listen[1], 30)
    assert rig.radio.receive(700)[0] == FRAME
    assert radio_scan._CAD[0] == (1, 22)
    rig.close()


def main(names) -> None:
    for entry in sorted(globals()):
        if entry.startswith("check_") and (not names or entry in names):
            globals()[entry]()
            print("ok %s" % entry)


main(sys.argv[1:])
