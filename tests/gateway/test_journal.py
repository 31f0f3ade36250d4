import contextlib
import random
import sqlite3
import subprocess
import sys
import threading
from itertools import pairwise

import pytest

from amont_gateway import journal_spans, journal_sql
from amont_gateway.journal import Journal, JournalUnavailable
from amont_gateway.readings import Sample, checksum, pack_channels, unpack_channels


def sample(seq, value=7, node=17, received_ms=1_800_000_000_000):
    channels = pack_channels([(0, 1, 0, value)])
    return Sample(node, 4097, seq, received_ms, 0, received_ms, 0, channels)


class Notes(list):
    def __call__(self, kind, _detail):
        self.append(kind)


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def journal(tmp_path, notes):
    journal = Journal(
        tmp_path / "journal.db", mark_bytes=0, ballast_bytes=0, note=notes, cursor_s=0.0
    )
    yield journal
    journal.close()


def rows(journal):
    reader = journal.reader()
    try:
        return [(s.seq, unpack_channels(s.channels)[0].value) for _, s in reader.samples()]
    finally:
        reader.close()


def test_the_same_reading_is_kept_once_and_first(journal):
    journal.append([sample(1, 10), sample(2, 20), sample(1, 99)])
    journal.append([sample(2, 99), sample(3, 30)])
    assert rows(journal) == [(1, 10), (2, 20), (3, 30)]


def test_durability_is_set_and_asserted(journal, tmp_path, monkeypatch):
    journal.append([sample(1)])
    assert sqlite3.connect(tmp_path / "journal.db").execute("PRAGMA journal_mode").fetchone() == (
        "wal",
    )
    lax = (("PRAGMA synchronous=NORMAL", "PRAGMA synchronous", 2),)
    monkeypatch.setattr(journal_sql, "DURABLE", lax)
    other = Journal(tmp_path / "lax.db", mark_bytes=0, ballast_bytes=0)
    with pytest.raises(JournalUnavailable, match="synchronous"):
        other.append([sample(1)])
    assert other.state == "fault"


def test_the_ledger_is_rebuilt_at_start(journal, tmp_path):
    journal.append([sample(s) for s in (0, 1, 2, 5, 6)])
    again = Journal(tmp_path / "journal.db", mark_bytes=0, ballast_bytes=0)
    again.open()
    assert again.ledger.of(17, 4097).answer() == (2, 0b1100)
    again.close()


def test_a_cursor_that_stands_still_costs_nothing(journal):
    def written():
        return journal.path.with_name("journal.db-wal").stat().st_size

    journal.append([sample(1)])
    journal.move_cursor("history", 1)
    before = written()
    journal.tick(0)
    stored = written()
    assert stored > before
    for _ in range(3):
        journal.move_cursor("history", 1)
        journal.tick(0)
    assert written() == stored


@pytest.mark.parametrize("few", [1, 3, 10_000])
def test_runs_are_found_however_many_are_missing(journal, monkeypatch, few):
    monkeypatch.setattr(journal_spans, "_FEW", few)
    rng = random.Random(few)
    kept = {node: sorted(rng.sample(range(400), 400 - node * 40)) for node in range(9)}
    for node, seqs in kept.items():
        journal.append([sample(seq, node=node) for seq in seqs])
    reader = sqlite3.connect(journal.path)
    found = list(journal_spans.spans(reader))
    reader.close()
    assert found == sorted(found)
    for node, seqs in kept.items():
        runs = [(first, last) for n, _, first, last in found if n == node]
        assert [seq for first, last in runs for seq in range(first, last + 1)] == seqs
        assert all(low > end + 1 for (_, end), (low, _) in pairwise(runs))


def test_cursors_never_go_back(journal):
    journal.append([sample(1)])
    journal.move_cursor("history", 5)
    journal.tick(0)
    journal.move_cursor("history", 3)
    journal.tick(0)
    reader = journal.reader()
    assert (reader.cursor("history"), reader.cursor("other")) == (5, 0)
    reader.close()


def test_a_full_disk_stops_acknowledging_and_recovers(tmp_path, notes):
    free = [1000]
    journal = Journal(
        tmp_path / "journal.db",
        mark_bytes=500,
        ballast_bytes=100,
        measure_free=lambda _: free[0],
        note=notes,
    )
    journal.append([sample(1)])
    assert (tmp_path / "ballast").stat().st_size == 100
    free[0] = 499
    with pytest.raises(JournalUnavailable) as refused:
        journal.append([sample(2)])
    assert (refused.value.state, journal.state) == ("full", "full")
    with pytest.raises(JournalUnavailable):
        journal.tick(0)
    free[0] = 1000
    journal.tick(0)
    assert journal.state == "ok"
    assert notes == ["journal_full", "journal_ok"]
    assert rows(journal) == [(1, 7)]
    journal.close()


def test_only_confirmed_rows_past_retention_are_retired(tmp_path):
    journal = Journal(
        tmp_path / "journal.db",
        mark_bytes=0,
        ballast_bytes=0,
        retention_ms=1_000_000,
        cursor_s=0.0,
    )
    journal.expect("history")
    journal.append([sample(s, received_ms=1_800_000_000_000 + s) for s in range(10)])
    late = 1_800_000_000_000 + 2_000_000
    journal.tick(late)
    assert len(rows(journal)) == 10  # no consumer has confirmed anything
    journal.move_cursor("history", 4)
    journal.tick(late)
    journal.tick(late + 60_001)
    assert [seq for seq, _ in rows(journal)] == [4, 5, 6, 7, 8, 9]
    journal.append([sample(10)])
    reader = journal.reader()
    assert reader.tail(1)[0][0] == 11  # ids are never used again
    reader.close()
    journal.close()


def test_a_clock_that_was_set_retires_nothing_for_a_day(tmp_path):
    mono = [0.0]
    journal = Journal(
        tmp_path / "journal.db",
        mark_bytes=0,
        ballast_bytes=0,
        retention_ms=400 * 86_400_000,
        monotonic_s=lambda: mono[0],
    )
    now_ms = 1_800_000_000_000
    journal.append([sample(s, received_ms=now_ms) for s in range(10)])
    journal.move_cursor("history", 10)
    journal.tick(now_ms)
    in_2080_ms = 3_471_292_800_000
    for minute in range(24 * 60):
        mono[0] = 60.0 * minute + 60
        journal.tick(in_2080_ms + 60_000 * minute)
    assert len(rows(journal)) == 10
    # A clock that stays there for more than a day is believed: somebody set it on purpose.
    for minute in range(24 * 60, 24 * 60 + 3):
        mono[0] = 60.0 * minute + 60
        journal.tick(in_2080_ms + 60_000 * minute)
    assert rows(journal) == [(9, 7)]  # the newest always stays: ids are not given twice
    journal.close()


def test_a_damaged_file_is_moved_aside(tmp_path, notes):
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database" * 500)
    journal = Journal(path, mark_bytes=0, ballast_bytes=0, note=notes)
    with pytest.raises(JournalUnavailable):
        journal.append([sample(1)])
    journal.append([sample(1)])
    assert rows(journal) == [(1, 7)]
    assert (tmp_path / "journal.db.damaged-1").read_bytes().startswith(b"this is no")
    assert "journal_damaged" in notes
    assert journal.incarnation == 1
    journal.close()


def test_no_cursor_follows_a_damaged_file(tmp_path):
    path = tmp_path / "journal.db"
    journal = Journal(path, mark_bytes=0, ballast_bytes=0, cursor_s=0.0)
    journal.append([sample(seq) for seq in range(50)])
    journal.close()
    path.write_bytes(b"this is no database" * 500)
    journal.move_cursor("history", 50)
    with pytest.raises(JournalUnavailable):
        journal.append([sample(50)])
    journal.move_cursor("history", 50, incarnation=0)  # of a batch that was under way
    journal.append([sample(seq) for seq in range(50, 60)])
    reader = journal.reader()
    assert reader.cursor("history") == 0
    assert len(reader.after(0)[1]) == 10
    reader.close()
    journal.move_cursor("history", 4, incarnation=1)
    journal.append([sample(60)])
    reader = journal.reader()
    assert reader.cursor("history") == 4
    reader.close()
    journal.close()


def test_a_flipped_value_is_found_though_the_file_is_sound(journal, tmp_path):
    journal.append([sample(1), sample(2)])
    other = sqlite3.connect(tmp_path / "journal.db")
    other.execute("UPDATE sample SET at_ms = at_ms + 1 WHERE seq = 2")
    other.commit()
    other.close()
    reader = journal.reader()
    found = reader.check()
    assert (found.integrity, found.bad_rows, found.ok) == ("ok", [2], False)
    assert [s.seq for _, s in reader.samples()] == [1]
    reader.close()


def test_checksums_differ_for_each_field():
    base = sample(1)
    changed = [base._replace(**{name: getattr(base, name) + 1}) for name in base._fields[:7]]
    changed.append(base._replace(channels=base.channels[:-1] + b"\1"))
    assert len({checksum(s) for s in [base, *changed]}) == 9


def test_write_errors_stop_acknowledging(tmp_path):
    """A file-size limit makes the kernel refuse real writes, as a full or broken disk does."""
    script = f"""
import resource, signal
from amont_gateway.journal import Journal, JournalUnavailable
from tests.gateway.test_journal import sample
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from pathlib import Path
journal = Journal(Path({str(tmp_path / "journal.db")!r}), mark_bytes=0, ballast_bytes=0)
journal.append([sample(0)])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (262144, hard))
done, n = 0, 1
while done == 0:
    try:
        journal.append([sample(s) for s in range(n, n + 100)])
        n += 100
    except JournalUnavailable as error:
        done = n
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
journal.append([sample(done)])
assert journal.state == "ok"
reader = journal.reader()
assert [s.seq for _, s in reader.samples()] == list(range(done + 1))
assert reader.check().ok
assert done > 1
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_readers_do_not_disturb_the_writer(journal):
    journal.append([sample(0)])
    stop, seen = threading.Event(), []

    def read():
        reader = journal.reader()
        while not stop.is_set():
            seen.append(len(list(reader.samples())))
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    for seq in range(1, 200):
        journal.append([sample(seq)])
    stop.set()
    thread.join(10)
    assert seen == sorted(seen)
    assert len(rows(journal)) == 200


LATE_MS = 1_800_000_000_000 + 120 * 86_400_000


def keeper(path, notes, free, **more):
    journal = Journal(
        path,
        mark_bytes=1_000_000,
        ballast_bytes=0,
        retention_ms=100 * 86_400_000,
        measure_free=lambda _: free[0],
        note=notes,
        cursor_s=0.0,
        **more,
    )
    old, newer = 1_800_000_000_000, LATE_MS - 95 * 86_400_000
    journal.append([sample(s, received_ms=old) for s in range(10)])
    journal.append([sample(s, received_ms=newer) for s in range(10, 20)])
    journal.append([sample(s, received_ms=LATE_MS) for s in range(20, 30)])
    return journal


def kept(journal):
    return [seq for seq, _ in rows(journal)]


def test_nobody_is_waited_for_who_is_not_there(tmp_path, notes):
    """A database that was taken out of the site's file, or never was in it."""
    journal = keeper(tmp_path / "journal.db", notes, [1 << 40])
    journal.move_cursor("once", 3)
    journal.tick(LATE_MS)
    journal.tick(LATE_MS + 60_001)
    assert kept(journal) == list(range(10, 30))
    assert set(notes) == {"journal_retired"}
    journal.close()


def test_the_slowest_consumer_is_waited_for(tmp_path, notes):
    journal = keeper(tmp_path / "journal.db", notes, [1 << 40])
    for consumer in ("history", "summaries", "late"):
        journal.expect(consumer)
    journal.move_cursor("history", 30)
    journal.move_cursor("summaries", 4)
    journal.tick(LATE_MS)
    journal.tick(LATE_MS + 60_001)
    assert kept(journal) == list(range(30))  # one has confirmed nothing yet
    journal.move_cursor("late", 30)
    journal.tick(LATE_MS + 60_002)
    journal.tick(LATE_MS + 120_003)
    assert kept(journal) == list(range(4, 30))
    journal.close()


def test_near_a_full_disk_confirmed_rows_go_before_their_time(tmp_path, notes):
    free = [3_000_000]
    journal = keeper(tmp_path / "journal.db", notes, free)
    journal.expect("history")
    journal.move_cursor("history", 15)
    journal.tick(LATE_MS)
    journal.tick(LATE_MS)
    assert kept(journal) == list(range(15, 30))  # past retention, and confirmed beyond 90 days
    assert "journal_retired_early" in notes
    journal.close()


def test_near_a_full_disk_nobody_holds_what_is_past_retention(tmp_path, notes):
    journal = keeper(tmp_path / "journal.db", notes, [3_000_000])
    journal.expect("history")  # which never came
    journal.tick(LATE_MS)
    assert kept(journal) == list(range(10, 30))
    assert notes == ["journal_lost"]
    journal.close()


def test_what_is_free_in_the_file_counts_as_room(tmp_path, notes):
    """The file does not shrink: without its free pages a full disk would stay full for ever."""
    free = [1 << 40]
    journal = keeper(tmp_path / "journal.db", notes, free)
    journal.append([sample(s, received_ms=1_800_000_000_000) for s in range(100, 20_000)])
    free[0] = 900_000
    with pytest.raises(JournalUnavailable):
        journal.append([sample(20_000)])
    for _ in range(5):
        with contextlib.suppress(JournalUnavailable):
            journal.tick(LATE_MS)
    journal.append([sample(20_001, received_ms=LATE_MS)])
    assert journal.state == "ok"
    free[0] = 400_000  # the guard writes to this disk too: half of the mark is for others
    with pytest.raises(JournalUnavailable):
        journal.append([sample(20_002)])
    journal.close()
