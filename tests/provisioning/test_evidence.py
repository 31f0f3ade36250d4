"""What is read off a board: all that shows how it fared, and never what opens a door."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amont_node.pair import PairFile
from amont_provision import cli, cmd_logs, cmd_pull, evidence, logbook
from amont_provision.texts import Refused

from .fake_board import FakePort

SECRET = "5ec4e7" * 5
PASSWORD = "correct horse"
OUTBOX = {"flash/outbox/00000001.seg": b"\x01" * 900, "flash/life.a": b"life"}


@pytest.fixture
def board(tmp_path):
    """An enrolled board with samples that wait, and an error noted."""
    folder = tmp_path / "board"
    port = FakePort(folder)
    carrier = {"kind": "mqtt", "user": "u", "password": PASSWORD, "tls": {"key": "31.key"}}
    config = {"schema": 1, "id": 31, "version": 2, "generation": 4, "carrier": carrier}
    for name, content in OUTBOX.items():
        port.write(name, content)
    port.write("secret.json", json.dumps({"secret": SECRET}).encode())
    port.write("31.key", f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n".encode())
    port.write("crash.txt", b"Traceback\nOSError: 5\n\xff")
    port.write("wifi.json", PASSWORD.encode())
    PairFile(str(folder), "config").save(config)
    PairFile(str(folder), "boot").save({"schema": 1, "slot": "a", "trying": None, "release": 3})
    return FakePort(folder)


@pytest.fixture
def run(tmp_path, board, monkeypatch):
    monkeypatch.setattr(cmd_pull, "open_port", lambda text: board)
    monkeypatch.setattr(cmd_logs, "open_port", lambda text: board)

    def call(command, *line):
        more = ["--to", str(tmp_path / "to")] if command == "pull" else []
        return cli.main(["--lang", "en", command, "--port", "x", *more, *line])

    return call


def copied(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_outbox_and_the_records_are_copied_and_listed(run, board, tmp_path, capsys):
    assert run("pull", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    files = copied(tmp_path / "to")
    for name, content in OUTBOX.items():
        assert files[name] == content
    assert {"crash.txt", "boot.a", evidence.LIST, evidence.CONFIGURATION} <= files.keys()
    listed = json.loads(files[evidence.LIST])
    assert (listed["node"], listed["generation"], listed["slot"]) == (31, 4, "a")
    for name, facts in listed["files"].items():
        assert facts["sha256"] == sha256(files[name]).hexdigest()
        assert facts["bytes"] == len(files[name])
    assert (said["files"], said["fresh"]) == (len(listed["files"]), len(listed["files"]))
    assert (board.changes, board.closed) == (0, 1)


def test_no_secret_leaves_the_board(run, tmp_path, capsys):
    run("pull")
    files = copied(tmp_path / "to")
    printed = "".join(capsys.readouterr())
    for hidden in (SECRET, PASSWORD):
        assert not any(hidden.encode() in content for content in files.values())
        assert hidden not in printed
    assert not files.keys() & {"secret.json", "31.key", "wifi.json", "config.a", "config.b"}
    kept = json.loads(files[evidence.CONFIGURATION])
    assert kept["carrier"]["password"] == evidence.MASK
    assert (kept["carrier"]["user"], kept["carrier"]["tls"]) == ("u", {"key": "31.key"})


NESTED = st.recursive(
    st.just("hush"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["password", "wifi_psk", "Secret", "token"]), inner)
    ),
)


@given(st.dictionaries(st.sampled_from(["password", "psk", "api_token", "pin"]), NESTED))
def test_what_has_a_secrets_name_is_hidden_at_any_depth(value):
    shown = json.dumps(evidence.without_secrets({"list": [value], "a": "b"}))
    assert "hush" not in shown
    assert '"a": "b"' in shown


def test_a_pulled_cable_costs_only_what_was_not_copied_yet(run, board, tmp_path, capsys):
    whole = board.read

    def pulled(name):
        if name.startswith("flash/outbox"):
            raise Refused("port-pulled", port="x")
        return whole(name)

    board.read = pulled
    assert run("pull") == cli.REFUSED
    assert capsys.readouterr().err.count("\n") == 1
    before = copied(tmp_path / "to")
    assert "crash.txt" in before
    assert evidence.LIST not in before, "a list would say that all is there"
    board.read = whole
    assert run("pull", "--json") == 0
    assert json.loads(capsys.readouterr().out)["copied"] == ["flash/outbox/00000001.seg"]


def test_a_file_that_the_node_writes_meanwhile_is_told(run, board, capsys):
    listed = board.list("flash")
    board.list = lambda folder="": {**listed, "life.a": (4, "00" * 32)}
    assert run("pull") == cli.REFUSED
    assert "flash/life.a changed while it was copied" in capsys.readouterr().err


def test_a_dry_run_copies_nothing(run, tmp_path, capsys):
    assert run("pull", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "flash/outbox/00000001.seg (900 B)" in said
    assert not (tmp_path / "to").exists()


def test_evidence_has_a_date_that_can_be_true(run, tmp_path, capsys, monkeypatch):
    class Lost(logbook.datetime):
        @classmethod
        def now(cls, zone=None):
            return cls(1970, 1, 1, tzinfo=zone)

    monkeypatch.setattr(logbook, "datetime", Lost)
    assert run("pull") == cli.REFUSED
    assert "the clock says 1970-01-01" in capsys.readouterr().err
    assert not (tmp_path / "to").exists()
    assert run("pull", "--date", "2026-11-01T10:00") == 0
    listed = json.loads((tmp_path / "to" / evidence.LIST).read_text())
    assert listed["at"].startswith("2026-1")


def test_a_bare_board_has_little_to_show(tmp_path):
    found = evidence.found(FakePort(tmp_path))
    assert (found.node, found.files, found.about["release"]) == (0, {}, None)


def test_a_board_without_identity_is_named_so(run, board, capsys):
    for copy in ("config.a", "config.b"):
        board.remove(copy)
    assert run("pull") == 0
    assert capsys.readouterr().out.startswith("board without identity: ")


# --- logs


def test_errors_and_console_are_shown(run, board, capsys):
    board.console = ["one", "two"]
    assert run("logs", "--listen", "1") == 0
    printed = capsys.readouterr()
    assert printed.out == "Traceback\nOSError: 5\n\ufffd\none\ntwo\n2 lines heard\n"
    assert "hold its button" in printed.err


def test_a_board_without_errors_says_so_and_need_not_be_heard(run, board, capsys):
    board.remove("crash.txt")
    assert run("logs", "--listen", "0") == 0
    printed = capsys.readouterr()
    assert printed.out == "0 lines heard\n"
    assert printed.err == "no error is noted on the board\n"


def test_logs_as_json_are_one_object(run, board, capsys):
    board.console = ["one"]
    assert run("logs", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["lines"] == ["one"]
    assert said["crash"].startswith("Traceback\n")
