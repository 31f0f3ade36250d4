# The shell around the bridge: a serial port and a radio in our hand, and the board's own port.

import select

from amont_bridge import board, hal_board, hal_unix
from amont_bridge.air import Air, NoRadio, make_radio
from amont_bridge.app import BridgeApp
from amont_bridge.bridge import Bridge
from amont_node.radio import RadioPort
from amont_wire import const
from amont_wire.airtime import scan_preamble
from amont_wire.link import (
    RADIO_FAULT,
    RADIO_IDLE,
    ROLE_NONE,
    ROLE_TRANSMIT,
    SENT_OK,
    Ask,
    Deframer,
    Identity,
    Received,
    Send,
    Sent,
    Service,
    Settings,
    Status,
    unpack,
)

SETTINGS = Settings(ROLE_TRANSMIT, [868100, 868300], [7, 9])
UPLINK = bytes([0x10 | const.URGENT, 17, 0, 1, 0, 0, 0]) + bytes(range(20))
DOWNLINK = bytes([0x10 | const.ACK]) + UPLINK[1:]


class Serial:
    pollable = None

    def __init__(self) -> None:
        self.coming = b""
        self.said = b""
        self.hangs = False
        self.waits = []
        self.write_waits = []

    def read(self) -> bytes:
        data, self.coming = self.coming, b""
        return data

    def wait(self, wait_ms: int) -> bool:
        self.waits.append(wait_ms)
        return False

    def write(self, line: bytes, wait_ms: int) -> bool:
        self.write_waits.append(wait_ms)
        if not self.hangs:
            self.said += line
        return not self.hangs


class Radio(RadioPort):
    scans = True
    hearing = False
    works = True

    def __init__(self) -> None:
        super().__init__()
        self.coming = []
        self.sent = []
        self.waits = []

    def receive(self, wait_ms: int):
        self.waits.append(wait_ms)
        return self.coming.pop(0) if self.coming else None

    def hears(self) -> bool:
        return self.hearing

    def send(self, frame: bytes, modulation) -> bool:
        self.sent.append((frame, modulation))
        self.fault = "" if self.works else "radio: no chip"
        return self.works


class Dog:
    fed = 0

    def feed(self) -> None:
        self.fed += 1


class Desk:
    def __init__(self) -> None:
        self.now_ms = 0
        self.serial = Serial()
        self.radio = Radio()
        self.dog = Dog()
        self.deframer = Deframer()
        bridge = Bridge(0, b"12345678", RADIO_IDLE)
        self.app = BridgeApp(self.serial, Air(self.radio), bridge, lambda: self.now_ms, self.dog)

    # What the guard hears in one turn.
    def turn(self, *lines) -> list:
        self.serial.coming = b"".join([line.pack() for line in lines])
        self.app.turn()
        said, self.serial.said = self.serial.said, b""
        return [unpack(payload) for payload in self.deframer.feed(said)]


def check_the_radio_does_as_the_guard_says() -> None:
    desk = Desk()
    desk.turn()
    assert desk.radio.waits == [] and desk.serial.waits == [5]  # nothing to listen to yet
    desk.turn(SETTINGS)
    heard = [(m.freq_khz, m.sf, m.inverted) for m in desk.radio.listen]
    assert heard == [(868100, 7, 0), (868100, 9, 0), (868300, 7, 0), (868300, 9, 0)]
    assert [m.preamble for m in desk.radio.listen] == [
        scan_preamble(2, [7, 9], m.sf) for m in desk.radio.listen
    ]
    assert desk.radio.waits == [5] or desk.radio.waits == [0]
    before = desk.radio.listen
    desk.turn(SETTINGS)
    assert [m.sf for m in desk.radio.listen] == [m.sf for m in before]
    assert desk.dog.fed == 3


def check_a_frame_and_its_answer() -> None:
    desk = Desk()
    desk.turn(SETTINGS)
    desk.now_ms = 1000
    desk.radio.coming = [(UPLINK, -97, 12, 3)]
    assert desk.turn() == [Received(1000, -97, 12, UPLINK)]
    desk.now_ms = 1100
    assert desk.turn(Send(5, DOWNLINK)) == [Sent(5, SENT_OK)]
    frame, how = desk.radio.sent[0]
    assert frame == DOWNLINK
    assert (how.freq_khz, how.sf, how.inverted, how.preamble) == (868300, 9, True, 8)


def check_a_frame_that_comes_in_goes_first() -> None:
    desk = Desk()
    desk.turn(SETTINGS)
    desk.radio.coming = [(UPLINK, -97, 12, 0)]
    desk.turn()
    desk.radio.hearing = True
    desk.now_ms = 100
    assert desk.turn(Send(5, DOWNLINK)) == []
    desk.radio.hearing = False
    assert desk.turn() == [Sent(5, SENT_OK)]


# A guard that hangs loses lines, and blocks nothing.
def check_a_guard_that_reads_nothing() -> None:
    desk = Desk()
    desk.turn(SETTINGS)
    desk.serial.hangs = True
    for turn in range(20):
        desk.now_ms = 1000 * turn
        desk.radio.coming = [(UPLINK, -97, 12, 0)]
        desk.turn()
    assert desk.serial.write_waits[-15:] == [0] * 15 and max(desk.serial.write_waits) == 50
    assert desk.app.bridge.received == 20 and desk.app.bridge.lost_lines >= 20
    desk.serial.hangs = False
    desk.now_ms = 60000
    status = [line for line in desk.turn() if isinstance(line, Status)][-1]
    assert status.radio.lost == desk.app.bridge.lost_lines
    assert desk.dog.fed == 22


def check_a_fault_is_told_at_once() -> None:
    desk = Desk()
    desk.turn(SETTINGS)
    desk.radio.coming = [(UPLINK, -97, 12, 0)]
    desk.turn()
    desk.radio.works = False
    desk.now_ms = 100
    said = desk.turn(Send(5, DOWNLINK))
    assert said[-1].radio.fault == "radio: no chip"
    desk.radio.works = True
    desk.now_ms = 1000
    said = desk.turn()
    assert said[0] == Sent(5, SENT_OK) and said[1].radio.fault == ""


def check_a_radio_for_one_place_alone() -> None:
    desk = Desk()
    desk.radio.scans = False
    said = desk.turn(SETTINGS)
    assert len(desk.radio.listen) == 1
    assert said[-1].radio.fault == "radio: listens to 868100 kHz SF7 only"


def check_no_radio_is_a_fault_and_no_crash() -> None:
    for config in ({}, {"chip": "sx1262"}, {"chip": "sx1262", "pins": 5}, {"chip": "rak3172"},
                   {"chip": "sim", "bind": 1}, []):  # fmt: skip
        radio = make_radio(config, 1)
        if config != {"chip": "sim", "bind": 1}:
            assert isinstance(radio, NoRadio)
            assert radio.fault.startswith("radio: ")
            assert radio.receive(0) is None and not radio.send(b"", None)
        radio.close()
    radio = make_radio({"chip": "sim", "port": 9}, 1)
    assert radio.fault == ""
    radio.close()


def check_service_ends_it() -> None:
    desk = Desk()
    desk.turn(Service())
    assert desk.app.bridge.service


# What the guard says while something goes out may matter more than what waits.
def check_one_transmission_a_turn() -> None:
    desk = Desk()
    desk.turn(SETTINGS)
    other = UPLINK[:1] + b"\x12" + UPLINK[2:]
    desk.radio.coming = [(UPLINK, -97, 12, 0), (other, -97, 12, 0)]
    desk.turn()
    desk.now_ms = 100
    answers = [Send(1, DOWNLINK), Send(2, DOWNLINK[:1] + b"\x12" + DOWNLINK[2:])]
    assert desk.turn(*answers) == [Sent(1, SENT_OK)]
    assert desk.app.bridge.wait_ms(100) == 0
    assert desk.turn() == [Sent(2, SENT_OK)]


class Hal:
    pollable = None
    forgotten = False

    def __init__(self) -> None:
        self.now_ms = 0
        self.coming = [b"", Ask().pack(), b"", Service().pack()]
        self.said = b""

    def Ticks(self):  # noqa: N802 - as hal_board's
        return lambda: self.now_ms

    def unique_id(self) -> bytes:
        return b"12345678"

    def forgot(self) -> bool:
        return self.forgotten

    def read(self) -> bytes:
        return self.coming.pop(0)

    def wait(self, wait_ms: int) -> bool:
        return True

    def write(self, line: bytes, wait_ms: int) -> bool:
        self.said += line
        return True


# Without its settings it is a bridge all the same, and says what is wrong.
def check_the_program_of_a_board() -> None:
    hal, kept = Hal(), board._hal
    board._hal = lambda: (hal, hal)
    good = []
    try:
        board.start("nowhere", None, lambda: good.append(len(hal.coming)), 7)
    finally:
        board._hal = kept
    assert good == [2]  # as soon as a guard spoke
    said = [unpack(payload) for payload in Deframer().feed(hal.said)]
    assert said[0] == Identity(2, b"12345678", ROLE_NONE, RADIO_FAULT, 7)


def check_a_board_that_was_reset_remembers_no_airtime() -> None:
    hal = Hal()
    hal.forgotten = True
    _, bridge = board.parts("nowhere/bridge.json", hal, hal.Ticks())
    assert bridge.airtime.used_ms(0) == 9000


class Stream:
    def __init__(self) -> None:
        self.buffer = self
        self.coming = b""
        self.said = b""
        self.room = 1000

    def read(self, count: int) -> bytes:
        assert count == 1, "it would wait for more"
        data, self.coming = self.coming[:1], self.coming[1:]
        return data

    def write(self, data: bytes) -> int:
        assert len(data) == 1 and self.room > 0, "it would wait for room"
        self.said += data
        self.room -= 1
        return 1


# In the place of select.poll: what a stream of ours has.
class Poll:
    def register(self, stream: Stream, events: int) -> None:
        self.stream = stream
        self.events = events

    def poll(self, wait_ms: int) -> list:
        assert wait_ms >= 0
        if self.events == select.POLLOUT:
            return [1] if self.stream.room else []
        return [1] if self.stream.coming else []


class Platform:
    POLLIN = select.POLLIN
    POLLOUT = select.POLLOUT
    poll = Poll


class Sys:
    def __init__(self) -> None:
        self.stdin = Stream()
        self.stdout = Stream()


class Time:
    now_ms = 0x3FFFFFF0

    def ticks_ms(self) -> int:
        return self.now_ms & 0x3FFFFFFF

    def ticks_diff(self, end: int, start: int) -> int:
        return (end - start) & 0x3FFFFFFF


# The board's port, its streams in our hand.
def board_port():
    kept = hal_board.sys, hal_board.select
    streams = Sys()
    hal_board.sys, hal_board.select, hal_board.time = streams, Platform, Time()
    try:
        return streams, hal_board.SerialPort()
    finally:
        hal_board.sys, hal_board.select = kept


def check_the_board_s_port() -> None:
    streams, port = board_port()
    assert port.read() == b""
    streams.stdin.coming = bytes(range(256)) + b"more"
    assert port.read() == bytes(range(256)) and port.read() == b"more"
    assert port.write(b"\x03line\x00", 50) and streams.stdout.said == b"\x03line\x00"


# A host that hangs in the middle of a line: the rest is dropped, and the half costs only itself.
def check_the_board_s_port_without_a_reader() -> None:
    streams, port = board_port()
    streams.stdout.room = 3
    assert not port.write(b"abcdef\x00", 50)
    assert not port.write(b"ghi\x00", 50)
    assert streams.stdout.said == b"abc"
    streams.stdout.room = 100
    assert port.write(b"jkl\x00", 50)
    assert streams.stdout.said == b"abc\x00jkl\x00"
    assert port.write(b"m\x00", 50) and streams.stdout.said.endswith(b"l\x00m\x00")


def check_ticks_never_wrap() -> None:
    board_port()
    ticks = hal_board.Ticks()
    before = ticks()
    hal_board.time.now_ms += 100
    assert ticks() - before == 100 and before == 0
    assert hal_unix.Ticks()() >= 0
