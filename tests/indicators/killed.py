"""Work out indicators over an existing journal, a few rows a round, until killed: a child."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.indicators.waterside import Rig

from amont_gateway.indicators import consumer


def main(folder: Path, at_ms: int) -> None:
    """Make rounds and say so after each, for ever the same once all is done."""
    consumer.MOST_ROWS = 100
    rig = Rig(folder, at_ms)
    while True:
        rig.indicators.step()
        rig.journal.tick(at_ms)
        sys.stdout.write("round\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
