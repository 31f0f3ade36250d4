"""The next batch is made while the database works on this one: what may change meanwhile."""

import sqlite3

import pytest
from tests.gateway.conftest import eventually
from tests.gateway.history_rig import T_MS, Rig, Server, sample

from amont_gateway.journal import Journal
from amont_gateway.journal_tail import Tail

ROWS = 3_000


@pytest.fixture
def rig(tmp_path, places, clock):
    made = Rig(tmp_path, places, clock, Server())
    made.server = made.history._delivery._writer
    made.journal.append([sample(seq) for seq in range(ROWS)])
    yield made
    made.close()


def written(server):
    """Return what the database holds of each row: its value and quality."""
    return {
        (at_ms - T_MS) // 1000: (fields["stage_mm"], fields["quality"])
        for (_, _, at_ms), fields in server.points.items()
        if "stage_mm" in fields
    }


def test_every_row_is_there_once_and_in_order(rig):
    rig.start()
    eventually(lambda: rig.cursor() == ROWS, 20)
    assert set(written(rig.server)) == set(range(ROWS))
    assert rig.count("history_samples") == ROWS


def test_a_doubt_about_what_was_made_ahead_is_not_written_over(rig):
    """It comes when the lines that hold the reading as good are made, and not written yet."""
    late = [seq for seq in range(ROWS) if seq % 7 == 0]

    def doubted(_lines):
        if len(rig.server.requests) == 2:
            rig.history.doubted(("pont-a", T_MS + seq * 1000, 1) for seq in late)

    rig.server.before = doubted
    rig.start()
    eventually(lambda: rig.cursor() == ROWS, 20)
    found = written(rig.server)
    assert {seq for seq, (_, quality) in found.items() if quality == "1i"} == set(late)


def test_a_failure_throws_away_what_was_made_ahead(rig):
    failures = [2, 3, 5]

    def fail(_lines):
        if failures and len(rig.server.requests) == failures[0]:
            failures.pop(0)
            rig.server.away = 1

    rig.server.before = fail
    rig.start()
    eventually(lambda: rig.cursor() == ROWS, 30)
    assert set(written(rig.server)) == set(range(ROWS))
    assert rig.count("history_failures") == 3


def test_what_was_read_ahead_is_read_again_from_another_place(tmp_path, rig):
    reading = Journal(tmp_path / "journal.db", mark_bytes=0, ballast_bytes=0)
    tail = Tail("other", reading, rig.events)
    tail.open()
    first = tail.read(100)
    ahead = tail.read_ahead(100)
    assert [row[3] for row in ahead] == list(range(100, 200))
    assert tail.place == 100
    assert tail.read_rows(50) is ahead
    tail.read_ahead(100)
    tail.place = 0
    assert tail.read(100) == first
    assert tail.full
    tail.place = ROWS - 10
    assert len(tail.read(100)) == 10
    assert not tail.full
    tail.close()
    reading.close()


@pytest.mark.parametrize(
    "damage", ["SET at_ms = at_ms + 1", "SET node = 'x'", "SET channels = 7", "SET crc = 'x'"]
)
def test_a_damaged_row_is_left_out_and_told(tmp_path, rig, damage):
    with sqlite3.connect(tmp_path / "journal.db") as file:
        file.execute(f"UPDATE sample {damage} WHERE id IN (5, 50)")
    file.close()
    tail = Tail("other", rig.journal, rig.events)
    tail.open()
    found = tail.read(100)
    assert [s.seq for s in found] == [n for n in range(100) if n not in (4, 49)]
    assert (tail.place, tail.full) == (100, True)
    assert tail.reader.bad_rows == 2
    assert "journal_row" in rig.kinds()
    tail.close()
