# A02YYUW and JSN-SR04T.

from fakes import A02, Board, Silence, Thermometer, install, refused

from amont_node.drivers.a02yyuw import Frames
from amont_node.drivers.air import unknown_mm
from amont_node.drivers.jsn_sr04t import decode
from amont_node.probes import make_probe

GOOD, SUSPECT, OUT_OF_RANGE = 0, 1, 2
UART = {"id": 1, "tx": 4, "rx": 5}
AIR = {"kind": "ds18b20", "pin": 15}


# DFRobot SEN0311, "Communication Protocol Description", UART output: FF 07 A1 A7 is 1953 mm.
def check_a02_frame_of_the_datasheet() -> None:
    assert Frames().feed(b"\xff\x07\xa1\xa7") == [1953]


# A line that is joined in the middle of a frame, at every distance: the frames after it are found,
# and nothing else is. Of 511 mm, FF 01 FF FF, two ways to cut it have a right sum.
def check_a02_heads_inside_a_frame() -> None:
    for range_mm in range(4501):
        frame = bytes((0xFF, range_mm >> 8, range_mm & 0xFF))
        frame += bytes((sum(frame) & 0xFF,))
        for cut in (1, 2, 3):
            assert Frames().feed(frame[cut:] + 2 * frame) == [range_mm] * 2, (frame, cut)


def check_a02_bytes_one_by_one_and_noise() -> None:
    stream = b"\x07\xa1\xa7" + b"\xff\x07\xa1\xa8" + b"\x00\xff" + b"\xff\x07\xa1\xa7\xff\x07\xa2"
    frames = Frames()
    found = []
    for at in range(len(stream)):
        found += frames.feed(stream[at : at + 1])
    assert found == [1953] and frames.bad == 2
    assert frames.feed(b"\xa8") == [1954]


def a02(distances, **more):
    board = install(Board())
    peer = distances if isinstance(distances, Silence) else A02(distances)
    board.peers[1] = peer
    settings = {"kind": "a02yyuw", "uart": UART}
    for name in more:
        settings[name] = more[name]
    return make_probe(settings, "."), board, peer


def check_a02_measures() -> None:
    probe, board, _ = a02([1953, 1954, 1952, 1953, 30, 1953, 1953])
    assert probe.read(0) == (1953, GOOD)
    assert board.clock.now_us < 2000000
    assert board.fed > 5  # the watchdog, while it waited
    assert probe.sense(0) == (1953, GOOD)


# A port that shows bytes only once the line is quiet, and a sensor that was in mid-frame.
def check_a02_behind_a_port_that_shows_late() -> None:
    for cut in range(4):
        probe, board, peer = a02([b"\xff\x01\xff\xff"[cut:]] + [511] * 20)
        peer.holds = True
        assert probe.read(0) == (511, GOOD) and board.clock.now_us < 2000000


def check_a02_blind_zone_and_too_far() -> None:
    probe, _, _ = a02([30])
    assert probe.read(0) == (30, OUT_OF_RANGE)
    probe, _, _ = a02([4600])
    assert probe.read(0) == (4600, OUT_OF_RANGE)
    for nothing in (0xFFFD, 0xFFFE, 0):
        probe, _, _ = a02([nothing])
        assert "no echo" in refused(probe.read, 0)
    probe, _, _ = a02([0, 1953, 0, 1954, 1953, 1953, 0])  # into the open between the waves
    assert probe.read(0) == (1953, GOOD)


# DFRobot: 100 ms each in real time (RX low at power on), up to 500 ms each when it processes.
def check_a02_at_its_slowest() -> None:
    probe, board, peer = a02([1953])
    peer.PERIOD_US = 500000
    assert probe.read(0) == (1953, GOOD)
    assert board.clock.now_us < 4000000


def check_a02_missing_is_told_soon() -> None:
    probe, board, _ = a02(Silence())
    assert "nothing on the line" in refused(probe.read, 0)
    assert board.clock.now_us < 1000000


def check_a02_stuck_line_and_wrong_speed() -> None:
    probe, board, _ = a02([b"\x00\x00\x00\x00"])
    assert "line stuck" in refused(probe.read, 0)
    assert board.clock.now_us < 8000000
    probe, _, peer = a02([1953])
    peer.FORM = (115200, 8, None, 0)
    assert "without a frame" in refused(probe.read, 0)


# A line that brings one byte now and then would hold the node for minutes.
def check_a02_trickle_has_an_end() -> None:
    probe, board, peer = a02([b"\x07"])
    peer.PERIOD_US = 590000
    assert "too long" in refused(probe.read, 0)
    assert board.clock.now_us < 21000000
    peer.PERIOD_US = 100000
    peer.distances = [1953]
    assert probe.read(0) == (1953, GOOD)


def check_a02_damaged_frames_are_not_values() -> None:
    probe, _, _ = a02([1953, b"\xff\x07\xa1\x00"])
    assert probe.read(0) == (1953, GOOD)
    probe, _, _ = a02([b"\xff\x07\xa1\x00"])
    assert "without a frame" in refused(probe.read, 0)
    probe, _, peer = a02([b"\xff\x07\xa1"])
    peer.PERIOD_US = 1500000  # half a frame now and then
    assert "no echo" in refused(probe.read, 0)
    probe, _, peer = a02([1953])
    peer.PERIOD_US = 900000  # slow is not dead
    assert probe.read(0) == (1953, GOOD)


# A flood with waves, seen through bytes.
def check_a02_sees_a_flood() -> None:
    probe, _, peer = a02([4000])
    for at_s in range(0, 601, 60):
        range_mm = 4000 - 2200 * at_s // 600
        peer.distances = [range_mm + wave for wave in (0, 40, 60, 40, -40, -60, -40)]
        value, quality = probe.read(at_s)
        assert abs(value - range_mm) <= 60 and quality == GOOD


def check_a02_temperature() -> None:
    probe, board, _ = a02([2000], temperature=AIR, assumed_cc=2000)
    board.wire = Thermometer(board.clock, 0)
    install(board)
    assert probe.sense(0) == (1929, GOOD)  # at 0 degrees sound is 3.5 % slower
    assert probe.read(0) == (1929, GOOD) and probe.sense(0) == (1929, GOOD)
    probe, board, _ = a02([4000], temperature=AIR, assumed_cc=2000)
    value, quality = probe.read(0)  # no thermometer answers: 10 degrees are taken
    assert (value, quality) == (3929, SUSPECT) and "air temperature" in probe.why


# MicroPython's time_pulse_us: -2 never began, -1 never ended.
def check_jsn_times() -> None:
    assert decode(11648, 2000) == 2000  # 343.4 m/s, there and back
    assert decode(11648, 0) == 1929
    for short_us in (-1, 0, 9, 32, 99):  # version 2.0, triggered for 10 us
        assert decode(short_us, 2000) is None
    assert "stays low" in refused(decode, -2, 2000)
    assert "stays high" in refused(decode, -3, 2000)


def jsn(echo_us, **more):
    board = install(Board())
    board.levels[7] = 0
    board.echo_us = echo_us if callable(echo_us) else lambda: echo_us
    settings = {"kind": "jsn_sr04t", "trigger": 6, "echo": 7}
    for name in more:
        settings[name] = more[name]
    return make_probe(settings, "."), board


def check_jsn_measures() -> None:
    probe, board = jsn(11648, temp_cc=2000)
    pulses = []
    board.watching[6] = lambda level: pulses.append((board.clock.now_us, level))
    assert probe.read(0) == (2000, GOOD)
    highs = [at for at, level in pulses if level == 1]
    lows = [at for at, level in pulses if level == 0 and at > highs[0]]
    assert len(highs) == 7
    assert lows[0] - highs[0] >= 20  # manual, "Mode 1": 10 us or more; version 2.0: 20
    assert min([b - a for a, b in zip(highs, highs[1:])]) >= 60000  # noqa: B905
    assert probe.sense(0) == (2000, GOOD)


# Version 2.0: triggered for 10 us it answered by echoes of 9 to 32 us, some boards begin 12 to
# 15 ms late, and a ping that is lost keeps the pin high into the next one's time.
def check_jsn_boards_that_differ() -> None:
    probe, board = jsn(10)
    assert "no echo" in refused(probe.read, 0)
    probe, board = jsn(11648, temp_cc=2000)
    board.late_us = 15000
    assert probe.read(0) == (2000, GOOD) and board.clock.now_us < 1000000
    echoes = [60000, 11648, 11648, 60000, 11648, 60000, 11648]
    probe, board = jsn(lambda: echoes.pop(), temp_cc=2000)
    board.late_us = 12300
    assert probe.read(0) == (2000, GOOD)


def check_jsn_temperature() -> None:
    probe, board = jsn(11648, temperature=AIR)
    board.wire = Thermometer(board.clock, 20 * 16)
    install(board)
    assert probe.read(0) == (2000, GOOD)
    board.wire.temp_16 = -10 * 16
    assert probe.read(900) == (1894, GOOD)


def check_jsn_looks_first() -> None:
    probe, board = jsn(11648, temperature=AIR)
    board.wire = Thermometer(board.clock, 20 * 16)
    install(board)
    assert probe.sense(0) == (2000, GOOD)
    begun_us = board.clock.now_us
    assert probe.sense(10) == (2000, GOOD)
    assert board.clock.now_us - begun_us < 400000  # without the thermometer's 750 ms


# What a thermometer itself doubts is no temperature: the usual one has to do.
def check_a_broken_thermometer_is_not_believed() -> None:
    probe, board = jsn(11648, temperature=AIR)
    board.wire = Thermometer(board.clock, 85 * 16)
    install(board)
    assert probe.read(0) == (1965, GOOD) and "air temperature: 85 degrees" in probe.why


# A thermometer that died must not take the votes of a flood that is near.
def check_jsn_without_its_thermometer() -> None:
    probe, _ = jsn(11863, temperature=AIR)
    assert probe.read(0) == (2001, GOOD)
    probe, _ = jsn(20760, temperature=AIR)
    value, quality = probe.read(0)
    assert (value, quality) == (3502, SUSPECT) and "no thermometer" in probe.why
    assert unknown_mm(2000, 1000) == 71 and unknown_mm(3500, 1000) == 125


def check_jsn_faults() -> None:
    probe, _ = jsn(-2)
    assert "stays low" in refused(probe.read, 0)
    probe, board = jsn(11648)
    board.levels[7] = 1
    assert "stays high" in refused(probe.read, 0)
    probe, board = jsn(60000)  # longer than any echo
    assert "no echo in 7 pings" in refused(probe.read, 0)
    assert board.clock.now_us < 1000000
    probe, _ = jsn(1000)
    assert probe.read(0) == (169, OUT_OF_RANGE)
