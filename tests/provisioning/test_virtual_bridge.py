"""The hardware around a simulated board, turned by hand: what a chip does and a program not."""

import os
import select
import socket
import sys
import time
from pathlib import Path

import pytest

from amont_provision import virtual_bridge
from amont_provision.virtual_bridge import LOCK, TERMINAL, Bridge
from amont_wire import const

pytestmark = pytest.mark.micropython
MICROPYTHON = str(Path(sys.executable).parent / "micropython")


class Bench:
    """A bridge that is turned by hand, and the laptop's end of its line."""

    def __init__(self, folder):
        self.folder = folder
        self.quiet, self._other = socket.socketpair()
        self.bridge = Bridge(folder, MICROPYTHON, "192k")
        self.bridge.power_on()
        self.plug()

    def plug(self):
        self.bridge.plug()
        self.bridge.plug()  # twice is once
        self.line = os.open(self.folder / TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def until(self, mark, seconds=20):
        """Turn the bridge until something has come; return all that came."""
        end, heard = time.monotonic() + seconds, b""
        while mark not in heard:
            assert time.monotonic() < end, heard
            self.bridge.pump(self.quiet.fileno())
            while select.select([self.line], [], [], 0)[0]:
                heard += os.read(self.line, 4096)
        return heard

    def say(self, data, mark):
        os.write(self.line, data)
        return self.until(mark)

    def close(self):
        self.bridge.power_off()
        self.bridge.pull()
        os.close(self.line)
        self.quiet.close()
        self._other.close()


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr(virtual_bridge, "CHECK_S", 0.05)
    made = Bench(tmp_path)
    yield made
    made.close()


def cause(bench):
    return bench.say(b"\x01import machine\nprint('cause',machine.reset_cause())\x04", b"\x04>")


def test_it_says_no_more_than_a_board_would(bench):
    heard = bench.until(b">>> ")
    assert heard.startswith(b"MicroPython")
    assert b"amont-up" not in heard
    assert b"\r\r" not in heard
    assert bench.say(b"\x01", b"\r\n>").endswith(b"raw REPL; CTRL-B to exit\r\n>")
    assert bench.say(b"print('a\\nb')\x04", b"\x04>") == b"OKa\r\nb\r\n\x04\x04>"


def test_ctrl_c_interrupts_a_program_and_is_a_character_at_the_prompt(bench):
    bench.until(b">>> ")
    bench.say(b"\x03", b">>> ")
    bench.say(b"\x01", b"\r\n>")
    bench.say(b"while True: pass\x04", b"OK")
    assert b"KeyboardInterrupt" in bench.say(b"\x03", b"\x04>")


def test_ctrl_d_starts_afresh_raw_as_raw_and_the_program_otherwise(bench):
    bench.until(b">>> ")
    (bench.folder / "main.py").write_text("print('main', __name__)")
    (bench.folder / "boot.py").write_text("print('boot')")
    bench.say(b"\x01", b"\r\n>")
    raw = bench.say(b"\x04", b"raw REPL; CTRL-B to exit\r\n>")
    assert b"soft reboot\r\n" in raw
    assert b"boot\r\n" in raw
    assert b"main" not in raw
    bench.say(b"\x02", b">>> ")
    friendly = bench.say(b"\x04", b">>> ")
    assert b"main __main__\r\n" in friendly
    assert f"cause {const.RESET_SOFT}".encode() in cause(bench)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ("machine.reset()", const.RESET_SOFT),
        ("machine.deepsleep(10)", const.RESET_DEEP_SLEEP),
        ("import os; os.system('kill -ALRM $PPID')", const.RESET_WATCHDOG),
        ("import os; os.system('kill -KILL $PPID')", const.RESET_POWER),
    ],
)
def test_why_it_started_is_known(bench, ends, expected):
    bench.until(b">>> ")
    bench.say(b"\x01", b"\r\n>")
    bench.say(f"import machine\n{ends}\x04".encode(), b">>> ")
    assert f"cause {expected}\r\n".encode() in cause(bench)


def test_a_program_that_fails_leaves_a_prompt(bench):
    bench.until(b">>> ")
    (bench.folder / "main.py").write_text("1/0")
    bench.bridge.power_off()
    bench.bridge.power_on()
    assert b"ZeroDivisionError" in bench.until(b">>> ")


def test_a_pulled_cable_hangs_up_and_the_board_goes_on(bench):
    bench.until(b">>> ")
    bench.say(b"\x01", b"\r\n>")
    bench.say(b"kept=1\x04", b"\x04>")
    bench.bridge.pull()
    bench.bridge.pull()  # twice is once
    with pytest.raises(OSError, match="Input/output"):
        os.write(bench.line, b"x")
    os.close(bench.line)
    bench.plug()
    assert b"OK1\r\n" in bench.say(b"print(kept)\x04", b"\x04>")


def test_noise_without_end_is_lost_and_holds_nothing_up(bench):
    bench.until(b">>> ")
    bench.say(b"\x01", b"\r\n>")
    bench.say(b"import time\ntime.sleep(0.5)\x04", b"OK")
    for _ in range(40):
        os.write(bench.line, b"x" * 2000)
        bench.bridge.pump(bench.quiet.fileno())
    assert len(bench.bridge._pending) <= virtual_bridge.PENDING_BYTES
    assert bench.say(b"\x03", b"KeyboardInterrupt")


def test_a_slow_listener_misses_nothing_and_a_missing_one_holds_nobody_up(bench, monkeypatch):
    loud = "for n in range(3000): print('line', n, 'x' * 200)\nopen('done', 'w').close()\n"
    bench.until(b">>> ")
    (bench.folder / "main.py").write_text(loud)
    bench.bridge.power_off()
    bench.bridge.power_on()
    while not bench.bridge._unsaid:
        bench.bridge.pump(bench.quiet.fileno())
    assert not (bench.folder / "done").exists()
    heard = [line for line in bench.until(b">>> ").split(b"\r\n") if line.startswith(b"line")]
    assert heard == [b"line %d " % n + b"x" * 200 for n in range(3000)]
    (bench.folder / "done").unlink()
    monkeypatch.setattr(virtual_bridge, "LISTEN_S", 0.1)
    bench.bridge.power_off()
    bench.bridge.power_on()
    end = time.monotonic() + 20
    while not (bench.folder / "done").exists():
        assert time.monotonic() < end
        bench.bridge.pump(bench.quiet.fileno())


def test_two_bridges_are_one_and_none_outlives_its_lock_file(tmp_path):
    lock = os.open(tmp_path / LOCK, os.O_RDWR | os.O_CREAT)
    assert virtual_bridge._is_ours(tmp_path, lock)
    (tmp_path / LOCK).unlink()
    assert not virtual_bridge._is_ours(tmp_path, lock)
    (tmp_path / LOCK).touch()
    assert not virtual_bridge._is_ours(tmp_path, lock)
    os.close(lock)
