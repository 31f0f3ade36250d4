# The alarm of one siren as tables. Pure: values in, values out.
#
#   annunciation  IDLE, SOUND, MUTED, LATCH
#   mode          ARMED, TEST (silent), DRILL (audible, own tone), BYPASS (local key)
#   health        OK, DEGRADED, FAULT: for lamps and people, never moves the siren
#   hazard        the fourth region, belongs to a station: hazard.py
#
# What a caller does:
#
#   hazard.take(vote, now_s)                              # each vote; one Hazard a station
#   event = Event(HAZARD, level=top.level, name=station, fresh=not top.awaiting)
#                                                         # the highest of the siren's stations
#   state, actions = step(state, event, now_s, limits)    # one State a siren; TICK each second
#   # relay first, then the audit of the actions, then store state.as_dict(now_s)
#
# After a restart: state_from_dict, then step(state, Event(RESTART), now_s, limits).
from amont_watch.siren import (
    ACKNOWLEDGE,
    ALARM_TONE,
    ARMED,
    BYPASS,
    CLEAR_FAULT,
    DEGRADED,
    DRILL,
    DRILL_TONE,
    END_BYPASS,
    FAULT,
    HAZARD,
    IDLE,
    KEY,
    LATCH,
    MAX_ACKNOWLEDGED,
    MAX_FAULTS,
    MORE_FAULTS,
    MUTE,
    MUTED,
    OFF,
    OK,
    RAISE_FAULT,
    RECORD,
    REFUSED,
    RELAY_OFF,
    RELAY_ON,
    RESET,
    RESTART,
    SCHEDULE,
    SOUND,
    START_BYPASS,
    START_DRILL,
    START_TEST,
    STOP,
    TEST,
    TEST_END,
    TEST_START,
    TICK,
    Action,
    Event,
    Limits,
    State,
)  # fmt: skip
from amont_watch.vote import ALARM, NORMAL, WATCH

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from collections.abc import Callable


class _Turn:
    def __init__(self, before: State, event: Event, now_s: int, limits: Limits) -> None:
        self.before = before
        self.state = before.copy()
        self.event = event
        self.now_s = now_s
        self.limits = limits
        self.actions: list[Action] = []
        self.agreed_s = 0  # what two people, or the key, agreed on; 0: no agreement
        self.served = False  # the event did something

    def serve(self, rule: str, value: int = 0) -> None:
        self.served = True
        self.actions.append(Action(RECORD, rule, value, self.event.person))


class _Row:
    def __init__(
        self, sources: tuple[int, ...], kind: "str | None", guard: "Callable[[_Turn], bool]",
        target: int, rule: str, effect: "Callable[[_Turn], None]",
    ) -> None:  # fmt: skip
        self.sources = sources
        self.kind = kind  # None: any event
        self.guard = guard
        self.target = target
        self.rule = rule
        self.effect = effect


def step(before: State, event: Event, now_s: int, limits: Limits) -> tuple[State, list[Action]]:
    turn = _Turn(before, event, now_s, limits)
    _INPUTS[event.kind](turn)
    for region, table in _REGIONS:
        _run(turn, region, table)
    _output(turn)
    refusal = "" if turn.served else _refusal(turn)
    if refusal:
        turn.actions.append(Action(REFUSED, refusal, 0, event.person))
    return turn.state, turn.actions


def _run(turn: _Turn, region: str, table: tuple[_Row, ...]) -> None:
    state = getattr(turn.state, region)
    for row in table:
        if state in row.sources and row.kind in (None, turn.event.kind) and row.guard(turn):
            setattr(turn.state, region, row.target)
            row.effect(turn)
            if row.kind is None:  # a condition came true, whatever the event was
                turn.actions.append(Action(RECORD, row.rule, row.target))
            else:
                turn.serve(row.rule, row.target)
            return


# --- what an event brings in, before the tables


def _nothing(_turn: _Turn) -> None:
    pass


def _hazard(turn: _Turn) -> None:
    turn.state.level = turn.event.level
    turn.state.station = turn.event.name


def _acknowledge(turn: _Turn) -> None:
    state, person = turn.state, turn.event.person
    if person and state.annunciation != IDLE and len(state.acknowledged) < MAX_ACKNOWLEDGED:
        if person not in state.acknowledged:
            state.acknowledged.append(person)
        turn.serve("acknowledged")


def _fault(turn: _Turn) -> None:
    faults, name = turn.state.faults, turn.event.name
    if name not in faults and len(faults) >= MAX_FAULTS:
        faults[MORE_FAULTS] = max(turn.event.level, faults.get(MORE_FAULTS, OK))
    else:
        faults[name] = turn.event.level


def _fault_over(turn: _Turn) -> None:
    turn.state.faults.pop(turn.event.name, None)


def _ask_mute(turn: _Turn) -> None:
    state, limits = turn.state, turn.limits
    left_s = min(limits.mute_s, limits.mute_event_s - state.muted_s)
    if state.annunciation == SOUND and left_s > 0:
        _agree(turn, left_s)


def _ask_drill(turn: _Turn) -> None:
    if _calm(turn):
        _agree(turn, min(turn.limits.drill_s, turn.limits.max_on_s))


def _agree(turn: _Turn, most_s: int) -> None:
    # Two different people within together_s, or whoever is at the box. The shorter wish counts.
    state, event, now_s = turn.state, turn.event, turn.now_s
    wish_s = min(event.seconds, most_s) if event.seconds > 0 else most_s
    since_s = now_s - turn.limits.together_s
    others = [
        ask for ask in state.asked
        if ask[0] == event.kind and ask[1] != event.person and ask[2] >= since_s
    ]  # fmt: skip
    if event.person in (KEY, SCHEDULE):  # nobody knows who: never one of two
        alone = (event.person, event.kind) in ((KEY, MUTE), (SCHEDULE, START_DRILL))
        turn.agreed_s = wish_s if alone else 0
    elif event.person and others:
        turn.agreed_s = min(wish_s, others[0][3])
    elif event.person:
        state.asked = [(event.kind, event.person, now_s, wish_s)]
        turn.serve("asked")


_INPUTS = {
    HAZARD: _hazard, ACKNOWLEDGE: _acknowledge, MUTE: _ask_mute, RESET: _nothing,
    START_TEST: _nothing, START_DRILL: _ask_drill, STOP: _nothing, START_BYPASS: _nothing,
    END_BYPASS: _nothing, RAISE_FAULT: _fault, CLEAR_FAULT: _fault_over, TICK: _nothing,
    RESTART: _nothing,
}  # fmt: skip


# --- guards


def _always(_turn: _Turn) -> bool:
    return True


def _alarm(turn: _Turn) -> bool:
    return turn.event.level >= ALARM and turn.event.fresh


def _at_the_box(turn: _Turn) -> bool:
    return turn.event.person == KEY


def _below_alarm(turn: _Turn) -> bool:
    return turn.state.level < ALARM


def _risen(turn: _Turn) -> bool:
    return turn.state.level > turn.before.level


def _above_mute(turn: _Turn) -> bool:
    return turn.state.level > turn.state.mute_level


def _mute_over(turn: _Turn) -> bool:
    return turn.now_s >= turn.state.mute_until_s


def _agreed(turn: _Turn) -> bool:
    return turn.agreed_s > 0


def _may_reset(turn: _Turn) -> bool:
    state = turn.state
    return bool(turn.event.person and state.acknowledged) and state.level <= WATCH


def _calm(turn: _Turn) -> bool:
    state = turn.state
    return state.mode == ARMED and state.annunciation == IDLE and state.level == NORMAL


def _not_calm(turn: _Turn) -> bool:
    return turn.state.level > NORMAL


def _mode_over(turn: _Turn) -> bool:
    return turn.now_s >= turn.state.mode_until_s


def _worst(turn: _Turn) -> int:
    return max([OK] + list(turn.state.faults.values()))


def _is_fault(turn: _Turn) -> bool:
    return _worst(turn) == FAULT


def _is_degraded(turn: _Turn) -> bool:
    return _worst(turn) == DEGRADED


def _is_ok(turn: _Turn) -> bool:
    return _worst(turn) == OK


# --- effects


def _burst(turn: _Turn) -> None:
    turn.state.burst_s = turn.now_s
    turn.state.asked = []  # nobody agreed to silence this


def _begin(turn: _Turn) -> None:
    _burst(turn)
    turn.state.acknowledged = []


def _unmute(turn: _Turn) -> None:
    # The unused rest of the mute goes back to the budget.
    turn.state.muted_s -= max(0, turn.state.mute_until_s - turn.now_s)
    _burst(turn)


def _mute(turn: _Turn) -> None:
    state = turn.state
    state.mute_until_s = turn.now_s + turn.agreed_s
    state.mute_level = state.level
    state.muted_s += turn.agreed_s
    state.asked = []


def _forget(turn: _Turn) -> None:
    turn.state.muted_s = 0
    turn.state.acknowledged = []
    turn.state.asked = []


def _test(turn: _Turn) -> None:
    turn.state.mode_until_s = turn.now_s + turn.limits.test_s


def _drill(turn: _Turn) -> None:
    turn.state.mode_until_s = turn.now_s + turn.agreed_s
    turn.state.asked = []


def _bypass(turn: _Turn) -> None:
    wish_s = turn.event.seconds if turn.event.seconds > 0 else turn.limits.bypass_s
    turn.state.mode_until_s = turn.now_s + min(wish_s, turn.limits.bypass_max_s)


# --- the tables: (from, event or any, guard, to, rule, effect); the first row that fits fires

_ANNUNCIATION: tuple[_Row, ...] = (
    _Row((SOUND, MUTED), RESTART, _always, SOUND, "restart restores the alarm", _burst),
    _Row((IDLE, LATCH), HAZARD, _alarm, SOUND, "alarm", _begin),
    _Row((SOUND, MUTED), None, _below_alarm, LATCH, "hazard over", _nothing),
    _Row((SOUND,), HAZARD, _risen, SOUND, "level rose", _burst),
    _Row((SOUND,), MUTE, _agreed, MUTED, "muted", _mute),
    _Row((MUTED,), None, _above_mute, SOUND, "level above the muted one", _unmute),
    _Row((MUTED,), None, _mute_over, SOUND, "mute over", _burst),
    _Row((LATCH,), RESET, _may_reset, IDLE, "reset", _forget),
)
_MODE: tuple[_Row, ...] = (
    _Row((TEST, DRILL), RESTART, _always, ARMED, "restart ends test and drill", _nothing),
    _Row((TEST, DRILL), None, _not_calm, ARMED, "hazard ends test and drill", _nothing),
    _Row((TEST, DRILL), STOP, _always, ARMED, "stopped", _nothing),
    _Row((BYPASS,), END_BYPASS, _at_the_box, ARMED, "bypass ended", _burst),
    _Row((TEST,), None, _mode_over, ARMED, "test over", _nothing),
    _Row((DRILL,), None, _mode_over, ARMED, "drill over", _nothing),
    _Row((BYPASS,), None, _mode_over, ARMED, "bypass over", _burst),
    _Row((ARMED, TEST, DRILL), START_BYPASS, _at_the_box, BYPASS, "bypass", _bypass),
    _Row((ARMED,), START_TEST, _calm, TEST, "test", _test),
    _Row((ARMED,), START_DRILL, _agreed, DRILL, "drill", _drill),
)
_HEALTH: tuple[_Row, ...] = (
    _Row((OK, DEGRADED), None, _is_fault, FAULT, "fault", _nothing),
    _Row((OK, FAULT), None, _is_degraded, DEGRADED, "degraded", _nothing),
    _Row((DEGRADED, FAULT), None, _is_ok, OK, "healthy", _nothing),
)
_REGIONS = (("annunciation", _ANNUNCIATION), ("mode", _MODE), ("health", _HEALTH))


# --- outputs


def _output(turn: _Turn) -> None:
    was, state = turn.before, turn.state
    state.relay = _relay(state, turn.now_s, turn.limits)
    if state.relay != was.relay or turn.event.kind == RESTART:
        kind = RELAY_OFF if state.relay == OFF else RELAY_ON
        turn.actions.insert(0, Action(kind, "relay", state.relay))  # relay first
    if was.mode != state.mode and TEST in (was.mode, state.mode):
        turn.actions.append(Action(TEST_START if state.mode == TEST else TEST_END, "test"))


def _relay(state: State, now_s: int, limits: Limits) -> int:
    if state.mode == BYPASS:
        return OFF
    if state.annunciation == SOUND:
        phase_s = (now_s - state.burst_s) % (limits.max_on_s + limits.pause_s)
        return ALARM_TONE if phase_s < limits.max_on_s else OFF
    return DRILL_TONE if state.mode == DRILL else OFF


def _refusal(turn: _Turn) -> str:
    # Why a person's request did nothing.
    kind, state = turn.event.kind, turn.state
    if kind in (ACKNOWLEDGE, MUTE, RESET, START_DRILL) and not turn.event.person:
        return "no name"
    if kind == ACKNOWLEDGE:
        return "nothing to acknowledge" if state.annunciation == IDLE else "too many names"
    if kind == MUTE:
        return "mute budget used" if state.annunciation == SOUND else "nothing sounds"
    if kind in (START_BYPASS, END_BYPASS) and turn.event.person != KEY:
        return "local key only"
    if kind == START_DRILL and turn.event.person == KEY:
        return "two people needed"
    if kind == RESET:
        return _reset_refusal(state)
    return _MODE_REFUSALS.get(kind, "")


def _reset_refusal(state: State) -> str:
    if state.annunciation != LATCH:
        return "nothing to reset"
    return "not acknowledged" if state.level <= WATCH else "hazard not over"


_MODE_REFUSALS = {
    START_TEST: "not calm", START_DRILL: "not calm", STOP: "nothing to stop",
    START_BYPASS: "already bypassed", END_BYPASS: "not bypassed",
}  # fmt: skip
