"""A board's interpreter, files and console over its serial port, on every bench."""

import contextlib
from collections.abc import Iterator
from hashlib import sha256

import pytest

from amont_hil.rig import RigBoard
from amont_provision.repl import BoardError
from amont_provision.serial_port import SerialPort
from amont_provision.texts import Refused

COUNTING = b"import time\nfor n in range(1000):\n print('amont', n)\n for _ in range(2000): pass\n"


@contextlib.contextmanager
def opened(board: RigBoard) -> Iterator[SerialPort]:
    """Open the port as one command does, and leave the board as a command leaves it."""
    port = board.open()
    try:
        yield port
    finally:
        port.close()


def test_it_is_the_micropython_that_the_bench_says(rigged: RigBoard) -> None:
    with opened(rigged) as port:
        said = port.exec("import sys\nprint(sys.implementation[0], *sys.implementation[1][:2])")
    name, major, minor = said.split()
    assert name == b"micropython"
    assert (int(major), int(minor)) >= rigged.micropython


def test_one_command_after_another_finds_the_prompt(rigged: RigBoard) -> None:
    for number in range(5):
        with opened(rigged) as port:
            assert port.exec(f"print({number}*7)") == f"{number * 7}\r\n".encode()


def test_an_error_on_the_board_is_named(rigged: RigBoard) -> None:
    with opened(rigged) as port:
        with pytest.raises(BoardError, match="ZeroDivisionError"):
            port.exec("1//0")
        with pytest.raises(BoardError, match="SyntaxError"):
            port.exec("1 +* 2")
        assert port.exec("print(1)") == b"1\r\n"


def test_code_that_hangs_ends_with_a_refusal_and_a_usable_board(rigged: RigBoard) -> None:
    with opened(rigged) as port:
        with pytest.raises(Refused, match="no complete answer within 1 s"):
            port.exec("while True: pass", 1)
        assert port.exec("print(1)") == b"1\r\n"


def test_long_code_and_long_answers_come_whole(rigged: RigBoard) -> None:
    text = "abcdefgh" * 60
    with opened(rigged) as port:
        assert port.exec(f"print('{text}')") == text.encode() + b"\r\n"
        lines = port.exec("for n in range(200): print(n)").split()
    assert lines == [str(number).encode() for number in range(200)]


def test_files_come_back_as_they_went(rigged: RigBoard) -> None:
    content = bytes(range(256)) + b"\x04\x03>>> \r\n"
    facts = (len(content), sha256(content).hexdigest())
    with opened(rigged) as port:
        assert port.read("hil-x.bin") is None
        port.write("hil-x.bin", b"an older one")
        port.write("hil-x.bin", content)
        assert port.read("hil-x.bin") == content
        assert port.list()["hil-x.bin"] == facts
        port.remove("hil-x.bin")
        port.remove("hil-x.bin")
        assert "hil-x.bin" not in port.list()


def test_files_outlive_a_restart_of_the_interpreter(rigged: RigBoard) -> None:
    with opened(rigged) as port:
        port.write("hil-y.bin", b"kept")
    with opened(rigged) as port:
        port.exec("kept = 1")
    with opened(rigged) as port:
        assert port.read("hil-y.bin") == b"kept"
        port.remove("hil-y.bin")
        with pytest.raises(BoardError, match="kept"):
            port.exec("print(kept)")


@pytest.mark.needs("program")
def test_a_running_program_is_heard_stopped_and_started_again(rigged: RigBoard) -> None:
    with opened(rigged) as port:
        port.write("main.py", COUNTING)
    with opened(rigged) as port:
        heard = list(port.lines(1))
        numbers = [int(line.split()[1]) for line in heard if line.startswith("amont")]
        assert numbers
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert port.exec("print(6*7)") == b"42\r\n"
    with opened(rigged) as port:
        assert any(line.startswith("amont") for line in port.lines(1))


@pytest.mark.needs("program")
def test_a_reset_starts_the_program_anew(rigged: RigBoard) -> None:
    with opened(rigged) as port:
        port.write("main.py", COUNTING)
        port.reset()
        assert "amont 0" in list(port.lines(2))


@pytest.mark.needs("hashes", "folders")
def test_a_tree_of_files_is_made_and_listed(rigged: RigBoard) -> None:
    files = {f"hil-slot/lib{n}/part.mpy": bytes([n]) * 700 for n in range(3)}
    with opened(rigged) as port:
        for name, content in files.items():
            port.write(name, content)
        found = port.list("hil-slot")
        assert {f"hil-slot/{name}": facts for name, facts in found.items()} == {
            name: (len(content), sha256(content).hexdigest()) for name, content in files.items()
        }
        for name in files:
            port.remove(name)
        assert port.list("hil-slot") == {}


def test_a_port_in_use_is_refused_at_once(rigged: RigBoard) -> None:
    with opened(rigged) as port:
        with pytest.raises(Refused) as caught:
            rigged.open()
        assert caught.value.code == "port-busy"
        assert port.exec("print(1)") == b"1\r\n"
