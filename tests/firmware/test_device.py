"""The checks in device/ on both Pythons, and the power cuts on MicroPython's own littlefs."""

import gc
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from amont_hil.process import MICROPYTHON, import_path, micropython_path

DEVICE = Path(__file__).parent / "device"


def run(runtime: str, script: str, *arguments: str, cwd: Path, heap: str = "2m") -> str:
    folders = [*import_path(), str(DEVICE)]
    if runtime == MICROPYTHON:
        executable = micropython_path()
        assert executable is not None, "MicroPython's Unix port is not installed"
        line = [str(executable), "-X", f"heapsize={heap}"]
        environment = {"MICROPYPATH": ":".join([*folders, ".frozen"])}
    else:
        line = [sys.executable]
        environment = {"PYTHONPATH": ":".join(folders)}
    done = subprocess.run(
        [*line, str(DEVICE / script), *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def run_here(name: str) -> None:
    """Run all checks of a module in this interpreter."""
    module = importlib.import_module(name)
    checks = [entry for entry in dir(module) if entry.startswith("check_")]
    assert checks
    for check in checks:
        getattr(module, check)()


def run_there(name: str, folder: Path) -> None:
    """Run all checks of a module on MicroPython."""
    said = run(MICROPYTHON, "run.py", name, cwd=folder)
    expected = re.findall(r"^def (check_\w+)", (DEVICE / f"{name}.py").read_text(), re.M)
    assert expected
    assert said.count("ok ") == len(expected)


MODULES = [
    "check_store",
    "check_duty",
    "check_policy",
    "check_float",
    "check_clock_chips",
    "check_chip_clock",
    "check_airtime",
    "check_kept",
    "check_delivery",
    "check_probes",
    "check_bridge",
    "check_radio_sim",
    "check_lora_carrier",
]


# The checks leave files open, as a node does whose power is cut.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", MODULES)
def test_checks(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DEVICE))
    monkeypatch.chdir(tmp_path)
    run_here(name)
    gc.collect()


@pytest.mark.micropython
@pytest.mark.parametrize("name", MODULES)
def test_checks_on_micropython(name: str, tmp_path: Path) -> None:
    run_there(name, tmp_path)


def cut(*arguments: str, cwd: Path) -> tuple[int, int]:
    said = run(MICROPYTHON, "power_cut.py", *arguments, cwd=cwd, heap="4m")
    found = re.search(r"cuts=(\d+) broken=(\d+)", said)
    assert found, said[-2000:]
    return int(found[1]), int(found[2])


@pytest.mark.micropython
@pytest.mark.parametrize(("what", "least"), [("outbox", 200), ("counters", 50), ("config", 100)])
def test_power_cut_at_every_operation(what: str, least: int, tmp_path: Path) -> None:
    cuts, broken = cut(what, cwd=tmp_path)
    assert cuts >= least
    assert broken == 0


@pytest.mark.micropython
@pytest.mark.parametrize(("what", "fault"), [("outbox", "no-flush"), ("counters", "late-reserve")])
def test_power_cuts_find_a_planted_fault(what: str, fault: str, tmp_path: Path) -> None:
    _, broken = cut(what, fault, cwd=tmp_path)
    assert broken > 0
