"""A simulated board between hands: cable pulled, power cut, asked for twice, thrown away."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from amont_hil.rig import SimBoard
from amont_provision.port import VirtualPort, open_port
from amont_provision.serial_port import SerialPort
from amont_provision.texts import Refused
from amont_provision.virtual import LOG, TERMINAL, VirtualBoard, main

pytestmark = [pytest.mark.micropython, pytest.mark.needs("cable")]
BEATS = "import time\nn = 0\nwhile True:\n print('amont', n)\n n += 1\n time.sleep_ms(20)\n"
BIG = bytes(range(256)) * 160


def until(reached: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "not reached in time"
        time.sleep(0.01)


def write_for_ever(port: SerialPort) -> None:
    for _ in range(100):
        port.write("x.bin", BIG)
        port.write("x.bin", b"old")


def test_a_cable_pulled_in_a_transfer_keeps_the_old_file_and_the_next_try_works(
    rigged: SimBoard,
) -> None:
    for after_s in (0.02, 0.1, 0.25, 0.4):
        port = rigged.open()
        port.write("x.bin", b"old")
        hand = threading.Timer(after_s, rigged.virtual.pull)
        hand.start()
        with pytest.raises(Refused) as caught:
            write_for_ever(port)
        assert caught.value.code == "port-pulled"
        hand.join()
        port.close()
        assert (rigged.root / "x.bin").read_bytes() in (b"old", BIG)
        rigged.virtual.plug()
    port = rigged.open()
    port.write("x.bin", BIG)
    assert port.read("x.bin") == BIG
    port.close()


def test_power_cut_in_a_transfer_keeps_the_old_file(rigged: SimBoard) -> None:
    port = rigged.open()
    port.write("x.bin", b"old")
    for after_s in (0.02, 0.1, 0.2):
        hand = threading.Timer(after_s, rigged.virtual.reset)
        hand.start()
        for _ in range(2):
            port.write("x.bin", BIG)  # notices the restart and begins again
            assert (rigged.root / "x.bin").read_bytes() == BIG
            port.write("x.bin", b"old")
        hand.join()
    port.close()


def test_the_program_runs_on_without_a_cable_and_between_commands(rigged: SimBoard) -> None:
    port = rigged.open()
    port.write("main.py", BEATS.encode())
    port.reset()
    first = next(line for line in port.lines(5) if line.startswith("amont"))
    port.close()
    rigged.virtual.pull()
    with pytest.raises(Refused, match="cable is pulled"):
        rigged.open()
    time.sleep(0.2)
    rigged.virtual.plug()
    port = rigged.open()
    later = next(line for line in list(port.lines(0.5))[1:])
    assert int(later.split()[1]) > int(first.split()[1]) + 5
    port.close()


def test_what_nobody_hears_does_not_hold_the_program_up(rigged: SimBoard) -> None:
    port = rigged.open()
    loud = "for n in range(3000): print('x' * 50)\nopen('done', 'w').close()\n"
    port.write("main.py", loud.encode())
    port.reset()
    port.close()
    until((rigged.root / "done").exists)


def test_a_program_that_ends_at_once_does_not_spin(rigged: SimBoard) -> None:
    port = VirtualPort(rigged.root)
    port.write(
        "main.py", b"f = open('boots', 'a'); f.write('.'); f.close()\nraise SystemExit(70)\n"
    )
    port.reset()
    boots = rigged.root / "boots"
    until(lambda: boots.exists() and boots.stat().st_size >= 2)
    before = boots.stat().st_size
    time.sleep(0.5)
    assert boots.stat().st_size - before <= 3
    port.close()


def test_many_askers_start_one_board(tmp_path: Path) -> None:
    made = [VirtualBoard(tmp_path) for _ in range(4)]
    threads = [threading.Thread(target=board.start) for board in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({board.terminal() for board in made}) == 1
        assert all(board.running() for board in made)
    finally:
        made[0].stop()
    assert not any(board.running() for board in made)
    assert not (tmp_path / TERMINAL).is_symlink()


def test_a_board_never_outlives_its_folder(tmp_path: Path) -> None:
    root = tmp_path / "board"
    root.mkdir()
    board = VirtualBoard(root)
    board.start()
    pid = board._pid()
    shutil.rmtree(root)
    until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid))


def _is_zombie(pid: int | None) -> bool:
    return f"{pid} (python) Z" in Path(f"/proc/{pid}/stat").read_text()


def test_a_board_left_behind_by_a_crash_is_started_again(tmp_path: Path) -> None:
    board = VirtualBoard(tmp_path)
    board.start()
    pid = board._pid()
    assert pid is not None
    subprocess.run(["kill", "-9", str(pid)], check=True)
    until(lambda: not board.running())
    port = open_port(f"virtual:{tmp_path}")
    assert port.exec("print(1)") == b"1\r\n"
    port.close()
    board.stop()


def test_hands_from_the_command_line(tmp_path: Path) -> None:
    def hand(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "amont_provision.virtual", *words],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    folder = str(tmp_path)
    assert hand("start", folder).returncode == 0
    board = VirtualBoard(tmp_path)
    assert board.running()
    assert hand("pull", folder).returncode == 0
    assert not (tmp_path / TERMINAL).is_symlink()
    assert hand("plug", folder).returncode == 0
    assert (tmp_path / TERMINAL).is_symlink()
    assert hand("stop", folder).returncode == 0
    assert not board.running()
    assert hand("sing", folder).returncode == 2
    assert "start|stop" in hand("start").stderr


def test_a_board_that_cannot_start_is_told_with_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("amont_provision.virtual.START_S", 0.3)
    monkeypatch.setattr("amont_provision.virtual.BRIDGE", "amont_provision.no_such_bridge")
    assert main(["start", str(tmp_path)]) == 1
    assert f"{tmp_path}/{LOG}" in capsys.readouterr().err
    assert "no_such_bridge" in (tmp_path / LOG).read_text()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Refused, match="pip install"):
        VirtualBoard(tmp_path).start()
