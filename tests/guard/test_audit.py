"""The audit's files: what was done to them is found, what a power cut did is mended."""

import hashlib
import json

import pytest
from tests.guard.rig import RISING

from amont_guard import audit
from amont_guard.audit import AuditLog, verify
from amont_guard.writer import Disk

OLD, NEWEST = "audit-1.jsonl", "audit.jsonl"


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(audit, "SEGMENT_BYTES", 1000)


def write(folder, count=5, disk=None, batch=1):
    log = AuditLog(folder / NEWEST)
    for start in range(0, count, batch):
        records = [{"kind": "test", "person": "Zoé", "at_ms": start + i} for i in range(batch)]
        log.append(records, (disk or Disk()).append)
    return log


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


def test_lines_are_numbered_and_chained(tmp_path):
    log = write(tmp_path, 3)
    last = "0" * 64
    for n, line in enumerate(lines(tmp_path / NEWEST), 1):
        record = json.loads(line)
        assert record["n"] == n
        body = line[: -len(',"h":""}\n') - 64] + b"}"
        last = hashlib.sha256(last.encode() + body).hexdigest()  # as anybody can redo it
        assert record == {**json.loads(body), "h": last}
    assert log.head == (3, last)
    found = verify(tmp_path)
    assert (found.ok, found.lines, found.last) == (True, 3, last)


def test_no_audit_is_sound(tmp_path):
    assert verify(tmp_path).ok
    assert AuditLog(tmp_path / NEWEST).head == (0, "0" * 64)


def test_chain_goes_on_over_segments_and_restarts(tmp_path, small):
    for _ in range(10):
        write(tmp_path, 5)
    older = [name for name in names(tmp_path) if name != NEWEST]
    assert len(older) > 3
    assert all((tmp_path / name).stat().st_size <= 1000 for name in names(tmp_path))
    firsts = {int(name[6:-6]) for name in older}
    assert {json.loads(lines(tmp_path / name)[0])["n"] for name in older} == firsts
    assert (verify(tmp_path).ok, verify(tmp_path).lines) == (True, 50)
    assert verify(tmp_path, newest=2) == verify(tmp_path)


def test_a_batch_stays_together(tmp_path, small):
    write(tmp_path, 40, batch=20)
    assert names(tmp_path) == [OLD, NEWEST]
    assert verify(tmp_path).lines == 40


def test_kill_between_closing_a_segment_and_beginning_the_next(tmp_path, small):
    write(tmp_path, 5)
    (tmp_path / NEWEST).rename(tmp_path / OLD)
    log = write(tmp_path, 1)
    assert log.found.lines == 5
    assert (verify(tmp_path).ok, verify(tmp_path).lines) == (True, 6)


def altered(change):
    return lambda found: [*found[:2], *change(found[2:4]), *found[4:]]


CHANGES = {
    "changed": altered(lambda two: [two[0].replace(b"Zo", b"Za"), two[1]]),
    "deleted": altered(lambda two: two[1:]),
    "reordered": altered(lambda two: two[::-1]),
    "duplicated": altered(lambda two: [two[0], *two]),
    "written differently": altered(lambda two: [two[0].replace(b":", b": ", 1), two[1]]),
    "no JSON": altered(lambda two: [b"not JSON\n", two[1]]),
    "a list": altered(lambda two: [b"[]\n", two[1]]),
    "no hash": altered(lambda two: [b"{}\n", two[1]]),
    "hash of another kind": altered(lambda two: [b'{"h":1,"n":3}\n', two[1]]),
    "nested": altered(lambda two: [b"[" * 100_000 + b"\n", two[1]]),
    "rewritten": altered(lambda two: [b'{"h":"%s","n":3}\n' % (b"0" * 64), two[1]]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("segment", [0, 1, -1])
def test_altered_line_is_found_where_it_was_altered(tmp_path, small, change, segment):
    write(tmp_path, 40, batch=5)
    path = sorted(tmp_path.glob("audit-*"), key=lambda p: int(p.stem[6:]))[segment]
    first = int(path.stem[6:])
    path.write_bytes(b"".join(change(lines(path))))
    bad = first + 3 if change is CHANGES["duplicated"] else first + 2
    assert verify(tmp_path).broken_line == bad
    write(tmp_path, 1)
    assert verify(tmp_path).broken_line == bad  # and stays found


def test_altered_newest_lines_are_found_at_the_start(tmp_path, small):
    write(tmp_path, 40, batch=5)
    path = tmp_path / NEWEST
    path.write_bytes(path.read_bytes().replace(b"Zo", b"Za", 1))
    assert AuditLog(path).found.broken_line == verify(tmp_path).broken_line > 1


@pytest.mark.parametrize("gone", [0, 1, -1])
def test_segment_that_is_gone_is_found(tmp_path, small, gone):
    write(tmp_path, 40)
    path = sorted(tmp_path.glob("audit-*"), key=lambda p: int(p.stem[6:]))[gone]
    path.unlink()
    assert verify(tmp_path).broken_line == int(path.stem[6:])


def test_segments_that_changed_places_are_found(tmp_path, small):
    write(tmp_path, 40)
    one, other = sorted(tmp_path.glob("audit-*"), key=lambda p: int(p.stem[6:]))[:2]
    contents = one.read_bytes(), other.read_bytes()
    one.write_bytes(contents[1])
    other.write_bytes(contents[0])
    assert verify(tmp_path).broken_line == 1


def test_other_files_are_no_segments(tmp_path):
    write(tmp_path)
    (tmp_path / "audit-copy.jsonl").write_text("x")
    (tmp_path / "audit-1.jsonl.bak").write_text("x")
    assert verify(tmp_path).ok


def test_torn_last_line_is_cut_off_and_the_file_goes_on(tmp_path):
    write(tmp_path)
    path = tmp_path / NEWEST
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes() + b'{"kind":"te')
    found = verify(tmp_path)
    assert (found.ok, found.torn_bytes, found.size_bytes, found.lines) == (True, 11, whole, 5)
    write(tmp_path, 1)
    found = verify(tmp_path)
    assert (found.ok, found.torn_bytes, found.lines) == (True, 0, 6)


def test_torn_line_does_not_follow_its_segment(tmp_path, small):
    write(tmp_path, 6)
    path = tmp_path / NEWEST
    path.write_bytes(path.read_bytes() + b'{"kind":"te')
    write(tmp_path, 5, batch=5)  # which does not fit any more
    assert OLD in names(tmp_path)
    assert verify(tmp_path).ok


def test_more_than_whole_lines_in_an_older_segment_is_found(tmp_path, small):
    write(tmp_path, 20)
    path = tmp_path / OLD
    bad = len(lines(path)) + 1
    path.write_bytes(path.read_bytes() + b'{"kind":"te')
    assert verify(tmp_path).broken_line == bad


def test_older_segment_that_ends_in_half_a_line_was_altered(tmp_path, small):
    write(tmp_path, 20)
    path = tmp_path / OLD
    kept = len(lines(path))
    path.write_bytes(path.read_bytes()[:-1])
    assert verify(tmp_path).broken_line == kept


class Failing(Disk):
    """Writes a part of what it is given, then fails, as a full disk does."""

    def append(self, path, at, content):
        super().append(path, at, content[: len(content) // 2])
        raise OSError("full")


def test_failed_write_moves_nothing(tmp_path, small):
    log = write(tmp_path, 6)
    for _ in range(12):
        head = log.head
        with pytest.raises(OSError, match="full"):
            log.append([{"kind": "again"}], Failing().append)
        assert log.head == head
        assert verify(tmp_path).ok
        log.append([{"kind": "again"}], Disk().append)
        assert log.head[0] == head[0] + 1
    assert (verify(tmp_path).ok, verify(tmp_path).lines) == (True, 18)


def test_huge_line_costs_no_memory_and_ends_the_search(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "_LINE_BYTES", 4096)
    write(tmp_path)
    path = tmp_path / NEWEST
    path.write_bytes(path.read_bytes() + b"x" * 10_000 + b"\n")
    assert verify(tmp_path).torn_bytes == 10_001


def test_half_a_character_is_recorded(tmp_path):
    log = AuditLog(tmp_path / NEWEST)
    log.append([{"kind": "fault", "name": "keys \ud800"}], Disk().append)
    assert (verify(tmp_path).ok, verify(tmp_path).lines) == (True, 1)


# --- witnessed heads


def witness(folder, *heads, more=""):
    path = folder / "witness.jsonl"
    kept = [json.dumps({"at_ms": 1, "n": n, "head": head}) + "\n" for n, head in heads]
    path.write_text("".join(kept) + more)
    return path


def test_cut_off_end_is_found_up_to_the_last_witnessed_line(tmp_path):
    log = write(tmp_path, 4)
    heads = [log.head]
    log.append([{"kind": "x"}] * 3, Disk().append)
    heads.append(log.head)
    log.append([{"kind": "x"}] * 3, Disk().append)
    kept, whole = witness(tmp_path, *heads), lines(tmp_path / NEWEST)
    for left in range(len(whole)):
        (tmp_path / NEWEST).write_bytes(b"".join(whole[:left]))
        assert verify(tmp_path).ok  # by itself the file looks whole
        found = verify(tmp_path, kept)
        assert found.ok is (left >= 7)
        assert found.missing == (0 if left >= 7 else 7)
        assert found.witnessed == (7 if left >= 7 else 4 if left >= 4 else 0)


def test_file_that_was_written_anew_is_not_the_witnessed_one(tmp_path):
    kept = witness(tmp_path, write(tmp_path, 3).head, write(tmp_path, 3).head)
    (tmp_path / NEWEST).unlink()
    log = AuditLog(tmp_path / NEWEST)
    log.append([{"kind": "nothing happened"}] * 6, Disk().append)
    assert verify(tmp_path).ok
    assert verify(tmp_path, kept).broken_line == 3


def test_torn_or_foreign_lines_witness_nothing(tmp_path):
    log = write(tmp_path)
    kept = witness(tmp_path, log.head, more='[]\n{"n":"x"}\nnull\n{"n":9,"hea')
    found = verify(tmp_path, kept)
    assert (found.ok, found.witnessed) == (True, 5)


@pytest.mark.parametrize("order", [1, -1])
def test_two_heads_for_one_line_are_one_too_many(tmp_path, order):
    log = write(tmp_path)
    kept = witness(tmp_path, *[log.head, (5, "f" * 64)][::order])
    assert verify(tmp_path, kept).broken_line == 5


# --- with the guard


def test_kill_between_relay_and_audit_is_recorded_as_found(rig):
    """The relay switched, the process died, and nothing of it reached the disk."""
    rig.prove()
    rig.flush()
    relay = rig.folder / "relay-mairie"
    before = {path: path.read_bytes() for path in rig.folder.iterdir() if path.is_file()}
    rig.live(*RISING)
    assert len(rig.sounded()) == 1
    switched = relay.read_bytes()
    rig.stop()
    for path, content in before.items():
        path.write_bytes(content)
    relay.write_bytes(switched)
    rig.start()
    rig.flush()
    records = [json.loads(line) for line in lines(rig.folder / NEWEST)]
    starts = [record for record in records if record["kind"] == "start"]
    assert [start["relays_found"] for start in starts[-2:]] == [
        {"mairie": False},
        {"mairie": True},
    ]
    assert verify(rig.folder).ok


def test_lines_that_follow_but_skip_a_number_are_altered(tmp_path):
    log = write(tmp_path, 2)
    line, _ = audit.seal(log.head[1], b'{"kind":"made up","n":4}')
    path = tmp_path / NEWEST
    path.write_bytes(path.read_bytes() + line)
    assert verify(tmp_path).broken_line == 3
