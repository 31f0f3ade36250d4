"""A supply that is cut between wakes, on real MicroPython: the node as it ships on a board."""

import re
from pathlib import Path

import pytest
from tests.firmware.test_device import DEVICE, MICROPYTHON, run

pytestmark = pytest.mark.micropython


CHECKS = [
    f"{name}.{check}"
    for name in ("check_gate", "check_gate_faults")
    for check in re.findall(r"^def (check_\w+)", (DEVICE / f"{name}.py").read_text(), re.M)
]


@pytest.mark.parametrize("check", CHECKS)
def test_checks(check: str, tmp_path: Path) -> None:
    said = run(MICROPYTHON, "run.py", check, cwd=tmp_path)
    assert f"ok {check}" in said


def month(*arguments: str, cwd: Path) -> dict[str, int]:
    said = run(MICROPYTHON, "gate_life.py", *arguments, cwd=cwd)
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", said)}


@pytest.mark.parametrize("rtc", ["ds3231", "pcf8563"])
def test_cuts_at_random_cost_no_reading_and_no_counter(rtc: str, tmp_path: Path) -> None:
    found = month(rtc, "2", "7", cwd=tmp_path)
    assert found["boots"] > 160
    assert found["cuts"] > 15
    assert found["lost"] == found["wrong"] == found["reused"] == 0
    assert found["lives"] == 1
    assert found["hellos"] <= found["cuts"]
    assert found["samples"] == found["delivered"] > 140


def test_a_duty_that_is_not_kept_is_noticed(tmp_path: Path) -> None:
    found = month("ds3231", "1", "7", "no-keep", cwd=tmp_path)
    assert found["hellos"] > found["cuts"] + 50
