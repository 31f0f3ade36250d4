"""The RAK3172 as a radio and as a carrier over LoRaWAN, against a double of the module.

The double (device/rak3172.py) follows the manual and the source of its firmware; no module was at
hand.
"""

import gc
from pathlib import Path

import pytest
from tests.firmware.test_device import DEVICE, run_here, run_there

MODULES = ["check_rak", "check_rak_chaos", "check_lorawan", "check_late"]


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
