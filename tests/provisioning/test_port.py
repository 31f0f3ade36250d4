"""Ports as people name them, and what pyserial makes of a cable: every failure is one line."""

import errno
import os
import pty
import select
import socket
import threading
import tty

import pytest
import serial
from tests.provisioning.paper_board import PaperBoard

from amont_provision import serial_port
from amont_provision.port import VirtualPort, checked, open_port
from amont_provision.serial_port import SerialPort, looks_serial
from amont_provision.texts import Refused
from amont_provision.virtual import VirtualBoard

HIDDEN = (".pty", ".board", ".board.log")


class Terminal:
    """A paper board behind a real pseudo-terminal, or behind a socket."""

    def __init__(self, board):
        self.board = board
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.name = os.ttyname(self._slave)
        self._stops, self._wakes = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while self._stops not in (ready := select.select([self.master, self._stops], [], [])[0]):
            assert ready
            for byte in os.read(self.master, 4096):
                self.board.hear(byte)
            os.write(self.master, self.board.said())

    def pull(self):
        if self._thread.is_alive():
            os.write(self._wakes, b"x")
            self._thread.join()
            for handle in (self.master, self._slave, self._stops, self._wakes):
                os.close(handle)


@pytest.fixture
def terminal():
    made = Terminal(PaperBoard())
    yield made
    made.pull()


@pytest.mark.parametrize(
    ("text", "serial_like"),
    [
        ("/dev/ttyACM0", True), ("COM7", True), ("socket://127.0.0.1:4321", True),
        ("rfc2217://h:1", True), ("serial:/dev/x", False), ("ttyACM0", False), ("", False),
    ],
)  # fmt: skip
def test_what_pyserial_opens_is_told_from_other_texts(text, serial_like):
    assert looks_serial(text) == serial_like


@pytest.mark.parametrize("text", ["serial:/dev/x", "virtual:", "", "ttyACM0"])
def test_other_texts_are_refused(text):
    with pytest.raises(Refused, match="unknown form"):
        open_port(text)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOENT, "port-absent"),
        (errno.EACCES, "port-denied"),
        (errno.EBUSY, "port-busy"),
        (errno.EIO, "port-broken"),
    ],
)
def test_a_port_that_does_not_open_says_why(monkeypatch, number, code):
    def broken(*_, **__):
        raise serial.SerialException(number, "could not open port")

    monkeypatch.setattr(serial_port.serial, "serial_for_url", broken)
    with pytest.raises(Refused) as caught:
        open_port("/dev/ttyACM0")
    assert caught.value.code == code
    assert "/dev/ttyACM0" in caught.value.text("fr")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("/dev/no-such-board", "port-absent"),
        ("/dev/null", "port-broken"),
        ("nosuch://x", "port-broken"),
        ("socket://127.0.0.1:1", "port-broken"),
    ],
)
def test_real_ports_that_do_not_open_are_one_line(text, code):
    with pytest.raises(Refused) as caught:
        open_port(text)
    assert caught.value.code == code
    assert "\n" not in caught.value.text("en")


def test_a_terminal_is_a_port_and_only_for_one(terminal):
    port = open_port(terminal.name)
    assert port.exec("print(6*7)") == b"42\r\n"
    port.write("x", b"content")
    assert (port.read("x"), list(port.list())) == (b"content", ["x"])
    port.remove("x")
    assert port.read("x") is None
    with pytest.raises(Refused, match="another program uses it"):
        open_port(terminal.name)
    port.close()
    port.close()
    open_port(terminal.name).close()


def test_a_socket_is_a_port():
    board = PaperBoard()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            line, _ = server.accept()
            with line:
                while data := line.recv(4096):
                    for byte in data:
                        board.hear(byte)
                    line.sendall(board.said())

        thread = threading.Thread(target=serve)
        thread.start()
        port = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}")
        assert port.exec("print(6*7)") == b"42\r\n"
        port.write("x", bytes(range(256)))
        assert board.files["x"] == bytes(range(256))
        port.close()
        thread.join()


def test_a_pulled_cable_is_told_at_once_and_nobody_waits_for_it(terminal, monkeypatch):
    port = open_port(terminal.name)
    port.exec("pass")
    terminal.pull()
    monkeypatch.delattr(serial_port.time, "sleep")
    for act in (lambda: port.exec("pass"), lambda: port.read("x"), lambda: list(port.lines(1))):
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.code == "port-pulled"
    port.close()


def test_a_board_that_takes_no_data_is_named(monkeypatch):
    monkeypatch.setattr(serial_port, "GIVE_S", 0.2)
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = SerialPort(os.ttyname(slave))
    with pytest.raises(Refused, match="takes no more data"):
        port._line.give(bytes(1_000_000))
    port._line.close()
    os.close(master)
    os.close(slave)


def test_a_board_that_restarts_may_leave_and_come_back(tmp_path, monkeypatch):
    """As a Pico does, whose USB goes when it restarts."""
    first, second = Terminal(PaperBoard(deaf=0)), Terminal(PaperBoard(deaf=0))
    device = tmp_path / "tty"
    device.symlink_to(first.name)
    port = SerialPort(str(device))
    port.exec("pass")
    port.restarting()
    device.unlink()
    first.pull()
    hand = threading.Timer(0.3, lambda: device.symlink_to(second.name))
    hand.start()
    assert port.exec("print(6*7)") == b"42\r\n"
    hand.join()
    second.pull()
    monkeypatch.setattr(port._line, "_returns_until_s", 0.0)
    with pytest.raises(Refused, match="the board is gone"):
        port.exec("pass")
    port.close()


def test_a_reset_by_the_interpreter_expects_no_answer(terminal):
    terminal.board.deaf = 0
    port = open_port(terminal.name)
    port.exec("pass")
    assert port._repl.interrupted
    port.reset()
    assert not port._repl.interrupted
    port.close()
    assert terminal.board.starts == 0, "closing starts only what is interrupted"


# --- the simulated board's files, which need no program


def test_a_folder_is_a_board(tmp_path):
    port = open_port(f"virtual:{tmp_path}")
    assert (port.read("x"), port.list(), port.list("a")) == (None, {}, {})
    port.write("a/b/x", b"content")
    for name in HIDDEN:
        (tmp_path / name).touch()
    (tmp_path / "a" / ".secret").touch()
    assert list(port.list()) == ["a/b/x"]
    size, digest = port.list("a")["b/x"]
    assert (size, len(digest)) == (7, 64)
    assert port.read("a") is None
    port.remove("a/b/x")
    port.remove("a/b/x")
    assert port.list() == {}
    port.close()
    assert not VirtualBoard(tmp_path).running()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", "a/../../x"])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    port = VirtualPort(tmp_path)
    for act in (port.read, port.remove, lambda name: port.write(name, b"")):
        with pytest.raises(Refused, match="cannot be used"):
            act(name)
    with pytest.raises(Refused):
        checked(name)
