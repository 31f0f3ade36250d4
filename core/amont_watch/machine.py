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
#   event = Event(HAZARD, level=top.level, name=station, fresh=not top.awaiting, voters=...)
#                                                         # the highest of the siren's stations
#   state, actions = step(state, event, now_s, limits)    # one State a siren; TICK each second
#   # relay first, then the audit of the actions, then store state.as_dict(now_s)
#
# After a restart: state_from_dict, then step(state, Event(RESTART), now_s, limits).
from amont_watch import siren as w
from amont_watch.vote import ALARM, NORMAL, WATCH

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from collections.abc import Callable

    Guard = Callable[["_Turn"], bool]
    Effect = Callable[["_Turn"], None]
    Row = tuple[tuple[int, ...], str | None, Guard, int, str, Effect]


class _Turn:
    def __init__(self, before: w.State, event: w.Event, now_s: int, limits: w.Limits) -> None:
        self.before = before
        self.state = before.copy()
        self.event = event
        self.now_s = now_s
        self.limits = limits
        self.actions: list[w.Action] = []
        self.agreed_s = 0  # for how long a request is granted; 0: not yet
        self.new_voter = False  # a sensor votes that did not since the siren began to sound

    def record(self, rule: str, value: int = 0, person: str = "") -> None:
        self.actions.append(w.Action(w.RECORD, rule, value, person))


def step(
    before: w.State, event: w.Event, now_s: int, limits: w.Limits
) -> tuple[w.State, list[w.Action]]:
    turn = _Turn(before, event, now_s, limits)
    for kind, refuses, why in _REFUSALS:
        if kind == turn.event.kind and refuses(turn):
            turn.actions.append(w.Action(w.REFUSED, why, 0, event.person))
            turn.event = w.Event(w.TICK)  # time passes all the same
    _INPUTS[turn.event.kind](turn)
    _run(turn, "annunciation", _ANNUNCIATION)
    _run(turn, "mode", _MODE)
    _health(turn)
    _output(turn)
    return turn.state, turn.actions


def _run(turn: _Turn, region: str, table: "tuple[Row, ...]") -> None:
    # The first row that fits fires.
    state = getattr(turn.state, region)
    for sources, kind, guard, target, rule, effect in table:
        if state in sources and kind in (None, turn.event.kind) and guard(turn):
            setattr(turn.state, region, target)
            effect(turn)
            turn.state.asked = None  # nobody agreed to silence what is now
            # a condition that came true is nobody's act
            turn.record(rule, target, turn.event.person if kind else "")
            return


def _health(turn: _Turn) -> None:
    worst = max([w.OK] + list(turn.state.faults.values()))
    if worst != turn.state.health:
        turn.state.health = worst
        turn.record(("healthy", "degraded", "fault")[worst], worst)


def _output(turn: _Turn) -> None:
    was, state = turn.before, turn.state
    state.relay = _relay(state, turn.now_s, turn.limits)
    if state.relay != was.relay or turn.event.kind == w.RESTART:
        kind = w.RELAY_OFF if state.relay == w.OFF else w.RELAY_ON
        turn.actions.insert(0, w.Action(kind, "relay", state.relay))  # relay first
    if was.mode != state.mode and w.TEST in (was.mode, state.mode):
        kind = w.TEST_START if state.mode == w.TEST else w.TEST_END
        turn.actions.append(w.Action(kind, "test"))


def _relay(state: w.State, now_s: int, limits: w.Limits) -> int:
    if state.mode == w.BYPASS:
        return w.OFF
    if state.annunciation == w.SOUND:
        phase_s = (now_s - state.burst_s) % (limits.max_on_s + limits.pause_s)
        return w.ALARM_TONE if phase_s < limits.max_on_s else w.OFF
    return w.DRILL_TONE if state.mode == w.DRILL else w.OFF


# --- why a person's request does nothing: the first condition that holds


def _nameless(turn: _Turn) -> bool:
    return turn.event.person in ("", w.KEY, w.SCHEDULE)


def _not_calm(turn: _Turn) -> bool:
    state = turn.state
    return (state.mode, state.annunciation, state.level) != (w.ARMED, w.IDLE, NORMAL)


_REFUSALS: "tuple[tuple[str, Guard, str], ...]" = (
    (w.ACKNOWLEDGE, _nameless, "no name"),
    (w.ACKNOWLEDGE, lambda t: t.state.annunciation == w.IDLE, "nothing to acknowledge"),
    (w.MUTE, lambda t: t.event.person in ("", w.SCHEDULE), "no name"),
    (w.MUTE, lambda t: t.state.annunciation != w.SOUND, "nothing sounds"),
    (w.MUTE, lambda t: t.state.mute_left_s(t.limits) == 0, "mute budget used"),
    (w.RESET, _nameless, "no name"),
    (w.RESET, lambda t: t.state.annunciation != w.LATCH, "nothing to reset"),
    (w.RESET, lambda t: t.state.level > WATCH, "hazard not over"),
    (w.RESET, lambda t: not t.state.acknowledged, "not acknowledged"),
    (w.START_TEST, _not_calm, "not calm"),
    (w.START_DRILL, lambda t: t.event.person == "", "no name"),
    (w.START_DRILL, lambda t: t.event.person == w.KEY, "two people needed"),
    (w.START_DRILL, _not_calm, "not calm"),
    (w.STOP, lambda t: t.state.mode not in (w.TEST, w.DRILL), "nothing to stop"),
    (w.START_BYPASS, lambda t: t.event.person != w.KEY, "local key only"),
    (w.START_BYPASS, lambda t: t.state.mode == w.BYPASS, "already bypassed"),
    (w.END_BYPASS, lambda t: t.event.person != w.KEY, "local key only"),
    (w.END_BYPASS, lambda t: t.state.mode != w.BYPASS, "not bypassed"),
)


# --- what an event brings in, before the tables


def _nothing(_turn: _Turn) -> None:
    pass


def _hazard(turn: _Turn) -> None:
    state, event = turn.state, turn.event
    known = state.voters if state.annunciation in (w.SOUND, w.MUTED) else []
    new = [sensor for sensor in event.voters if sensor not in known]
    state.level, state.station, state.voters = event.level, event.name, known + new
    turn.new_voter = bool(new)


def _acknowledge(turn: _Turn) -> None:
    state, person = turn.state, turn.event.person
    if person not in state.acknowledged:
        state.acknowledged = state.acknowledged + [person]
    turn.record("acknowledged", 0, person)


def _fault(turn: _Turn) -> None:
    turn.state.faults = dict(turn.state.faults)
    turn.state.faults[turn.event.name] = turn.event.level


def _fault_over(turn: _Turn) -> None:
    faults = turn.state.faults
    turn.state.faults = {name: faults[name] for name in faults if name != turn.event.name}


def _timed(turn: _Turn) -> None:
    limits, wish_s = turn.limits, turn.event.seconds
    most_s = {
        w.MUTE: min(limits.mute_s, turn.state.mute_left_s(limits)),
        w.START_TEST: limits.test_s,
        w.START_DRILL: min(limits.drill_s, limits.max_on_s),
        w.START_BYPASS: limits.bypass_max_s,
    }[turn.event.kind]
    usual_s = limits.bypass_s if turn.event.kind == w.START_BYPASS else most_s
    turn.agreed_s = min(wish_s if wish_s > 0 else usual_s, most_s)


def _ask(turn: _Turn) -> None:
    # Two different people within together_s, the key or the schedule. The shorter wish counts.
    _timed(turn)
    state, event, now_s = turn.state, turn.event, turn.now_s
    if _nameless(turn):
        return
    for kind, person, _until_s, seconds in state.pending(now_s):
        if kind == event.kind and person != event.person:
            turn.agreed_s = min(turn.agreed_s, seconds)
            return
    state.asked = (event.kind, event.person, now_s + turn.limits.together_s, turn.agreed_s)
    turn.agreed_s = 0
    turn.record("asked", 0, event.person)


_INPUTS: "dict[str, Effect]" = {
    w.HAZARD: _hazard, w.ACKNOWLEDGE: _acknowledge, w.MUTE: _ask, w.RESET: _nothing,
    w.START_TEST: _timed, w.START_DRILL: _ask, w.STOP: _nothing, w.START_BYPASS: _timed,
    w.END_BYPASS: _nothing, w.RAISE_FAULT: _fault, w.CLEAR_FAULT: _fault_over,
    w.TICK: _nothing, w.RESTART: _nothing,
}  # fmt: skip


# --- the tables: (from, event or any, guard, to, rule, effect); requests come here unrefused


def _always(_turn: _Turn) -> bool:
    return True


def _alarm(turn: _Turn) -> bool:
    return turn.event.level >= ALARM and turn.event.fresh


def _agreed(turn: _Turn) -> bool:
    return turn.agreed_s > 0


def _mode_over(turn: _Turn) -> bool:
    return turn.now_s >= turn.state.mode_until_s


def _burst(turn: _Turn) -> None:
    turn.state.burst_s = turn.now_s


def _begin(turn: _Turn) -> None:
    _burst(turn)
    turn.state.acknowledged = []


def _mute(turn: _Turn) -> None:
    state = turn.state
    state.mute_until_s, state.mute_level = turn.now_s + turn.agreed_s, state.level
    state.muted_s += turn.agreed_s


def _unmute(turn: _Turn) -> None:
    # The unused rest of the mute goes back to the budget.
    turn.state.muted_s -= max(0, turn.state.mute_until_s - turn.now_s)
    _burst(turn)


def _forget(turn: _Turn) -> None:
    turn.state.muted_s = 0
    turn.state.acknowledged = []


def _start(turn: _Turn) -> None:
    turn.state.mode_until_s = turn.now_s + turn.agreed_s
    _report(turn)


def _report(turn: _Turn) -> None:
    turn.state.reported_s = turn.now_s


_ANNUNCIATION: "tuple[Row, ...]" = (
    ((w.SOUND, w.MUTED), w.RESTART, _always, w.SOUND, "restart restores the alarm", _burst),
    ((w.IDLE, w.LATCH), w.HAZARD, _alarm, w.SOUND, "alarm", _begin),
    ((w.SOUND, w.MUTED), None, lambda t: t.state.level < ALARM, w.LATCH, "hazard over", _nothing),
    ((w.SOUND,), w.HAZARD, lambda t: t.state.level > t.before.level, w.SOUND, "level rose",
     _burst),
    ((w.SOUND,), w.MUTE, _agreed, w.MUTED, "muted", _mute),
    ((w.MUTED,), w.HAZARD, lambda t: t.state.level > t.state.mute_level, w.SOUND,
     "level above the muted one", _unmute),
    ((w.MUTED,), w.HAZARD, lambda t: t.new_voter, w.SOUND, "new vote while muted", _unmute),
    ((w.MUTED,), None, lambda t: t.now_s >= t.state.mute_until_s, w.SOUND, "mute over", _burst),
    ((w.LATCH,), w.RESET, _always, w.IDLE, "reset", _forget),
)  # fmt: skip
_MODE: "tuple[Row, ...]" = (
    ((w.TEST, w.DRILL), w.RESTART, _always, w.ARMED, "restart ends test and drill", _nothing),
    ((w.TEST, w.DRILL), None, lambda t: t.state.level > NORMAL, w.ARMED,
     "hazard ends test and drill", _nothing),
    ((w.TEST, w.DRILL), w.STOP, _always, w.ARMED, "stopped", _nothing),
    ((w.BYPASS,), w.END_BYPASS, _always, w.ARMED, "bypass ended", _burst),
    ((w.TEST,), None, _mode_over, w.ARMED, "test over", _nothing),
    ((w.DRILL,), None, _mode_over, w.ARMED, "drill over", _nothing),
    ((w.BYPASS,), None, _mode_over, w.ARMED, "bypass over", _burst),
    ((w.BYPASS,), None, lambda t: t.now_s - t.state.reported_s >= t.limits.report_s, w.BYPASS,
     "bypass goes on", _report),
    ((w.ARMED, w.TEST, w.DRILL), w.START_BYPASS, _agreed, w.BYPASS, "bypass", _start),
    ((w.ARMED,), w.START_TEST, _agreed, w.TEST, "test", _start),
    ((w.ARMED,), w.START_DRILL, _agreed, w.DRILL, "drill", _start),
)  # fmt: skip
