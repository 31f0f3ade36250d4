"""The thin shell, slots, the loader and updates by the air, on both Pythons."""

import importlib
import re
from pathlib import Path

import pytest
from tests.firmware.test_device import DEVICE, run

from amont_hil.process import MICROPYTHON, import_path

MODULES = ["check_shell", "check_slots", "check_update"]


@pytest.mark.parametrize("name", MODULES)
def test_checks(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (*import_path(), str(DEVICE)):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: None)  # nothing is cut here
    module = importlib.import_module(name)
    checks = [entry for entry in dir(module) if entry.startswith("check_")]
    assert checks
    for check in checks:
        getattr(module, check)()


@pytest.mark.micropython
@pytest.mark.parametrize("name", MODULES)
def test_checks_on_micropython(name: str, tmp_path: Path) -> None:
    said = run(MICROPYTHON, "run.py", name, cwd=tmp_path)
    expected = re.findall(r"^def (check_\w+)", (DEVICE / f"{name}.py").read_text(), re.M)
    assert expected
    assert said.count("ok ") == len(expected)
