"""What `amont-guard status` and `amont-guard verify` print."""

import argparse
import json
import stat
import threading

import pytest

from amont_guard import cli
from amont_guard.app import build
from amont_guard.audit import AuditLog
from amont_guard.cli import _uid, main
from amont_guard.writer import Disk


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine may keep the guard's thread waiting for longer than a person waits."""
    monkeypatch.setattr(cli, "_ANSWER_S", 60.0)


def look(rig, *options):
    """Run the command in a thread of its own while the guard's loop goes on."""
    codes = []
    argv = ["status", "--state", str(rig.folder), *options]
    thread = threading.Thread(target=lambda: codes.append(main(argv)))
    thread.start()
    while thread.is_alive():  # the command itself waits no longer than its own bound
        rig.guard.turn(0.01)
    return codes[0]


def test_status_is_tables_of_codes(rig, capsys):
    rig.live(300, 310)
    assert look(rig) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines if len(line) == 1] == [
        "sirens", "stations", "sensors", "bridges", "faults",
    ]  # fmt: skip
    sensor = next(line for line in lines if line[0] == "pont-a")
    assert sensor[:3] == ["pont-a", "17", "310"]
    siren = next(line for line in lines if line[0] == "mairie")
    assert siren[1:3] == ["idle", "armed"]


def test_status_as_json_is_the_state(rig, capsys):
    assert look(rig, "--json") == 0
    assert json.loads(capsys.readouterr().out)["site"] == "sainte-amonette"


def test_what_a_text_holds_moves_no_cursor(rig, capsys):
    (bridge,) = rig.guard.receivers.all
    bridge.port.lose("gone\x1b[2J\r\n", 1e12)
    rig.state()  # the guard looks for faults each second
    rig.clock.pass_s(1)
    assert look(rig) == 0
    out = capsys.readouterr().out
    assert "gone\\u001b[2J\\r\\n" in out
    assert "\x1b" not in out


def test_sockets_may_lie_apart_from_the_state(rig, tmp_path, capsys):
    """With users of their own, only the guard may enter its state folder."""
    rig.stop()
    apart = tmp_path / "run"
    apart.mkdir()
    guard = build(rig.folder, rig.clock, gateway_uids=[_uid("root"), _uid("12")], sockets=apart)
    try:
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in apart.iterdir()}
        assert found == {"guard.sock": 0o660, "status.sock": 0o660}
        assert not (rig.folder / "guard.sock").exists()
        rig.guard = guard
        assert look(rig, "--sockets", str(apart)) == 0
        assert "mairie" in capsys.readouterr().out
    finally:
        guard.close()
    assert list(apart.iterdir()) == []
    rig.start(False)


def test_a_user_is_a_number_or_a_name():
    assert (_uid("0"), _uid("root"), _uid("1234")) == (0, 0, 1234)
    with pytest.raises(argparse.ArgumentTypeError, match="no user is called"):
        _uid("nobody-of-that-name")


def test_status_without_a_guard_is_a_mistake(tmp_path, capsys):
    assert main(["status", "--state", str(tmp_path)]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.fixture
def audit(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append([{"kind": "test", "at_ms": n} for n in range(5)], Disk().append)
    return tmp_path / "audit.jsonl", log


def witness(folder, n, head):
    path = folder / "witness.jsonl"
    path.write_text(json.dumps({"at_ms": 1, "n": n, "head": head}) + "\n")
    return ["--witness", str(path)]


def test_verify_says_how_far_the_audit_is_witnessed(audit, capsys):
    path, _ = audit
    assert main(["verify", "--state", str(path.parent)]) == 0
    assert "5 lines, sound" in (out := capsys.readouterr().out)
    assert "witnessed up to line 0" in out
    third = json.loads(path.read_bytes().splitlines()[2])["h"]
    assert main(["verify", "--state", str(path.parent), *witness(path.parent, 3, third)]) == 0
    assert "witnessed up to line 3" in capsys.readouterr().out


def test_verify_names_the_first_bad_line(audit, capsys):
    path, _ = audit
    path.write_bytes(path.read_bytes().replace(b'"at_ms":2', b'"at_ms":9'))
    assert main(["verify", "--state", str(path.parent)]) == 1
    assert "altered at line 3 of 5" in capsys.readouterr().out


def test_verify_finds_a_cut_end_that_was_witnessed(audit, capsys):
    path, log = audit
    options = witness(path.parent, *log.head)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
    assert main(["verify", "--state", str(path.parent)]) == 0
    assert main(["verify", "--state", str(path.parent), *options]) == 1
    assert "cut off behind line 4: line 5 was witnessed" in capsys.readouterr().out


def test_a_witness_that_is_not_there_is_a_mistake(audit, capsys):
    path, _ = audit
    asked = ["verify", "--state", str(path.parent), "--witness", str(path.parent / "nowhere")]
    assert main(asked) == 2
    assert "nowhere" in capsys.readouterr().err
