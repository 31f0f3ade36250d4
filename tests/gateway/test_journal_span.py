"""The rows of a time, however late they came and whatever the clock said meanwhile."""

import random

import pytest

from amont_gateway import journal_sql as sql
from amont_gateway.journal import Journal
from amont_gateway.readings import BAD_TIME, Sample, pack_channels

T_MS = 1_800_000_000_000
DAY_MS = 86_400_000
CHANNELS = pack_channels([(0, 1, 0, 1000)])


def row(node, seq, at_ms, received_ms, flags=0):
    return Sample(node, 1, seq, at_ms, 0, received_ms, flags, CHANNELS)


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "journal.db", mark_bytes=0, ballast_bytes=0)
    yield made
    made.close()


def month(draw):
    """Return thirty days of two nodes, some days late, some rows of a clock that was wrong."""
    rows = []
    for seq in range(30 * 24):
        at_ms = T_MS + seq * 3_600_000
        late_ms = 20 * DAY_MS if 100 <= seq < 160 else 2_000
        rows.append(row(17, seq, at_ms, at_ms + late_ms))
        received_ms = at_ms + draw.choice([1_000, 3_600_000, DAY_MS - 1, DAY_MS, 3 * DAY_MS])
        rows.append(row(18, seq, at_ms, received_ms))
    rows.sort(key=lambda sample: sample.received_ms)
    far = [row(17, 10_000 + n, T_MS + 10 * DAY_MS + n, T_MS + 9_000 * DAY_MS) for n in range(40)]
    long_ago = [row(18, 10_000 + n, T_MS + 12 * DAY_MS, 5_000, BAD_TIME) for n in range(40)]
    return rows[:400] + far + rows[400:700] + long_ago + rows[700:]


@pytest.mark.parametrize("seed", range(4))
def test_all_rows_of_a_time_are_found_in_the_order_of_their_coming(journal, seed):
    draw = random.Random(seed)
    rows = month(draw)
    journal.append(rows)
    reader = journal.reader()
    for _ in range(60):
        from_ms = T_MS + draw.randrange(32) * DAY_MS
        until_ms = from_ms + draw.choice([3_600_000, DAY_MS, 9 * DAY_MS]) - 1
        until_id, nodes = draw.choice([200, 900, len(rows)]), draw.choice([[17], [18], [17, 18]])
        expected = [
            (n, r) for n, r in enumerate(rows[:until_id], 1)
            if r.node in nodes and from_ms <= r.at_ms <= until_ms and not r.flags & BAD_TIME
        ]  # fmt: skip
        found = [
            (n, r) for n, r in reader.of_nodes(nodes, from_ms, until_ms, until_id)
            if not r.flags & BAD_TIME
        ]  # fmt: skip
        assert found == expected
    reader.close()


@pytest.mark.parametrize(
    ("query", "way"),
    [(sql.OF_NODES, "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
     (sql.OF_NODES_LATE, "INDEX sample_late (at_ms>? AND at_ms<?)")],
)  # fmt: skip
def test_rows_are_found_by_their_ids_and_late_ones_by_their_index(journal, query, way):
    journal.append(month(random.Random(0)))
    reader = journal.reader()
    explained = f"EXPLAIN QUERY PLAN {query.format(nodes='?')}"
    plan = reader._connection.execute(explained, (0, 9, T_MS, T_MS + DAY_MS, 17)).fetchall()
    assert plan[0][3].endswith(way)
    reader.close()
