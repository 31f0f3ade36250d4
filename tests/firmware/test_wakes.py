"""Every wake ends in one sleep: what raises, what hangs, what never answers."""

import json
from pathlib import Path

import pytest
from tests.firmware.test_app import Bench, Make, bench

from amont_node import app, slots
from amont_node.config import BoardConfig
from amont_wire import const

__all__ = ["bench"]
BOARDS = Path(__file__).parents[2] / "firmware" / "boards"
REAL = ("pico", "pico-w", "pico2", "esp32")


def refuse(*_: object) -> None:
    raise OSError(5, "broken")


@pytest.mark.parametrize("what", ["receive", "send", "ready"])
def test_a_carrier_that_raises_costs_its_wake(
    bench: Make, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    one = bench()
    one.wake(60)
    with monkeypatch.context() as broken:
        broken.setattr(one.air, what, refuse)
        slept = len(one.air.waits)
        with pytest.raises(OSError, match="broken"):
            one.wake(60)
        assert len(one.air.waits) == slept + 1
    for _ in range(4):
        one.wake(60)
    assert {seq for life, seq in one.guard.readings if life == 0} >= {0, 1, 2, 3}


def test_a_probe_that_raises_anything_costs_its_value(bench: Make) -> None:
    one = bench()

    class Odd:
        def read(self, clock_s: int) -> int:
            raise ZeroDivisionError("in the driver")

    one.node._probes = [Odd()]
    for _ in range(3):
        one.wake(60)
    (record,) = one.node.outbox.read(0, 1, 1)
    assert record.quality == const.MISSING
    assert one.node._fault_bits & const.FAULT_PROBE


def test_nobody_answers_and_it_rests_until_the_next_sample(bench: Make) -> None:
    one = bench(interval_s=900, fast_interval_s=900, max_awake_s=60, answer_ms=5000)
    one.guard.answering = False
    node = one.node
    node.duty.delivery.waits = lambda: True  # type: ignore[method-assign]  # for ever
    rested = 0
    for _ in range(1000):
        one.wake(1)
        rested += node._rests()
    # Of a thousand seconds it was awake for a minute, and a minute more after the next sample.
    assert 860 <= rested <= 900


class Loop:
    """The entry's loop over a node whose every wake fails, up to a number of wakes."""

    def __init__(self, one: Bench, monkeypatch: pytest.MonkeyPatch, wakes: int) -> None:
        self.wakes = 0
        self._left = wakes

        def wake() -> None:
            self.wakes += 1
            if self.wakes > self._left:
                raise KeyboardInterrupt
            raise ValueError("a mistake of ours")

        monkeypatch.setattr(one.node, "wake", wake)
        monkeypatch.setattr(app, "Node", lambda *_: one.node)

    def run(self) -> None:
        app.run("nowhere")


def test_ten_failed_wakes_end_the_boot_of_a_release(
    bench: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bench()
    one.node.boot.slot = "a"
    loop = Loop(one, monkeypatch, 1000)
    with pytest.raises(RuntimeError, match="10 wakes failed"):
        loop.run()
    assert loop.wakes == 10


def test_without_a_loader_a_mistake_ends_nothing(
    bench: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(bench(), monkeypatch, 50)
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    assert loop.wakes == 51


def on_trial(one: Bench) -> None:
    """Let this boot be a trial of release 8 in slot b."""
    boot = slots.Boot(str(one.folder))
    boot.slot, boot.on_trial, boot.release = "b", True, 8
    boot._record = {"schema": 1, "slot": "a", "trying": "b", "tries": 1, "bad_boots": 1,
                    "release": 7}  # fmt: skip
    one.node.boot = one.node.upkeep.boot = boot


def wakes_until_reset(one: Bench, seconds: int) -> object:
    """Let time pass until the node resets; return its exit code."""
    try:
        for _ in range(1000):
            one.wake(seconds)
    except SystemExit as ended:
        return ended.code
    return None


def test_a_trial_is_good_by_the_first_answer(bench: Make) -> None:
    one = bench()
    on_trial(one)
    one.wake()
    one.node.note_good(False)  # a whole wake is not enough
    assert one.node.boot.on_trial
    one.wake(1)
    assert not one.node.boot.on_trial
    record = slots.status(str(one.folder))["record"]
    assert record == {"schema": 1, "slot": "b", "trying": None, "tries": 0, "bad_boots": 0,
                      "release": 8}  # fmt: skip


def test_a_trial_without_answer_ends_after_a_quarter_of_an_hour(bench: Make) -> None:
    one = bench()
    on_trial(one)
    one.guard.answering = False
    assert wakes_until_reset(one, 1) == 70
    assert 890 < one.clock.s < 910


def test_safe_mode_tries_again_after_a_day(bench: Make) -> None:
    one = bench(interval_s=3600, fast_interval_s=3600)
    on_trial(one)
    one.node.boot.on_trial = False
    one.node.boot.is_safe = True
    assert wakes_until_reset(one, 3600) == 70
    assert 24 * 3600 <= one.clock.s <= 26 * 3600
    record = slots.status(str(one.folder))["record"]
    assert isinstance(record, dict)
    assert record["bad_boots"] == slots.BAD_BOOTS - 1


NO_PINS = ("id", "tcxo_mv", "tcxo_us")


def pins(value: object) -> list[int]:
    """Return every pin that a board's file gives to something."""
    if isinstance(value, dict):
        wired = [part for key, part in value.items() if key not in NO_PINS]
        return [pin for part in wired for pin in pins(part)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


@pytest.mark.parametrize("name", REAL)
def test_boards_name_pins_once_and_none_that_is_taken(name: str) -> None:
    board = json.loads((BOARDS / f"{name}.json").read_text())
    assert board["name"] == name
    assert board["hal"] == "hal_board"
    assert set(board["about"]) == {"fr", "en"}
    for other in ("modem", "radio"):  # a node has one of them
        given = pins({what: wired for what, wired in board["pins"].items() if what != other})
        assert len(given) == len(set(given))
        assert not set(given) & set(board["taken"])
    usual = {"name": name, "watchdog_s": board["watchdog_s_max"], **board["usual"]}
    assert BoardConfig(usual).button == board["pins"]["button"]
