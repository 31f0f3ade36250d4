"""MicroPython's own tool on the same benches: they are boards, and no mirror of our client."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from amont_hil.rig import RigBoard, SimBoard
from amont_provision.serial_port import SerialPort

CONTENT = bytes(range(256)) * 20


def mpremote(device: str, *words: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", device, *words],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def device_of(board: RigBoard) -> str:
    port = board.open()
    try:
        return str(port._line._url)
    finally:
        port.close()


def test_it_evaluates_after_a_soft_reset_of_its_own(rigged: RigBoard) -> None:
    device = device_of(rigged)
    for number in range(3):
        assert mpremote(device, "eval", f"{number}*7") == str(number * 7)
    assert mpremote(device, "soft-reset", "exec", "print(1)") == "1"


@pytest.mark.needs("hashes")
def test_what_one_writes_the_other_reads(rigged: RigBoard, tmp_path: Path) -> None:
    device = device_of(rigged)
    mine, theirs = tmp_path / "mine.bin", tmp_path / "theirs.bin"
    mine.write_bytes(CONTENT)
    mpremote(device, "fs", "cp", str(mine), ":hil-mine.bin")
    port = rigged.open()
    assert port.read("hil-mine.bin") == CONTENT
    port.write("hil-theirs.bin", CONTENT[::-1])
    port.close()
    mpremote(device, "fs", "cp", ":hil-theirs.bin", str(theirs))
    assert theirs.read_bytes() == CONTENT[::-1]
    said = mpremote(device, "fs", "sha256sum", "hil-theirs.bin")
    assert sha256(CONTENT[::-1]).hexdigest() in said
    mpremote(device, "fs", "rm", ":hil-mine.bin", ":hil-theirs.bin")


@pytest.mark.needs("cable")
def test_our_port_is_refused_while_it_has_it(rigged: SimBoard) -> None:
    held = subprocess.Popen(
        [sys.executable, "-m", "mpremote", "connect", rigged.virtual.terminal(), "exec",
         "import time; print('in'); time.sleep(20)"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert held.stdout is not None
        assert held.stdout.readline().strip() == "in"
        with pytest.raises(Exception, match="another program uses it"):
            SerialPort(rigged.virtual.terminal())
    finally:
        held.kill()
        held.wait()
        held.stdout and held.stdout.close()
