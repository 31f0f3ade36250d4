"""The checks in device/ on both Pythons: whole drivers on a board that is not there."""

import importlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from amont_hil.process import import_path, micropython_path

DEVICE = Path(__file__).parent / "device"
RUN = Path(__file__).parents[1] / "firmware" / "device" / "run.py"
MODULES = sorted(path.stem for path in DEVICE.glob("check_*.py"))


@pytest.fixture(autouse=True)
def _board(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(DEVICE))
    monkeypatch.chdir(tmp_path)  # the checks' nodes have their folders here
    fakes = importlib.import_module("fakes")
    kept = fakes.buses.clock
    yield
    fakes.remove()
    fakes.buses.clock = kept


@pytest.mark.parametrize("name", MODULES)
def test_checks(name: str) -> None:
    module = importlib.import_module(name)
    checks = [entry for entry in dir(module) if entry.startswith("check_")]
    assert checks
    for check in checks:
        getattr(module, check)()


def on_micropython(*arguments: str, cwd: Path, heap: str = "1m") -> str:
    executable = micropython_path()
    assert executable is not None, "MicroPython's Unix port is not installed"
    folders = ":".join([*import_path(), str(DEVICE), ".frozen"])
    done = subprocess.run(
        [str(executable), "-X", f"heapsize={heap}", *arguments],
        cwd=cwd, env={**os.environ, "MICROPYPATH": folders},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.micropython
@pytest.mark.parametrize("name", MODULES)
def test_checks_on_micropython(name: str, tmp_path: Path) -> None:
    said = on_micropython(str(RUN), name, cwd=tmp_path)
    expected = re.findall(r"^def (check_\w+)", (DEVICE / f"{name}.py").read_text(), re.M)
    assert said.count("ok ") == len(expected) > 0


@pytest.mark.micropython
def test_only_the_driver_that_is_named_is_loaded(tmp_path: Path) -> None:
    settings = {"kind": "battery", "pin": 29}
    line = (
        f"import sys; from amont_node.probes import make_probe; make_probe({settings}, '.');"
        "print(sorted([n for n in sys.modules if n.startswith('amont_node.drivers.')]))"
    )
    said = on_micropython("-c", line, cwd=tmp_path)
    names = ("battery", "buses", "fields", "wired")
    assert said.strip() == str([f"amont_node.drivers.{name}" for name in names])


def test_every_kind_of_probe_is_in_the_document() -> None:
    from amont_node import probes

    said = (Path(__file__).parents[2] / "docs" / "drivers.md").read_text()
    for kind in [*probes._DRIVERS, "constant", "replay"]:
        assert f"| `{kind}` |" in said
