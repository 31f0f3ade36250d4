"""Damage models in thousands of ways and hang them: what is wrong must never look right.

The fault is planted first where no hash is checked: if nothing were found there, the bench would
be blind, and says so.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tests.bench.corruptions import Damage, trials
from tests.models import scene

from amont_gateway import advise, logs
from amont_gateway.advise import Advisor
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.places import Places, Sensor, Station
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.scoring.live import Scoring
from amont_gateway.view import Thresholds
from amont_gateway.windows import Windows
from amont_models.recipe import ARTIFACTS_DIR

NAMES = ("int8.silent", "int8.silent_no_hash", "int8.silent_golden_alone", "int8.hung_said_s")
COUNT, FULL_COUNT = 1_000, 10_000  # of these one in a hundred hangs
FLIPS, FULL_FLIPS = 100, 1_000
HUNG_S = 0.1  # in place of the gateway's, for the many
AT_MS = 1_519_800_000_000
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the figures; the quick variant tries a tenth."""
    logs.set_up("error")  # a hundred hung rounds would each say so
    rng = np.random.default_rng(seed)
    count = FULL_COUNT if full else COUNT
    with tempfile.TemporaryDirectory() as work:
        of = Damage(ARTIFACTS_DIR, Path(work) / "models")
        flips = FULL_FLIPS if full else FLIPS
        blind, golden = np.mean([of.unchecked(rng) for _ in range(flips)], axis=0).tolist()
        if not blind > 0.0:
            raise AssertionError("no damage matters even without a check: the bench is blind")
        hangs = count // 100
        tried, silent = trials(of, count - hangs, rng)
    failures = sum(silent.values()) + sum(hung_looks_right() for _ in range(hangs))
    yield {
        "name": "int8.silent", "value": failures, "unit": "of damaged or hung", "goal": 0,
        "met": failures == 0, "trials": sum(tried.values()) + hangs, "failures": failures,
    }  # fmt: skip
    unit = "of flips, hash made right"
    yield {"name": "int8.silent_no_hash", "value": blind, "unit": f"{unit}, nothing checked"}
    yield {"name": "int8.silent_golden_alone", "value": golden, "unit": unit}
    if full:
        spent = _seconds_until_said()
        goal = advise.HUNG_S + 1.0
        yield {
            "name": "int8.hung_said_s", "value": spent, "unit": "s until said",
            "goal": goal, "met": spent <= goal,
        }  # fmt: skip


class Clock:
    """The moment of the readings; real time passes where the advisor measures it."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return AT_MS

    def sleep_s(self, real_s: float) -> None:
        time.sleep(real_s)


class _Link:
    def send_advice(self, message: dict[str, Any]) -> None:
        raise AssertionError(f"a hung round advised {message}")


class _Hung:
    """A session that does not return before it is woken."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake

    def run(self, _names: Any, feeds: dict[str, Any]) -> list[Any]:
        self._wake.wait(120)
        return [np.zeros((len(feeds["rows"]), 1))]


def hung_looks_right() -> bool:
    """Hang a real round's session; return whether a forecast looks right after the limit."""
    with _shorter(HUNG_S):
        advisor, wake = _hung_advisor()
        advisor._round(None)
        right = advisor.forecast("pont-neuf").status == "ok" or advisor.state == "ok"
        wake.set()
        for thread in advisor._hung:
            thread.join(10)
        return right or advisor.forecast("pont-neuf").status == "ok"


def _seconds_until_said() -> float:
    advisor, wake = _hung_advisor()
    start = time.monotonic()
    advisor._round(None)
    spent = time.monotonic() - start
    assert advisor.state == "fault"
    wake.set()
    return spent


@contextmanager
def _shorter(hung_s: float) -> Iterator[None]:
    usual, advise.HUNG_S = advise.HUNG_S, hung_s
    try:
        yield
    finally:
        advise.HUNG_S = usual


def _hung_advisor() -> tuple[Advisor, threading.Event]:
    """Return an advisor over a fresh stage, whose river session hangs in its first round."""
    sensor = Sensor("stage-a", {}, 17, 0, "stage_mm", "pont-neuf", 7200)
    limits = Thresholds(watch_mm=1500, warning_mm=2000, alarm_mm=2500)
    station = Station("pont-neuf", {}, limits, ("stage-a",))
    places = Places("essai", {}, sensors=(sensor,), stations=(station,))
    windows, counters, wake = Windows(places.window_keys()), Counters(), threading.Event()
    packed = pack_channels([(0, 1, 0, 1200)])
    windows.add([Sample(17, 1, n, AT_MS - 900_000 * n, 0, AT_MS, 0, packed) for n in range(9)])

    def load() -> Scoring:
        scoring = Scoring(ARTIFACTS_DIR, scene.site())
        scoring._models["river"]._session = _Hung(wake)
        return scoring

    events = Events(counters, lambda: AT_MS)
    link: Any = _Link()
    return Advisor(load, places, windows, link, counters, events, Clock()), wake
