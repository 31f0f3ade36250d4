"""A node on the simulated air: ``amont_node``'s own duty, encoders, sealer and carrier.

Only its flash (samples are kept in memory), its probe (a value over time), its clock and its radio
are ours. A send blocks a real node until it is over; here the node's own time goes on by as much,
and nothing wakes it before.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from amont_node import duty as act
from amont_node import reports
from amont_node.awake import Awake
from amont_node.config import NodeConfig
from amont_node.duty import Duty
from amont_node.lora_carrier import LoraCarrier
from amont_node.outbox import Record
from amont_node.radio import Modulation, RadioPort
from amont_node.spans import Spans
from amont_provision.linkbudget import REQUIRED_SNR_DB, noise_dbm
from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.downlink import decode
from amont_wire.errors import WireError
from amont_wire.frame import Opener, Sealer

from .air import Air, Events, Transmission
from .air_links import BRIDGE, Links

LIFE = 0
_ACTIONS_MAX = 64
_SLICE_MS = 100  # of Node: the longest that it waits for a frame without a look around
_MARGIN_US = 1000  # wakes come this long after what they wait for, for clocks are cut to ms
Value = Callable[[float], int]  # of the world's seconds


class NodeClock:
    """A node's own time: it began at another instant than the world's, and runs a little apart."""

    def __init__(self, born_us: int, drift_ppm: float) -> None:
        """Be born at a world's instant, perhaps before its beginning."""
        self._born_us, self._rate = born_us, 1 + drift_ppm / 1e6

    def own_ms(self, world_us: int) -> int:
        """Return the node's milliseconds."""
        return int((world_us - self._born_us) * self._rate / 1000)

    def world_us(self, own_ms: int) -> int:
        """Return when the world's time is that."""
        return int(own_ms * 1000 / self._rate) + self._born_us + _MARGIN_US


class NodeRadio(RadioPort):
    """The radio port of one node, on the air."""

    def __init__(self, air: Air, links: Links, node: int, wake: Callable[[int], None]) -> None:
        """Tell ``wake`` the node's number when a frame has come."""
        super().__init__()
        self.place, self._air, self._links, self._wake = node, air, links, wake
        self.now_us = 0  # the node's, perhaps ahead of the world's
        self._awake = False  # listening
        self._locked: Transmission | None = None
        self._came: list[tuple[bytes, int, int, int]] = []
        self.listened_us = 0
        self._since_us = 0

    def configure(self, listen: list[Modulation]) -> None:
        """Take what to listen to from now on."""
        super().configure(listen)
        self.sleep()

    def send(self, frame: bytes, modulation: Modulation) -> bool:
        """Be on the air from now on; the node's time goes on to the end."""
        self.sleep()
        self.frames_out += 1
        self.now_us = self._air.send(self.place, modulation, frame, self.now_us)
        return True

    def receive(self, _wait_ms: int) -> tuple[bytes, int, int, int] | None:
        """Return what has come; listen from now on."""
        if not self._awake:
            self._awake, self._since_us = True, self.now_us
            self._air.nodes.add(self)
        return self._came.pop(0) if self._came else None

    def hears(self) -> bool:
        """Tell whether a frame is coming in."""
        return self._locked is not None

    def sleep(self) -> None:
        """Hear nothing."""
        if self._awake:
            self.listened_us += max(0, self.now_us - self._since_us)
        self._awake, self._locked = False, None
        self._air.nodes.discard(self)

    def close(self) -> None:
        """End."""
        self.sleep()

    def begins(self, sent: Transmission) -> None:
        """Lock on a bridge's frame, if it is one that is listened to."""
        if not self._awake or self._locked is not None or self._since_us > sent.lock_by_us:
            return
        if any(sent.modulation.meets(own) for own in self.listen):
            self._locked = sent
            self._air.events.at(sent.end_us, self._settle, sent)

    def _settle(self, sent: Transmission) -> None:
        if self._locked is not sent:
            return
        self._locked = None
        level_dbm = self._air.level_dbm(sent, self.place)
        m = sent.modulation
        snr_db = level_dbm - noise_dbm(m.bw_khz)
        good = (
            snr_db >= REQUIRED_SNR_DB[m.sf]
            and not self._links.is_bad(BRIDGE, self.place, sent.begin_us)
            and self._air.survives(sent, self.place)
        )
        sent.fates[self.place] = "heard" if good else "lost"
        if good:
            self.frames_in += 1
            at = [m.meets(own) for own in self.listen].index(True)
            self._came.append((sent.frame, round(level_dbm), snr_db4(snr_db), at))
        else:
            self.crc_errors += 1
        self._wake(self.place)


def snr_db4(snr_db: float) -> int:
    """Return a ratio as radios tell it: quarter dB in a byte."""
    return max(-128, min(127, round(4 * snr_db)))


class _Outbox:
    """Samples in memory, as ``amont_node.reports`` reads them."""

    def __init__(self) -> None:
        self.spans, self.records, self.dropped = Spans(), list[Record](), 0

    def append(self, record: Record) -> None:
        self.records.append(record)
        self.spans.add(LIFE, record.seq)

    def read(self, _life: int, first: int, last: int) -> list[Record]:
        return self.records[max(0, first) : last + 1]

    def give_up(self, _life: int, first: int, last: int) -> None:
        if first <= last:
            raise AssertionError("every sample can be read")

    def waiting(self) -> int:
        return self.spans.waiting()

    def waits(self, seq: int) -> bool:
        span = self.spans.get(LIFE)
        return span is not None and span.waits(seq)


class AirCarrier(LoraCarrier):
    """The node's carrier; it also says when to look whether its window is over."""

    def closes_ms(self) -> int:
        """Return the window's end; while it has none, now."""
        return self._now_ms() if self._until_ms is None else self._until_ms


class AirNode:
    """One node; it asks to be woken when something is due."""

    def __init__(
        self, config: NodeConfig, secret: bytes, value: Value, clock: NodeClock, radio: NodeRadio,
        events: Events, answer_ms: int = 5000,
    ) -> None:  # fmt: skip
        """Boot now."""
        self.id, self._config, self._value, self._clock = config.id, config, value, clock
        self.radio, self._events = radio, events
        self.carrier = AirCarrier(config.carrier, config.id, self.link_ms, lambda: None, radio)
        identity = (secret, config.id, config.generation)
        self._sealer = Sealer(*identity, const.UPLINK, ReservedCounter(0, lambda _limit: None))
        self._opener = Opener(*identity, const.DOWNLINK)
        self.outbox = _Outbox()
        self.sampled: Callable[[AirNode, int, int], None] | None = None  # told of each sample
        self.rejected = 0
        self._due_us = -1
        self._turn = 0
        self._rig()
        radio.now_us = events.now_us
        first_tick_s = self.tick_s()
        self._awake = Awake(config.max_awake_s)
        self.duty = Duty(config, self.outbox.spans, LIFE, 0, first_tick_s, answer_ms)

    def _rig(self) -> None:
        # What reports.py asks of a node, and no more.
        self._life = SimpleNamespace(number=LIFE)
        self._lives = SimpleNamespace(boots=1)
        self.boot = SimpleNamespace(is_safe=False, failed=False)
        self.hal = SimpleNamespace(free_heap_bytes=lambda: 100_000)
        self.reset_cause, self.release, self._fault_bits = 1, 1, 0
        self._rejected = 0
        self._values = [0, 0, 0, 0]

    def tick_s(self) -> int:
        """Return the node's seconds."""
        return self.link_ms() // 1000

    def link_ms(self) -> int:
        """Return the node's milliseconds."""
        return self._clock.own_ms(self.radio.now_us)

    def wake_at(self, at_us: int) -> None:
        """Wake at an instant, unless it was asked for an earlier one."""
        if self._due_us < 0 or at_us < self._due_us:
            self._due_us, self._turn = at_us, self._turn + 1
            self._events.at(max(at_us, self.radio.now_us), self._woken, self._turn)

    def _woken(self, turn: int) -> None:
        if turn == self._turn:
            self._due_us = -1
            self.wake()

    def wake(self) -> None:
        """Do all that is due, as ``amont_node.node.Node.wake`` does, and sleep."""
        self.radio.now_us = max(self.radio.now_us, self._events.now_us)
        if not self._awake.rests(self.tick_s()):
            for frame in self.carrier.receive(self.link_ms()):
                self._take(frame)
            self._awake.note(self.link_ms(), self._listens())
            for _ in range(_ACTIONS_MAX):
                actions = self._step(None)
                if not actions:
                    break
                self._perform(actions)
        link_ms = self.link_ms()
        self._awake.note(link_ms, self._listens())
        self._awake.bound(link_ms, self.duty.due(link_ms)[0])
        self.wake_at(max(self._clock.world_us(self._due_ms()), self.radio.now_us + _MARGIN_US))

    def _due_ms(self) -> int:
        # As Node._sleep reckons it: whole seconds while nothing can come, else to the millisecond.
        link_ms = self.link_ms()
        due_s, due_ms = self.duty.due(link_ms)
        dues = [1000 * due_s]
        resting = self._awake.rests(self.tick_s())
        if due_ms is not None and not resting:
            nap_s = (max(0, due_ms - link_ms) + 999) // 1000
            dues.append(due_ms if self._listens() else 1000 * (self.tick_s() + nap_s))
        if self.carrier.rising and not resting:
            dues.append(max(self.carrier.closes_ms(), link_ms + _SLICE_MS))
        return int(min(dues))

    def _listens(self) -> bool:
        carrier = self.carrier
        return not carrier.pauses and (carrier.rising or self.duty.delivery.waits())

    def _step(self, event: tuple[Any, ...] | None) -> list[Any]:
        link_ms = self.link_ms()
        ready = not self.carrier.holds(link_ms, self.duty.delivery)
        actions: list[Any] = self.duty.step(self.tick_s(), link_ms, event, ready)
        return actions

    def _perform(self, actions: list[Any]) -> None:
        for action in actions:
            kind = action[0]
            if kind == act.SAMPLE:
                self._sample(action[1], action[2])
            elif kind == act.LOOK:
                self._step((act.LOOKED, action[1], self._read()))
            elif kind == act.SEND:
                self._send(action[1])
            elif kind == act.REPEAT:
                self.carrier.send(action[1], self.link_ms())
            elif kind == act.ACKED:
                self.rejected += not self.outbox.spans.ack(*action[1:])

    def _read(self) -> int:
        return self._value(self.radio.now_us / 1e6)

    def _sample(self, seq: int, tick_s: int) -> None:
        value = self._read()
        self._values[0] = value
        self.outbox.append(Record(LIFE, seq, tick_s, 1, list(self._values), 0))
        if self.sampled is not None:
            self.sampled(self, seq, value)
        self._step((act.READING, tick_s, value))

    def _send(self, plan: Any) -> None:
        tick_s = self.tick_s()
        echo = self.duty.echo(tick_s)
        frame, kind = reports.build(self, plan, tick_s, echo)
        if frame is None:
            self._step((act.FAILED, plan))
            return
        counter, sealed = self._sealer.seal(kind, frame.body)
        self.carrier.send(sealed, self.link_ms())
        nonce = echo[0] if echo is not None and frame.echoes else None
        self._step((act.SENT, plan, counter, sealed, frame.first, frame.last, nonce))

    def _take(self, frame: bytes) -> None:
        try:
            header, body = self._opener.open(frame)
            message = decode(header.type, body)
        except WireError:
            self.rejected += 1
            return
        self._perform(self._step((act.DOWNLINK, header.counter, message)))
