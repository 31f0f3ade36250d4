# The bridge's shell over radio_sx126x and the real library, against the chip in sx1262.py: it
# looks at three channels at three spreading factors in turns, hears, and answers in the windows.
# MicroPython only: see tests/firmware/real_lora.py, which runs this.

import sys

import sx1262
from sx1262 import SETTINGS, Air, Chip, Clock, Machine, Time

CLOCK = Clock()
MACHINE = Machine(CLOCK)
sys.modules["time"] = Time(CLOCK)  # before the library is imported
sys.modules["machine"] = MACHINE

from amont_bridge import air  # noqa: E402
from amont_bridge.app import BridgeApp  # noqa: E402
from amont_bridge.bridge import Bridge  # noqa: E402
from amont_node.radio import Modulation  # noqa: E402
from amont_node.radio_sx126x import Sx126x  # noqa: E402
from amont_wire import const  # noqa: E402
from amont_wire.airtime import scan_preamble  # noqa: E402
from amont_wire.link import (  # noqa: E402
    RADIO_FAULT,
    RADIO_IDLE,
    ROLE_TRANSMIT,
    SENT_OK,
    Ask,
    Deframer,
    Identity,
    Received,
    Send,
    Sent,
    Settings,
    Status,
    unpack,
)

KHZ = [868100, 868300, 868500]
SFS = [7, 8, 9]
UPLINKS = 9  # the chip is simulated to the byte: a second takes several
GUARD_MS = 100  # it commits before it answers
TURN_US = 2000  # what the board's own work takes in each turn


def frame(kind: int, counter: int) -> bytes:
    return bytes([0x10 | kind, 17, 0]) + counter.to_bytes(4, "little") + bytes(24)


# The guard's end of the line, which answers each frame.
class Serial:
    pollable = None

    def __init__(self) -> None:
        self.deframer = Deframer()
        self.coming = []  # (when, line)
        self.heard = []  # counters
        self.results = []
        self.said = []

    def say(self, line, in_ms: int = 0) -> None:
        self.coming.append((CLOCK.us + 1000 * in_ms, line.pack()))

    def read(self) -> bytes:
        now = [line for at_us, line in self.coming if at_us <= CLOCK.us]
        self.coming = [entry for entry in self.coming if entry[0] > CLOCK.us]
        return b"".join(now)

    def wait(self, wait_ms: int) -> bool:
        CLOCK.advance(1000 * wait_ms)
        return False

    def write(self, data: bytes, wait_ms: int) -> bool:
        for payload in self.deframer.feed(data):
            self.take(unpack(payload))
        return True

    def take(self, message) -> None:
        self.said.append(message)
        if isinstance(message, Received):
            counter = int.from_bytes(message.frame[3:7], "little")
            self.heard.append(counter)
            self.say(Send(counter, frame(const.ACK, counter)), GUARD_MS)
        elif isinstance(message, Sent):
            self.results.append((message.handle, message.result))


class Desk:
    def __init__(self) -> None:
        CLOCK.chips = []
        self.air = Air(CLOCK)
        self.chip = MACHINE.chip = Chip(CLOCK, self.air, False)
        self.serial = Serial()
        bridge = Bridge(self.ticks(), b"real lib", RADIO_IDLE)
        self.app = BridgeApp(self.serial, air.Air(Sx126x(SETTINGS)), bridge, self.ticks)

    def ticks(self) -> int:
        return CLOCK.us // 1000

    def run(self, ms: int) -> None:
        until_us = CLOCK.us + 1000 * ms
        while until_us > CLOCK.us:
            CLOCK.advance(TURN_US)
            self.app.turn()


def check_it_hears_and_answers_all_places() -> None:
    desk = Desk()
    desk.serial.say(Settings(ROLE_TRANSMIT, KHZ, SFS, airtime_permille=1000))
    desk.run(300)
    ends = {}
    for counter in range(1, UPLINKS + 1):
        khz, sf = KHZ[counter % 3], SFS[counter // 3 % 3]
        how = Modulation(khz, sf, preamble=scan_preamble(3, SFS, sf))
        kind = const.URGENT if counter % 2 else const.SAMPLES
        # Not in step with the circle.
        flight = desk.air.put(frame(kind, counter), how, 1000 * (counter * 37 % 101))
        ends[counter] = (flight.end_us, khz, sf)
        desk.run(1100)
    assert desk.serial.heard == list(range(1, UPLINKS + 1)), desk.serial.heard
    assert desk.serial.results == [(n, SENT_OK) for n in range(1, UPLINKS + 1)]
    assert desk.chip.wrong == [] and len(desk.chip.sent) == UPLINKS
    for counter, flight in enumerate(desk.chip.sent, 1):
        end_us, khz, sf = ends[counter]
        freq, own_sf, _, inverted, sync = flight.how
        assert (-(-freq * 32000 >> 25), own_sf, bool(inverted), sync) == (khz, sf, True, 0x1424)
        assert flight.frame == frame(const.ACK, counter)
        assert 20000 <= flight.begin_us - end_us <= 400000


def check_a_chip_that_sticks_is_told_and_comes_back() -> None:
    desk = Desk()
    desk.serial.say(Settings(ROLE_TRANSMIT, KHZ[:1], [9]))
    desk.run(300)
    desk.chip.fault = "stuck"
    desk.run(5000)
    faults = [m.radio.fault for m in desk.serial.said if isinstance(m, Status) and m.radio]
    assert faults[-1].startswith("sx1262: ")
    desk.serial.say(Ask())
    desk.run(100)
    told = [m for m in desk.serial.said if isinstance(m, Identity)]
    assert told[-1].radio == RADIO_FAULT
    desk.chip.fault = ""
    desk.chip._power_on()
    desk.run(4000)
    desk.air.put(frame(const.URGENT, 1), Modulation(868100, 9))
    desk.run(2000)
    assert desk.serial.heard == [1] and desk.serial.results == [(1, SENT_OK)]


def main(names) -> None:
    for name in names or [name for name in sorted(globals()) if name.startswith("check_")]:
        globals()[name]()
        print("ok " + name)


assert sx1262.SETTINGS is SETTINGS
main(sys.argv[1:])
