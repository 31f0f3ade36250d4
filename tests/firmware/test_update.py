"""The thin shell, Wi-Fi, slots, the loader and updates by the air, on both Pythons."""

from pathlib import Path

import pytest
from tests.firmware.test_device import DEVICE, run_here, run_there

from amont_hil.process import import_path

MODULES = ["check_shell", "check_wifi", "check_lookup", "check_slots", "check_update"]


@pytest.mark.parametrize("name", MODULES)
def test_checks(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (*import_path(), str(DEVICE)):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: None)  # nothing is cut here
    run_here(name)


@pytest.mark.micropython
@pytest.mark.parametrize("name", MODULES)
def test_checks_on_micropython(name: str, tmp_path: Path) -> None:
    run_there(name, tmp_path)
