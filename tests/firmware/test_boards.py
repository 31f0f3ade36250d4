"""The loader and whole releases as .mpy files on real MicroPython, in a Pico's heap."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hil_tests.rig_parts import clock_line
from tests.firmware.slot_rig import image
from tests.firmware.supply_rig import EXIT_RESET, Guard, Supply

from amont_provision.compile import application, compiled
from amont_wire import const
from amont_wire.messages import Config

pytestmark = pytest.mark.micropython
LIMIT_S = 60.0
UPDATE_LIMIT_S = 60.0
SIGALRM_EXIT = -14


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return compiled(application())


@pytest.fixture
def guard() -> Iterator[Guard]:
    one = Guard()
    yield one
    one.socket.close()


@pytest.fixture
def supply(tmp_path: Path, files: dict[str, bytes], guard: Guard) -> Iterator[Supply]:
    one = Supply(tmp_path / "board")
    one.install(1, files)
    one.enrol(guard.port)
    yield one
    one.kill()


def serve(
    supply: Supply, guard: Guard, until: Callable[[], bool], limit_s: float = LIMIT_S
) -> None:
    """Let both live until something holds, the board started again whenever it ends."""

    def holds() -> bool:
        supply.tend()
        return until()

    guard.serve(limit_s, holds)
    assert until(), supply.log()[-2000:]


def events(supply: Supply, name: str) -> list[dict[str, object]]:
    lines = [line[6:] for line in supply.log().splitlines() if line.startswith("amont ")]
    return [event for event in map(json.loads, lines) if event["event"] == name]


def test_a_release_says_nothing_without_the_button(supply: Supply, guard: Guard) -> None:
    supply.start()
    serve(supply, guard, lambda: guard.samples > 1)
    assert supply.log() == ""
    assert supply.record()["bad_boots"] == 0
    assert guard.hellos[0].firmware == 1
    assert guard.hellos[0].reset_cause == const.RESET_POWER


def test_service_mode_tells_what_verify_reads(supply: Supply, guard: Guard) -> None:
    (supply.root / "button").touch()
    supply.start()
    serve(supply, guard, lambda: len(events(supply, "ack")) > 3)
    boot = events(supply, "boot")[0]
    assert (boot["node"], boot["release"], boot["slot"], boot["safe"]) == (17, 1, "a", False)
    sent = {event["counter"]: event for event in events(supply, "sent")}
    ack = events(supply, "ack")[-1]
    assert ack["counter"] in sent
    assert ack["rssi_dbm"] == -80
    sample = events(supply, "sample")[0]
    assert sample["values"] == [[0, 1234, 0]]
    assert "secret" not in supply.log()


def test_nothing_to_run_leaves_the_repl(tmp_path: Path, files: dict[str, bytes]) -> None:
    bare = Supply(tmp_path / "bare")
    bare.install(1, files)
    bare.start()
    while bare._process is not None and bare._process.running():
        os.sched_yield()
    assert '"not enrolled"' in bare.log()
    bare.enrol(9)
    (bare.root / "a" / "release.json").unlink()
    bare.start()
    while bare._process is not None and bare._process.running():
        os.sched_yield()
    assert '"no release"' in bare.log()


def test_a_release_by_the_air_through_power_cuts(
    supply: Supply, guard: Guard, files: dict[str, bytes]
) -> None:
    supply.enrol(guard.port, max_awake_s=600, interval_s=300, fast_interval_s=300)
    clock_line(supply.root / "clock", 0, 600)  # airtime is counted in the node's own seconds
    guard.image, guard.release = image(2, files), 2
    supply.start()
    for share in (3, 2):
        serve(supply, guard, lambda s=share: _next(guard) > len(guard.image) // s, UPDATE_LIMIT_S)  # type: ignore[misc]
        supply.kill()
        before = _next(guard)
        guard.progress.clear()
        supply.start()
        serve(supply, guard, lambda: bool(guard.progress))
        assert guard.progress[0].next > before - 4096  # what was in RAM comes again, no more
    serve(supply, guard, lambda: supply.record()["slot"] == "b", UPDATE_LIMIT_S)
    serve(supply, guard, lambda: guard.progress[-1].state == const.PROGRESS_RUNNING)
    states = {report.state for report in guard.progress}
    assert states == {const.PROGRESS_WANTS, const.PROGRESS_CHECKED, const.PROGRESS_RUNNING}
    assert guard.hellos[-1].firmware == 2
    assert guard.hellos[-1].reset_cause == const.RESET_SOFT
    assert supply.record() == {"schema": 1, "slot": "b", "trying": None, "tries": 0,
                               "bad_boots": 0, "release": 2}  # fmt: skip
    assert not (supply.root / "update.img").exists()
    assert supply.exits == [EXIT_RESET]


def _next(guard: Guard) -> int:
    return max((report.next for report in guard.progress), default=0)


@pytest.mark.parametrize("fails", ["import", "start"])
def test_a_release_that_fails_gives_way(
    supply: Supply, guard: Guard, files: dict[str, bytes], fails: str
) -> None:
    text = {"import": b"raise ValueError('no good')\n",
            "start": b"def start(folder, service):\n    raise OSError(5)\n"}[fails]  # fmt: skip
    bad = {**files, **compiled({"amont_node/app.py": text})}
    _switch(supply, 2, bad)
    supply.start()
    serve(supply, guard, lambda: supply.record()["trying"] is None)
    serve(supply, guard, lambda: bool(guard.hellos) and bool(guard.progress))
    assert supply.exits == [EXIT_RESET] * 3
    assert guard.hellos[-1].firmware == 1
    report = guard.progress[-1]
    assert (report.release, report.state) == (2, const.PROGRESS_REFUSED)
    assert supply.record()["failed"] == 2
    assert "no good" in (supply.root / "crash.txt").read_text() or fails == "start"


def _switch(supply: Supply, number: int, files: dict[str, bytes]) -> None:
    from tests.firmware.slot_rig import write_slot

    from amont_node import slots

    slots.begin(str(supply.root))
    write_slot(supply.root / "b", number, files)
    slots.switch(str(supply.root), "b")


def test_five_bad_boots_leave_a_node_that_measures(supply: Supply, guard: Guard) -> None:
    supply.record({"schema": 1, "slot": "a", "trying": None, "tries": 0, "bad_boots": 5,
                   "release": 1})  # fmt: skip
    supply.enrol(guard.port, profile="flash-flood", interval_s=60, fast_interval_s=60)
    clock_line(supply.root / "clock", 0, 600)
    guard.config = Config(0, 0, 9, [(1, 600)])
    guard.image, guard.release = b"AMU1" + bytes(99), 2
    supply.start()
    serve(supply, guard, lambda: guard.samples > 3 and bool(guard.healths))
    assert guard.healths[-1].faults & const.FAULT_SAFE_MODE
    assert guard.healths[-1].config_version == 1
    assert not guard.progress
    assert supply.record()["bad_boots"] == 6


def test_a_probe_that_hangs_ends_the_boot(supply: Supply, guard: Guard) -> None:
    probe = {"kind": "replay", "file": "fifo"}
    os.mkfifo(supply.root / "fifo")  # nobody ever writes to it: opening it waits for ever
    supply.enrol(
        guard.port, board={"name": "unix", "watchdog_s": 2},
        channels=[{"index": 0, "quantity": 1, "step": 1, "probe": probe}],
    )  # fmt: skip
    supply.start()
    serve(supply, guard, lambda: len(supply.exits) >= 2 and len(guard.hellos) >= 3)
    assert set(supply.exits) == {SIGALRM_EXIT}
    assert guard.hellos[-1].reset_cause == const.RESET_WATCHDOG
    assert supply.record()["bad_boots"] != 0
