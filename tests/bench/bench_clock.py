"""Wall clocks that jump and guards that boot, in the middle of everything; see ``story``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from tests.bench.story import Outcome, Story

NAMES = ("clock.jumps_failures", "clock.boots_failures", "clock.boots_early_on")
JUMPS = BOOTS = 40  # of one story
STORIES = 25


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what went wrong in 40 jumps and 40 boots; ``full`` in 1,000 of each."""
    stories = STORIES if full else 1
    counts, wrong = _live(seed, stories, jumps=JUMPS)
    yield _figure("clock.jumps_failures", wrong, counts["jumps"], counts)
    counts, wrong = _live(seed + 1, stories, boots=BOOTS)
    yield _figure("clock.boots_failures", wrong, counts["boots"], counts)
    early = counts["on before a decision"]
    yield _figure("clock.boots_early_on", early, counts["boots"], counts)


def _live(seed: int, stories: int, **what: int) -> tuple[Counter[str], int]:
    counts: Counter[str] = Counter()
    wrong = 0
    seeds = range(seed * 10_000, seed * 10_000 + stories)
    with ProcessPoolExecutor(min(2, stories)) as processes:
        lives = [processes.submit(_one, number, what) for number in seeds]
        for number, life in zip(seeds, lives, strict=True):
            outcome = life.result()
            counts += outcome.counts
            wrong += outcome.failures
            for text in outcome.what + [f"excused, {text}" for text in outcome.excused]:
                print(f"story {number} {what}: {text}")
    return counts, wrong


def _one(seed: int, what: dict[str, int]) -> Outcome:
    return Story(seed, **what).run()


def _figure(name: str, wrong: int, trials: int, counts: Counter[str]) -> dict[str, Any]:
    return {
        "name": name, "value": wrong,
        "unit": f"of {trials}, {counts['floods']} floods, {counts['excused']} excused",
        "goal": 0, "met": wrong == 0, "trials": trials, "failures": wrong,
    }  # fmt: skip
