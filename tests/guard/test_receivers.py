"""Bridges that hear, one that transmits: settings, trouble, and what people see of them."""

import json
from collections import Counter

import pytest
from tests.guard.rig import A, FakeClock, Line, SimNode, site, waiting

from amont_guard import serial_port
from amont_guard.config import digest, parse
from amont_guard.ports import Board
from amont_guard.receiver import AGAIN_S, REOPEN_S, SILENT_S
from amont_guard.receivers import Receivers
from amont_wire import link
from amont_wire.link import (
    RADIO_FAULT,
    RADIO_IDLE,
    RADIO_LISTENS,
    ROLE_LISTEN,
    ROLE_NONE,
    ROLE_TRANSMIT,
)

NAMES = ("usb:2e8a:0005:E66A", "usb:2e8a:0005:E66B", "usb:2e8a:0005:E66C")


def at_once(job):
    job()
    return True


def config(names=NAMES[:1]):
    body = {key: value for key, value in site().items() if key != "sha256"}
    body["bridge"] = {
        "port": names[0], "baud": 115200, "listeners": list(names[1:]),
        "channels_khz": [868_100], "power_dbm": 10, "spreading_factors": [7, 9],
    }  # fmt: skip
    return parse(json.dumps({**body, "sha256": digest(body)}).encode())


class Desk:
    """Receivers on ptys, and the bridges' side of each."""

    def __init__(self, count=1):
        self.now_s, self.counters = 1000.0, Counter()
        self.lines = [Line(in_process=True) for _ in range(count)]
        self.boards = [
            Board(line.name, 0x2E8A, 5, name.rpartition(":")[2])
            for line, name in zip(self.lines, NAMES, strict=False)
        ]
        self.receivers = Receivers(
            config(NAMES[:count]), self.counters, lambda: self.boards, lambda: at_once,
            lambda: self.now_s,
        )  # fmt: skip
        self.turn(2)

    def turn(self, times=1):
        """Return the frames that were heard."""
        heard = []
        for _ in range(times):
            pairs = zip(self.receivers.all, self.lines, strict=True)
            ready = [
                receiver
                for receiver, line in pairs
                if receiver.port.connected and (line.name is None or waiting(line.slave))
            ]
            heard += self.receivers.hear(ready, self.now_s)
            self.receivers.poll(self.now_s)
        return heard

    def says(self, at, *messages):
        for message in messages:
            self.lines[at].write(message.pack())
        return self.turn()

    def told(self, at):
        """Return what the guard said to a bridge beside downlinks."""
        sends = self.lines[at].sent()
        said, self.lines[at].said = self.lines[at].said, []
        assert not sends
        return said

    def unplug(self, at):
        self.lines[at].close()
        self.lines[at].name = None
        self.boards = [b for b in self.boards if not NAMES[at].endswith(b.serial)]
        self.turn()

    def plug_in(self, at):
        self.lines[at] = Line(in_process=True)
        self.boards.append(Board(self.lines[at].name, 0x2E8A, 5, NAMES[at].rpartition(":")[2]))
        for _ in range(2):  # one attempt may have failed already, and waits
            self.now_s += 2
            self.turn(3)

    def faults(self):
        return {(kind, name, text.partition(":")[0])
                for kind, name, text in self.receivers.faults(self.now_s)}  # fmt: skip

    def close(self):
        self.receivers.close()
        for line in self.lines:
            if line.name:
                line.close()


@pytest.fixture
def desk(request):
    made = Desk(getattr(request, "param", 1))
    yield made
    made.close()


two = pytest.mark.parametrize("desk", [2], indirect=True)
three = pytest.mark.parametrize("desk", [3], indirect=True)


def identity(role=ROLE_NONE, radio=RADIO_LISTENS, unique=b"\x01" * 8):
    return link.Identity(2, unique, role, radio)


def status(tick_ms=1000, fault="", airtime_ms=100, version=2):
    radio = link.RadioState(7, airtime_ms, 3, 4, 5, fault)
    return link.Status(tick_ms, 20, 1, 9, version, radio)


def received(number, rssi_dbm=-90, snr_db4=20):
    frame = SimNode(A, FakeClock()).frame(number)
    return link.Received(1, rssi_dbm, snr_db4, frame)


# --- settings


@two
def test_each_is_asked_who_it_is_and_told_what_it_is_for(desk):
    assert [desk.told(at) for at in range(2)] == [[link.Ask()], [link.Ask()]]
    for at, role in enumerate((ROLE_TRANSMIT, ROLE_LISTEN)):
        desk.says(at, identity())
        assert desk.told(at) == [link.Settings(role, [868_100], [7, 9], 10)]
        desk.says(at, identity(role))
    desk.now_s += 3 * AGAIN_S
    desk.turn()
    assert [desk.told(at) for at in range(2)] == [[], []]


def test_a_bridge_that_has_other_channels_from_before_is_told_too(desk):
    desk.says(0, identity(ROLE_TRANSMIT))
    desk.turn()
    assert [type(said) for said in desk.told(0)] == [link.Ask, link.Settings]


def test_a_radio_that_works_again_is_no_fault_any_more(desk):
    desk.says(0, identity(ROLE_TRANSMIT, RADIO_FAULT))
    assert desk.faults() == {("bridge", NAMES[0], "radio")}
    desk.says(0, status())
    assert desk.faults() == set()


def test_a_bridge_that_stays_as_it_is_is_told_again_and_never_in_a_storm(desk):
    desk.told(0)
    for _ in range(50):  # answers each time at once
        desk.says(0, identity())
    assert len(desk.told(0)) == 1
    desk.now_s += AGAIN_S
    desk.turn(3)
    assert len(desk.told(0)) == 1


def test_a_bridge_that_began_again_is_told_again_with_the_airtime_that_it_has_forgotten(desk):
    desk.says(0, identity(), identity(ROLE_TRANSMIT), status(airtime_ms=12_345))
    desk.turn()
    desk.told(0)
    desk.now_s += 60
    desk.says(0, identity())
    (settings,) = desk.told(0)
    assert settings.airtime_ms == 12_345
    desk.now_s += 3700
    desk.says(0, identity())
    assert desk.told(0)[-1].airtime_ms == 0


def test_a_reset_whose_first_line_was_lost_is_seen_by_its_clock(desk):
    desk.says(0, identity(ROLE_TRANSMIT), status(90_000))
    desk.told(0)
    desk.says(0, status(500))
    desk.turn()
    assert desk.told(0) == [link.Ask()]
    assert desk.counters["bridge: resets"] == 1


def test_a_bridge_of_the_first_release_is_asked_once_and_works(desk):
    desk.told(0)
    desk.says(0, link.Status(1, 2, 3, 4, 1))  # a question it does not know
    desk.now_s += 3 * AGAIN_S
    assert len(desk.says(0, received(300))) == 1
    assert desk.told(0) == []
    assert desk.receivers.show(desk.now_s)[0]["version"] == 1


# --- hearing


@three
def test_a_frame_of_three_receivers_comes_once_with_its_best_signal_after(desk):
    heard = desk.says(2, received(300, -117, -30))
    assert [(h.rssi_dbm, h.snr_db4) for h in heard] == [(-117, -30)]
    assert desk.receivers.heard_again() == {}
    assert desk.says(0, received(300, -80, 40)) == []
    assert desk.says(1, received(300, -99, 10)) == []
    assert desk.counters["bridge: heard again"] == 2
    ((frame, best),) = desk.receivers.heard_again().items()
    assert (frame, tuple(best)) == (heard[0].frame, (-80, 40, 3))
    assert desk.receivers.heard_again() == {}
    assert [row["frames"] for row in desk.receivers.show(desk.now_s)] == [1, 1, 1]


def test_a_node_that_repeats_itself_is_passed_on_each_time(desk):
    for _ in range(3):
        assert len(desk.says(0, received(300))) == 1
    assert desk.counters["bridge: heard again"] == 0


@two
def test_what_was_heard_again_is_bounded(desk):
    for number in range(400):
        desk.says(0, received(number))
        desk.says(1, received(number))
    assert len(desk.receivers.heard_again()) == 256


# --- sending


@two
def test_only_the_first_transmits_also_when_it_is_gone(desk):
    frame = received(300).frame
    assert desk.receivers.send(frame)
    assert desk.lines[0].sent() == [frame]
    desk.unplug(0)
    assert not desk.receivers.send(frame)
    assert desk.lines[1].sent() == []
    assert desk.counters["bridge: downlinks dropped"] == 1
    assert len(desk.says(1, received(310))) == 1  # and the other still hears
    desk.plug_in(0)
    assert desk.receivers.send(frame)


def test_what_became_of_each_downlink_is_counted(desk):
    for result in range(5):
        desk.says(0, *[link.Sent(1, result)] * (result + 1))
    names = ("sent", "busy", "airtime used up", "malformed", "expired")
    assert [desk.counters[f"bridge: {name}"] for name in names] == [1, 2, 3, 4, 5]


def test_a_port_that_takes_nothing_drops_and_says_so(desk):
    frame = received(300).frame
    taken = [desk.receivers.send(frame) for _ in range(2000)]
    assert taken[0]
    assert not taken[-1]
    assert desk.counters["bridge: downlinks dropped"] == taken.count(False)
    desk.turn()
    desk.now_s += 11
    assert ("bridge", NAMES[0], "full") in desk.faults()
    assert len(desk.says(0, received(300))) == 1  # it still hears


def test_a_port_that_fails_while_it_is_written_to_is_lost(desk, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(serial_port.os, "write", fail)
        desk.receivers.send(received(300).frame)
    desk.turn()
    assert desk.counters["bridge: lost"] == 1
    assert list(desk.receivers.faults(0.0)) == [("bridge", NAMES[0], "absent: Input/output error")]
    desk.now_s += 2
    desk.turn(3)
    assert (desk.counters["bridge: opened"], desk.faults()) == (2, set())


# --- bad input


def test_a_line_of_a_megabyte_costs_itself(desk):
    heard = []
    for _ in range(1024):
        desk.lines[0].write(b"\x07" * 1024)
        heard += desk.turn()
    heard += desk.says(0, received(300))  # joined to the line before it
    heard += desk.says(0, received(310))
    assert [h.frame for h in heard] == [received(310).frame]
    assert desk.counters["bridge: damaged lines"] == 1
    assert desk.receivers.show(0)[0]["damaged"] == 1


def test_noise_before_behind_and_between_costs_one_frame_each_at_most(desk):
    noise = bytes(range(1, 200))
    heard = []
    for number in range(20):
        desk.lines[0].write(noise + b"\x00" + received(number).pack() + noise[number:])
        heard += desk.turn(2)
        desk.lines[0].write(b"\x00")
    assert [h.frame for h in heard] == [received(number).frame for number in range(20)]
    assert desk.counters["bridge: damaged lines"] >= 20


def test_whole_lines_without_sense_are_counted(desk):
    for payload in (b"\x63what?", b"\x01short", bytes([2, 0, 0]) + bytes(20)):
        desk.lines[0].write(link.pack(payload))
        assert desk.turn() == []
    assert desk.counters["bridge: malformed"] == 3


# --- what people see


def test_a_bridge_that_was_unplugged_is_a_fault_and_comes_back_under_another_name(desk):
    assert desk.faults() == set()
    desk.unplug(0)
    desk.now_s += 2
    desk.turn(2)
    assert desk.faults() == {("bridge", NAMES[0], "absent")}
    assert desk.counters["bridge: lost"] == 1
    desk.boards.append(Board("/dev/ttyACM9", 0x2E8A, 5, "FFFF"))
    desk.plug_in(0)
    assert desk.faults() == set()
    assert desk.receivers.show(desk.now_s)[0]["device"] == desk.lines[0].name
    assert desk.told(0) == [link.Ask()]
    assert len(desk.says(0, received(300))) == 1


def test_half_a_line_of_before_is_not_joined_to_what_comes_after(desk):
    line = received(300).pack()
    desk.lines[0].write(line[:20])
    desk.turn()
    desk.unplug(0)
    desk.plug_in(0)
    assert len(desk.says(0, received(310))) == 1
    assert desk.counters["bridge: damaged lines"] == 0


@two
def test_two_boards_of_one_number_are_counted_and_named(desk):
    desk.says(0, identity(ROLE_TRANSMIT))
    desk.says(1, identity(ROLE_LISTEN))
    desk.turn(5)
    assert desk.faults() == {("listener", NAMES[1], "twin")}
    assert desk.counters["bridge: twin ids"] == 1
    desk.unplug(0)
    desk.turn()
    assert ("listener", NAMES[1], "twin") not in desk.faults()


@two
def test_boards_that_tell_no_number_are_no_twins(desk):
    for at, role in enumerate((ROLE_TRANSMIT, ROLE_LISTEN)):
        desk.says(at, identity(role, unique=bytes(8)))
    assert desk.faults() == set()


def test_a_name_that_fits_two_boards_is_a_fault(desk):
    desk.boards.append(Board("/dev/zzz", 0x2E8A, 5, "E66A"))
    desk.unplug(0)
    desk.boards = [Board("/dev/zzz", 0x2E8A, 5, "E66A")]
    desk.plug_in(0)
    assert desk.faults() == {("bridge", NAMES[0], "alike")}


def test_a_bridge_that_says_nothing_is_a_fault_and_is_opened_again(desk):
    desk.says(0, status())
    desk.now_s += SILENT_S + 1
    desk.turn()
    assert desk.faults() == {("bridge", NAMES[0], "silent")}
    desk.now_s += REOPEN_S
    desk.turn()
    assert desk.counters["bridge: reopened"] == 1
    desk.now_s += 2
    desk.turn(3)
    assert desk.faults() == set()
    assert len(desk.says(0, received(300))) == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([identity(ROLE_TRANSMIT, RADIO_FAULT)], "radio"),
        ([identity(ROLE_TRANSMIT), status(fault="sx1262 is busy")], "radio"),
        ([identity(ROLE_TRANSMIT, RADIO_IDLE)], "idle"),
        ([identity(ROLE_TRANSMIT), status(airtime_ms=35_000)], "airtime"),
        ([identity(ROLE_TRANSMIT), status()], None),
    ],
)
def test_what_the_bridge_says_of_its_radio_is_a_fault(desk, said, code):
    desk.says(0, *said)
    assert desk.faults() == ({("bridge", NAMES[0], code)} if code else set())


def test_what_a_bridge_says_moves_no_cursor(desk):
    desk.says(0, identity(ROLE_TRANSMIT), status(fault="\x1b[2Jdead\r\n"))
    assert list(desk.receivers.faults(0.0)) == [("bridge", NAMES[0], "radio: ?[2Jdead??")]


def test_a_bridge_that_hears_no_node_is_a_fault(desk):
    for _ in range(60):
        desk.now_s += 50
        desk.says(0, status(int(desk.now_s)))
    assert desk.faults() == {("bridge", NAMES[0], "deaf")}
    desk.says(0, received(300))
    assert desk.faults() == set()


def test_what_it_says_of_itself_is_shown(desk):
    desk.says(0, identity(ROLE_TRANSMIT), status(), received(300))
    desk.now_s += 7
    (row,) = desk.receivers.show(desk.now_s)
    assert row == {
        "port": NAMES[0], "device": desk.lines[0].name, "role": "transmit", "connected": True,
        "id": "01" * 8, "radio": "listens", "version": 2, "frames": 1, "damaged": 0,
        "heard_s": 7, "sent": 9, "bad": 1, "crc_errors": 7, "airtime_ms": 100, "waiting": 3,
        "refused": 4, "lost": 5,
    }  # fmt: skip
    desk.unplug(0)
    (row,) = desk.receivers.show(desk.now_s)
    assert (row["connected"], row["radio"], row["sent"], row["airtime_ms"]) == (
        False, None, None, None,
    )  # fmt: skip


def test_a_site_without_a_bridge_has_none():
    body = {key: value for key, value in site().items() if key != "sha256"} | {"bridge": None}
    parsed = parse(json.dumps({**body, "sha256": digest(body)}).encode())
    none = Receivers(parsed, Counter())
    none.poll(0.0)
    assert (none.sources(), none.show(0.0), list(none.faults(0.0))) == ([], [], [])
    assert not none.send(b"x" * 20)
    none.close()


def test_while_a_port_is_being_opened_nothing_is_wrong_yet():
    jobs = []
    opening = Receivers(
        config(), Counter(), list, lambda: lambda job: jobs.append(job) or True, lambda: 0.0
    )
    opening.poll(0.0)
    assert not opening.settled()
    assert list(opening.faults(0.0)) == []
    jobs.pop()()
    opening.poll(0.0)
    assert opening.settled()
    assert [text.partition(":")[0] for *_, text in opening.faults(0.0)] == ["absent"]
