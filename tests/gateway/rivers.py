"""Pasts for tests: two sensors of a station in a real journal."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from amont_gateway.journal import Journal
from amont_gateway.readings import Sample, pack_channels

DAY_S = 86_400
NODES = {17: "pont-a", 18: "pont-b"}


def flood(
    peak_mm: int, at_s: int, half_s: int = 7_200, base_mm: int = 600
) -> Callable[[int], int]:
    """Return a stage that rises from a base to one peak and falls again; it trembles a little."""

    def stage(s: int) -> int:
        rise = math.exp(-(((s - at_s) / half_s) ** 2))
        return base_mm + round((peak_mm - base_mm) * rise) + s // 300 % 3

    return stage


def write_past(
    folder: Path,
    stage: Callable[[int], int],
    *,
    from_s: int,
    until_s: int,
    step_s: int = 300,
    nodes: tuple[int, ...] = (17, 18),
    skip: Callable[[int, int], bool] = lambda _node, _s: False,
) -> Path:
    """Write readings from ``from_s`` to ``until_s`` (Unix s) into ``folder``'s journal."""
    path = folder / "journal.db"
    journal = Journal(path, mark_bytes=0, ballast_bytes=0)
    rows = []
    for seq, s in enumerate(range(from_s, until_s, step_s)):
        for node in nodes:
            if skip(node, s):
                continue
            channels = pack_channels([(0, 1, 0, stage(s) + node % 2)])
            rows.append(Sample(node, 4097, seq, s * 1000, 0, s * 1000 + 500, 0, channels))
    for at in range(0, len(rows), 5_000):
        journal.append(rows[at : at + 5_000])
    journal.close()
    return path
