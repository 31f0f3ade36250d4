from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amont_watch import machine
from amont_watch import siren as w
from amont_watch.hazard import Hazard
from amont_watch.vote import NORMAL, Vote

sys.path.insert(0, str(Path(__file__).parent))
import exploration as ex

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


@pytest.fixture(autouse=True)
def short_hold(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Hazard, "HOLD_S", ex.HOLD_S)


@pytest.mark.timeout(300)  # some 10 s of work; machines that run it may be busy
def test_invariants_hold_in_every_reachable_state() -> None:
    worlds, transitions = ex.explore()
    reached = {(x.state.annunciation, x.state.mode) for x in worlds}
    assert {a for a, _ in reached} == {w.IDLE, w.SOUND, w.MUTED, w.LATCH}
    assert {m for _, m in reached} == {w.ARMED, w.TEST, w.DRILL, w.BYPASS}
    assert len(worlds) > 10_000
    assert transitions == len(worlds) * len(ex.EVENTS)
    for world in worlds:
        ex.check_liveness(world)


# --- planted mistakes: each must break the invariant that forbids it

_SOURCES, _GUARD, _RULE, _EFFECT = 0, 2, 4, 5  # columns of a table's row


def _rows(patch: Patch, table: str, edit: Callable[[list[Any]], list[Any]]) -> None:
    patch.setattr(machine, table, tuple(edit(list(getattr(machine, table)))))


def _without(table: str, rule: str) -> Mutant:
    return lambda patch: _rows(patch, table, lambda rows: [r for r in rows if r[_RULE] != rule])


def _change(table: str, rule: str, column: int, value: Any) -> Mutant:
    def edit(rows: list[Any]) -> list[Any]:
        return [
            (*row[:column], value, *row[column + 1 :]) if row[_RULE] == rule else row
            for row in rows
        ]

    return lambda patch: _rows(patch, table, edit)


def _extra(table: str, sources: tuple[int, ...], kind: str | None, target: int) -> Mutant:
    row = (sources, kind, lambda _turn: True, target, "planted", lambda _turn: None)
    return lambda patch: _rows(patch, table, lambda rows: [row, *rows])


def _unrefused(kind: str, why: str) -> Mutant:
    def edit(rows: list[Any]) -> list[Any]:
        return [row for row in rows if (row[0], row[2]) != (kind, why)]

    return lambda patch: _rows(patch, "_REFUSALS", edit)


def _input(kind: str, take: Callable[[Any], None]) -> Mutant:
    return lambda patch: patch.setitem(machine._INPUTS, kind, take)


def _set(owner: Any, name: str, value: Any) -> Mutant:
    return lambda patch: patch.setattr(owner, name, value)


def _agree_alone(turn: Any) -> None:
    machine._timed(turn)


def _agree_with_oneself(turn: Any) -> None:
    asked = turn.state.asked
    machine._ask(turn)
    if asked is not None and asked[0] == turn.event.kind:
        turn.agreed_s = asked[3]


def _ask_for_ever(turn: Any) -> None:
    machine._ask(turn)
    if turn.state.asked is not None:
        kind, person, until_s, seconds = turn.state.asked
        turn.state.asked = (kind, person, until_s + 1, seconds)


def _mute_uncharged(turn: Any) -> None:
    turn.state.mute_until_s = turn.now_s + turn.agreed_s
    turn.state.mute_level = turn.state.level


def _relay_once(state: w.State, now_s: int, limits: w.Limits) -> int:
    sounds = state.annunciation == w.SOUND and state.mode != w.BYPASS
    return w.ALARM_TONE if sounds and now_s - state.burst_s < limits.max_on_s else w.OFF


def _relay_drills(state: w.State, _now_s: int, _limits: w.Limits) -> int:
    return w.DRILL_TONE if state.mode == w.ARMED and state.annunciation == w.SOUND else w.OFF


def _relay_ignores_key(state: w.State, _now_s: int, _limits: w.Limits) -> int:
    return w.ALARM_TONE if state.annunciation == w.SOUND else w.OFF


def _clear_at_once(self: Hazard, hold: int, _now_s: int) -> str:
    self.level = min(self.level, hold)
    return ""


def _clear_by_level(self: Hazard, vote: Vote, now_s: int) -> str:
    if vote.level >= self.level:
        self.level = vote.level
        return ""
    return self._clear(vote.level, now_s)  # forgets hysteresis and lost data


def _forget_budget(saved: dict[str, Any], now_s: int, real: Any = w.state_from_dict) -> w.State:
    state: w.State = real(saved, now_s)
    state.muted_s = 0
    return state


def _endless(turn: Any) -> None:
    turn.state.mode_until_s = turn.now_s + 100


SOUNDS, MODES = "_ANNUNCIATION", "_MODE"
MUTANTS: dict[str, tuple[str, Mutant]] = {
    "an alarm does not sound": ("I1", _without(SOUNDS, "alarm")),
    "a higher level waits for the pause": ("I1", _without(SOUNDS, "level rose")),
    "a mute never ends": ("I2", _without(SOUNDS, "mute over")),
    "a mute is not charged": ("I2", _change(SOUNDS, "muted", _EFFECT, _mute_uncharged)),
    "the budget dies in a restart": ("I2", _set(w, "state_from_dict", _forget_budget)),
    "acknowledging silences": ("I3", _extra(SOUNDS, (w.SOUND,), w.ACKNOWLEDGE, w.MUTED)),
    "one person mutes": ("I4", _input(w.MUTE, _agree_alone)),
    "one person counts twice": ("I4", _input(w.MUTE, _agree_with_oneself)),
    "an old ask still counts": ("I4", _input(w.START_DRILL, _ask_for_ever)),
    "the schedule mutes": ("I4", _unrefused(w.MUTE, "no name")),
    "one person drills": ("I4", _input(w.START_DRILL, _agree_alone)),
    "the key drills": ("I4", _unrefused(w.START_DRILL, "two people needed")),
    "an alarm stops after a burst": ("I5", _set(machine, "_relay", _relay_once)),
    "a timer ends an alarm": ("I5", _extra(SOUNDS, (w.SOUND,), w.TICK, w.LATCH)),
    "the key does not silence": ("I7", _set(machine, "_relay", _relay_ignores_key)),
    "a fault sounds": ("I6", _extra(SOUNDS, (w.IDLE,), w.RAISE_FAULT, w.SOUND)),
    "a fault silences": ("I5", _extra(SOUNDS, (w.SOUND,), w.RAISE_FAULT, w.LATCH)),
    "a fault ends a drill": ("I6", _extra(MODES, (w.DRILL,), w.RAISE_FAULT, w.ARMED)),
    "a restart starts a siren": ("I7", _extra(SOUNDS, (w.IDLE,), w.RESTART, w.SOUND)),
    "a restart clears a latch": ("I7", _extra(SOUNDS, (w.LATCH,), w.RESTART, w.IDLE)),
    "a restart keeps a mute": ("I7", _without(SOUNDS, "restart restores the alarm")),
    "a restart goes on with a drill": ("I7", _without(MODES, "restart ends test and drill")),
    "a restored level starts a siren": (
        "I7", _change(SOUNDS, "alarm", _GUARD, lambda turn: turn.state.level >= 3)),
    "a latch resets itself": ("I8", _extra(SOUNDS, (w.LATCH,), w.TICK, w.IDLE)),
    "a reset needs nobody": ("I8", _unrefused(w.RESET, "no name")),
    "a reset needs no acknowledgement": ("I8", _unrefused(w.RESET, "not acknowledged")),
    "a reset in a warning": ("I8", _unrefused(w.RESET, "hazard not over")),
    "an alarm waits for a test": (
        "I9", _change(MODES, "hazard ends test and drill", _SOURCES, (w.DRILL,))),
    "an alarm waits for a drill": ("I10", _without(MODES, "hazard ends test and drill")),
    "a drill tone in an alarm": ("I10", _set(machine, "_relay", _relay_drills)),
    "a mute survives a higher level": ("I11", _without(SOUNDS, "level above the muted one")),
    "a mute survives a new vote": ("I11", _without(SOUNDS, "new vote while muted")),
    "a test in a warning": ("mode", _unrefused(w.START_TEST, "not calm")),
    "a drill in a warning": ("I10", _unrefused(w.START_DRILL, "not calm")),
    "a drill never ends": ("mode", _without(MODES, "drill over")),
    "a bypass from afar": ("mode", _unrefused(w.START_BYPASS, "local key only")),
    "a bypass never ends": ("mode", _change(MODES, "bypass", _EFFECT, _endless)),
    "a bypass is forgotten": ("mode", _without(MODES, "bypass goes on")),
    "a hazard falls at once": ("hazard", _set(Hazard, "_clear", _clear_at_once)),
    "lost data counts as calm": ("hazard", _set(Hazard, "take", _clear_by_level)),
    "the alarm never ends": ("liveness", _without(SOUNDS, "hazard over")),
}  # fmt: skip


def _explore_and_end() -> None:
    for world in ex.explore(most=4_000)[0][::17]:
        ex.check_liveness(world)


@pytest.mark.parametrize("name", MUTANTS)
def test_exploration_catches_a_planted_mistake(name: str, monkeypatch: Patch) -> None:
    invariant, plant = MUTANTS[name]
    plant(monkeypatch)
    with pytest.raises(ex.Broken, match="^" + invariant):
        _explore_and_end()


def test_every_invariant_caught_a_mistake_of_its_own() -> None:
    caught = {invariant for invariant, _ in MUTANTS.values()}
    assert caught == {f"I{n}" for n in range(1, 12)} | {"mode", "hazard", "liveness"}


def test_the_watcher_itself_accepts_a_calm_day() -> None:
    world = ex.World()
    for _ in range(3):
        world = ex.play(ex.play(world, ("vote", 0, 0, 1, ())), (w.TICK,))
    assert (world.relay, world.state.level) == (w.OFF, NORMAL)
