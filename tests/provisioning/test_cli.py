"""The frame of amont-provision: every command answers in the same way."""

import argparse
import errno
import io
import json
import os

import pytest

from amont_provision import cli, texts
from amont_provision.output import Output
from amont_provision.texts import TEXTS, Flaw, Refused, cause, say
from amont_site import SiteError


class Planted:
    """A command that does what a test says."""

    __name__ = "amont_provision.cmd_planted"
    HELP = "stand in"

    def __init__(self, act):
        self.__dict__["__name__"] = self.__name__
        self.act = act

    def arguments(self, parser):
        parser.add_argument("--deep", action="store_true")

    def run(self, asked, out):
        return self.act(asked, out)


@pytest.fixture
def plant(monkeypatch):
    def put(act):
        monkeypatch.setattr(cli, "COMMANDS", (Planted(act),))

    return put


def raising(error):
    def act(asked, out):
        raise error

    return act


@pytest.mark.parametrize("command", cli.COMMANDS, ids=cli.name_of)
def test_every_command_has_help_language_and_json(command):
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    assert command.HELP
    assert command.HELP[0].islower()
    taken = {text for action in parser._actions for text in action.option_strings}
    assert not taken & {"--lang", "--json"}, "the frame adds these"
    assert all(action.help for action in parser._actions)


@pytest.mark.parametrize("line", [["--lang", "fr", "planted"], ["planted", "--lang", "fr"]])
def test_the_language_may_stand_before_or_after_the_command(plant, capsys, line):
    plant(lambda asked, out: out.say("restart") or 0)
    assert cli.main(line) == cli.DONE
    assert capsys.readouterr().err == TEXTS["restart"][0] + "\n"


@pytest.mark.parametrize(
    ("error", "code", "says", "exit_code"),
    [
        (Refused("nothing-trusted"), "nothing-trusted", "--trust", cli.REFUSED),
        (OSError(28, "No space left on device"), "io", "No space left", cli.REFUSED),
        (KeyboardInterrupt(), "interrupted", "run the command again", cli.INTERRUPTED),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(plant, capsys, error, code, says, exit_code):
    plant(raising(error))
    assert cli.main(["--lang", "en", "planted", "--json"]) == exit_code
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("amont-provision planted: ")
    assert says in printed.err
    assert json.loads(printed.out)["error"] == code


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["--lang", "fr", "pull", "--port", "x"], "amont-provision pull : il manque --to ; voyez"),
        (["pull", "--port", "x", "--lang=en"], "amont-provision pull: --to is missing; see amont"),
        (["--lang", "fr", "scan", "--keys"], "amont-provision : « --keys » n'est pas connu ici ;"),
        (["--lang", "xx", "scan"], "invalid choice: 'xx'"),
        (["--lang"], "expected one argument"),
        ([], "command"),
    ],
)
def test_a_command_line_that_is_none_is_told_in_one_line(capsys, line, says):
    with pytest.raises(SystemExit) as caught:
        cli.main(line)
    assert caught.value.code == cli.MISUSED
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert says in said.err


def test_a_bug_is_not_hidden_as_a_mistake(plant):
    plant(raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["planted"])


def test_results_and_remarks_part_ways(plant, capsys):
    def act(asked, out):
        out.say("restart")
        out.result({"path": "x", "why": "é"}, lines=["one", "two"])
        return 0

    plant(act)
    cli.main(["--lang", "en", "planted"])
    printed = capsys.readouterr()
    assert printed.out == "one\ntwo\n"
    assert printed.err == TEXTS["restart"][1] + "\n"
    cli.main(["planted", "--json"])
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"path": "x", "why": "é"}
    assert printed.err == ""


def test_a_result_without_a_sentence_lists_its_values(capsys):
    Output("x", "en", False).result({"node": 11, "slot": "a"})
    assert capsys.readouterr().out == "node: 11\nslot: a\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_drawn_on_a_terminal_only(monkeypatch, capsys):
    out = Output("x", "en", False)
    out.progress("sending", 1, 2)
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    out.progress("sending", 1, 2)
    out.refuse("io", "gone")
    out.progress("empty", 0, 0)
    drawn = terminal.getvalue()
    assert " 50%\namont-provision x: gone\n" in drawn
    assert drawn.endswith("100%\n")


def test_a_reason_inside_a_sentence_speaks_its_language():
    refused = Refused("wrong-image", name="x.uf2", board="pico", why=Flaw("flaw-order"))
    for language in ("fr", "en"):
        reason = TEXTS["flaw-order"][language == "en"]
        assert f"({reason})" in refused.text(language)
    assert TEXTS["flaw-order"][1] in str(refused)


@pytest.mark.parametrize(
    ("count", "fr", "en"),
    [(0, "0 ligne entendue", "0 lines heard"), (1, "1 ligne entendue", "1 line heard"),
     (2, "2 lignes entendues", "2 lines heard")],
)  # fmt: skip
def test_a_number_agrees_with_its_word(count, fr, en):
    assert (say("logs", "fr", count=count), say("logs", "en", count=count)) == (fr, en)


def test_the_system_s_reasons_are_said_in_french_too(tmp_path):
    path = tmp_path / "nope.amont"
    for number, french, english in (
        (errno.ENOENT, "n'existe pas", "No such file"),
        (errno.EACCES, "accès refusé", "Permission denied"),
        (errno.ENOSPC, "plus de place", "No space left"),
    ):
        error = OSError(number, os.strerror(number), str(path))
        assert french in say("write", "fr", why=error)
        assert "nope.amont" in say("write", "fr", why=error)
        assert english in say("write", "en", why=error)
        assert french in say("write", "fr", why=cause(error))
        assert english in say("write", "en", why=cause(error))
    other = OSError(errno.EIO, os.strerror(errno.EIO))
    assert cause(other) == os.strerror(errno.EIO)


def test_no_two_parts_use_one_code():
    used = [code for part in texts.parts().values() for code in part]
    assert sorted(used) == sorted(TEXTS)


def test_a_site_with_errors_is_told_line_by_line(plant, capsys):
    class Problem:
        def line_text(self, language):
            return f"site.yaml:3: {language}"

    error = SiteError.__new__(SiteError)
    error.problems = [Problem(), Problem()]
    plant(raising(error))
    assert cli.main(["--lang", "fr", "planted"]) == cli.REFUSED
    assert capsys.readouterr().err.count("site.yaml:3: fr") == 2
