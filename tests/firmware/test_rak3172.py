"""The RAK3172 as a radio and as a carrier over LoRaWAN, against a double of the module.

The double (device/rak3172.py) follows the manual and the source of its firmware; no module was at
hand.
"""

import gc
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.firmware.test_device import DEVICE, run_here, run_there

from amont_node import reports
from amont_wire import const

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


def test_what_the_modules_duty_cycle_delays_is_told() -> None:
    airtime = SimpleNamespace(news=lambda: False)
    node = SimpleNamespace(
        _fault_bits=0, outbox=SimpleNamespace(dropped=0),
        boot=SimpleNamespace(is_safe=False, failed=False),
        duty=SimpleNamespace(faults=lambda: 0, airtime=airtime),
        carrier=SimpleNamespace(fault=False, short=True),
    )  # fmt: skip
    assert reports._faults(node) == const.FAULT_AIRTIME
    node.carrier.short = False
    assert reports._faults(node) == 0
