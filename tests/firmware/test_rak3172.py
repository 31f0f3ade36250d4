"""The RAK3172 as a radio and as a carrier over LoRaWAN, against a double of the module.

The double (device/rak3172.py) follows the manual and the source of its firmware; no module was at
hand.
"""

import gc
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.firmware.rak_pty import PtyModule
from tests.firmware.test_device import DEVICE, run_here, run_there

from amont_node import at, reports
from amont_node.radio import RadioFault
from amont_node.settings import ConfigError
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


class FakeMachine:
    """What of the module `machine` a serial line takes."""

    def __init__(self, error: Exception | None = None) -> None:
        self.made: dict[str, object] = {}
        self._error = error

    def Pin(self, number: int) -> str:
        return f"pin {number}"

    def UART(self, number: int, **settings: object) -> str:
        if self._error:
            raise self._error
        self.made = {"id": number, **settings}
        return "uart"


def test_a_boards_serial_line_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = FakeMachine()
    monkeypatch.setitem(sys.modules, "machine", machine)
    assert at.open_uart({"id": 0, "tx": 12, "rx": 13}) == "uart"
    wired = {name: machine.made[name] for name in ("id", "tx", "rx", "baudrate", "timeout")}
    assert wired == {"id": 0, "tx": "pin 12", "rx": "pin 13", "baudrate": 115200, "timeout": 0}


def test_a_serial_line_that_cannot_be_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "machine", FakeMachine(ValueError("bad TX pin")))
    with pytest.raises(RadioFault, match="uart 0: bad TX pin"):
        at.open_uart({"id": 0, "tx": 1, "rx": 2})
    with pytest.raises(ConfigError, match=r"carrier\.uart"):
        at.open_uart(None)
    with pytest.raises(ValueError, match="tx"):
        at.open_uart({"id": 0, "rx": 2})
    monkeypatch.setitem(sys.modules, "machine", None)
    with pytest.raises(RadioFault, match="no pins here"):
        at.open_uart({"id": 0, "tx": 1, "rx": 2})


def test_a_module_behind_a_path() -> None:
    with PtyModule() as line:
        uart = at.open_uart({"port": str(line.port)})
        talks = at.Line(uart)
        assert talks.command("AT+NWM=?", 5000) == "1"
        assert talks.event(20) is None
        with line.lock:
            line.module.event("+EVT:TX_DONE")
        assert talks.event(5000) == "TX_DONE"
        uart.deinit()
