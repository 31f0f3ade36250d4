"""Say which pressure sensors are nearest to a node, along the pipes of an EPANET network file."""

from __future__ import annotations

import gzip
import heapq
from collections.abc import Sequence
from pathlib import Path

Graph = dict[str, list[tuple[str, float]]]
LINKS = ("PIPES", "PUMPS", "VALVES")
SHORT_M = 1.0  # a pump or valve has no length


def graph(path: Path) -> Graph:
    """Return every node's neighbours and the length of pipe between them, m."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="latin-1") as file:
        lines = [str(line).partition(";")[0].strip() for line in file]
    found: Graph = {}
    section = ""
    for line in lines:
        if line.startswith("["):
            section = line.strip("[]")
        elif line and section in LINKS:
            _, one, other, length, *_ = line.split()
            far = float(length) if section == "PIPES" else SHORT_M
            found.setdefault(one, []).append((other, far))
            found.setdefault(other, []).append((one, far))
    return found


def nearest(links: Graph, node: str, sensors: Sequence[str], count: int = 3) -> list[str]:
    """Return the ``count`` sensors nearest to ``node`` along the pipes, nearest first."""
    wanted, seen = set(sensors), set[str]()
    found: list[str] = []
    queue = [(0.0, node)]
    while queue and len(found) < count:
        far, here = heapq.heappop(queue)
        if here in seen:
            continue
        seen.add(here)
        if here in wanted:
            found.append(here)
        for other, length in links.get(here, ()):
            if other not in seen:
                heapq.heappush(queue, (far + length, other))
    return found
