"""A journal with real holes in its file: what stands behind them is read, the rest is counted."""

import contextlib
import json
import sqlite3

import pytest
from tests.gateway.history_rig import T_MS, sample
from tests.gateway.test_history_cli import PAGE, run, site_for, stages

from amont_gateway import journal_holes
from amont_gateway.cli import main
from amont_gateway.journal import Journal
from amont_gateway.journal_reader import JournalReader

ROWS = 9_997
PAGE_BYTES = 4096


@pytest.fixture
def data(tmp_path):
    journal = Journal(tmp_path / "journal.db", mark_bytes=0, ballast_bytes=0, cursor_s=0.0)
    for start in range(0, ROWS, 100):
        journal.append([sample(seq, 1000 + seq) for seq in range(start, min(start + 100, ROWS))])
    journal.move_cursor("history", ROWS)
    journal.tick(0)
    journal.close()
    return tmp_path


def hole(data, share, size=20_000):
    """Overwrite a part of the file, as a bad block of a card does."""
    path = data / "journal.db"
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * share))
        file.write(b"\xaa" * size)
    return path


def damage(data, pages):
    with (data / "journal.db").open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE_BYTES)
            file.write(b"\xaa" * PAGE_BYTES)


def pages_of(path, kind):
    """Return the table's leaves, or its pages above them, without roots."""
    kinds = {"leaf": 0x0D, "internal": 0x05}
    content = path.read_bytes()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        roots = [root for (root,) in connection.execute("SELECT rootpage FROM sqlite_master")]
    starts = range(PAGE_BYTES, len(content), PAGE_BYTES)
    found = [at // PAGE_BYTES + 1 for at in starts if content[at] == kinds[kind]]
    return [page for page in found if page not in roots]


def readable(path):
    reader = JournalReader(path)
    seqs = [s.seq for _, s in reader.samples()]
    lost, bad = reader.lost, reader.bad_rows
    reader.close()
    return seqs, lost, bad


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_what_stands_behind_a_hole_is_read(data, share):
    seqs, lost, bad = readable(hole(data, share))
    assert seqs == sorted(set(seqs))
    assert (seqs[0], seqs[-1]) == (0, ROWS - 1)
    assert len(seqs) + lost + bad == ROWS
    assert 0 < lost + bad < 500


def test_each_leaf_that_is_gone_costs_its_own_rows_only(data):
    leaves = pages_of(data / "journal.db", "leaf")
    damage(data, leaves[10:-10:20])
    seqs, lost, bad = readable(data / "journal.db")
    gone = sorted(set(range(ROWS)) - set(seqs))
    assert (len(gone), bad) == (lost, 0)
    runs = sum(1 for a, b in zip([-9, *gone], gone, strict=False) if b != a + 1)
    assert runs == len(leaves[10:-10:20])


def test_the_first_and_the_last_leaf_gone_are_counted_too(data):
    leaves = pages_of(data / "journal.db", "leaf")
    damage(data, [leaves[0], leaves[-1]])
    seqs, lost, _ = readable(data / "journal.db")
    assert len(seqs) + lost == ROWS
    assert 0 < seqs[0] < seqs[-1] < ROWS - 1


def test_the_search_in_a_hole_is_bounded(data, monkeypatch):
    monkeypatch.setattr(journal_holes, "TRIES", 3)
    seqs, lost, _ = readable(hole(data, 0.5))
    assert seqs[-1] == ROWS - 1
    assert len(seqs) + lost == ROWS


def test_a_damaged_page_of_garbled_rows_is_read_as_far_as_it_can_be(data):
    leaf = pages_of(data / "journal.db", "leaf")[50]
    with (data / "journal.db").open("r+b") as file:
        file.seek((leaf - 1) * PAGE_BYTES + 2000)
        file.write(b"\xaa" * 700)
    seqs, lost, bad = readable(data / "journal.db")
    assert ROWS - len(seqs) < 100
    assert lost + bad > 0
    assert (seqs[0], seqs[-1]) == (0, ROWS - 1)


def test_export_and_check_say_both_numbers(data, capsys):
    hole(data, 0.5)
    where = ["--data", str(data)]
    assert main(["journal", "export", *where]) == 1
    out, err = capsys.readouterr()
    written = len(out.splitlines())
    assert err.startswith(f"{written} rows written, ")
    assert err.endswith(f" {ROWS - written} cannot be read\n")
    assert main(["journal", "check", *where, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["lost"]) == (written, ROWS - written)
    assert main(["journal", "check", *where]) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"{written} rows can be read, {ROWS - written} cannot, file: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5, 0.65, 0.8])
def test_status_says_the_damage_in_one_line(data, capsys, share):
    hole(data, share)
    code, said = run(capsys, "status", "--data", data, "--lang", "en", *PAGE)
    assert code == 1
    (line,) = [line for line in said.splitlines() if "DAMAGED" in line]
    assert "journal check" in line
    assert "nothing is lost" not in said
    assert json.loads(run(capsys, "status", "--data", data, "--json", *PAGE)[1])["damaged"]


def test_status_names_the_sites_time(data, capsys):
    """T_MS is nine in the morning in Paris, wherever the machine believes to be."""
    words = ["status", "--data", data, "--lang", "en", *PAGE]
    said = run(capsys, *words, "--site", site_for(data, 9))[1]
    assert "rows since 2027-01-15 09:00" in said
    assert said.endswith("times: Europe/Paris, the site's\n")
    assert "the machine's" in run(capsys, *words)[1]


def test_status_says_that_a_single_leaf_is_gone(data, capsys):
    damage(data, pages_of(data / "journal.db", "leaf")[30:31])
    code, said = run(capsys, "status", "--data", data, *PAGE)
    assert code == 1
    assert "journal : ABÎMÉ (" in said


@pytest.mark.servers
@pytest.mark.parametrize("is_moved", [True, False])
def test_replay_of_a_damaged_journal_writes_what_it_can(data, database, capsys, is_moved):
    path = hole(data, 0.5)
    if is_moved:
        path = path.rename(data / "journal.db.damaged-1")
    seqs, lost, bad = readable(path)
    where = ["--site", site_for(data, database.port), "--data", data, "--lang", "en"]
    where += [*(["--journal", path] if is_moved else []), "--since", "start"]
    code, said = run(capsys, "replay", *where, "--dry-run")
    assert (code, said.split()[0]) == (1, str(len(seqs)))
    code, said = run(capsys, "replay", *where)
    assert code == 1
    assert said.startswith(f"{len(seqs)} rows read, {len(seqs)} lines written, 0 refused")
    assert f"{bad} damaged rows left out, {lost} cannot be read" in said
    assert said.endswith("hours and days: 0 days\n")  # of a part they would be wrong
    assert stages(database.port) == [len(seqs), sum(1000 + seq for seq in seqs)]


def test_a_span_behind_the_hole_is_whole(data):
    reader = JournalReader(hole(data, 0.5))
    found, place = [], 0
    while place < ROWS:
        place, samples = reader.span(place, T_MS + 8_000_000, T_MS + 8_999_000, 300)
        found += [s.seq for s in samples]
    assert found == list(range(8000, 9000))
    reader.close()
