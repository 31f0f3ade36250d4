"""What a node's burst of pings makes of a real rise: nothing may filter it away.

Rises of 2.2 m in 10 minutes and walls of water, seen by seven pings with the noise of a real
gauge: Trout Creek's residuals around their median of two hours, where ``AMONT_DATA`` has the
record, and otherwise noise of the same size (32 mm, three in a hundred off by more than 80 mm),
in runs, as they came. The anchor is the median of the last five values, a filter that makers of
such firmware recommend for ultrasonic sensors.
"""

from __future__ import annotations

import gzip
import os
import random
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from amont_node.drivers.burst import Burst
from amont_wire.const import GOOD, SUSPECT

NAMES = (
    "node.sensing_behind", "node.sensing_wall", "node.sensing_good", "node.sensing_record",
)  # fmt: skip
FOLDER = "sensor_trout_creek_logger"
PINGS, RISE_MM_MIN, RISE_MIN = 7, 220, 10
BEHIND_MM = 150  # the waves that a burst takes for good
_AROUND = 12  # readings on each side, 5 minutes apart: two hours


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield how far a told level is behind, what of walls is told, and what of calm is good."""
    noise, whose = residuals()
    chance = random.Random(seed)
    count = 2000 if full else 200
    behind = [flood(noise, chance) for _ in range(count)]
    worst = max(told for told, _ in behind)
    yield {
        "name": "node.sensing_behind", "value": worst, "goal": BEHIND_MM,
        "unit": f"mm, worst of {count} rises of 2.2 m in 10 min ({whose})",
        "anchor": max(filtered for _, filtered in behind), "met": worst <= BEHIND_MM,
        "trials": count, "failures": sum(told > BEHIND_MM for told, _ in behind),
    }  # fmt: skip
    walls = [wall(noise, chance) for _ in range(count)]
    told = sum(walls)
    yield {
        "name": "node.sensing_wall", "value": told, "goal": count, "anchor": 0,
        "unit": f"of {count} walls of 0.6 to 2.2 m told at once, marked ({whose})",
        "met": told == count, "trials": count, "failures": count - told,
    }  # fmt: skip
    good = calm(noise, chance, 10 * count)
    yield {
        "name": "node.sensing_good", "value": round(100 * good, 2), "goal": 99,
        "unit": f"% of calm readings good ({whose})", "met": good >= 0.99,
    }  # fmt: skip
    told, otherwise, marked = replay(recorded())
    if told:
        yield {
            "name": "node.sensing_record", "value": otherwise, "goal": 0,
            "unit": f"of {told} readings of Trout Creek told otherwise ({marked} marked)",
            "met": otherwise == 0, "trials": told, "failures": otherwise,
        }  # fmt: skip


def residuals() -> tuple[list[int], str]:
    """Return the noise of single readings in mm, in their order, and whose it is."""
    found = []
    for run in recorded():
        for at in range(_AROUND, len(run) - _AROUND):
            around = [range_mm for _, range_mm in run[at - _AROUND : at + _AROUND + 1]]
            found.append(run[at][1] - round(statistics.median(around)))
    if found:
        return found, f"{len(found)} residuals of Trout Creek"
    chance = random.Random(5)
    sizes = [120 if chance.random() < 0.03 else 32 for _ in range(20_000)]
    return [round(chance.gauss(0, size)) for size in sizes], "noise of its size"


def recorded() -> list[list[tuple[int, int]]]:
    """Return the runs of the record without a gap, as (seconds, mm); none without the record."""
    folder = Path(os.environ.get("AMONT_DATA", "")) / FOLDER
    paths = sorted(folder.glob("Log*.txt.gz")) if "AMONT_DATA" in os.environ else []
    runs: list[list[tuple[int, int]]] = []
    for at_s, range_mm in [row for path in paths for row in _rows(path)]:
        if not runs or not 0 < at_s - runs[-1][-1][0] <= 310:
            runs.append([])
        runs[-1].append((at_s, range_mm))
    return runs


def _rows(path: Path) -> Iterator[tuple[int, int]]:
    with gzip.open(path, "rt", errors="replace") as file:
        for line in file:
            words = line.split(",")
            try:
                at = datetime.strptime(words[0], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
                range_mm = round(10 * float(words[6]))
            except (ValueError, IndexError):
                continue  # headings, and lines that a dying battery cut off
            if 0 < range_mm < 6000:
                yield int(at.timestamp()), range_mm


def replay(runs: list[list[tuple[int, int]]]) -> tuple[int, int, int]:
    """Return how many recorded readings were told, otherwise than measured, and marked."""
    told = otherwise = marked = 0
    for run in runs:
        burst = Burst(1, 150, 500, 31, 6000)
        for at_s, range_mm in run:
            value, quality = burst.read(lambda: range_mm, at_s)  # noqa: B023
            told, otherwise = told + 1, otherwise + (value != range_mm)
            marked += quality != GOOD
    return told, otherwise, marked


def look(range_mm: int, noise: list[int], chance: random.Random) -> Iterator[int]:
    """Yield pings at a surface: neighbours in the record are neighbours here."""
    at = chance.randrange(len(noise) - 100)
    while True:
        for residual in noise[at : at + 100]:
            yield range_mm + residual


def node() -> Burst:
    """Return the burst of an ultrasonic sensor as it is configured unless told otherwise."""
    return Burst(PINGS, 150, 500, 31, 4500)


def flood(noise: list[int], chance: random.Random) -> tuple[int, int]:
    """Return how many mm the told and the filtered level were behind at the worst moment."""
    burst, interval_s = node(), chance.choice((10, 60, 120))
    begin_mm, onset_s = chance.randrange(2600, 4300), chance.randrange(600, 1200)
    told_mm = filtered_mm = 0
    last: list[int] = []
    for at_s in range(0, onset_s + RISE_MIN * 60 + 1, interval_s):
        range_mm = begin_mm - RISE_MM_MIN * max(0, at_s - onset_s) // 60
        pings = look(range_mm, noise, chance)
        value, _ = burst.read(lambda: next(pings), at_s)  # noqa: B023
        last = [*last[-4:], value]
        told_mm = max(told_mm, value - range_mm)
        filtered_mm = max(filtered_mm, round(statistics.median(last)) - range_mm)
    return told_mm, filtered_mm


def wall(noise: list[int], chance: random.Random) -> bool:
    """Return whether a wall of water was told by the very first reading, marked or good."""
    burst, height_mm = node(), chance.randrange(600, 2200)
    for at_s in range(0, 600, 60):
        pings = look(4000, noise, chance)
        burst.read(lambda: next(pings), at_s)  # noqa: B023
    pings = look(4000 - height_mm, noise, chance)
    value, quality = burst.read(lambda: next(pings), 600)
    return abs(value - 4000 + height_mm) <= BEHIND_MM and quality in (GOOD, SUSPECT)


def calm(noise: list[int], chance: random.Random, count: int) -> float:
    """Return the share of good readings of a river that does nothing."""
    burst, good = node(), 0
    for at in range(count):
        pings = look(3000, noise, chance)
        good += burst.read(lambda: next(pings), 900 * at)[1] == GOOD  # noqa: B023
    return good / count
