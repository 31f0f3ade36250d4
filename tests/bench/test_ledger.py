"""The ledger: rows from the benches alone, and the README says what they show."""

import json

import pytest
from tests.bench import ledger


def figure(**changes):
    base = {"name": "guard.latency_max", "value": 1, "trials": 100, "failures": 0, "seed": 1,
            "seconds": 2.4}  # fmt: skip
    return {**base, **changes}


def rows(tmp_path, *figures):
    results = tmp_path / "bench.jsonl"
    results.write_text("".join(json.dumps(f) + "\n" for f in figures))
    return ledger.rows_of(results, "2027-01-15", "abc")


def test_a_figure_without_trials_is_no_row(tmp_path):
    found = rows(tmp_path, figure(), figure(name="x.y", trials=None))
    assert [row["bench"] for row in found] == ["guard.latency_max"]


def test_what_is_written_is_read_again_and_adds_up(tmp_path):
    path = tmp_path / "ledger.csv"
    for _ in range(2):
        ledger.append(rows(tmp_path, figure()), path)
    assert ledger.totals(ledger.read(path)) == {"guard.latency_max": (200, 0)}
    assert "p < 3/200" in ledger.readme_line(ledger.read(path))


def test_a_failure_is_said_and_what_was_put_right_starts_again(tmp_path):
    failed = rows(tmp_path, figure(), figure(failures=1))
    assert ledger.totals(failed) == {"guard.latency_max": (200, 1)}
    assert "failing: guard.latency_max" in ledger.readme_line(failed)
    assert ledger.bound(200, 1) == "failed"
    again = failed + rows(tmp_path, figure(trials=50))
    assert ledger.totals(again) == {"guard.latency_max": (50, 0)}


def test_a_file_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_text("date,what\n")
    with pytest.raises(ValueError, match="columns"):
        ledger.read(path)
    path.unlink()
    ledger.append([dict(zip(ledger.COLUMNS, ("d", "c", "b", "1", "3", "4", "0"), strict=True))],
                  path)  # fmt: skip
    with pytest.raises(ValueError, match="'4'"):
        ledger.read(path)


def test_the_readme_says_what_the_ledger_shows():
    line = ledger.MARK + ledger.readme_line(ledger.read())
    assert line in ledger.README.read_text().splitlines()


def test_the_tool_mends_the_readme(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{ledger.MARK}nothing.\nafter\n")
    found = rows(tmp_path, figure())
    ledger.mend_readme(found, readme)
    first, line, last = readme.read_text().splitlines()
    assert (first, line, last) == ("before", ledger.MARK + ledger.readme_line(found), "after")
