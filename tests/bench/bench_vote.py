"""How often does a station of one, two or three sensors miss a flood or cry wolf?

Made-up years (see ``station_years``) are lived through on the real rules. The rates of faults and
floods are assumptions, fixed before any result was seen: useful to rank rules, no promise.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any
from unittest import mock

from tests.bench.station_years import History, Life, Rates, Score, score

from amont_models import poisson
from amont_watch import vote

WORDS = {1: "one", 2: "two", 3: "three"}
PLAIN = {  # of the research's toy model: missed %, false a station-year
    "one_at_once": ("one sensor, at once", 8.0, 7.8),
    "one_3_in_a_row": ("one sensor, 3 in a row", 8.8, 0.59),
    "1oo3": ("1 of 3", 0.58, 1.79),
    "2oo2": ("2 of 2", 16.3, 0.003),
    "2oo3": ("2 of 3", 3.2, 0.010),
}
TOY = {"three": (0.50, 0.036), "one": (8.8, 0.59)}  # the toy's rules for three, and for one
GOALS = {"three": (0.7, 0.05)}
NAMES = tuple(
    f"vote.{who}_{what}" for who in (*WORDS.values(), *PLAIN, "planted")
    for what in ("missed", "false")
)  # fmt: skip
YEARS = {3: 12, 2: 8, 1: 8}  # in quick
FULL_YEARS = 2_000
BATCH_YEARS = 20


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the real rules' figures, those of plain rules from the same years, and planted faults.

    ``full`` lives through 2,000 station-years for each number of sensors, on all cores.
    """
    print(f"vote: assumed a year and sensor: {Rates()}; people reset after half an hour;", end=" ")
    print("not modelled: disturbances of 20 to 180 s, single lost frames;", end=" ")
    print("right is an alarm up to an hour before the limit, late one 10 min after it")
    jobs = [
        (seed * 10_000 + batch, min(BATCH_YEARS, years), sensors)
        for sensors, years in (dict.fromkeys(YEARS, FULL_YEARS) if full else YEARS).items()
        for batch in range(-(-years // BATCH_YEARS))
    ]
    total: dict[str, Score] = defaultdict(lambda: Score(0, 0, 0, 0))
    for found in _each(jobs, os.cpu_count() if full else 1):
        for who, one in found.items():
            total[who] += one
    for who in (*WORDS.values(), *PLAIN):
        yield from _pair(who, total[who], full)
    yield from _planted(seed)


def _each(jobs: list[tuple[int, int, int]], processes: int | None) -> Iterator[dict[str, Score]]:
    if processes == 1:
        yield from map(live, jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(live, jobs)


def live(job: tuple[int, int, int]) -> dict[str, Score]:
    """Live through (seed, years, sensors); return the scores of all who watched."""
    seed, years, sensors = job
    history = History(seed, years, sensors, Rates())
    life = Life(history)
    life.live()
    found = {WORDS[sensors]: score(history, life.guarded.onsets, life.guarded.ends)}
    if sensors == 3:  # the plain rules see the readings of the largest station
        for who, (rule, _, _) in PLAIN.items():
            found[who] = score(history, life.plain[rule].onsets, life.plain[rule].ends)
    return found


def _pair(who: str, found: Score, full: bool) -> Iterator[dict[str, Any]]:
    goals = GOALS.get(who, (None, None))
    anchors = TOY.get(who) or PLAIN.get(who, (None, None, None))[1:]
    counts = (
        ("missed", found.missed, 100 / max(1, found.floods), f"% of {found.floods} floods"),
        ("false", found.false, 1 / found.years, f"a year of {found.years:.0f}"),
    )
    for (what, count, unit, of), anchor, goal in zip(counts, anchors, goals, strict=True):
        low, high = poisson.bounds(count)
        figure = {
            "name": f"vote.{who}_{what}", "value": count * unit, "anchor": anchor,
            "unit": f"{of}, 95 %: {low * unit:.3f}-{high * unit:.3f}",
        }  # fmt: skip
        if goal is not None:
            figure["goal"] = f"<= {goal}"
            # a few years cannot show that it is met, only that it is not
            figure["met"] = (
                count * unit <= goal if full else (False if low * unit > goal else None)
            )
        yield figure


def _planted(seed: int) -> Iterator[dict[str, Any]]:
    # The harness must see a rule that is too deaf, and one that is too shrill.
    with mock.patch.object(vote, "_one_vote", return_value=("", [])):
        deaf = _live_hard(seed, death=3.0)
    yield {"name": "vote.planted_missed", "value": 100 * deaf.missed / deaf.floods,
           "unit": f"% of {deaf.floods} floods, two votes or none", "goal": "> 0.7",
           "met": 100 * deaf.missed / deaf.floods > 0.7}  # fmt: skip
    with mock.patch.object(vote, "_one_vote", lambda _panel, voter, _level: ("planted", [voter])):
        shrill = _live_hard(seed, death=0.3)
    yield {"name": "vote.planted_false", "value": shrill.false / shrill.years,
           "unit": f"a year of {shrill.years:.0f}, one vote sounds", "goal": "> 0.05",
           "met": shrill.false / shrill.years > 0.05}  # fmt: skip


def _live_hard(seed: int, death: float) -> Score:
    history = History(seed, 5, 3, Rates(death_percent_min=death))
    life = Life(history)
    life.live()
    return score(history, life.guarded.onsets, life.guarded.ends)
