"""Provision simulated boards by the README's commands: how long, and whatever breaks them off."""

from __future__ import annotations

import json
import random
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.bench.station_way import NODE, Done, Way, village

from amont_demo import village_site

NAMES = (
    "provision.bare_to_verified_s",
    "provision.bare_to_verified_slowest_s",
    "provision.interrupted",
    "provision.interrupted_bad",
)
TEN_MINUTES_S = 600
QUICK = (2, 1)  # stations, kills of each of their commands
FULL = (8, 2)
AT_ONCE = 4  # stations; most of their time is waiting
_KEYS = threading.Lock()
EARLIEST = 0.15  # of a command's usual time, at which it is killed at the soonest


@dataclass
class Outcome:
    """What became of stations whose commands were killed."""

    kills: int = 0
    too_late: int = 0  # the command had ended before
    bad: list[str] = field(default_factory=list)


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the seconds to a verified station, and what interruptions did."""
    stations, kills = FULL if full else QUICK
    with tempfile.TemporaryDirectory(prefix="amont-way-") as name:
        folder = Path(name)
        site = site_of(folder, stations + 1)
        with village(folder, "--site", str(site), "--page-port", "0") as way:
            usual = straight(way)
            yield from _times(usual)
            nodes = range(NODE + 1, NODE + 1 + stations)
            outcome = interrupted(way, nodes, kills, usual, seed)
    yield {"name": "provision.interrupted", "value": outcome.kills, "unit": "kills -9",
           "trials": outcome.kills, "failures": len(outcome.bad)}  # fmt: skip
    yield {"name": "provision.interrupted_bad", "value": len(outcome.bad),
           "unit": "not verified after", "goal": "0", "met": not outcome.bad}  # fmt: skip
    for what in outcome.bad:
        print(what)


def site_of(folder: Path, count: int) -> Path:
    """Write the village's example with so many nodes, each a station of its own."""
    folder.mkdir(exist_ok=True)
    path = folder / "many.yaml"
    village_site.example(path, Path("bridge/tty"))
    plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    node, station = plain["nodes"][0], plain["stations"][0]
    numbers = range(NODE, NODE + count)
    plain["nodes"] = [
        {**node, "id": n, "channels": [{**node["channels"][0], "sensor": f"pont-{n}"}]}
        for n in numbers
    ]
    plain["stations"] = [{**station, "id": f"pont-{n}", "sensors": [f"pont-{n}"]} for n in numbers]
    plain["sirens"] = [{**plain["sirens"][0], "stations": [f"pont-{n}" for n in numbers]}]
    path.write_text(json.dumps(plain), encoding="utf-8")
    return path


def straight(way: Way) -> list[Done]:
    """Go the way without interruption; return what was done, or raise RuntimeError."""
    for words in way.steps():
        if way.finish(words).code:
            raise RuntimeError(way.said())
    return way.done


def interrupted(way: Way, nodes: range, kills: int, usual: list[Done], seed: int) -> Outcome:
    """Kill each command so often at random moments, then run it; return what was not good."""
    outcome = Outcome()
    seconds = {done.step: done.seconds for done in usual}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for one in pool.map(
            lambda node: _one(Way(way.folder, way.environment, node), kills, seconds, seed), nodes
        ):
            outcome.kills += one.kills
            outcome.too_late += one.too_late
            outcome.bad += one.bad
    return outcome


def _one(way: Way, kills: int, seconds: dict[str, float], seed: int) -> Outcome:
    rng, outcome = random.Random(seed * 1000 + way.node), Outcome()
    for words in way.steps():
        # The guard's keys are written by one command at a time; another is told to come again.
        with _KEYS if words[1] == "enrol" else nullcontext():
            for _ in range(kills):
                killed = way.interrupt(words, seconds[words[1]] * rng.uniform(EARLIEST, 1))
                outcome.kills += killed
                outcome.too_late += not killed
            done = way.finish(words)
        if done.code:
            outcome.bad.append(f"node {way.node}, {words[1]}:\n{way.said()}")
            break
    return outcome


def _times(usual: list[Done]) -> Iterator[dict[str, Any]]:
    total_s = sum(done.seconds for done in usual)
    yield {"name": "provision.bare_to_verified_s", "value": round(total_s, 1), "unit": "s",
           "goal": f"<= {TEN_MINUTES_S}", "met": total_s <= TEN_MINUTES_S}  # fmt: skip
    slowest = max(usual, key=lambda done: done.seconds)
    yield {"name": "provision.bare_to_verified_slowest_s", "value": round(slowest.seconds, 1),
           "unit": f"s ({slowest.step})"}  # fmt: skip
