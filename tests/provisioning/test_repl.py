"""The raw REPL's client against boards on paper: any state, any age, any cable."""

import pytest
from tests.provisioning.paper_board import BANNER, PaperBoard, PaperLine, Time, ends_within

from amont_provision.repl import ENTER_S, BoardError, Repl
from amont_provision.repl_files import TRIES, Files
from amont_provision.texts import Refused

OLD, NEW = b"the old one\n", bytes(range(256)) * 5
KINDS = [{}, {"pastes": False}, {"pastes": False, "sums": False}]


def repl_of(board, **line):
    time = Time()
    return Repl(PaperLine(board, time, **line), "paper", time), time


def files_of(board, **line):
    repl, _ = repl_of(board, **line)
    return Files(repl)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("torn", [(4096,), (1,), (3, 1, 7)])
def test_code_runs_and_its_output_comes_whole(kind, torn):
    repl, _ = repl_of(PaperBoard(**kind), torn=torn)
    assert repl.exec("print(6*7)", 5) == b"42\r\n"
    long = "x" * 3000
    assert repl.exec(f"print('{long}')", 5) == long.encode() + b"\r\n"
    assert repl.exec("pass", 5) == b""


@pytest.mark.parametrize("deaf", [0, 1, 5])
def test_a_running_program_is_stopped(deaf):
    repl, _ = repl_of(PaperBoard(deaf=deaf))
    assert repl.exec("print(1)", 5) == b"1\r\n"
    assert repl.interrupted


def test_a_board_that_boots_when_its_port_is_opened_is_waited_for():
    """As an ESP32 does, whose reset hangs on DTR and RTS."""

    class Booting(PaperBoard):
        def hear(self, byte):
            if time.now_s < 2.5:
                self._said += b"\x00\xe0ets Jul 29 2019 12:21:46\r\n"
            elif time.now_s < 2.9:
                self._said += BANNER  # said to itself: what it hears is lost
            else:
                super().hear(byte)

    repl, time = repl_of(Booting())
    with ends_within(time, 10):
        assert repl.exec("print(1)", 5) == b"1\r\n"


@pytest.mark.parametrize(
    "typed", [b"\x01", b"\x01prin", b"\x01\x05A\x01prin", b"\x01print(1)\x04"]
)
def test_it_finds_its_way_out_of_what_a_killed_client_left(typed):
    board = PaperBoard()
    for byte in typed:
        board.hear(byte)
    assert repl_of(board)[0].exec("print(1)", 5) == b"1\r\n"


def test_what_the_board_raises_is_named_and_the_rest_goes_on():
    repl, _ = repl_of(PaperBoard())
    with pytest.raises(BoardError, match="by zero") as caught:
        repl.exec("1//0", 5)
    assert caught.value.traceback.startswith("Traceback")
    assert repl.exec("print(2)", 5) == b"2\r\n"


def test_code_that_hangs_is_interrupted_when_its_time_is_up():
    repl, time = repl_of(PaperBoard(hangs_at=2))
    repl.enter()
    with ends_within(time, 3), pytest.raises(Refused, match="no complete answer within 3 s"):
        repl.exec("while True: pass", 3)
    assert repl.exec("print(1)", 5) == b"1\r\n"


@pytest.mark.parametrize(
    ("board", "code"),
    [
        (lambda: PaperBoard(deaf=10**6), "repl-silent"),
        (lambda: Babbler(b"login: \r\n"), "repl-foreign"),
        (lambda: Babbler(b"Traceback (most recent call last):\r\nE: x\r\n"), "repl-restless"),
        (lambda: Babbler(b'amont {"seq": 7, "event": "sample"}\r\n'), "repl-locked"),
        (lambda: Babbler(b"\xff\x80\x00" * 50), "repl-foreign"),
        (lambda: Babbler(b">>> "), "repl-foreign"),
        (lambda: named("circuitpython"), "repl-foreign"),
    ],
)
def test_no_interpreter_is_told_apart_in_time(board, code):
    repl, time = repl_of(board())
    with ends_within(time, 2 * ENTER_S), pytest.raises(Refused) as caught:
        repl.enter()
    assert caught.value.code == code
    assert "\n" not in caught.value.text("fr") + caught.value.text("en")


class Babbler:
    """Something on a serial port that says the same to everything."""

    def __init__(self, says):
        self._says, self._said = says, b""

    def hear(self, _byte):
        self._said += self._says

    def said(self):
        said, self._said = self._said, b""
        return said


def named(name):
    board = PaperBoard()
    board.name = name
    return board


def test_an_answer_without_end_is_cut_off():
    class Endless:
        def give(self, data):
            pass

        def take(self, wait_s):
            time.now_s += 1e-4
            return b"x" * 4096

    time = Time()
    with ends_within(time, 1), pytest.raises(Refused, match="no end of the answer"):
        Repl(Endless(), "paper", time).exec("pass", 5)


def test_a_restart_in_the_middle_is_named():
    class Brownout(PaperBoard):
        def _run(self):
            super()._run()
            if self.execs == 2:
                self._said = bytearray(b"\r\nets Jul 29 2019\r\n")
                self._restart("friendly")

    repl, time = repl_of(Brownout())
    with ends_within(time, 30), pytest.raises(Refused) as caught:
        repl.exec("print(1)", 5)
    assert caught.value.code == "repl-restarted"


def test_the_program_that_was_stopped_starts_again():
    board = PaperBoard(deaf=0)
    repl, _ = repl_of(board)
    repl.exec("pass", 5)
    repl.start()
    assert (board.state, board.starts, repl.interrupted) == ("running", 1, False)
    assert list(repl.lines(1)) == ["MPY: soft reboot", "amont 1"]


def test_a_soft_reset_forgets_names_but_starts_nothing():
    board = PaperBoard(deaf=0)
    repl, _ = repl_of(board)
    repl.exec("kept=1", 5)
    repl.soft_reset()
    with pytest.raises(BoardError, match="kept"):
        repl.exec("print(kept)", 5)
    assert board.state == "raw"


def test_a_torn_line_at_the_end_is_not_told():
    board = PaperBoard()
    repl, _ = repl_of(board)
    board._said += b"amont 1\r\namont"
    board.hear(0)
    repl._line._collect()
    assert list(repl.lines(0.5)) == ["amont 1"]


# --- files


@pytest.mark.parametrize("kind", KINDS)
def test_files_come_and_go(kind):
    board = PaperBoard(**kind)
    files = files_of(board)
    assert files.read("x") is None
    for content in (b"", b"\x00\xff\r\n\x04", NEW):
        files.write("x", content)
        assert files.read("x") == content == board.files["x"]
    assert files.list("") == {"x": (1280, files.list("")["x"][1])}
    files.remove("x")
    files.remove("x")
    assert (board.files, files.list("")) == ({}, {})


def test_folders_are_made_and_listed():
    board = PaperBoard()
    files = files_of(board)
    files.write("a/amont_node/app.mpy", NEW)
    files.write("a/release.json", OLD)
    files.write(".hidden", OLD)
    assert list(files.list("a")) == ["amont_node/app.mpy", "release.json"]
    assert list(files.list("")) == ["a/amont_node/app.mpy", "a/release.json"]
    assert files.list("b") == {}
    assert files.read("a") is None
    assert board.folders == {"a", "a/amont_node"}


def test_a_board_that_was_restarted_is_taught_again():
    board = PaperBoard()
    files = files_of(board)
    files.write("x", OLD)
    board._globals = {}
    files.write("x", NEW)
    assert board.files == {"x": NEW}


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_board_keeps_what_it_has(kind):
    board = PaperBoard(**kind, room=1000)
    files = files_of(board)
    files.write("kept", OLD)
    with pytest.raises(Refused, match="no room left for big") as caught:
        files.write("big", bytes(2000))
    assert caught.value.code == "board-full"
    assert board.files == {"kept": OLD}


@pytest.mark.parametrize("kind", KINDS)
def test_worn_flash_is_found_out(kind):
    board = PaperBoard(**kind)
    board.files["x"] = OLD
    board.rots = 1
    files = files_of(board)
    files.write("x", NEW)
    assert board.files == {"x": NEW}
    board.rots = 10**6
    with pytest.raises(Refused, match=f"in {TRIES} tries"):
        files.write("x", OLD)
    if kind.get("sums", True):
        assert board.files["x"] == NEW, "the old file stays"


@pytest.mark.parametrize("name", ["", "/etc", "../x", "a//b", "a/", "a/./b", "é", "a b", "a'b"])
def test_names_that_no_board_takes_are_refused(name):
    with pytest.raises(Refused, match="cannot be used"):
        files_of(PaperBoard()).write(name, b"")
