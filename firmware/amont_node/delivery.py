# What to send, when to send it again, and which downlinks to believe. Pure.
#
# Rules
# - A sample leaves the outbox by a sealed acknowledgement only (Spans knows which still wait).
# - A frame without an answer goes out again, the same bytes, three times in all. Then its samples
#   go back to the backlog and travel later in a fresh body under a new counter: a guard that calls
#   the old frame a duplicate can therefore never hold them up.
# - An urgent frame goes out until it is answered, a newer one is urgent or eight others have gone
#   out since: soon five times in all, so that bursts and collisions do not cost a minute, then
#   longer each time. Whoever answers may be short of airtime: silence is no sign of its loss.
# - New samples and health go out once when due even when nothing answers: the way back may be the
#   broken one. All else then waits, longer each time.
# - The backlog drains oldest first, a few frames in flight.
# - The gate says whether the turn of a kind of frame has come and airtime is left for it. A
#   repetition that may not be sent makes way: its samples travel later, with others, in one frame.
# - Where answers come with the next frame at best (`late`), a usual one goes once: overlap and the
#   cumulative acknowledgement do the rest, and what nothing acknowledges is begun again.
# Times here are link_ms: real, never scaled, for answers take real time.

from amont_wire.const import READINGS_MAX

REGULAR = 1
URGENT = 2
BACKLOG = 3
HELLO = 4
HEALTH = 5
PROGRESS = 6

ATTEMPTS = 3
_URGENT_SOON = 4  # repetitions before the time between them grows
WINDOW_BACKLOG = 4  # frames in flight up to which the backlog may add one
WINDOW = 6  # a downlink is believed only while it answers one of the last 8 counters
_ANSWERABLE = 8
_HOLD_MAX_MS = 900000
_BUSY_MS = 5000  # a carrier that is not ready is asked again
_LATE_URGENT_MS = 15000  # an urgent frame is its own next one, which fetches the answer
_WAY_DOUBLINGS = 6  # some minutes: the airtime of an hour does not come back at once
_URGENT_WAY_DOUBLINGS = 2  # half a minute: as soon as an old minute leaves the hour
_RANGES_MAX = 4


class Plan:
    # A frame to be built: kind, the samples wanted and which end has to be in it.
    def __init__(self, kind: int, life: int, first: int, last: int) -> None:
        self.kind = kind
        self.life = life
        self.first = first
        self.last = last

    def keeps_oldest(self) -> bool:
        return self.kind == BACKLOG

    def has_samples(self) -> bool:
        return self.kind in (REGULAR, URGENT, BACKLOG)


class InFlight:
    def __init__(self, plan: Plan, counter: int, frame: bytes, due_ms: int) -> None:
        self.plan = plan
        self.counter = counter
        self.frame = frame
        self.due_ms = due_ms
        self.attempts = 1


class Delivery:
    # seed: any number, the node's id: nodes must not answer a fault in step.
    def __init__(  # type: ignore[no-untyped-def]
        self, spans, life: int, seed: int, answer_ms: int = 5000, late: bool = False
    ) -> None:
        self._spans = spans
        self._late = late
        self._life = life
        self._answer_ms = answer_ms
        self._random = seed
        self._in_flight: list[InFlight] = []
        self._cursors: dict[int, int] = {}  # per life: next sample that the backlog sends
        self._ranges: list[tuple[int, int, int]] = []  # asked for: (life, first, last)
        self._recent: list[tuple[int, int | None]] = []  # (counter, echoed nonce), newest last
        self._last_taken = 0  # highest downlink counter of this boot
        self._hello = True
        self._health = False
        self._progress = False
        self._urgent = False
        self._fresh = 0  # newest samples not yet in any frame
        self._after_regular = False  # new samples went last
        self._silent = 0  # frames given up since the last answer
        self._hold_ms: int | None = None  # nothing but new samples before this
        self._rewind_ms: int | None = None  # when to send again what was answered, not acked
        self._rewinds = 0
        self._oldest = -1  # oldest waiting, to see progress
        self.rejected = 0  # downlinks not believed

    # --- what the node wants

    def want_health(self) -> None:
        self._health = True

    # How far an update is: asks for its next part, or says what became of it.
    def want_progress(self) -> None:
        self._progress = True

    def sampled(self, urgent: bool) -> None:
        self._fresh += 1
        self._urgent = self._urgent or urgent

    def want_range(self, life: int, first: int, last: int) -> None:
        if len(self._ranges) < _RANGES_MAX:
            self._ranges.append((life, first, last))

    # --- what to do next: an InFlight to send again, a Plan, or None

    def next(self, link_ms: int, ready: bool, frame_samples: int, overlap: int, gate):  # type: ignore[no-untyped-def]
        self._forget_acked()
        again = self._expire(link_ms, ready, gate)
        if again is not None or not ready:
            return again
        return self._next_plan(link_ms, frame_samples, overlap, gate)

    # link_ms at which something is due without any event; None: nothing is.
    def due_ms(self, link_ms: int) -> int | None:
        dues = [entry.due_ms for entry in self._in_flight]
        for due in (self._hold_ms, self._rewind_ms):
            if due is not None and due > link_ms:
                dues.append(due)
        return min(dues) if dues else None

    # Some frame's answer may come any moment.
    def waits(self) -> bool:
        return bool(self._in_flight)

    def _next_plan(self, link_ms: int, frame_samples: int, overlap: int, gate) -> Plan | None:  # type: ignore[no-untyped-def]
        held = self._hold_ms is not None and link_ms < self._hold_ms
        kind = self._next_kind(held, frame_samples)
        if kind is not None and gate.may_send(kind):
            if kind not in (URGENT, REGULAR):
                return Plan(kind, self._life, 0, 0)
            self._make_room()
            return self._newest(kind, overlap)
        full = self._awaited() >= (1 if self._silent else WINDOW_BACKLOG)
        if kind == URGENT or held or full:
            return None
        # The backlog has airtime of its own.
        old = self._asked_for() or self._backlog(link_ms)
        return old if old is not None and gate.may_send(BACKLOG) else None

    # Frames whose answer is waited for. An urgent one that still goes out holds nothing up.
    def _awaited(self) -> int:
        return sum([entry.attempts <= ATTEMPTS for entry in self._in_flight])

    # What comes next but for the backlog.
    def _next_kind(self, held: bool, frame_samples: int) -> int | None:
        if self._urgent:
            return URGENT
        if self._hello and not held:
            return HELLO
        report = HEALTH if self._health else None
        if self._progress and not held:
            report = PROGRESS
        if self._fresh < frame_samples or len(self._in_flight) >= WINDOW:
            return report
        # In turns, so that neither keeps the other from the little airtime that there is.
        return report if report is not None and self._after_regular else REGULAR

    # An urgent frame never waits for others.
    def _make_room(self) -> None:
        while len(self._in_flight) >= WINDOW:
            self._release(self._in_flight[0])

    def _newest(self, kind: int, overlap: int) -> Plan | None:
        span = self._spans.get(self._life)
        if span is None or not self._fresh:
            self._urgent = False
            self._fresh = 0
            return None
        wanted = min(self._fresh + overlap, READINGS_MAX)
        first = max(span.last - wanted + 1, min(span.first, span.last))
        return Plan(kind, self._life, first, span.last)

    def _asked_for(self) -> Plan | None:
        if not self._ranges:
            return None
        life, first, last = self._ranges[0]
        return Plan(BACKLOG, life, first, min(last, first + READINGS_MAX - 1))

    def _backlog(self, link_ms: int) -> Plan | None:
        for span in self._spans.all():
            last = span.last - (self._fresh if span.life == self._life else 0)
            cursor = max(self._cursors.get(span.life, span.first), span.first)
            while cursor <= last and not span.waits(cursor):
                cursor += 1
            self._cursors[span.life] = cursor
            if cursor <= last:
                return Plan(BACKLOG, span.life, cursor, min(last, cursor + READINGS_MAX - 1))
        return self._backlog(link_ms) if self._rewind(link_ms) else None

    # All was sent and nothing is under way, but something still waits: its acknowledgement is
    # lost. Give it time, then start again from the oldest. True: did so.
    def _rewind(self, link_ms: int) -> bool:
        stuck = [s for s in self._spans.all() if s.first <= s.last - self._fresh_of(s.life)]
        if not stuck or self._awaited():
            self._rewind_ms = None
            return False
        if stuck[0].first != self._oldest:
            self._oldest = stuck[0].first
            self._rewinds = 0
            self._rewind_ms = None
        if self._rewind_ms is None:
            self._rewind_ms = link_ms + self._delay_ms(self._rewinds)
        elif link_ms >= self._rewind_ms:
            self._rewinds += 1
            self._rewind_ms = None
            self._cursors = {}
            return True
        return False

    def _fresh_of(self, life: int) -> int:
        return self._fresh if life == self._life else 0

    # --- what became of it

    # first: oldest sample that is really in the frame; echo: the nonce in it, if any.
    def sent(
        self, plan: Plan, counter: int, frame: bytes, first: int, last: int, echo: int | None,
        link_ms: int,
    ) -> None:  # fmt: skip
        self._recent = self._recent[1 - _ANSWERABLE :] + [(counter, echo)]
        self._outrun(self._recent[0][0])
        self._after_regular = plan.kind == REGULAR
        if plan.kind == HEALTH:
            self._health = False
            return  # it needs no answer: another follows in an hour
        if plan.kind == HELLO:
            self._hello = False
        elif plan.kind == PROGRESS:
            self._progress = False
        else:
            self._samples_sent(plan, first, last)
        if plan.kind == URGENT:
            self._relieve(plan.life, first)
        if plan.kind == REGULAR and self._late:
            return
        sent = Plan(plan.kind, plan.life, first, last)
        due_ms = link_ms + self._delay_ms(0, plan.kind)
        self._in_flight.append(InFlight(sent, counter, frame, due_ms))

    # What no answer can speak of any more: the frames since then have told as much, and more.
    def _outrun(self, oldest: int) -> None:
        for entry in [entry for entry in self._in_flight if entry.counter < oldest]:
            self._release(entry)

    # A newer frame is urgent: the older ones need not be any more.
    def _relieve(self, life: int, first: int) -> None:
        for entry in list(self._in_flight):
            if entry.plan.kind != URGENT:
                continue
            if entry.plan.life == life and entry.plan.first >= first:
                self._in_flight.remove(entry)  # all its samples are in the newer one
            else:
                self._release(entry)

    # The samples cannot be read, or no frame can be made of them: do not try again.
    def skipped(self, plan: Plan) -> None:
        if plan.kind == HELLO:
            self._hello = False
        elif plan.kind == HEALTH:
            self._health = False
        elif plan.kind == PROGRESS:
            self._progress = False
        else:
            self._samples_sent(plan, plan.first, plan.last)

    def _samples_sent(self, plan: Plan, first: int, last: int) -> None:
        if (
            plan.kind == BACKLOG
            and self._ranges
            and self._ranges[0][:2] == (plan.life, plan.first)
        ):
            life, _, end = self._ranges.pop(0)
            if last < end:
                self._ranges.insert(0, (life, last + 1, end))
            return
        cursor = self._cursors.get(plan.life)
        if cursor is None:
            span = self._spans.get(plan.life)
            cursor = span.first if span is not None else first
        if first <= cursor:
            self._cursors[plan.life] = max(cursor, last + 1)
        else:
            self._cursors[plan.life] = cursor
        if plan.kind != BACKLOG:
            self._fresh = 0
            self._urgent = False

    # --- downlinks

    # Whether to believe a downlink that opened: it must be new, and answer one of our last
    # counters. Everything in flight that it answers is done.
    def believes(self, counter: int, answers: int) -> bool:
        known = [entry for entry in self._recent if entry[0] == answers]
        if counter <= self._last_taken or not known:
            self.rejected += 1
            return False
        self._last_taken = counter
        if self._silent and not self._late:  # somebody is there again, and says what is missing
            self._cursors = {}
            self._rewinds = 0
            self._rewind_ms = None
        self._silent = 0
        self._hold_ms = None
        self._in_flight = [entry for entry in self._in_flight if entry.counter != answers]
        return True

    # The nonce that the answered frame carried, if any.
    def echoed(self, answers: int) -> int | None:
        for counter, nonce in self._recent:
            if counter == answers:
                return nonce
        return None

    def _forget_acked(self) -> None:
        kept = []
        for entry in self._in_flight:
            span = self._spans.get(entry.plan.life)
            gone = span is None or span.first > entry.plan.last
            if not (entry.plan.has_samples() and gone):
                kept.append(entry)
        self._in_flight = kept

    # --- silence

    def _expire(self, link_ms: int, ready: bool, gate) -> InFlight | None:  # type: ignore[no-untyped-def]
        for entry in list(self._in_flight):
            if link_ms < entry.due_ms:
                continue
            urgent = entry.plan.kind == URGENT
            if not urgent and (entry.attempts >= ATTEMPTS or self._silent > 0):
                self._release(entry)
                self._give_up(entry, link_ms)
            elif ready and not gate.may_repeat(entry.plan.kind):
                self._make_way(entry, link_ms)
            elif ready:
                past = entry.attempts - _URGENT_SOON if urgent else entry.attempts
                entry.due_ms = link_ms + self._delay_ms(max(0, past), entry.plan.kind)
                entry.attempts += 1
                return entry
            else:
                entry.due_ms = link_ms + min(self._answer_ms, _BUSY_MS)
        return None

    # Its samples go back to the backlog: at once while answers come. Else nobody knows whether
    # they are needed, and what was never sent goes first: _rewind() brings the others again.
    def _release(self, entry: InFlight) -> None:
        self._in_flight = [other for other in self._in_flight if other is not entry]
        plan = entry.plan
        if plan.has_samples() and not self._silent:
            self._cursors[plan.life] = min(self._cursors.get(plan.life, plan.first), plan.first)

    def _make_way(self, entry: InFlight, link_ms: int) -> None:
        if entry.plan.kind == URGENT:
            entry.due_ms = link_ms + self._delay_ms(_URGENT_WAY_DOUBLINGS, URGENT)
            return
        entry.due_ms = link_ms + self._delay_ms(_WAY_DOUBLINGS)
        if entry.plan.has_samples():
            self._release(entry)

    def _give_up(self, entry: InFlight, link_ms: int) -> None:
        if entry.plan.kind == HELLO:
            return  # a guard that does not know this node yet answers its samples neither
        if self._hold_ms is None or link_ms >= self._hold_ms:
            self._silent += 1
            self._hold_ms = link_ms + self._delay_ms(self._silent)

    # Doubling, bounded, and up to half as much again by chance.
    def _delay_ms(self, doublings: int, kind: int = REGULAR) -> int:
        answer_ms = self._answer_ms
        if kind == URGENT and self._late:
            answer_ms = min(answer_ms, _LATE_URGENT_MS)
        delay_ms = min(answer_ms << min(doublings, 10), max(_HOLD_MAX_MS, answer_ms))
        self._random = (self._random * 1103515245 + 12345) & 0x7FFFFFFF
        return delay_ms + (self._random >> 8) % (delay_ms // 2 + 1)
