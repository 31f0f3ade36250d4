# The node's duty cycle. Pure: times and events in, actions out; no I/O.
#
# Two clocks: tick_s, the node's own seconds since its life began (through sleep), for sampling;
# and link_ms, real milliseconds, for waiting on answers. They differ only where time is scaled.
#
# step() returns a list of actions; the shell carries out each one and feeds back what became of it
# by another step(), until a step() without event returns nothing. Then it may sleep until due().

from amont_node import delivery
from amont_node.config import NodeConfig
from amont_node.delivery import Delivery, InFlight, Plan
from amont_node.sampling import EMPTY, FULL, LOW, Sampler
from amont_node.spans import Spans
from amont_wire.airtime import BACKLOG, URGENT, USUAL, Airtime
from amont_wire.const import ACK, CONFIG, ECHO_AGE_BITS, FAULT_BATTERY, MAX_FRAME, RESEND, TIME
from amont_wire.const import UPDATE as UPDATE_CHUNK

# Actions: tuples that start with one of these.
SAMPLE = "sample"  # (seq, tick_s): read the probes, store, answer with READING
LOOK = "look"  # (tick_s): read the first probe, store nothing, answer with LOOKED
SEND = "send"  # (plan): build, seal and send a frame, answer with SENT or FAILED
REPEAT = "repeat"  # (frame): send these very bytes again
ACKED = "acked"  # (life, through or None, bits): tell the outbox
SET_TIME = "time"  # (wall_s, quality)
CONFIGURE = "configure"  # (version, items): make durable, then answer with CONFIGURED
UPDATE = "update"  # (message): a part of a release

# Events: tuples that start with one of these.
READING = "reading"  # (tick_s, value of the first channel or None): stored
LOOKED = "looked"  # (tick_s, value or None)
SENT = "sent"  # (plan, counter, frame, first, last, echoed nonce or None)
FAILED = "failed"  # (plan): cannot be built, ever
DOWNLINK = "downlink"  # (counter, message): it opened
CONFIGURED = "configured"  # (config): durable
FLOAT = "float"  # (tick_s): the float switch closed
BATTERY = "battery"  # (millivolts)

HEALTH_INTERVAL_S = 3600
_LASTING_HEALTH_INTERVAL_S = 21600  # of a station with a profile, which has to last for years
# Slots that are this much longer than an urgent frame may wait are folded.
_URGENT_SLOTS_S = 5
_FAST_SLOTS = 4  # of a fast interval, a quarter
# Readings that a frame tells again when airtime is scarce: a sample that only one frame told, and
# that was lost, would cost a frame of the backlog.
_SCARCE_OVERLAP = 6
_BATTERY_HYSTERESIS_MV = 100
_BATTERY_READINGS = 3  # in a row: a cold start pulls the voltage down for a moment


class Duty:
    def __init__(
        self,
        config: NodeConfig,
        spans: Spans,
        life: int,
        next_seq: int,
        tick_s: int,
        answer_ms: int = 5000,
        late: bool = False,
    ) -> None:
        self._config = config
        self._life = life
        self._next_seq = next_seq
        self._sampler = Sampler(config, tick_s)
        self.delivery = Delivery(spans, life, config.id, answer_ms, late)
        self._nonce: int | None = None  # the guard's boot nonce, until a frame proved it
        self._nonce_tick_s = 0  # when it arrived first
        self._proved: int | None = None  # the nonce that needs no echo any more
        self._health_due_s = tick_s + self._health_interval_s()
        self.airtime = Airtime(config.lora, config.airtime_permille, MAX_FRAME)
        self._tick_s = tick_s  # of this step
        self._slot_s = 0  # not before this tick anything is sent
        self._urgent_slot_s = 0
        self._battery = FULL
        self._battery_readings = 0  # in a row that speak for another level

    # ready: the carrier can take a frame now.
    def step(self, tick_s: int, link_ms: int, event=None, ready: bool = True):  # type: ignore[no-untyped-def]
        self._tick_s = tick_s
        if event is not None:
            return self._take(tick_s, link_ms, event)
        instant_s = self._sampler.take_due(tick_s)
        if instant_s is not None:
            seq = self._next_seq
            self._next_seq += 1
            return [(SAMPLE, seq, instant_s)]
        look_s = self._sampler.take_look(tick_s)
        if look_s is not None:
            return [(LOOK, look_s)]
        if tick_s >= self._health_due_s:
            self._health_due_s = tick_s + self._health_interval_s()
            self.delivery.want_health()
        return self._send(tick_s, link_ms, ready)

    # When to be called again without an event: (tick_s, link_ms or None).
    def due(self, link_ms: int) -> tuple[int, int | None]:
        # Health goes with the next sample, unless that is far.
        due_s = min(self._sampler.wake_s(), self._health_due_s + HEALTH_INTERVAL_S)
        for slot_s in (self._slot_s, self._urgent_slot_s):
            if slot_s > self._tick_s:
                due_s = min(due_s, slot_s)
        return due_s, self.delivery.due_ms(link_ms)

    def fast(self, tick_s: int) -> bool:
        return self._sampler.fast(tick_s)

    def float_worn(self, tick_s: int) -> bool:
        return self._sampler.float_worn(tick_s)

    # Service mode: see Sampler.attend.
    def attend(self, tick_s: int) -> None:
        self._sampler.attend(tick_s)

    # The carrier sends with this spreading factor now; 0: it does not choose by itself.
    def tune(self, sf: int) -> None:
        lora = self._config.lora
        if sf and lora is not None and lora.sf != sf:
            lora.sf = sf
            self.airtime.configure(lora, self._config.airtime_permille)

    # What the next frame of this life should echo: (nonce, age_s) or None.
    def echo(self, tick_s: int) -> tuple[int, int] | None:
        if self._nonce is None:
            return None
        age_s = tick_s - self._nonce_tick_s
        if age_s >> ECHO_AGE_BITS:
            self._nonce = None  # too old to be told; the next downlink brings it again
            return None
        return self._nonce, age_s

    def _send(self, tick_s: int, link_ms: int, ready: bool):  # type: ignore[no-untyped-def]
        config = self._config
        # When it matters nothing is saved up; nor do stretched intervals make frames rarer.
        saved = 1 if self._sampler.fast(tick_s) else config.frame_samples >> self._battery
        batch = max(1, saved)
        overlap = config.overlap
        if self.airtime.scarce(tick_s):
            overlap = min(overlap, _SCARCE_OVERLAP)
        what = self.delivery.next(link_ms, ready, batch, overlap, self)
        if isinstance(what, InFlight):
            self.airtime.sent(tick_s, len(what.frame), _who(what.plan.kind))
            return [(REPEAT, what.frame)]
        if isinstance(what, Plan):
            return [(SEND, what)]
        return []

    # --- when a frame may go: the delivery asks

    def may_send(self, kind: int) -> bool:
        slot_s = self._urgent_slot_s if kind == delivery.URGENT else self._slot_s
        return self._tick_s >= slot_s and self.may_repeat(kind)

    def may_repeat(self, kind: int) -> bool:
        return self.airtime.allows(self._tick_s, _who(kind))

    # In the usual rhythm nodes sample one after the other. What comes out of it waits for its
    # turn: an urgent frame a few seconds. A later sample never makes an earlier one wait longer.
    def _take_slot(self, tick_s: int, instant_s: int) -> None:
        config = self._config
        urgent_s = usual_s = 0
        if not self._sampler.is_staggered(instant_s):
            urgent_s = config.slot_s % _URGENT_SLOTS_S
            usual_s = config.slot_s % max(1, config.fast_interval_s // _FAST_SLOTS)
        self._urgent_slot_s = _earlier(tick_s, self._urgent_slot_s, instant_s + urgent_s)
        self._slot_s = _earlier(tick_s, self._slot_s, instant_s + max(usual_s, urgent_s))

    def _health_interval_s(self) -> int:
        plain = self._config.profile is None
        return HEALTH_INTERVAL_S if plain else _LASTING_HEALTH_INTERVAL_S

    # --- the battery

    def _take_battery(self, tick_s: int, battery_mv: int) -> None:
        level = self._level(battery_mv)
        self._battery_readings = 0 if level == self._battery else self._battery_readings + 1
        if self._battery_readings >= _BATTERY_READINGS:
            self._battery_readings = 0
            self._battery = level
            self._sampler.battery(level, tick_s)
            self.delivery.want_health()

    def _level(self, battery_mv: int) -> int:
        config = self._config
        level = FULL
        for mark_mv, below in ((config.low_mv, LOW), (config.empty_mv, EMPTY)):
            again_mv = _BATTERY_HYSTERESIS_MV if self._battery >= below else 0
            if battery_mv < mark_mv + again_mv:
                level = below
        return level

    # Bits for the health message.
    def faults(self) -> int:
        return FAULT_BATTERY if self._battery != FULL else 0

    # --- events

    def _take(self, tick_s: int, link_ms: int, event):  # type: ignore[no-untyped-def]
        kind = event[0]
        if kind == READING:
            urgent = self._sampler.reading(event[1], event[2])
            self.delivery.sampled(urgent)
            self._take_slot(tick_s, event[1])
        elif kind == LOOKED:
            if event[2] is not None:
                self._sampler.looked(event[1], event[2])
        elif kind == SENT:
            plan, counter, frame, first, last, echo = event[1:]
            self.airtime.sent(tick_s, len(frame), _who(plan.kind))
            self.delivery.sent(plan, counter, frame, first, last, echo, link_ms)
        elif kind == FAILED:
            self.delivery.skipped(event[1])
        elif kind == DOWNLINK:
            return self._take_downlink(tick_s, event[1], event[2])
        elif kind == CONFIGURED:
            self._config = event[1]
            self._sampler.configure(event[1], tick_s)
            self.airtime.configure(event[1].lora, event[1].airtime_permille)
            self.delivery.want_health()  # it tells the version
        elif kind == FLOAT:
            self._sampler.tripped(event[1])
        elif kind == BATTERY:
            self._take_battery(tick_s, event[1])
        return []

    def _take_downlink(self, tick_s: int, counter: int, message):  # type: ignore[no-untyped-def]
        if not self.delivery.believes(counter, message.answers):
            return []
        self._take_nonce(tick_s, message)
        if message.TYPE == ACK:
            self._sampler.hint(message.rate, tick_s)
            through = None if message.through < 0 else message.through
            return [(ACKED, message.life, through, message.bits)]
        if message.TYPE == TIME:
            return [(SET_TIME, message.wall_s, message.quality)]
        if message.TYPE == CONFIG and message.version > self._config.version:
            return [(CONFIGURE, message.version, message.items)]
        if message.TYPE == RESEND:
            for first, length in message.ranges:
                self.delivery.want_range(message.life, first, first + length - 1)
        if message.TYPE == UPDATE_CHUNK:
            return [(UPDATE, message)]
        return []

    def _take_nonce(self, tick_s: int, message) -> None:  # type: ignore[no-untyped-def]
        nonce = message.nonce
        if self.delivery.echoed(message.answers) == nonce:
            self._proved = nonce
        if nonce == self._proved:
            self._nonce = None
        elif nonce != self._nonce:
            self._nonce = nonce
            self._nonce_tick_s = tick_s


# On whose account of the airtime a kind of frame goes.
def _who(kind: int) -> int:
    if kind == delivery.BACKLOG:
        return BACKLOG
    return URGENT if kind == delivery.URGENT else USUAL


# The slot to wait for: the one before, if it has not passed.
def _earlier(tick_s: int, before_s: int, slot_s: int) -> int:
    return min(before_s, slot_s) if before_s >= tick_s else slot_s
