from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

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
    # No wheel of MicroPython exists for other machines; there, CPython alone runs the cases.
    machine = os.uname().machine
    if machine != "x86_64" and not MICROPYTHON.exists():
        pytest.skip(f"no MicroPython wheel for {machine}")
    done = subprocess.run(
        [MICROPYTHON, HERE / "run_cases.py", HERE / "cases.json"],
        env={"MICROPYPATH": str(CORE)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    out = json.loads(done.stdout)
    assert {case["name"]: case["expected"] for case in CASES} == out
