"""Releases that crash: told at once with what the board said, and taken back."""

import json

import pytest
from tests.provisioning.test_deploy import (
    BOOTED,
    LOADER,
    Desk,
    FakePort,
    booted_good,
    enrol,
    made,
    put,
    told,
)

from amont_node.pair import PairFile
from amont_provision import bootrecord, cli, deploy


@pytest.fixture
def board(tmp_path):
    return FakePort(tmp_path)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return Desk(tmp_path, monkeypatch)


TRACE = ["Traceback (most recent call last):", '  File "main.py", line 256, in run',
         '  File "amont_node/app.py", line 1, in <module>', "ValueError: planted"]  # fmt: skip
CAUGHT = [TRACE[0], *TRACE[2:]]
PROMPT = ["MicroPython v1.29.0 on 2026-08-29; linux", 'Type "help()" for more information.']


@pytest.mark.parametrize(
    ("console", "state", "why"),
    [
        (TRACE, deploy.CRASHED, "ValueError: planted"),
        ([*TRACE, *PROMPT], deploy.CRASHED, "ValueError: planted"),
        (["noise", *PROMPT], deploy.CRASHED, ""),
        ([*CAUGHT, BOOTED, told("update", state="good", release=4)], deploy.GOOD, None),
        (CAUGHT, deploy.UNKNOWN, None),
        (TRACE[:3], deploy.UNKNOWN, None),
    ],
)
def test_an_exception_that_nobody_caught_is_seen_at_once(console, state, why):
    watch = deploy.Watch(4, bootrecord.Record("a", "b", 3, 0, 0))
    for line in console:
        watch.line(line)
    assert watch.state == state
    assert why is None or watch.why == why


def test_a_first_release_that_boots_again_and_again_has_failed(board):
    what = made(3)
    put(board, what)
    since = bootrecord.read(board)
    pair = PairFile(str(board.folder), "boot")
    watch = deploy.Watch(3, since)
    for boots in range(1, deploy.LOST_BOOTS + 1):
        assert watch.state == deploy.UNKNOWN
        pair.save(pair.load() | {"bad_boots": boots})
        watch.record(bootrecord.read(board))
    assert watch.state == deploy.CRASHED


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_release_that_crashes_is_told_with_its_last_words_and_taken_back(desk, capsys, language):
    enrol(desk.port.folder)
    desk.run(3, "--wait", "0")
    booted_good(desk.port)
    desk.port.console = ["noise", *TRACE]
    capsys.readouterr()
    assert desk.run(4, "--lang", language) == cli.REFUSED
    first, *lines = capsys.readouterr().out.splitlines()
    says = {"en": "release 4 fails on this board", "fr": "la version 4 s'arrête sur cette carte"}
    assert first.startswith(f"{says[language]} (ValueError: planted)")
    assert lines == TRACE
    assert bootrecord.read(desk.port).failed == 4
    desk.port.console = list(TRACE)
    assert desk.run(5, "--json") == cli.REFUSED
    answer = json.loads(capsys.readouterr().out)
    assert (answer["result"], answer["console"]) == ("back", TRACE)


def test_a_first_release_that_crashes_has_nothing_to_go_back_to(desk, capsys):
    enrol(desk.port.folder)
    desk.port.console = list(TRACE)
    assert desk.run(3) == cli.REFUSED
    assert "there is no other; mend it" in capsys.readouterr().out


def test_a_loader_that_is_broken_is_named_and_replaced(desk, capsys):
    enrol(desk.port.folder)
    desk.run(3, "--wait", "0")
    booted_good(desk.port)
    desk.port.write("main.py", b"half of")
    desk.port.console = [*TRACE[:2], "SyntaxError: invalid syntax", *PROMPT]
    assert desk.run(4) == cli.REFUSED
    said = capsys.readouterr()
    assert "main.py is not this release's" in said.err
    assert "main.py fails on this board (SyntaxError: invalid syntax)" in said.out
    assert "deploy --loader" in said.out
    desk.port.console = [told("boot", release=3, slot="a"), told("sample", seq=0)]
    assert desk.run(3, "--loader", "--dry-run") == 0
    assert "+ main.py" in capsys.readouterr().out
    assert desk.run(3, "--loader") == 0
    assert desk.port.read("main.py") == LOADER
    assert desk.run(3, "--loader") == 0
    assert "nothing to do" in capsys.readouterr().out
