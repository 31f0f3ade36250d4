"""Compare measured branch coverage with its floors; part of ``make test``.

Floors are ratchets: raise one when its figure has risen, never lower it.
"""

from __future__ import annotations

import io
import sys

import coverage

NODE_LOGIC = ("counters", "delivery", "duty", "frames", "probes", "sampling", "spans")
FLOORS = (  # (what, files, least percentage of lines and branches, what we aim at)
    ("wire", ["*/amont_wire/*"], 100, 100),
    ("watch", ["*/amont_watch/*"], 100, 100),
    ("guard", ["*/amont_guard/*"], 98, 100),
    ("node logic", [f"*/amont_node/{name}.py" for name in NODE_LOGIC], 97, 100),
    ("everything", ["*"], 91, 95),
)


def main() -> int:
    """Print a line a floor; return 1 if one is not reached."""
    data = coverage.Coverage()
    data.load()
    missed = 0
    for what, include, floor, aim in FLOORS:
        percent = data.report(include=include, file=io.StringIO())
        missed += percent < floor
        verdict = "" if percent >= floor else "   below its floor"
        print(f"coverage {what}: {percent:.1f} % (floor {floor} %, aim {aim} %){verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
