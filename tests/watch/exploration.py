"""Walk every state of the real hazard and siren with small timers, watching the invariants.

The watcher keeps its own books (who asked when, how long it was muted, what the relay was told,
since when the water is low), so a rule that breaks them cannot hide in its own bookkeeping.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from amont_watch import machine
from amont_watch import siren as w
from amont_watch.hazard import Hazard
from amont_watch.vote import ALARM, NORMAL, WARNING, Vote

HOLD_S, CLEAR_S = 1, 2
MUTE_S, MUTE_EVENT_S, TOGETHER_S, TEST_S, DRILL_S, BYPASS_S = 2, 3, 1, 1, 2, 2
MAX_ON_S, PAUSE_S, REPORT_S = 2, 1, 1


class Short(w.Limits):
    """Seconds instead of minutes."""

    mute_s, mute_event_s, together_s = MUTE_S, MUTE_EVENT_S, TOGETHER_S
    test_s, drill_s, bypass_s, bypass_max_s = TEST_S, DRILL_S, BYPASS_S, BYPASS_S
    report_s = REPORT_S


LIMITS = Short(MAX_ON_S, PAUSE_S)
# (level, hold, valid, voters): calm, warning, alarm by one and by two, alarm+, within the
# hysteresis, no data at all
VOTES: tuple[tuple[int, int, int, tuple[str, ...]], ...] = (
    (0, 0, 1, ()), (2, 2, 1, ()), (3, 3, 1, ("p",)), (3, 3, 1, ("p", "q")),
    (4, 4, 1, ("p", "q")), (2, 3, 1, ()), (0, 4, 0, ()),
)  # fmt: skip
A, B = "Anne", "Luc"
EVENTS: list[tuple[Any, ...]] = [
    *(("vote", *vote) for vote in VOTES),
    (w.TICK,),
    (w.RESTART,),
    (w.RESTART, "new siren"),  # the hazard is restored, the siren has no past
    *((kind, who) for kind in (w.MUTE, w.START_DRILL) for who in (A, B, w.KEY, w.SCHEDULE)),
    *((kind, who) for kind in (w.ACKNOWLEDGE, w.RESET) for who in (A, "", w.KEY, w.SCHEDULE)),
    (w.START_TEST, ""),
    (w.STOP, A),
    (w.START_BYPASS, w.KEY),
    (w.START_BYPASS, A),
    (w.END_BYPASS, w.KEY),
    (w.RAISE_FAULT, ""),
    (w.CLEAR_FAULT, ""),
]


class Broken(AssertionError):
    """An invariant does not hold."""


class World:
    """The real state beside the watcher's own books."""

    def __init__(self) -> None:
        self.state = w.State()
        self.hazard = Hazard(CLEAR_S)
        self.now_s = 0
        self.relay = w.OFF  # as told by the actions
        self.asked: dict[tuple[str, str], int] = {}  # (kind, person) -> age
        self.muted_run = self.muted_total = self.mode_run = 0
        self.low_s = 0  # how long the evidence has allowed the level to fall
        self.silent_s = -1  # since a restart without data; -1: heard
        self.seen = False
        self.mute_level = 0
        self.voted: frozenset[str] = frozenset()  # since the siren began to sound
        self.untold_s = 0  # since a bypass was begun or recalled

    def copy(self) -> World:
        other = World.__new__(World)
        other.__dict__.update(self.__dict__)
        other.hazard = Hazard(CLEAR_S)
        other.hazard.__dict__.update(self.hazard.__dict__)
        other.asked = dict(self.asked)
        return other

    def key(self) -> tuple[Any, ...]:
        # Health is left out: I6 holds that nothing else depends on it.
        s, h, now_s = self.state, self.hazard, self.now_s
        burst = (now_s - s.burst_s) % (MAX_ON_S + PAUSE_S) if s.annunciation == w.SOUND else 0
        mute = s.mute_until_s - now_s if s.annunciation == w.MUTED else 0
        until = s.mode_until_s - now_s if s.mode != w.ARMED else 0
        asked = s.pending(now_s)
        voters = tuple(sorted(s.voters)) if s.annunciation in (w.SOUND, w.MUTED) else ()
        return (
            s.annunciation, s.mode, s.level, s.relay, burst, mute, until, s.muted_s,
            s.mute_level if s.annunciation == w.MUTED else 0, bool(s.acknowledged),
            tuple((k, until - now_s, seconds) for k, _, until, seconds in asked),  # A is as B
            voters, now_s - s.reported_s if s.mode == w.BYPASS else 0,
            h.level, h._floor if h._clear_since_s is not None or h._cleared_s else -1,
            h._cleared_s if h.awaiting else -1,
            min(now_s - h._clear_since_s, CLEAR_S) if h._clear_since_s is not None else -1,
            max(0, h._deadline_s - now_s) if h.awaiting else -1, self.relay,
        )  # fmt: skip


def play(before: World, event: tuple[Any, ...]) -> World:
    """Return the world after one event, or raise Broken."""
    world = before.copy()
    kind = event[0]
    if kind == w.TICK:
        _pass_a_second(world)
    if kind == w.RESTART:
        _restart(world)
    if kind == w.RESTART and len(event) > 1:
        before, world.state = World(), w.State()
        world.muted_run = world.muted_total = world.mode_run = 0
    fell = False
    if kind == "vote":
        fell = _vote(world, *event[1:4])
    real = _event(world, event)
    world.state, actions = machine.step(world.state, real, world.now_s, LIMITS)
    for action in actions:
        if action.kind in (w.RELAY_ON, w.RELAY_OFF):
            world.relay = action.value
        if action.rule in ("bypass", "bypass goes on"):
            world.untold_s = 0
    _books(before, world, event)
    check(before, world, event, fell)
    return world


def _pass_a_second(world: World) -> None:
    world.now_s += 1
    world.asked = {who: age + 1 for who, age in world.asked.items() if age < TOGETHER_S}
    if world.state.annunciation == w.MUTED:
        world.muted_run += 1
        world.muted_total += 1
    if world.state.mode != w.ARMED:
        world.mode_run += 1
        world.untold_s += 1
    if world.low_s >= 0 and world.silent_s < 0:
        world.low_s = min(world.low_s + 1, CLEAR_S)
    world.silent_s = min(world.silent_s + 1, 9) if world.silent_s >= 0 else -1


def _restart(world: World) -> None:
    # A new process with a clock that begins elsewhere; the relay dropped when the old one died.
    saved = json.loads(
        json.dumps([world.state.as_dict(world.now_s), world.hazard.as_dict(world.now_s)])
    )
    world.now_s = 1_000
    world.state = w.state_from_dict(saved[0], world.now_s)
    world.hazard = Hazard(CLEAR_S)
    world.hazard.restore(saved[1], world.now_s)
    world.relay, world.asked = w.OFF, {}  # low_s stays: what was heard then was heard
    world.silent_s = 0 if world.hazard.level > NORMAL else -1


def _vote(world: World, level: int, hold: int, valid: int) -> bool:
    was = world.hazard.level
    if valid:
        world.silent_s = -1
    if world.silent_s >= 0:
        pass  # nothing heard yet speaks neither for nor against it
    elif hold >= was:
        world.low_s = -1
    elif world.low_s < 0:
        world.low_s = 0
    world.hazard.take(Vote(level, hold, [], valid, "level", []), world.now_s)
    fell = world.hazard.level < was
    if fell:
        waited = world.low_s >= CLEAR_S or world.silent_s >= HOLD_S + CLEAR_S
        _must(waited, "hazard: falls after clear_s of evidence, or without data after a restart")
        world.low_s = -1
    _must(world.hazard.level >= level, "hazard: follows the evidence upwards")
    return fell


def _event(world: World, event: tuple[Any, ...]) -> w.Event:
    kind = event[0]
    if kind == "vote":
        hazard = world.hazard
        fresh = not hazard.awaiting
        return w.Event(w.HAZARD, level=hazard.level, name="x", fresh=fresh, voters=event[4])
    if kind in (w.RAISE_FAULT, w.CLEAR_FAULT):
        return w.Event(kind, level=w.FAULT, name="probe")
    return w.Event(kind, person=event[1] if len(event) > 1 and kind != w.RESTART else "")


def _books(before: World, world: World, event: tuple[Any, ...]) -> None:
    was, now = before.state, world.state
    if now.annunciation != w.MUTED:
        world.muted_run = 0
    elif was.annunciation != w.MUTED:
        world.mute_level = now.level
    if now.annunciation == w.IDLE:
        world.muted_total = 0
    if was.mode != now.mode:
        world.mode_run = 0
    if event[0] == "vote":
        sounding = was.annunciation in (w.SOUND, w.MUTED)
        world.voted = (before.voted if sounding else frozenset()) | set(event[4])
    if event == (w.ACKNOWLEDGE, A) and was.annunciation != w.IDLE:
        world.seen = True
    if now.annunciation == w.IDLE or (was.annunciation == w.LATCH and now.annunciation == w.SOUND):
        world.seen = False
    if now.annunciation == w.SOUND != was.annunciation:
        world.asked = {}  # what was agreed before does not silence this
    if event[0] in (w.MUTE, w.START_DRILL) and event[1] in (A, B):
        world.asked[(event[0], event[1])] = 0


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


def check(before: World, world: World, event: tuple[Any, ...], fell: bool) -> None:
    """Raise Broken if this transition breaks an invariant."""
    was, now, kind = before.state, world.state, event[0]
    _check_sound(before, world, kind, fell)
    _check_silence(before, world, event)
    if kind in (w.RAISE_FAULT, w.CLEAR_FAULT, w.ACKNOWLEDGE):  # I6
        same = was.annunciation == now.annunciation and was.mode == now.mode
        _must(same and before.relay == world.relay, "I6 fault and acknowledge move nothing")
    if kind == w.RESTART:
        kept = {w.SOUND: w.SOUND, w.MUTED: w.SOUND}.get(was.annunciation, was.annunciation)
        _must(now.annunciation == kept, "I7 restart restores a sounding alarm, keeps no mute")
        _must(now.annunciation == w.SOUND or world.relay == w.OFF, "I7 restart never starts")
        _must(now.mode in (w.ARMED, w.BYPASS), "I7 restart ends test and drill")
    if was.annunciation == w.LATCH and now.annunciation == w.IDLE:  # I8
        person = event == (w.RESET, A) and before.seen and now.level < WARNING
        _must(person, "I8 a latch is cleared by a named person, seen, hazard low")
    _check_mode(before, world, event)


def _check_sound(before: World, world: World, kind: str, fell: bool) -> None:
    was, now = before.state, world.state
    silenced = now.mode == w.BYPASS or now.annunciation == w.MUTED
    new = kind == "vote" and not world.hazard.awaiting and now.level >= ALARM
    calm = now.annunciation == w.IDLE and now.level == NORMAL and now.mode == w.DRILL
    if new:
        _must(now.mode not in (w.TEST, w.DRILL), "I9 alarm pre-empts test and drill")
        _must(now.annunciation in (w.SOUND, w.MUTED), "I1 alarm is announced")
    _must(world.relay != w.DRILL_TONE or calm, "I10 no drill tone in an alarm")
    if new and not silenced and (was.annunciation != w.SOUND or now.level > was.level):
        _must(world.relay == w.ALARM_TONE, "I1 alarm sounds in the same step")
    if was.annunciation in (w.IDLE, w.LATCH) and now.annunciation == w.SOUND:
        _must(world.silent_s < 0, "I7 a restored level alone starts nothing")
    if now.annunciation == w.SOUND and now.mode != w.BYPASS:
        phase = (world.now_s - now.burst_s) % (MAX_ON_S + PAUSE_S)
        _must((world.relay == w.ALARM_TONE) == (phase < MAX_ON_S), "I5 the pattern goes on")
    elif now.mode != w.DRILL:
        _must(world.relay == w.OFF, "I7 silent outside of alarm and drill")
    if now.annunciation == w.MUTED:
        _must(now.level <= world.mute_level, "I11 a level above the muted one sounds at once")
        known = world.voted == before.voted or was.annunciation != w.MUTED
        _must(known, "I11 a sensor that had not voted sounds at once")
    if was.annunciation in (w.SOUND, w.MUTED) and now.annunciation == w.LATCH:
        _must(fell and now.level < ALARM, "I5 only the end of the hazard ends an alarm")


def _check_silence(before: World, world: World, event: tuple[Any, ...]) -> None:
    was, now = before.state, world.state
    _must(world.muted_run <= MUTE_S, "I2 a mute is bounded")
    charged = world.muted_total <= now.muted_s <= MUTE_EVENT_S
    _must(charged, "I2 the mutes of an event are charged and bounded")
    if was.annunciation != w.MUTED and now.annunciation == w.MUTED:
        _must(event[0] == w.MUTE and was.annunciation == w.SOUND, "I3 only a mute mutes")
        _must(event[1] == w.KEY or _second(before, event), "I4 never one remote person")
    if before.relay == w.ALARM_TONE and world.relay != w.ALARM_TONE and event[0] != w.TICK:
        muted = now.annunciation in (w.MUTED, w.LATCH)
        _must(muted or event == (w.START_BYPASS, w.KEY), "I3 what may silence")


def _second(before: World, event: tuple[Any, ...]) -> bool:
    other = {A: B, B: A}.get(event[1], "")
    return before.asked.get((event[0], other), TOGETHER_S + 1) <= TOGETHER_S


def _check_mode(before: World, world: World, event: tuple[Any, ...]) -> None:
    was, now, kind = before.state, world.state, event[0]
    longest = {w.TEST: TEST_S, w.DRILL: DRILL_S, w.BYPASS: BYPASS_S}.get(now.mode, 0)
    within = now.mode == w.ARMED or world.mode_run < longest
    _must(within, "mode: tests, drills and bypasses are bounded")
    _must(now.mode != w.BYPASS or world.untold_s < REPORT_S, "mode: a bypass is recalled")
    if was.mode == now.mode:
        return
    if was.mode == w.BYPASS and now.annunciation == w.SOUND and kind != w.RESTART:
        _must(world.relay == w.ALARM_TONE, "I1 the end of a bypass sounds at once")
    if now.mode in (w.TEST, w.DRILL):
        calm = was.annunciation == w.IDLE and was.level == NORMAL and was.mode == w.ARMED
        _must(calm, "mode: tests and drills begin in calm only")
    if now.mode == w.DRILL:
        agreed = event == (w.START_DRILL, w.SCHEDULE) or _second(before, event)
        _must(kind == w.START_DRILL and agreed, "I4 a drill takes two people, or the schedule")
    if now.mode == w.BYPASS or (was.mode == w.BYPASS and kind != w.TICK):
        by_key = event in ((w.START_BYPASS, w.KEY), (w.END_BYPASS, w.KEY))
        _must(by_key, "mode: bypass by the local key only")


def explore(most: int = 1_000_000) -> tuple[list[World], int]:
    """Return one world per reachable state and the number of transitions."""
    first = World()
    seen, queue, worlds, transitions = {first.key()}, deque([first]), [first], 0
    while queue and len(worlds) < most:
        world = queue.popleft()
        for event in EVENTS:
            after = play(world, event)
            transitions += 1
            if after.key() not in seen:
                seen.add(after.key())
                queue.append(after)
                worlds.append(after)
    return worlds, transitions


def check_liveness(world: World) -> None:
    """Raise Broken unless the alarm can end, and a standing one sounds again, from here."""
    held = world
    for _ in range(BYPASS_S + MUTE_S + MAX_ON_S + PAUSE_S + 1):
        held = play(play(held, ("vote", 4, 4, 1, ("p", "q"))), (w.TICK,))
        if held.relay == w.ALARM_TONE:
            break
    _must(held.relay == w.ALARM_TONE, "liveness: a standing alarm sounds again")
    calm = world
    for _ in range(3 * CLEAR_S + 2):
        calm = play(play(calm, ("vote", 0, 0, 1, ())), (w.TICK,))
    calm = play(play(play(calm, (w.ACKNOWLEDGE, A)), (w.RESET, A)), (w.STOP, A))
    idle = calm.state.annunciation == w.IDLE and calm.state.level == NORMAL
    _must(idle, "liveness: hazard gone, seen, reset: idle")
