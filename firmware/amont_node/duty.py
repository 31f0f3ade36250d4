# The node's duty cycle. Pure: times and events in, actions out; no I/O.
#
# Two clocks: tick_s, the node's own seconds since its life began (through sleep), for sampling;
# and link_ms, real milliseconds, for waiting on answers. They differ only where time is scaled.
#
# step() returns a list of actions; the shell carries out each one and feeds back what became of it
# by another step(), until a step() without event returns nothing. Then it may sleep until due().

from amont_node.config import NodeConfig
from amont_node.delivery import Delivery, InFlight, Plan
from amont_node.sampling import Sampler
from amont_node.spans import Spans
from amont_wire.const import ACK, CONFIG, ECHO_AGE_BITS, RESEND, TIME
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

HEALTH_INTERVAL_S = 3600


class Duty:
    def __init__(
        self,
        config: NodeConfig,
        spans: Spans,
        life: int,
        next_seq: int,
        tick_s: int,
        answer_ms: int = 5000,
    ) -> None:
        self._config = config
        self._life = life
        self._next_seq = next_seq
        self._sampler = Sampler(config, tick_s)
        self.delivery = Delivery(spans, life, config.id, answer_ms)
        self._nonce: int | None = None  # the guard's boot nonce, until a frame proved it
        self._nonce_tick_s = 0  # when it arrived first
        self._proved: int | None = None  # the nonce that needs no echo any more
        self._health_due_s = tick_s + HEALTH_INTERVAL_S

    # ready: the carrier can take a frame now.
    def step(self, tick_s: int, link_ms: int, event=None, ready: bool = True):  # type: ignore[no-untyped-def]
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
            self._health_due_s = tick_s + HEALTH_INTERVAL_S
            self.delivery.want_health()
        return self._send(tick_s, link_ms, ready)

    # When to be called again without an event: (tick_s, link_ms or None).
    def due(self, link_ms: int) -> tuple[int, int | None]:
        return min(self._sampler.wake_s(), self._health_due_s), self.delivery.due_ms(link_ms)

    def fast(self, tick_s: int) -> bool:
        return self._sampler.fast(tick_s)

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
        # When it matters nothing is saved up.
        batch = 1 if self._sampler.fast(tick_s) else config.frame_samples
        what = self.delivery.next(link_ms, ready, batch, config.overlap)
        if isinstance(what, InFlight):
            return [(REPEAT, what.frame)]
        if isinstance(what, Plan):
            return [(SEND, what)]
        return []

    def _take(self, tick_s: int, link_ms: int, event):  # type: ignore[no-untyped-def]
        kind = event[0]
        if kind == READING:
            urgent = event[2] is not None and self._sampler.reading(event[1], event[2])
            self.delivery.sampled(urgent)
        elif kind == LOOKED:
            if event[2] is not None:
                self._sampler.looked(event[1], event[2])
        elif kind == SENT:
            plan, counter, frame, first, last, echo = event[1:]
            self.delivery.sent(plan, counter, frame, first, last, echo, link_ms)
        elif kind == FAILED:
            self.delivery.skipped(event[1])
        elif kind == DOWNLINK:
            return self._take_downlink(tick_s, event[1], event[2])
        elif kind == CONFIGURED:
            self._config = event[1]
            self._sampler.configure(event[1], tick_s)
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
