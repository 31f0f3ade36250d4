from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from amont_watch import quality, vote
from amont_watch.hazard import Hazard

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "core"
CASES: list[dict[str, Any]] = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
MICROPYTHON = Path(sys.executable).with_name("micropython")


def _runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_cases", HERE / "run_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_case_names_differ() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) > 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case_on_cpython(case: dict[str, Any]) -> None:
    assert _runner().PLAYERS[case["kind"]](case) == case["expected"]


@pytest.mark.micropython
def test_cases_on_micropython() -> None:
    done = subprocess.run(
        [MICROPYTHON, HERE / "run_cases.py", HERE / "cases.json"],
        env={"MICROPYPATH": str(CORE)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    out = json.loads(done.stdout)
    assert {case["name"]: case["expected"] for case in CASES} == out


# --- planted mistakes: the cases must notice each


def _always(*_arguments: object) -> bool:
    return True


def _never(*_arguments: object) -> bool:
    return False


def _usable_at_any_age(self: vote.SensorState, _now_s: int) -> bool:
    return self.value is not None and not self.flags & (quality.RANGE | quality.FAULT)


def _believe_in_time(sensor: vote.SensorState, *_others: object) -> None:
    sensor.doubted = bool(sensor.flags & quality.SUSPECT)


class _SlowSensor(vote.SensorState):
    def __init__(self, id: str, validity_s: int, _fast_validity_s: int = 0) -> None:
        super().__init__(id, validity_s)


def _lone_by_one(_panel: Any, voter: vote.SensorState, _level: int) -> Any:
    return "lone sensor", [voter]


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "a reading of any age votes": (vote.SensorState, "usable", _usable_at_any_age),
    "readings from the future vote": (vote, "AHEAD_S", 10_000),
    "unproved readings sound": (vote, "PROVED", 1),
    "one vote sounds": (vote, "_one_vote", _lone_by_one),
    "a lone sensor needs one vote": (vote, "_LONE_VOTES", (0, 1, 1, 10)),
    "the last of three needs three votes": (vote, "_LONE_VOTES", (0, 3, 3, 3)),
    "suspect sensors vote": (vote, "SUSPECT", 0),
    "no rise is a leap": (vote, "LEAP_MM", 9_999_999),
    "a leap is a millimetre less": (vote, "LEAP_MM", 299),
    "three readings of a leap convince": (vote, "STEADY", 3),
    "a leap takes five readings": (vote, "STEADY", 5),
    "coming back from a spike is a leap": (vote, "SPIKE", 0),
    "time alone convinces": (vote, "_believe", _believe_in_time),
    "doubt outlasts two votes": (vote, "OUTLAST_S", 9_999_999),
    "flat is stuck in calm water": (vote.SensorState, "moving", _always),
    "fast samples last as long as slow ones": (vote, "SensorState", _SlowSensor),
    "one reading of a step convinces": (vote, "RATE", 0),
    "two lost outweigh who was heard longer": (vote, "_outlived", _never),
    "nothing ever drifts": (vote, "DRIFT_S", 9_999_999),
    "any neighbour agrees": (vote, "AGREE_MM", 9_000),
    "flat sensors vote": (vote, "FLAT", 0),
    "lost sensors are forgotten": (vote, "LOST_S", 0),
    "every lost sensor was rising": (vote.SensorState, "lost_rising", _always),
    "nothing holds a level": (vote, "_hold", lambda _panel: vote.NORMAL),
    "everything holds a level": (vote, "_hold", lambda _panel: vote.ALARM_PLUS),
    "a step is forgotten at once": (quality, "SUSPECT_S", 0),
    "a step is never forgotten": (quality, "SUSPECT_S", 9_999_999),
    "bounds are not checked": (quality, "RANGE", 0),
    "doubts of the node are dropped": (quality, "_WIRE_FLAGS", {}),
    "a restart waits for ever": (Hazard, "HOLD_S", 9_999_999),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_cases_notice_a_planted_mistake(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = _runner()
    monkeypatch.setattr(*MUTANTS[name])
    assert any(runner.PLAYERS[case["kind"]](case) != case["expected"] for case in CASES)
