"""Keep what was tried and what failed: docs/reliability-ledger.csv, and what it shows.

Zero failures in N trials only show p < 3/N (at 95 %), so trials are added up over all runs. Rows
come from the benches' own counts: ``make bench`` with ``--ledger``, nothing by hand.

    python -m tests.bench.ledger     print what all rows together show; mend the README's line
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEDGER, README = ROOT / "docs" / "reliability-ledger.csv", ROOT / "README.md"
MARK = "[The ledger](docs/reliability-ledger.csv) counts "  # the README's line begins so
COLUMNS = ("date", "commit", "bench", "seed", "trials", "failures", "seconds")
Row = dict[str, str]


def rows_of(results: Path, date: str, commit: str) -> list[Row]:
    """Return the rows that a bench's result file gives: its figures that count trials."""
    rows, seconds = [], 0.0
    for line in results.read_text().splitlines():
        figure = json.loads(line)
        seconds += figure["seconds"]  # a harness's first figure bears the time of them all
        if figure["trials"]:
            named = (date, commit, figure["name"], figure["seed"], figure["trials"])
            values = (*named, figure["failures"], round(seconds))
            rows.append(dict(zip(COLUMNS, map(str, values), strict=True)))
            seconds = 0.0
    return rows


def read(path: Path = LEDGER) -> list[Row]:
    """Return all rows; raise ValueError for a file that no tool of ours wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path}: columns must be {','.join(COLUMNS)}")
        rows = list(reader)
    for row in rows:
        if not 0 <= int(row["failures"]) <= int(row["trials"]):
            raise ValueError(f"{path}: {row}")
    return rows


def append(rows: list[Row], path: Path = LEDGER) -> None:
    """Add rows at the end."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)


def totals(rows: list[Row]) -> dict[str, tuple[int, int]]:
    """Return trials and failures of each bench.

    A bench that failed once starts again after it was put right: what came before that row, and
    the row itself, shows nothing about the code as it is; they stay in the file.
    """
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        trials, failures = found.get(row["bench"], (0, 0))
        if failures and not int(row["failures"]):
            trials = failures = 0
        found[row["bench"]] = (trials + int(row["trials"]), failures + int(row["failures"]))
    return found


def bound(trials: int, failures: int) -> str:
    """Return the upper bound at 95 % as text: 3/N, or that there is none."""
    return "failed" if failures else f"< {3 / trials:.1g}"


def readme_line(rows: list[Row]) -> str:
    """Return what the README says after ``MARK``, computed from the ledger."""
    clean = [trials for trials, failures in totals(rows).values() if not failures]
    failed = [name for name, (_, failures) in totals(rows).items() if failures]
    said = f"{sum(clean):,} trials in {len(clean)} harnesses without a failure"
    if clean:
        said += f"; the fewest, {min(clean):,}, show p < 3/{min(clean):,} at 95 %"
    return said + (f"; failing: {', '.join(failed)}" if failed else "") + "."


def mend_readme(rows: list[Row], path: Path = README) -> None:
    """Put the line of these rows where the README's line stands."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    mended = [f"{MARK}{readme_line(rows)}\n" if li.startswith(MARK) else li for li in lines]
    path.write_text("".join(mended), encoding="utf-8")


def commit() -> str:
    """Return the commit that is checked out, with a mark if anything differs from it."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], capture_output=True)
    return (head.stdout.strip() or "unknown") + ("+" if changed.returncode else "")


def record(results: Path, path: Path = LEDGER) -> int:
    """Add what a run of the benches gave, and mend the README; return how many rows."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    rows = rows_of(results, today, commit())
    append(rows, path)
    mend_readme(read(path))
    return len(rows)


def main() -> None:
    """Print the table of totals; mend the README's line."""
    rows = read()
    mend_readme(rows)
    for name, (trials, failures) in sorted(totals(rows).items()):
        print(f"{name:<36}{trials:>12,} {failures:>6}  {bound(trials, failures)}")
    print(readme_line(rows))


if __name__ == "__main__":
    main()
