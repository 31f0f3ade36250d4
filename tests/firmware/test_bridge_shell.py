"""The bridge's shell on both Pythons, and as a process at the end of a pseudo-terminal."""

import contextlib
import os
import pty
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.firmware.test_device import DEVICE, run_here, run_there

from amont_bridge.hal_unix import RadioAir, SerialPort, unique_id
from amont_bridge.schedule import Transmission
from amont_bridge.waiting import Entry
from amont_hil.simulated import SimulatedBridge
from amont_wire import link

CHECKS = "check_bridge_shell"
LIMIT_S = 30.0
FRAME = bytes([0x11, 17, 0, 1, 0, 0, 0]) + bytes(range(20))
STRANGER = bytes([0x11, 99, 0, 1, 0, 0, 0]) + bytes(range(20))


def test_the_checks_hold_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(DEVICE))
    monkeypatch.chdir(tmp_path)
    run_here(CHECKS)


@pytest.mark.micropython
def test_the_checks_hold_on_micropython(tmp_path: Path) -> None:
    run_there(CHECKS, tmp_path)


@pytest.fixture
def port() -> Iterator[tuple[int, SerialPort]]:
    """Give the guard's end of a pseudo-terminal, and the bridge's port on the other."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    made = SerialPort(os.ttyname(slave))
    yield master, made
    made._file.close()
    os.close(slave)
    with contextlib.suppress(OSError):
        os.close(master)


def test_a_port_gives_what_is_there_and_takes_what_it_can(port: tuple[int, SerialPort]) -> None:
    master, serial = port
    assert serial.read() == b""
    os.write(master, b"\x03\x04\r\n\x00")
    assert serial.wait(1000)
    assert serial.read() == b"\x03\x04\r\n\x00"
    assert serial.write(b"\n\x00", 50)
    assert os.read(master, 10) == b"\n\x00"


def test_half_a_line_costs_only_itself(port: tuple[int, SerialPort]) -> None:
    master, serial = port
    line = b"x" * 279 + b"\x00"
    while serial.write(line, 0):
        pass
    assert serial._torn or not serial.write(line, 0)
    heard = b""
    while select.select([master], [], [], 0)[0]:
        heard += os.read(master, 65536)
    assert serial.write(b"next\x00", 50)
    heard += os.read(master, 100)
    assert heard.split(b"\x00")[-2] == b"next"


def test_a_port_that_is_gone_is_an_error(port: tuple[int, SerialPort]) -> None:
    master, serial = port
    os.close(master)
    with pytest.raises(OSError, match="closed"):
        serial.read()


def test_the_simulated_air_answers_whom_it_heard() -> None:
    air = RadioAir(0)
    where = air.pollable.getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as node:
        node.settimeout(LIMIT_S)
        node.sendto(b"\xb0\xff\x24" + FRAME, where)
        node.sendto(b"tiny", where)
        assert select.select([air.pollable], [], [], LIMIT_S)[0]
        assert air.receive(0) == (FRAME, -80, 36, 0)
        assert air.receive(0) == (b"", 0, 0, 0)
        assert air.receive(0) is None
        assert not air.hears()
        assert air.send(Transmission(Entry(1, FRAME, None, 0), 0, 0, 0))
        assert node.recv(100)[3:] == FRAME
        assert air.send(Transmission(Entry(1, STRANGER, None, 0), 0, 0, 0))
    air.pollable.close()


def test_a_number_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMONT_UNIQUE_ID", "0102")
    assert unique_id() == b"\1\2" + bytes(6)
    monkeypatch.delenv("AMONT_UNIQUE_ID")
    assert unique_id() == bytes(8)


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
