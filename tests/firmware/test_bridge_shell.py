"""The bridge's shell on both Pythons, and as a process at the end of a pseudo-terminal."""

import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.firmware.test_device import DEVICE, run_here, run_there

from amont_hil.simulated import SimulatedBridge
from amont_wire import link

CHECKS = "check_bridge_shell"
LIMIT_S = 30.0


def test_the_checks_hold_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(DEVICE))
    monkeypatch.chdir(tmp_path)
    run_here(CHECKS)


@pytest.mark.micropython
def test_the_checks_hold_on_micropython(tmp_path: Path) -> None:
    run_there(CHECKS, tmp_path)


class Guard:
    """The guard's end of a simulated bridge's line."""

    def __init__(self, bridge: SimulatedBridge) -> None:
        self._line = os.open(bridge.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._deframer = link.Deframer()

    def say(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            select.select([], [self._line], [], LIMIT_S)
            left = left[os.write(self._line, left) :]

    def until(self, true: Callable[[link.Line], bool]) -> list[link.Line]:
        heard: list[link.Line] = []
        until_s = time.monotonic() + LIMIT_S
        while not any(map(true, heard)):
            assert time.monotonic() < until_s, heard
            if select.select([self._line], [], [], 0.1)[0]:
                for payload in self._deframer.feed(os.read(self._line, 4096)):
                    heard.append(link.unpack(payload))
        return heard

    def close(self) -> None:
        os.close(self._line)


@pytest.fixture(params=["cpython", pytest.param("micropython", marks=pytest.mark.micropython)])
def bridge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SimulatedBridge]:
    made = SimulatedBridge(tmp_path, runtime=request.param)
    made.start()
    yield made
    made.close()


def is_identity(line: link.Line) -> bool:
    return isinstance(line, link.Identity)


def test_a_process_says_who_it_is_through_noise(bridge: SimulatedBridge) -> None:
    guard = Guard(bridge)
    guard.until(is_identity)  # at its start
    guard.say(b"z" * 1_000_000 + b"\x00" + link.Ask().pack())
    told = guard.until(is_identity)
    assert next(one for one in told if is_identity(one)).radio == link.RADIO_SIMULATED  # type: ignore[attr-defined]
    assert bridge.running()
    guard.close()


def test_a_hung_guard_costs_lines_and_not_the_bridge(bridge: SimulatedBridge) -> None:
    guard = Guard(bridge)
    guard.until(is_identity)
    for _ in range(200):
        guard.say(link.Ask().pack() * 20)  # and reads none of 4,000 answers
    told = guard.until(is_identity)
    assert told
    guard.say(b"\x00" + link.Settings(link.ROLE_LISTEN, [868100], [9]).pack())
    guard.until(lambda one: isinstance(one, link.Identity) and one.role == link.ROLE_LISTEN)
    assert bridge.running()
    guard.close()
