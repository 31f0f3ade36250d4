"""Run the benchmarks: ``make bench [ONLY=regex] [FULL=1]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench.figures import run
from tests.bench.ledger import LEDGER, record


def main() -> int:
    """Parse the command line, run, and exit with 1 if a module failed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help="regular expression on the figures' names")
    parser.add_argument("--full", action="store_true", help="the whole counts, not the quick ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ledger", action="store_true", help="add the trials to the ledger")
    parser.add_argument("--output", type=Path, default=Path("build/bench.jsonl"))
    asked = parser.parse_args()
    failed = run(Path(__file__).parent, asked.output, asked.only, asked.full, asked.seed)
    if asked.ledger:
        print(f"{record(asked.output)} rows added to {LEDGER}")
    print(f"written: {asked.output}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
