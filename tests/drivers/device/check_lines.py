# Modbus RTU and SDI-12.

from fakes import Board, ModbusSlave, Sdi12Sensor, Silence, install, modbus_crc, refused

from amont_node.drivers import modbus_rtu, sdi12
from amont_node.drivers.crc import crc16
from amont_node.drivers.number import decimal, float32
from amont_node.probes import make_probe

GOOD, SUSPECT = 0, 1
RS485 = {"id": 1, "tx": 4, "rx": 5, "de": 6}


# MODBUS over Serial Line V1.02, the example of CRC generation: 02 07 gives 1241h, sent 41 12.
def check_crc_of_the_standard() -> None:
    assert crc16(b"\x02\x07", 0xFFFF) == 0x1241
    assert modbus_rtu.request(1, 3, 0, 10) == b"\x01\x03\x00\x00\x00\x0a\xc5\xcd"


# MODBUS Application Protocol V1.1b3, examples of 6.3 (three holding registers from 108: 022Bh, 0,
# 0064h) and 6.4 (input register 9: 000Ah), here with address and CRC around them.
def check_examples_of_the_standard() -> None:
    assert modbus_rtu.request(17, 3, 107, 3)[1:-2] == b"\x03\x00\x6b\x00\x03"
    answer = b"\x11\x03\x06\x02\x2b\x00\x00\x00\x64"
    data = modbus_rtu.decode(answer + modbus_crc(answer), 17, 3, 3)
    assert data == b"\x02\x2b\x00\x00\x00\x64"
    assert modbus_rtu.request(17, 4, 8, 1)[1:-2] == b"\x04\x00\x08\x00\x01"
    answer = b"\x11\x04\x02\x00\x0a"
    assert modbus_rtu.decode(answer + modbus_crc(answer), 17, 4, 1) == b"\x00\x0a"


# Whole frames of the first of them, as a maker's manual prints them (Hamilton Sundstrand EXVG).
def check_frames_of_a_manual() -> None:
    assert modbus_rtu.request(1, 3, 107, 3) == b"\x01\x03\x00\x6b\x00\x03\x74\x17"
    answer = b"\x01\x03\x06\x02\x2b\x00\x00\x00\x64\x05\x7a"
    assert modbus_rtu.decode(answer, 1, 3, 3) == b"\x02\x2b\x00\x00\x00\x64"


# 7, Exception Responses: function with its highest bit set, then the code.
def check_exceptions_of_the_standard() -> None:
    answer = b"\x11\x83\x02"
    said = refused(modbus_rtu.decode, answer + modbus_crc(answer), 17, 3, 1)
    assert "illegal data address (2)" in said


def check_answers_that_are_none() -> None:
    good = b"\x11\x03\x02\x00\x0a"
    good += modbus_crc(good)
    assert modbus_rtu.decode(good, 17, 3, 1) == b"\x00\x0a"
    assert "no answer" in refused(modbus_rtu.decode, b"", 17, 3, 1)
    for at in range(8 * len(good)):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        assert "damaged" in refused(modbus_rtu.decode, bytes(bad), 17, 3, 1)
    for length in range(1, len(good)):
        assert "damaged" in refused(modbus_rtu.decode, good[:length], 17, 3, 1)
    assert "answer from 17" in refused(modbus_rtu.decode, good, 18, 3, 1)
    assert "another answer" in refused(modbus_rtu.decode, good, 17, 4, 1)
    assert "another answer" in refused(modbus_rtu.decode, good, 17, 3, 2)


# IEEE 754 single precision: 1.0 is 3F800000h, -2.5 C0200000h, 3.1415927 40490FDBh.
def check_floats() -> None:
    for bits, decimals, value in (
        (0x3F800000, 3, 1000), (0xC0200000, 3, -2500), (0x40490FDB, 6, 3141593),
        (0, 3, 0), (0x80000000, 3, 0), (0x00000001, 6, 0), (0x3A83126F, 3, 1),
        (0x4B7FFFFF, 0, 16777215), (0x7F800000, 0, None), (0xFF800000, 0, None),
        (0x7FC00000, 3, None), (0x7F7FFFFF, 0, None), (0x4E800000, 0, 1 << 30),
    ):  # fmt: skip
        assert float32(bits, decimals) == value, hex(bits)


def check_register_types() -> None:
    value_of = modbus_rtu.value_of
    assert value_of(b"\xff\xfe", "u16", 0) == 65534 and value_of(b"\xff\xfe", "s16", 0) == -2
    assert value_of(b"\x00\x01\x00\x02", "u32", 0) == 65538
    assert value_of(b"\x00\x02\x00\x01", "u32_swapped", 0) == 65538
    assert value_of(b"\xff\xff\xff\xfe", "s32", 0) == -2
    assert value_of(b"\xff\xfe\xff\xff", "s32_swapped", 0) == -2
    assert value_of(b"\x3f\x80\x00\x00", "f32", 3) == 1000
    assert value_of(b"\x00\x00\x3f\x80", "f32_swapped", 3) == 1000


def radar(registers, **more):
    board = install(Board())
    slave = registers if isinstance(registers, Silence) else ModbusSlave(17, registers)
    board.peers[1] = slave
    settings = {"kind": "modbus_rtu", "uart": RS485, "address": 17, "register": 100}
    for name in more:
        settings[name] = more[name]
    return make_probe(settings, "."), board, slave


def check_radar_measures() -> None:
    probe, board, slave = radar({100: 2345})
    driver = []
    board.watching[6] = driver.append
    assert probe.read(0) == (2345, GOOD)
    assert driver.count(1) == 3 and driver[-1] == 0 and len(slave.requests) == 3
    assert board.clock.now_us < 300000
    assert probe.sense(0) == (2345, GOOD)
    probe, _, _ = radar({100: 0x4016, 101: 0x147B}, type="f32", decimals=3)  # 2.345 m
    assert probe.read(0) == (2345, GOOD)


def check_radar_that_sees_nothing() -> None:
    probe, _, _ = radar({100: 0xFFFF}, no_echo=[65535])
    assert "no echo" in refused(probe.read, 0)
    probe, _, _ = radar({100: 0x7FC0, 101: 0}, type="f32", decimals=3)
    assert "no echo" in refused(probe.read, 0)


def check_radar_busy_twice_is_asked_again() -> None:
    probe, _, slave = radar({100: 2345})
    slave.busy = 2
    assert probe.read(0) == (2345, GOOD)


def check_radar_faults() -> None:
    probe, board, _ = radar(Silence())
    assert "no answer" in refused(probe.read, 0)
    assert board.clock.now_us < 2000000
    probe, _, _ = radar({99: 1})
    assert "illegal data address" in refused(probe.read, 0)
    probe, _, slave = radar({100: 2345})
    slave.spoil = lambda answer: answer[:3] + b"\x00" + answer[4:]
    assert "damaged" in refused(probe.read, 0)
    slave.spoil = lambda answer: answer[:-1]
    assert "damaged" in refused(probe.read, 0)
    probe, _, _ = radar({100: 2345}, baud=19200)
    said = refused(probe.read, 0)
    assert "damaged" in said or "no answer" in said


# A transceiver that hears itself, a port that shows bytes late, and a line that falls to zero when
# the driver lets go of it (what a converter without bias resistors does).
def check_radar_on_lines_that_differ() -> None:
    for echoes in (False, True):
        for holds in (False, True):
            for zeros in (0, 1, 2):
                probe, board, slave = radar({100: 0x4016, 101: 0x147B}, type="f32", decimals=3)
                slave.echoes, slave.holds = echoes, holds
                slave.spoil = lambda answer: bytes(zeros) + answer  # noqa: B023
                assert probe.read(0) == (2345, GOOD), (echoes, holds, zeros)
                assert board.clock.now_us < 300000
    probe, board, slave = radar({99: 1})
    slave.echoes = True
    assert "illegal data address" in refused(probe.read, 0)
    slave.spoil = lambda answer: bytes(40)
    assert "damaged" in refused(probe.read, 0)
    assert board.clock.now_us < 4000000


# The request for register 0210h begins as an answer whose register holds 1000h.
def check_radar_answer_that_begins_like_the_request() -> None:
    for word in (0x1000, 0x1001):
        probe, _, slave = radar({0x0210: word}, register=0x0210)
        assert probe.read(0) == (word, GOOD)
        slave.echoes = True
        assert probe.read(60) == (word, GOOD)


# SDI-12 version 1.4, 4.4.12.3, all examples.
def check_sdi12_crc_of_the_standard() -> None:
    for answer in (
        b"0+3.14OqZ", b"0+3.14+2.718+1.414Ipz",
        b"0+1.11+2.22+3.33+4.44+5.55+6.66I]q", b"0+7.77+8.88+9.99IvW",
    ):  # fmt: skip
        assert sdi12.crc_text(answer[:-3]) == answer[-3:]
        assert sdi12.body_of(answer + b"\r\n", "0", True) == answer[1:-3].decode()
    assert sdi12.body_of(b"0+3.14OqZ\r\n", "0", True) == "+3.14"


def check_sdi12_answers_that_are_none() -> None:
    body_of = sdi12.body_of
    assert "no answer" in refused(body_of, b"", "0", True)
    assert "not an answer" in refused(body_of, b"1+3.14OqZ\r\n", "0", True)
    assert "not an answer" in refused(body_of, b"0+3.14OqZ\r", "0", True)
    assert "damaged" in refused(body_of, b"0+3.15OqZ\r\n", "0", True)
    assert "damaged" in refused(body_of, b"0OqZ\r\n", "0", True)
    assert "damaged" in refused(body_of, b"0+3\x00\r\n", "0", False)


def check_sdi12_values() -> None:
    values_of = sdi12.values_of
    assert values_of("+3.14-2.718+1", 3) == [3140, -2718, 1000]
    assert values_of("", 3) == []
    assert values_of("+.5-0+1234567", 1) == [5, 0, 12345670]
    assert values_of("+1.2345", 3) == [1235] and values_of("-1.2345", 3) == [-1235]
    for text in ("3.14", "+", "+-1", "+1.2.3", "+1e3", "+12345678", "x+1"):
        assert "not values" in refused(values_of, text, 3), text
    assert sdi12.announced("0053", False) == (5, 3)
    assert sdi12.announced("00503", True) == (5, 3)
    for text, concurrent in (("005", False), ("00503", False), ("0053", True), ("00a3", False)):
        assert "time and a count" in refused(sdi12.announced, text, concurrent)


def check_decimal() -> None:
    assert decimal("+0012.50", 1) == 125 and decimal("-.04", 1) == 0
    for text in ("", "5", "+", "-.", "+1_0"):
        try:
            decimal(text, 0)
        except ValueError:
            continue
        raise AssertionError(text)


def sensor(peer, **more):
    board = install(Board())
    board.levels[4] = 0
    board.peers[0] = peer
    uart = {"id": 0, "tx": 4, "rx": 5, "de": 6, "invert": True}
    settings = {"kind": "sdi12", "uart": uart}
    for name in more:
        settings[name] = more[name]
    return make_probe(settings, "."), board


def check_sdi12_measures() -> None:
    peer = Sdi12Sensor("0", 2, ["+3.140-2.7", "+21.5"])
    probe, board = sensor(peer)
    assert probe.read(0) == (3140, GOOD)
    assert peer.commands == ["0MC!", "0D0!"]
    assert board.clock.now_us < 3000000 and board.fed > 6
    probe, _ = sensor(Sdi12Sensor("0", 0, ["+3.140-2.7", "+21.5"]), value=2, decimals=1)
    assert probe.read(0) == (215, GOOD)


def check_sdi12_concurrent_without_crc() -> None:
    peer = Sdi12Sensor("a", 1, ["+1.5"])
    probe, _ = sensor(peer, address="a", command="C", number=2, crc=False)
    assert probe.read(0) == (1500, GOOD)
    assert peer.commands == ["aC2!", "aD0!"]


def check_sdi12_asleep_twice() -> None:
    peer = Sdi12Sensor("0", 0, ["+3.140"])
    peer.deaf = 2
    probe, _ = sensor(peer)
    assert probe.read(0) == (3140, GOOD)


# Section 7: 100 ms to wake. Others want 15 ms of break and of marking.
def check_sdi12_sensors_that_wake_slowly() -> None:
    for wakes_us in (0, 25000, 75000):
        peer = Sdi12Sensor("0", 1, ["+3.140"])
        peer.break_us, peer.mark_us, peer.wakes_us = 15000, 15000, wakes_us
        probe, _ = sensor(peer)
        assert probe.read(0) == (3140, GOOD), wakes_us


# The data line is one wire, so a command may come back; and a port may show an answer of 75
# characters only behind its last.
def check_sdi12_lines_that_differ() -> None:
    values = "+1.234567" * 8 + "+12"
    for echoes in (False, True):
        for holds in (False, True):
            peer = Sdi12Sensor("0", 1, [values, "+3.140"])
            peer.echoes, peer.holds = echoes, holds
            probe, _ = sensor(peer, command="C", value=9)
            assert probe.read(0) == (3140, GOOD), (echoes, holds)
            assert peer.commands == ["0CC!", "0D0!", "0D1!"]


# What a sensor says that could not measure: METER's -9999, for example.
def check_sdi12_value_that_is_none() -> None:
    probe, _ = sensor(Sdi12Sensor("0", 0, ["-9999"]), no_echo=[-9999000])
    assert "no echo" in refused(probe.read, 0)
    for kind in ("sdi12", "modbus_rtu"):
        settings = {"kind": kind, "uart": RS485, "register": 0, "no_echo": -9999000}
        try:
            make_probe(settings, ".")
        except ValueError as error:
            assert "no_echo" in str(error)
        else:
            raise AssertionError(kind)


def check_sdi12_faults() -> None:
    silence = Silence()
    silence.FORM = Sdi12Sensor.FORM
    probe, board = sensor(silence)
    assert "no answer" in refused(probe.read, 0)
    assert board.clock.now_us < 1000000
    probe, _ = sensor(Sdi12Sensor("0", 60, ["+1"]))
    assert "too long" in refused(probe.read, 0)
    probe, _ = sensor(Sdi12Sensor("0", 0, ["+1"]), value=1)
    assert "1 values only" in refused(probe.read, 0)
    peer = Sdi12Sensor("0", 0, ["+1.000"])
    peer.spoil = lambda answer: answer.replace(b"1.", b"2.")
    probe, _ = sensor(peer)
    assert "damaged" in refused(probe.read, 0)
    peer = Sdi12Sensor("0", 0, ["+1.000", ""])
    peer.count = 2
    probe, _ = sensor(peer, value=1)
    assert "1 values only" in refused(probe.read, 0)
