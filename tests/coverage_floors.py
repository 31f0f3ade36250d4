"""Compare measured branch coverage with its floors; part of ``make test``.

Floors are ratchets: raise one when its figure has risen, never lower it.
"""

from __future__ import annotations

import io
import sys

import coverage

FLOORS = (  # (what, files, least percentage of lines and branches)
    ("wire", ["*/amont_wire/*"], 100),
    ("watch", ["*/amont_watch/*"], 100),
    ("guard", ["*/amont_guard/*"], 100),
    ("node logic", ["*/amont_node/*"], 100),
    ("everything", ["*"], 90),
)


def main() -> int:
    """Print a line a floor; return 1 if one is not reached."""
    data = coverage.Coverage()
    data.load()
    missed = 0
    for what, include, floor in FLOORS:
        percent = data.report(include=include, file=io.StringIO())
        missed += percent < floor
        verdict = "" if percent >= floor else "   below its floor"
        print(f"coverage {what}: {percent:.1f} % (floor {floor} %){verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
