"""Ports by what is plugged in, and one that never makes anybody wait."""

import gc
import os
import socket
import termios
import threading
from collections import Counter
from types import SimpleNamespace

import pytest
from tests.guard.rig import Line

from amont_guard import ports, serial_port
from amont_guard.ports import Board, NotThere, find
from amont_guard.serial_port import LOOK_S, RETRY_S, WAITING_BYTES, SerialPort
from amont_guard.writer import Worker

PICO, OTHER = Board("/dev/ttyACM3", 0x2E8A, 5, "E66A"), Board("/dev/ttyACM0", 0x2E8A, 5, "E66B")
CABLE = Board("/dev/ttyUSB0", 0x1A86, 0x7523, "")


def at_once(job):
    job()
    return True


class Later:
    """A thread's queue that the test empties; it takes as many jobs as there is room for."""

    def __init__(self):
        self.jobs, self.room = [], 8

    def submit(self, job):
        if len(self.jobs) >= self.room:
            return False
        self.jobs.append(job)
        return True

    def run(self):
        while self.jobs:
            self.jobs.pop(0)()


@pytest.fixture
def line():
    made = Line(in_process=True)
    yield made
    made.close()


def opened(line, name=None, boards=ports.plugged_in, submit=at_once):
    port = SerialPort(name or line.name, 115200, submit, boards)
    port.poll(0.0)
    assert port.poll(0.0), port.error
    return port


@pytest.mark.parametrize(
    ("name", "boards", "device"),
    [
        ("/dev/amont-bridge", [], "/dev/amont-bridge"),
        ("socket://127.0.0.1:7", [PICO], "socket://127.0.0.1:7"),
        ("usb:2e8a:0005:E66A", [CABLE, OTHER, PICO], "/dev/ttyACM3"),
        ("USB:2E8A:0005:e66b", [CABLE, OTHER, PICO], "/dev/ttyACM0"),
        ("usb:1a86:7523", [PICO, CABLE], "/dev/ttyUSB0"),
        ("usb:1a86:7523", [PICO, CABLE._replace(device="/dev/ttyUSB7")], "/dev/ttyUSB7"),
    ],
)
def test_a_board_is_found_whatever_number_it_has(name, boards, device):
    assert find(name, lambda: boards) == (device, 0)


def test_of_two_that_fit_it_is_always_the_same_and_the_other_is_told():
    for boards in ([PICO, OTHER], [OTHER, PICO]):
        assert find("usb:2e8a:0005", lambda found=boards: found) == ("/dev/ttyACM0", 1)


def test_a_board_of_the_same_name_that_is_plugged_in_later_is_seen(line):
    there = [PICO._replace(device=line.name)]
    port = opened(line, "usb:2e8a:0005:E66A", lambda: there)
    there.append(PICO._replace(device="/dev/zzz"))
    port.poll(LOOK_S - 1)
    assert port.others == 0
    port.poll(LOOK_S)
    assert port.others == 1
    there.clear()  # nothing is known while it is being pulled out
    port.poll(2 * LOOK_S)
    assert (port.others, port.connected) == (1, True)
    there.append(PICO._replace(device=line.name))
    port.poll(3 * LOOK_S)
    assert port.others == 0
    port.close(1.0)


def test_what_is_not_there_is_named_with_what_is():
    with pytest.raises(
        NotThere, match="usb:2e8a:0005:E66C; plugged in: usb:2e8a:0005:E66A, usb:1a"
    ):
        find("usb:2e8a:0005:E66C", lambda: [PICO, CABLE])
    with pytest.raises(NotThere, match="no board"):
        find("usb:2e8a:0005", list)
    with pytest.raises(NotThere):
        find("usb:2e8a:0006", lambda: [PICO])


def test_what_the_machine_lists_is_taken_if_it_is_usb(monkeypatch):
    listed = [
        SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None, serial_number=None),
        SimpleNamespace(device="/dev/ttyACM0", vid=0x2E8A, pid=5, serial_number="E66B"),
        SimpleNamespace(device="/dev/ttyUSB0", vid=0x1A86, pid=0x7523, serial_number=None),
    ]
    monkeypatch.setattr(ports.list_ports, "comports", lambda: listed)
    assert ports.plugged_in() == [OTHER, CABLE]
    monkeypatch.undo()
    assert all(board.device.startswith("/dev/") for board in ports.plugged_in())


def test_a_board_that_comes_back_under_another_name_is_found_again(line):
    second = Line(in_process=True)
    there = [PICO._replace(device=line.name)]
    port = opened(line, "usb:2e8a:0005:E66A", lambda: there)
    assert port.device == line.name
    line.close()
    there.clear()
    assert port.read(1.0) == b""
    assert (port.connected, port.device) == (False, "")
    for _ in range(2):
        port.poll(1.0 + RETRY_S / 2)
    assert port.error == "hung up"  # not before its time
    port.poll(1.0 + RETRY_S)
    port.poll(1.0 + RETRY_S)
    assert "no board" in port.error
    there.append(PICO._replace(device=second.name))
    port.poll(9.0)
    assert port.poll(9.0)
    assert (port.device, port.error) == (second.name, "")
    os.write(second.master, b"good")
    assert port.read(9.0) == b"good"
    port.close(1.0)
    line.master, line.slave, line.name = second.master, second.slave, second.name


def test_nothing_waits_for_a_board_that_holds_up_its_opening(line):
    thread = Later()
    port = SerialPort(line.name, 115200, thread.submit)
    assert not port.poll(0.0)
    assert not port.poll(1.0)
    assert (port.error, len(thread.jobs)) == ("", 1)
    port.poll(6.0)
    assert port.error == "opening it takes long"
    assert (len(thread.jobs), port.read(6.0), port.write(b"x", 6.0)) == (1, b"", False)
    thread.run()
    assert port.poll(7.0)
    assert port.error == ""
    port.close(0.0)
    assert os.get_blocking(line.master) is False
    thread.run()


def test_a_port_that_opens_after_the_end_is_given_back(line):
    thread = Later()
    port = SerialPort(line.name, 115200, thread.submit)
    port.poll(0.0)
    port.close(0.0)
    thread.run()
    assert not port.poll(1.0)
    opened(line).close(1.0)  # nobody holds it


def test_a_port_that_was_opened_and_not_taken_yet_is_given_back(line):
    thread = Later()
    port = SerialPort(line.name, 115200, thread.submit)
    port.poll(0.0)
    thread.run()  # open, and the loop has not looked again before the end
    port.close(0.0)
    thread.run()
    assert not port.poll(1.0)
    opened(line).close(1.0)  # nobody holds it


def test_a_port_in_use_or_absent_says_so_and_is_tried_again(line):
    first = opened(line)
    for name, said in ((line.name, "exclusively lock"), ("/nowhere/at-all", "No such file")):
        port = SerialPort(name, 115200, at_once)
        port.poll(0.0)
        assert not port.poll(0.0)
        assert said in port.error
        tried = []
        port._submit = lambda job, tried=tried: tried.append(job) or True
        port.poll(RETRY_S / 2)
        assert not tried  # not before its time
        port.poll(RETRY_S)
        assert len(tried) == 1
    first.close(1.0)


@pytest.mark.parametrize(
    "error", [termios.error(5, "Input/output error"), ValueError("baud"), TypeError("None")]
)
def test_a_port_that_goes_while_it_is_opened_is_lost(monkeypatch, error):
    def gone(*_args, **_how):
        raise error

    monkeypatch.setattr(serial_port.serial, "serial_for_url", gone)
    port = SerialPort("/dev/amont-bridge", 115200, at_once)
    port.poll(0.0)
    assert not port.poll(0.0)
    assert port.error


@pytest.mark.parametrize(
    ("error", "lost"), [(BlockingIOError(), False), (OSError(5, "Input/output error"), True)]
)
def test_errors_lose_the_port_and_waiting_does_not(line, monkeypatch, error, lost):
    def fail(*_):
        raise error

    for call in ("read", "write"):
        port = opened(line)
        with monkeypatch.context() as patch:
            patch.setattr(serial_port.os, call, fail)
            assert port.read(0.0) == b"" if call == "read" else port.write(b"x", 0.0)
        assert port.connected != lost
        assert port.error == ("Input/output error" if lost else "")
        port.close(1.0)


def test_a_port_that_takes_nothing_keeps_what_fits_and_drops_the_rest(line):
    port = opened(line)
    piece = bytes(range(1, 65))
    taken = 0
    while port.write(piece, 5.0):
        taken += 1
        assert taken < 10_000
    assert len(port._waiting) <= WAITING_BYTES
    assert port.full_s(17.0) == 12.0
    got = b""
    while len(got) < taken * len(piece):
        got += os.read(line.master, 65536)
        port.poll(20.0)
    assert got == piece * taken  # nothing was torn by a short write
    assert port.full_s(30.0) == 0.0
    port.close(1.0)


def test_a_full_port_is_closed_without_waiting_for_it(line):
    port = opened(line)
    while port.write(bytes(256), 0.0):
        pass
    thread = threading.Thread(target=port.close, args=(5.0,))
    thread.start()
    thread.join(5.0)
    assert not thread.is_alive()


def test_any_pyserial_address_is_a_port():
    listener = socket.create_server(("127.0.0.1", 0))
    port = opened(None, f"socket://127.0.0.1:{listener.getsockname()[1]}")
    peer, _ = listener.accept()
    peer.send(b"good")
    assert port.read(0.0) == b"good"
    assert port.write(b"back", 0.0)
    assert peer.recv(10) == b"back"
    peer.close()
    assert port.read(0.0) == b""
    assert port.error == "hung up"
    listener.close()


def test_a_thread_that_takes_no_more_is_not_waited_for(line):
    port = SerialPort(line.name, 115200, lambda _job: False)
    assert not port.poll(0.0)
    assert not port.poll(0.1)  # asks again at the next turn
    port.close(20.0)
    assert port.error == "closed"


def vanished():
    """List boards as pyserial does when one goes meanwhile: its idVendor reads as None."""
    return [int(None, 16)]


def test_a_board_that_goes_while_boards_are_listed_is_not_there():
    with pytest.raises(NotThere, match=r"usb:2e8a:0005; boards cannot be listed: int\(\)"):
        find("usb:2e8a:0005", vanished)


def test_a_board_that_goes_while_it_is_looked_for_is_looked_for_again(line):
    lists = [vanished, lambda: [PICO._replace(device=line.name)], vanished]
    port = SerialPort("usb:2e8a:0005:E66A", 115200, at_once, lambda: lists.pop(0)())
    for at_s in (0.0, 0.0):
        assert not port.poll(at_s)
    assert "cannot be listed" in port.error
    port.poll(RETRY_S)
    assert port.poll(RETRY_S)
    port.poll(RETRY_S + LOOK_S)
    assert (lists, port.connected, port.others) == ([], True, 0)
    port.close(1.0)


def test_a_job_that_fails_is_counted_and_the_next_one_is_done():
    counters, done = Counter(), threading.Event()
    worker = Worker(8, counters)
    assert worker.submit(vanished)
    assert worker.submit(done.set)
    assert done.wait(20)
    assert counters == {"jobs failed": 1}


def test_one_look_waits_at_most(line):
    thread = Later()
    port = SerialPort(line.name, 115200, thread.submit)
    port.poll(0.0)
    thread.run()
    assert port.poll(0.0)
    for turn in range(1, 9):
        port.poll(turn * LOOK_S)
    assert len(thread.jobs) == 1
    thread.run()
    thread.room = 0
    port.poll(9 * LOOK_S)
    thread.room = 8
    port.poll(9 * LOOK_S)  # what could not be handed over is, at the next turn
    assert len(thread.jobs) == 1
    port.close(0.0)
    thread.run()


def test_a_lost_port_that_the_thread_cannot_take_is_closed_by_nobody_else(line):
    thread = Later()
    port = SerialPort(line.name, 115200, thread.submit)
    port.poll(0.0)
    thread.run()
    assert port.poll(0.0)
    held, thread.room = port.fileno(), 0
    port.lose("hung up", 1.0)
    for at_s in (1.0, 5.0, 9.0):
        port.poll(at_s)
    gc.collect()
    os.fstat(held)  # still open: it is not for the loop to wait for a board
    assert (port.connected, port.error) == (False, "hung up")
    thread.room = 8
    port.poll(10.0)
    assert len(thread.jobs) == 2  # close it, then open it
    thread.jobs.pop(0)()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held)
    thread.run()
    assert port.poll(11.0)
    port.close(0.0)
    thread.run()
