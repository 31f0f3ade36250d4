# What the duty knows, over a boot: in flash, whole or not at all (see pair.py).
#
# A board whose power is cut between two wakes keeps all of it before it lets go, and goes on as if
# it had never slept. Any other keeps it after a wake that sent, and takes back after a boot what
# the air still remembers: the hour's airtime. What one wake sent is all that a power cut forgets.

from amont_node.delivery import InFlight, Plan
from amont_node.pair import PairFile

_FORMAT = 3  # rises with any change of the names below
_AIRTIME = ("_newest", "_last_s", "_last_ms", "refused", "_told", "_old", "_new")
_DUTY = (
    "_nonce", "_nonce_tick_s", "_proved", "_health_due_s", "_slot_s", "_urgent_slot_s",
    "_battery", "_battery_readings",
)  # fmt: skip
_SAMPLER = (
    "_fast_until_s", "_hint_until_s", "_alert_until_s", "_asked_until_s", "_over",
    "_float_until_s", "_float_since_s", "_float_last_s", "_tripped", "_credit", "_rate",
    "_battery", "_taken_s", "_wanted_s", "due_s", "look_s", "_looking",
)  # fmt: skip
_BOOTS = 12  # where the boot's number is in what is kept
_MARKS = ("above", "below", "_recent")
# The link's clock begins anew with each boot: what only it means is left out.
_DELIVERY = (
    "_hello", "_health", "_progress", "_urgent", "_fresh", "_silent", "_last_taken", "rejected",
    "_after_regular", "_recent", "_oldest", "_rewinds",
)  # fmt: skip


class KeptDuty:
    def __init__(self, folder: str) -> None:
        self._pair = PairFile(folder, "duty")
        self._frames = 0  # of the duty when it was kept last

        self.own: object = None  # what the shell kept beside it, of a duty that goes on

    # woke: the board went to sleep by itself, and the boot before this one, of number `boots`,
    # was the one that did. True: the duty goes on; otherwise it begins anew.
    def recall(self, duty, tick_s: int, link_ms: int, woke: bool, boots: int = 0) -> bool:  # type: ignore[no-untyped-def]
        kept = self._pair.load()
        if isinstance(kept, list) and kept[_BOOTS:] and boots:
            woke = woke and kept[_BOOTS] == boots - 1
        goes_on = recall(duty, tick_s, link_ms, kept, woke)
        if goes_on and isinstance(kept, list) and kept[_BOOTS:]:
            self.own = kept[_BOOTS + 1]
        return goes_on

    # Raises OSError when it cannot be stored. sleeps: the memory is lost after this. boots: this
    # boot's number; 0: what comes after it knows that more has happened.
    def keep(self, duty, sleeps: bool, boots: int = 0, own=None) -> None:  # type: ignore[no-untyped-def]
        airtime = duty.airtime
        if sleeps or (airtime.is_limited() and airtime.frames != self._frames):
            self._pair.save(keep(duty) + [boots, own])
            self._frames = airtime.frames

    # What was kept for a sleep that did not come, and could not be written anew.
    def forget(self) -> None:
        self._pair.remove()


# Plain lists and numbers, for JSON.
def keep(duty) -> list[object]:  # type: ignore[no-untyped-def]
    sending = duty.delivery
    in_flight = [
        [e.plan.kind, e.plan.life, e.plan.first, e.plan.last, e.counter, e.frame.hex(), e.attempts]
        for e in sending._in_flight
    ]
    return [
        _FORMAT, duty._life, _values(duty.airtime, _AIRTIME), _values(duty, _DUTY),
        _values(duty._sampler, _SAMPLER), _values(duty._sampler._marks, _MARKS),
        _values(sending, _DELIVERY), in_flight,
        [[life, sending._cursors[life]] for life in sending._cursors], sending._ranges,
        [[span.life, span.first] for span in sending._spans.all()],
        _stuck_since(duty),
    ]  # fmt: skip


# Since which tick the same sample is the oldest that waits; None: nothing waits in vain.
def _stuck_since(duty) -> int | None:  # type: ignore[no-untyped-def]
    sending = duty.delivery
    if sending._rewind_ms is None:
        return None
    stuck = getattr(sending, "stuck", None)  # (oldest, tick_s) of the boots before
    if stuck is None or stuck[0] != sending._oldest:
        stuck = (sending._oldest, duty._tick_s)
    return int(stuck[1])


# kept: what keep() gave, on the same life's ticks; of another, or nothing: the past is unknown.
def recall(duty, tick_s: int, link_ms: int, kept, woke: bool) -> bool:  # type: ignore[no-untyped-def]
    if not isinstance(kept, list) or kept[:2] != [_FORMAT, duty._life]:
        duty.airtime.assume(tick_s)
        return False
    airtime, own, sampler, marks, delivery, in_flight, cursors, ranges = kept[2:10]
    _set(duty.airtime, _AIRTIME, airtime)
    if not woke:
        return False
    _set(duty, _DUTY, own)
    _set(duty._sampler, _SAMPLER, sampler)
    _set(duty._sampler._marks, _MARKS, marks)
    duty._sampler.woke(tick_s)
    sending = duty.delivery
    _set(sending, _DELIVERY, delivery)
    for kind, life, first, last, counter, frame, attempts in in_flight:
        due_ms = link_ms + sending._delay_ms(0)  # answers have their time again
        plan = Plan(kind, life, first, last)
        entry = InFlight(plan, counter, bytes.fromhex(frame), due_ms)
        entry.attempts = attempts
        sending._in_flight.append(entry)
    for life, cursor in cursors:
        sending._cursors[life] = cursor
    sending._ranges = [tuple(asked) for asked in ranges]
    for life, first in kept[10]:  # more is acknowledged than the outbox had to mark
        span = sending._spans.get(life)
        if span is not None:
            span.forget_below(first)
    if kept[11] is not None:
        sending.stuck = (sending._oldest, kept[11])
        sending._rewind_ms = link_ms  # it has slept for longer than that
        if sending._late:
            left_ms = sending._delay_ms(sending._rewinds) - 1000 * (tick_s - kept[11])
            sending._rewind_ms += max(0, left_ms)
    return True


def _values(owner, names) -> list[object]:  # type: ignore[no-untyped-def]
    return [getattr(owner, name) for name in names]


def _set(owner, names, values) -> None:  # type: ignore[no-untyped-def]
    for at in range(len(names)):
        setattr(owner, names[at], values[at])
