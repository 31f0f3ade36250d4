# DS18B20, the two clocks, and the factory of all probes.

import sys

from chips import Ds3231, Pcf8563
from fakes import Board, Thermometer, install, maxim_crc, refused, remove

from amont_node.drivers import buses, ds18b20, ds3231, pcf8563
from amont_node.drivers.calendar import calendar, unix_s
from amont_node.drivers.clocks import make_clock
from amont_node.drivers.crc import crc8
from amont_node.probes import make_probe, open_probe

GOOD, OUT_OF_RANGE, FAULT = 0, 2, 3


def scratchpad(register: int, config: int = 0x7F) -> bytes:
    body = bytes((register & 0xFF, register >> 8, 0x4B, 0x46, config, 0xFF, 0x0C, 0x10))
    return body + bytes((maxim_crc(body),))


# Maxim application note 27: the ROM code 02 1C B8 01 00 00 00 has the CRC A2.
def check_crc_of_the_application_note() -> None:
    assert crc8(b"\x02\x1c\xb8\x01\x00\x00\x00") == 0xA2


# DS18B20 datasheet, Table 1, "Temperature/Data Relationship", rounded to 1/100; its one line more,
# 0550h, is the value after power on, of which the check after this one is.
def check_temperatures_of_the_datasheet() -> None:
    for register, temp_cc in (
        (0x07D0, 12500), (0x0191, 2506), (0x00A2, 1013), (0x0008, 50), (0x0000, 0),
        (0xFFF8, -50), (0xFF5E, -1012), (0xFE6F, -2506), (0xFC90, -5500),
    ):  # fmt: skip
        assert ds18b20.decode(scratchpad(register)) == (temp_cc, GOOD, ""), hex(register)


def check_power_on_value_is_a_fault() -> None:
    temp_cc, quality, why = ds18b20.decode(scratchpad(0x0550))
    assert (temp_cc, quality) == (8500, FAULT) and "85 degrees" in why
    assert ds18b20.decode(scratchpad(0x0800))[1] == FAULT  # over 125


# Configuration register: 1F, 3F, 5F, 7F are 9 to 12 bits; the bits below are undefined.
def check_lower_resolution() -> None:
    assert ds18b20.decode(scratchpad(0x0197, 0x1F))[0] == 2500
    assert ds18b20.decode(scratchpad(0x0197, 0x3F))[0] == 2525


def check_what_is_no_scratchpad() -> None:
    good = scratchpad(0x0191)
    for at in range(72):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        assert "damaged" in refused(ds18b20.decode, bytes(bad))
    assert "not a DS18B20" in refused(ds18b20.decode, bytes(9))  # its CRC is right
    assert "damaged" in refused(ds18b20.decode, b"\xff" * 9)
    assert "damaged" in refused(ds18b20.decode, good[:8])


def thermometer(temp_16: int, **more):
    board = Board()
    board.wire = Thermometer(board.clock, temp_16)
    install(board)
    settings = {"kind": "ds18b20", "pin": 15}
    for name in more:
        settings[name] = more[name]
    return make_probe(settings, "."), board


def check_thermometer_measures() -> None:
    probe, board = thermometer(10 * 16 + 2)
    assert probe.read(0) == (1013, GOOD)
    assert 750000 <= board.clock.now_us < 900000 and board.fed >= 3
    probe, _ = thermometer(60 * 16, high=4500)
    assert probe.read(0) == (6000, OUT_OF_RANGE) and "6000" in probe.why


# An interrupt in the middle of a bit damages one answer, not the temperature in the chip.
def check_thermometer_that_is_read_again() -> None:
    probe, board = thermometer(10 * 16 + 2)
    answers = [b"\x00", b""]
    board.wire.spoil = lambda data: (answers.pop() if answers else b"") + data
    assert probe.read(0) == (1013, GOOD)
    answers = [b"", b"\x00"]
    begun_us = board.clock.now_us
    assert probe.read(0) == (1013, GOOD) and answers == []
    assert board.clock.now_us - begun_us < 900000  # without another conversion


# Copies of the chip: an answer of zeros, whose CRC is right; a DS18S20 has no configuration.
def check_thermometers_that_are_none() -> None:
    probe, board = thermometer(160)
    board.wire.spoil = lambda data: bytes(9)
    assert "not a DS18B20" in refused(probe.read, 0)
    probe, board = thermometer(160)
    board.wire.config = 0xFF
    assert "not a DS18B20" in refused(probe.read, 0)


def check_thermometer_faults() -> None:
    probe, board = thermometer(160)
    board.wire._register = 0x0550
    board.wire.temp_16 = 0x0550  # each conversion loses its supply
    assert probe.read(0)[1] == FAULT and "supply" in probe.why
    board.wire.spoil = lambda data: data[:3] + b"\x00" + data[4:]
    assert "damaged" in refused(probe.read, 0)
    board.held_low.append(15)
    assert "held low" in refused(probe.read, 0)
    install(Board())
    assert "no thermometer" in refused(make_probe({"kind": "ds18b20", "pin": 15}, ".").read, 0)


KNOWN = (
    (946684800, (2000, 1, 1, 0, 0, 0, 5)),
    (951782399, (2000, 2, 28, 23, 59, 59, 0)),
    (951782400, (2000, 2, 29, 0, 0, 0, 1)),
    (978307199, (2000, 12, 31, 23, 59, 59, 6)),
    (1709164800, (2024, 2, 29, 0, 0, 0, 3)),
    (1767225600, (2026, 1, 1, 0, 0, 0, 3)),
    (4102444799, (2099, 12, 31, 23, 59, 59, 3)),
)


def check_calendar() -> None:
    for at_s, fields in KNOWN:
        assert calendar(at_s) == fields and unix_s(*fields[:6]) == at_s
    for at_s in range(946684800, 4102444800, 86400 * 11 + 3607):
        assert unix_s(*calendar(at_s)[:6]) == at_s
    for at_s in (0, 946684799, 4102444800):
        try:
            calendar(at_s)
        except ValueError as error:
            assert str(at_s) in str(error)
        else:
            raise AssertionError(at_s)


def clock(kind):
    board = install(Board())
    chip = Ds3231() if kind is ds3231.Ds3231 else Pcf8563()
    board.chips[0x68 if kind is ds3231.Ds3231 else 0x51] = chip
    name = "ds3231" if kind is ds3231.Ds3231 else "pcf8563"
    made = make_clock(name, {"id": 0, "scl": 5, "sda": 4})
    assert isinstance(made, kind)
    return made, board, chip


def check_clock_of_another_name() -> None:
    try:
        make_clock("hourglass", {"id": 0, "scl": 5, "sda": 4})
    except ValueError as error:
        assert "hourglass" in str(error)
    else:
        raise AssertionError("made")


# DS3231 datasheet, "Timekeeping Registers": seconds, minutes, hours, day, date, month, year.
# PCF8563 datasheet, "Register organization": seconds, minutes, hours, days, weekdays, months,
# years.
def check_clock_registers_of_the_datasheets() -> None:
    at_s = unix_s(2026, 11, 22, 18, 5, 59)  # a Sunday
    assert ds3231.encode(at_s) == b"\x59\x05\x18\x07\x22\x11\x26"
    assert ds3231.decode(b"\x59\x05\x18\x07\x22\x11\x26") == at_s
    assert ds3231.decode(b"\x59\x05\x18\x07\x22\x91\x26") == at_s  # century bit
    assert pcf8563.encode(at_s) == b"\x59\x05\x18\x22\x00\x11\x26"
    assert pcf8563.decode(b"\x59\x05\x18\x22\x00\x11\x26") == at_s
    assert pcf8563.decode(b"\x59\x85\xd8\xe2\xf8\x71\x26") == at_s  # unimplemented bits
    assert pcf8563.decode(b"\xd9\x05\x18\x22\x00\x11\x26") is None  # VL


def check_clocks_that_stood_still() -> None:
    for kind in (ds3231.Ds3231, pcf8563.Pcf8563):
        probe, _, _ = clock(kind)
        assert probe.read_s() is None
        probe.set_s(1767225600)
        assert probe.read_s() == 1767225600


# The datasheets: OSF is bit 7 of 0Fh, EOSC bit 7 of 0Eh; VL bit 7 of 02h, STOP bit 5 of 00h.
def check_clock_flags() -> None:
    probe, _, chip = clock(ds3231.Ds3231)
    chip.data[0x0E] |= 0x80
    probe.set_s(1767225600)
    assert not chip.data[0x0F] & 0x80 and not chip.data[0x0E] & 0x80 and chip.data[0x0E] & 0x1C
    chip.data[0x0F] |= 0x80
    assert probe.read_s() is None
    probe, _, chip = clock(pcf8563.Pcf8563)
    probe.set_s(1767225600)
    chip.data[0x00] = 0x20
    assert probe.read_s() is None


# Power is cut at each write while the clock is set: then it says nothing rather than a wrong time.
def check_power_cut_while_a_clock_is_set() -> None:
    for kind in (ds3231.Ds3231, pcf8563.Pcf8563):
        for cut in range(3):
            probe, _, chip = clock(kind)
            if kind is pcf8563.Pcf8563:
                probe.set_s(1000000000)
            whole_write = chip.write
            left = [cut]

            def write(register, data, whole_write=whole_write, left=left):
                if left[0] == 0:
                    raise MemoryError("cut")
                left[0] -= 1
                whole_write(register, data)

            chip.write = write
            try:
                probe.set_s(1767225600)
            except MemoryError:
                pass
            chip.write = whole_write
            assert probe.read_s() in (None, 1000000000)


def check_clock_that_talks_nonsense() -> None:
    probe, board, chip = clock(ds3231.Ds3231)
    probe.set_s(1767225600)
    chip.data[1] = 0x7A
    assert "not digits" in refused(probe.read_s)
    chip.data[1], chip.data[2] = 0, 0x52
    assert "12 hour" in refused(probe.read_s)
    chip.data[2], chip.data[5] = 0, 0x13
    assert "1 to 12" in refused(probe.read_s)
    for chip_module in (ds3231, pcf8563):
        assert "6 bytes of 7" in refused(chip_module.decode, bytes(6))
    chip.data[4], chip.data[5], chip.data[6] = 0x30, 0x02, 0x28
    assert "2028-02-30: no such day" in refused(probe.read_s)
    board.chips.clear()
    assert "0x68 does not answer" in refused(probe.read_s)


def check_wrong_settings_name_the_field() -> None:
    uart = {"id": 1, "rx": 5}
    for settings, text in (
        ({"kind": "a02yyuw"}, "probe.uart"),
        ({"kind": "a02yyuw", "uart": {"id": 1}}, "probe.rx"),
        ({"kind": "a02yyuw", "uart": uart, "pings": 0}, "probe.pings"),
        ({"kind": "jsn_sr04t", "trigger": 1}, "probe.echo"),
        ({"kind": "modbus_rtu", "uart": uart}, "probe.register"),
        ({"kind": "modbus_rtu", "uart": uart, "register": 0, "type": "f64"}, "f64"),
        ({"kind": "ads1115_420ma", "i2c": {"id": 0, "scl": 1, "sda": 2}, "input": 4}, "input"),
        ({"kind": "sdi12", "uart": uart, "address": "10"}, "probe.address"),
        ({"kind": "ds18b20", "pin": True}, "probe.pin"),
        ({"kind": "battery", "pin": "A0"}, "A0"),
        ({"kind": "oracle"}, "oracle"),
    ):
        buses._made.clear()
        try:
            make_probe(settings, ".")
        except ValueError as error:
            assert text in str(error), error
        else:
            raise AssertionError(text)
        assert text in refused(open_probe(settings, ".").read, 0)


def check_one_bus_is_wired_once() -> None:
    install(Board())
    first = {"id": 0, "scl": 5, "sda": 4}
    make_probe({"kind": "ads1115_420ma", "i2c": first}, ".")
    make_probe({"kind": "ads1115_420ma", "i2c": dict(first), "input": 1}, ".")
    try:
        make_probe({"kind": "ads1115_420ma", "i2c": {"id": 0, "scl": 7, "sda": 6}}, ".")
    except ValueError as error:
        assert "0 is wired otherwise" in str(error)
    else:
        raise AssertionError("taken")


# A port that knows no such bus says so by OSError or ValueError.
def check_a_bus_that_the_port_refuses() -> None:
    board = install(Board())

    def refuse(*_, **__):
        raise ValueError("bad TX pin")

    board.UART = refuse
    probe = make_probe({"kind": "a02yyuw", "uart": {"id": 1, "tx": 7, "rx": 5}}, ".")
    assert "uart 1: bad TX pin" in refused(probe.read, 0)


# A board without pins, such as the simulated one: the probe says so, each time it is read.
def check_a_board_without_pins() -> None:
    remove()
    buses.clock = Board().clock
    sys.modules["machine"] = object()
    probe = make_probe({"kind": "ds18b20", "pin": 15}, ".")
    for _ in range(2):
        assert "no pins here" in refused(probe.read, 0)
    remove()
