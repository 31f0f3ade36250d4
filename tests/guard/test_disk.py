"""A disk that is full, read-only or hung is a fault; the siren's way does not touch it."""

import errno
import json
import os
import threading
from pathlib import Path

import pytest
from tests.guard.rig import RISING, Rig, TroubledDisk

from amont_guard import writer as writer_module
from amont_guard.audit import AuditLog, verify
from amont_guard.store import lock
from amont_guard.writer import Worker, Writer


@pytest.fixture
def troubled(tmp_path):
    made = Rig(tmp_path / "state", TroubledDisk())
    yield made
    made.disk.error = None
    if made.disk.gate is not None:
        made.disk.gate.set()
    made.close()


def disk_fault(rig):
    return [f["detail"] for f in rig.state()["faults"] if f["kind"] == "disk"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_siren_sounds_although_nothing_can_be_written(troubled, error):
    troubled.prove()
    troubled.disk.error = error
    troubled.live(*RISING)
    assert len(troubled.sounded()) == 1
    troubled.disk.error = None
    troubled.flush()
    records = (troubled.folder / "audit.jsonl").read_text().splitlines()
    assert any(json.loads(r).get("state") == "sound" for r in records)  # kept, written later
    assert verify(troubled.folder).ok


def test_failing_disk_is_a_fault_and_heals(troubled):
    troubled.prove()
    troubled.disk.error = errno.ENOSPC
    before = troubled.disk.writes
    troubled.live(*RISING)
    while troubled.disk.writes < before + 3:
        troubled.turn()
    assert disk_fault(troubled) == ["No space left on device"]
    troubled.disk.error = None
    troubled.flush()
    assert disk_fault(troubled) == []


def test_siren_sounds_while_the_disk_hangs(troubled, monkeypatch):
    monkeypatch.setattr(writer_module, "HUNG_S", -1.0)
    troubled.prove()
    troubled.disk.gate = threading.Event()
    troubled.live(*RISING)
    assert len(troubled.sounded()) == 1
    while not troubled.guard.writer.faults():  # the disk thread has yet to come to the gate
        threading.Event().wait(0.001)
    assert disk_fault(troubled) == ["hung"]


class NotingDisk(TroubledDisk):
    """A disk that notes what reached it, in order."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def replace(self, path, content):
        super().replace(path, content)
        if path.name == "state.json":
            sirens = json.loads(content)["alarms"]["sirens"]
            self.noted.append(("kept", sirens["mairie"]["annunciation"]))

    def append(self, path, at, content):
        super().append(path, at, content)
        self.noted += [("told", json.loads(r).get("state")) for r in content.splitlines()]


def test_what_the_audit_tells_a_restart_knows(tmp_path):
    rig = Rig(tmp_path / "state", NotingDisk())
    rig.prove()
    rig.live(*RISING)
    rig.flush()
    told = rig.disk.noted.index(("told", "sound"))
    assert ("kept", 1) in rig.disk.noted[:told]
    rig.close()


def test_what_is_recorded_while_files_are_written_waits_for_files_put_before_it(tmp_path):
    disk = NotingDisk()
    disk.gate = threading.Event()
    writer = Writer(AuditLog(tmp_path / "audit.jsonl"), disk)
    writer.start()
    writer.put(tmp_path / "other.json", b"{}")
    while not disk.writes:  # the disk thread is at the gate with it
        threading.Event().wait(0.001)
    state = {"alarms": {"sirens": {"mairie": {"annunciation": 1}}}}
    writer.put(tmp_path / "state.json", json.dumps(state).encode())
    writer.record({"state": "sound"})
    disk.gate.set()
    assert writer.stop(10)
    assert disk.noted.index(("kept", 1)) < disk.noted.index(("told", "sound"))


def test_ring_is_bounded_and_says_what_it_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "AUDIT_RING", 10)
    path, disk = tmp_path / "audit.jsonl", TroubledDisk()
    made = Writer(AuditLog(path), disk)
    for number in range(100):
        made.record({"kind": "test", "number": number})
    dropped = made.dropped
    assert 0 < dropped < 100
    made.start()
    assert made.stop(10)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert (records[0]["kind"], records[0]["count"]) == ("lost", dropped)
    assert [r["number"] for r in records[1:]] == list(range(dropped, 100))
    assert verify(tmp_path).ok


def test_one_bad_path_does_not_hold_up_the_others(tmp_path):
    made = Writer(AuditLog(tmp_path / "audit.jsonl"))
    done = threading.Event()
    made.put(tmp_path / "not there" / "file", b"x")
    made.put(tmp_path / "good", b"new", done.set)
    made.record({"kind": "test"})
    made.start()
    assert done.wait(10)
    assert (tmp_path / "good").read_bytes() == b"new"
    assert not made.stop(10)
    assert made.faults() == ["No such file or directory"]
    assert verify(tmp_path).lines == 1


def test_newer_content_replaces_what_waits(tmp_path):
    made, written = Writer(AuditLog(tmp_path / "audit.jsonl")), []
    made.put(tmp_path / "file", b"old", lambda: written.append("old"))
    made.put(tmp_path / "file", b"new", lambda: written.append("new"))
    made.start()
    assert made.stop(10)
    assert written == ["new"]
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_content_that_changes_while_it_is_written_is_written_again(tmp_path):
    disk = TroubledDisk()
    disk.gate = threading.Event()
    made = Writer(AuditLog(tmp_path / "audit.jsonl"), disk)
    made.put(tmp_path / "file", b"old")
    made.start()
    while disk.writes == 0:
        threading.Event().wait(0.001)
    made.put(tmp_path / "file", b"new")
    disk.gate.set()
    assert made.stop(10)
    assert (tmp_path / "file").read_bytes() == b"new"


def test_worker_refuses_more_than_it_can_hold():
    gate, done = threading.Event(), []
    made = Worker(limit=2)
    taken = [made.submit(lambda: done.append(gate.wait(10))) for _ in range(10)]
    assert 2 <= taken.count(True) <= 3  # one may be at work already
    gate.set()


# --- the audit in the guard; its files by themselves: test_audit.py


def test_an_audit_that_cannot_be_read_keeps_no_siren_from_sounding(rig):
    rig.prove()
    rig.live(*RISING)
    rig.stop()
    path = rig.folder / "audit.jsonl"
    kept = path.rename(path.with_suffix(".kept"))
    path.mkdir()
    rig.start()
    assert rig.guard.judge.sounding("mairie")  # restored
    rig.live(2700)
    assert rig.state()["sirens"][0]["state"] == "sound"
    while not rig.guard.writer.faults():
        rig.turn()
    faults = {f["kind"]: f["detail"] for f in rig.state()["faults"]}
    assert (faults["audit"], faults["disk"]) == ("1", "Is a directory")
    rig.stop()
    path.rmdir()
    kept.rename(path)
    rig.start()


def test_altered_audit_is_a_fault_of_the_guard(rig):
    rig.stop()
    path = rig.folder / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"start"', b'"stort"'))
    rig.start()
    assert ("audit", "1") in [(f["kind"], f["detail"]) for f in rig.state()["faults"]]


@pytest.mark.parametrize(("error", "starts"), [(errno.EROFS, True), (errno.EACCES, False)])
def test_a_folder_that_cannot_be_closed_to_others_stops_the_guard_unless_read_only(
    tmp_path, monkeypatch, error, starts
):
    def refuse(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Path, "chmod", refuse)
    if starts:
        os.close(lock(tmp_path))
    else:
        with pytest.raises(PermissionError):
            lock(tmp_path)
