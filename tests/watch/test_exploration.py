from __future__ import annotations

import copy
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


@pytest.mark.timeout(300)  # some 3 s of work; machines that run it may be busy
def test_invariants_hold_in_every_reachable_state() -> None:
    worlds, transitions = ex.explore()
    reached = {(x.state.annunciation, x.state.mode) for x in worlds}
    assert {a for a, _ in reached} == {w.IDLE, w.SOUND, w.MUTED, w.LATCH}
    assert {m for _, m in reached} == {w.ARMED, w.TEST, w.DRILL, w.BYPASS}
    assert len(worlds) > 4_000
    assert transitions == len(worlds) * len(ex.EVENTS)
    for world in worlds[::17]:
        ex.check_liveness(world)


# --- planted mistakes: each must break an invariant


def _rows(patch: Patch, region: str, edit: Callable[[list[Any]], list[Any]]) -> None:
    tables = tuple((n, tuple(edit(list(t))) if n == region else t) for n, t in machine._REGIONS)
    patch.setattr(machine, "_REGIONS", tables)


def _without(region: str, rule: str) -> Mutant:
    return lambda patch: _rows(patch, region, lambda rows: [r for r in rows if r.rule != rule])


def _change(region: str, rule: str, name: str, value: Callable[[Any], Any]) -> Mutant:
    def edit(rows: list[Any]) -> list[Any]:
        changed = [copy.copy(row) for row in rows]
        for row in changed:
            if row.rule == rule:
                setattr(row, name, value)
        return changed

    return lambda patch: _rows(patch, region, edit)


def _extra(region: str, sources: tuple[int, ...], kind: str | None, target: int) -> Mutant:
    row = machine._Row(sources, kind, lambda _turn: True, target, "planted", lambda _turn: None)
    return lambda patch: _rows(patch, region, lambda rows: [row, *rows])


def _set(owner: Any, name: str, value: Any) -> Mutant:
    return lambda patch: patch.setattr(owner, name, value)


def _yes(_turn: Any) -> bool:
    return True


def _agree_alone(turn: Any, most_s: int) -> None:
    turn.agreed_s = most_s


def _agree_with_oneself(turn: Any, most_s: int) -> None:
    if any(ask[0] == turn.event.kind for ask in turn.state.asked):
        turn.agreed_s = most_s
    turn.state.asked = [(turn.event.kind, turn.event.person, turn.now_s, most_s)]


def _mute_uncharged(turn: Any) -> None:
    turn.state.mute_until_s = turn.now_s + turn.agreed_s
    turn.state.mute_level = turn.state.level


def _relay_once(state: w.State, now_s: int, limits: w.Limits) -> int:
    sounds = state.annunciation == w.SOUND and state.mode != w.BYPASS
    return w.ALARM_TONE if sounds and now_s - state.burst_s < limits.max_on_s else w.OFF


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


MUTANTS: dict[str, Mutant] = {
    "one person mutes": _set(machine, "_agree", _agree_alone),
    "one person counts twice": _set(machine, "_agree", _agree_with_oneself),
    "a mute never ends": _without("annunciation", "mute over"),
    "a mute is not charged": _change("annunciation", "muted", "effect", _mute_uncharged),
    "the budget dies in a restart": _set(w, "state_from_dict", _forget_budget),
    "a mute survives a higher level": _without("annunciation", "level above the muted one"),
    "acknowledging silences": _extra("annunciation", (w.SOUND,), w.ACKNOWLEDGE, w.MUTED),
    "a fault sounds": _extra("annunciation", (w.IDLE,), w.RAISE_FAULT, w.SOUND),
    "a fault silences": _extra("annunciation", (w.SOUND,), w.RAISE_FAULT, w.LATCH),
    "a restart starts a siren": _extra("annunciation", (w.IDLE,), w.RESTART, w.SOUND),
    "a restart clears a latch": _extra("annunciation", (w.LATCH,), w.RESTART, w.IDLE),
    "a restart keeps a mute": _without("annunciation", "restart restores the alarm"),
    "a latch resets itself": _extra("annunciation", (w.LATCH,), w.TICK, w.IDLE),
    "a reset needs nobody": _change("annunciation", "reset", "guard", _yes),
    "an alarm does not sound": _without("annunciation", "alarm"),
    "an alarm stops after a burst": _set(machine, "_relay", _relay_once),
    "the key does not silence": _set(machine, "_relay", _relay_ignores_key),
    "a restored level starts a siren": _change(
        "annunciation", "alarm", "guard", lambda turn: turn.state.level >= 3
    ),
    "an alarm waits for a drill": _without("mode", "hazard ends test and drill"),
    "a drill in a warning": _set(machine, "_calm", lambda turn: turn.state.level < 3),
    "a drill never ends": _without("mode", "drill over"),
    "a bypass from afar": _change("mode", "bypass", "guard", _yes),
    "a bypass never ends": _change("mode", "bypass", "effect", _endless),
    "a hazard falls at once": _set(Hazard, "_clear", _clear_at_once),
    "lost data counts as calm": _set(Hazard, "take", _clear_by_level),
    "a timer ends an alarm": _extra("annunciation", (w.SOUND,), w.TICK, w.LATCH),
    "the alarm never ends": _without("annunciation", "hazard over"),
}


def _explore_and_end() -> None:
    for world in ex.explore(most=4_000)[0][::17]:
        ex.check_liveness(world)


@pytest.mark.parametrize("name", MUTANTS)
def test_exploration_catches_a_planted_mistake(name: str, monkeypatch: Patch) -> None:
    MUTANTS[name](monkeypatch)
    with pytest.raises(ex.Broken):
        _explore_and_end()


def test_the_watcher_itself_accepts_a_calm_day() -> None:
    world = ex.World()
    for _ in range(3):
        world = ex.play(ex.play(world, ("vote", 0, 0, 1)), (w.TICK,))
    assert (world.relay, world.state.level) == (w.OFF, NORMAL)
