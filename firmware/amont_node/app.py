# The shell around Duty: probes, flash, keys, carrier, clock. Every path ends in a sleep.
#
# A failure of one part is counted as a fault and told in the health message; the rest goes on.
# Only what makes the node unable to speak at all ends the program: no configuration, no secret,
# no life or counter left. Then a person has to come anyway.

import os
import sys

from amont_node import duty as act
from amont_node import frames, hal_unix
from amont_node.config import ConfigError, ConfigStore, load_secret
from amont_node.counters import LifeStore, stored_counter
from amont_node.delivery import HEALTH, HELLO, URGENT
from amont_node.duty import Duty
from amont_node.measure import Reading, reason, take
from amont_node.outbox import SEGMENT_RECORDS, Outbox, Record
from amont_node.probes import history, open_probe
from amont_wire import const
from amont_wire.errors import CounterExhausted, WireError
from amont_wire.frame import Opener, Sealer
from amont_wire.messages import Health, Hello, decode

FIRMWARE = 1  # rises with each release
_SLICE_MS = 100  # the longest sleep: a change of the clock's speed must act soon
_ACTIONS_MAX = 64  # of one wake: what is more waits for the next slice
_HISTORY_CHUNK = 64
_FAULT_PAUSE_MS = 1000


class Node:
    # folder: the node's files. image: see hal_unix.flash_folder. clock_file: see hal_unix.Clock.
    def __init__(self, folder: str, image: str | None, clock_file: str | None) -> None:
        self._folder = folder
        self.clock = hal_unix.Clock(clock_file)
        self._configs = ConfigStore(folder)
        self._config = self._configs.load()
        config = self._config
        flash = hal_unix.flash_folder(folder, image, 2 * config.outbox_segments + 32)
        secret = load_secret(folder)
        counter = stored_counter(flash, config.generation)
        identity = (secret, config.id, config.generation)
        self._sealer = Sealer(*identity, const.UPLINK, counter)
        self._opener = Opener(*identity, const.DOWNLINK)
        self._lives = LifeStore(flash, config.generation)
        self.outbox = Outbox(flash + "/outbox", SEGMENT_RECORDS, config.outbox_segments)
        self._probes = [open_probe(channel.probe, folder) for channel in config.channels]
        self._values = [0, 0, 0, 0]  # last good ones
        self._fault_bits = const.FAULT_CONFIG if self._configs.damaged() else 0
        self._rejected = 0  # downlinks that did not open
        self._life = self._begin_life()
        self._take_history()
        self.carrier = self._make_carrier()
        answer_ms = int(config.carrier.get("answer_ms", 5000))  # type: ignore[call-overload]
        self.duty = Duty(
            config, self.outbox.spans, self._life.number,
            self.outbox.next_seq(self._life.number), self.tick_s(), answer_ms,
        )  # fmt: skip

    def tick_s(self) -> int:
        return max(0, self.clock.now_s() - int(self._life.origin_s))

    # One wake: everything that is due, then sleep.
    def wake(self) -> None:
        try:
            for frame in self.carrier.receive(self.clock.link_ms()):
                self._take_frame(frame)
            for _ in range(_ACTIONS_MAX):
                actions = self._step(None)
                if not actions:
                    break
                self._perform(actions)
        finally:
            self._sleep()

    def close(self) -> None:
        self.carrier.close()
        self.outbox.close()

    # --- beginning

    # The life goes on if the clock did: it has not gone back, and the outbox knows all of it.
    def _begin_life(self):  # type: ignore[no-untyped-def]
        life = self._lives.current()
        now_s = self.clock.now_s()
        if life is not None and not self.outbox.unreadable:
            last_s = self.outbox.last_tick_s(life.number)
            if last_s is not None and now_s >= life.origin_s + last_s:
                self._lives.go_on(life)
                return life
        if self.clock.is_virtual():
            return self._lives.begin(0)
        earlier_s = 0
        for tick_s, _ in history(self._folder + "/history"):
            earlier_s = tick_s + self._config.interval_s
        return self._lives.begin(now_s - earlier_s)

    # What is to be told as if measured earlier, in the first life. Safe to repeat: only what is
    # newer than the outbox is taken.
    def _take_history(self) -> None:
        life = self._life.number
        if life:
            return
        seq = self.outbox.next_seq(life)
        last_s = self.outbox.last_tick_s(life)
        last_s = -1 if last_s is None else last_s
        records = []
        for tick_s, values in history(self._folder + "/history"):
            if last_s < tick_s <= self.tick_s():
                readings = [Reading(value, const.GOOD) for value in values]
                records.append(self._record(seq, tick_s, readings))
                seq += 1
                last_s = tick_s
            if len(records) == _HISTORY_CHUNK:
                self.outbox.extend(records)
                records = []
        if records:
            self.outbox.extend(records)

    # Imported here, for a node has the heap for one of them.
    def _make_carrier(self):  # type: ignore[no-untyped-def]
        config = self._config
        if config.carrier["kind"] == "mqtt":
            from amont_node.mqtt_carrier import MqttCarrier

            return MqttCarrier(config.carrier, config.id, self._folder)
        from amont_node.radio_sim import RadioSim

        return RadioSim(config.carrier, config.id)

    # --- actions

    def _step(self, event):  # type: ignore[no-untyped-def]
        return self.duty.step(self.tick_s(), self.clock.link_ms(), event, self.carrier.ready())

    def _perform(self, actions) -> None:  # type: ignore[no-untyped-def]
        for action in actions:
            kind = action[0]
            if kind == act.SAMPLE:
                self._sample(action[1], action[2])
            elif kind == act.LOOK:
                self._look(action[1])
            elif kind == act.SEND:
                self._send(action[1])
            elif kind == act.REPEAT:
                self.carrier.send(action[1], self.clock.link_ms())
            elif kind == act.ACKED:
                self._acked(action[1], action[2], action[3])
            elif kind == act.CONFIGURE:
                self._configure(action[1], action[2])

    def _sample(self, seq: int, tick_s: int) -> None:
        readings = [self._read(at, tick_s, False) for at in range(len(self._probes))]
        if all([reading.quality < const.FAULT for reading in readings]):
            self._clear(const.FAULT_PROBE)
        try:
            self.outbox.append(self._record(seq, tick_s, readings))
        except OSError as error:
            # Not stored, so never sent: its number could come again with another value.
            self._fault(const.FAULT_FLASH, error)
            return
        self._clear(const.FAULT_FLASH)
        for at in range(len(self._probes)):
            self._tell_kept(at)
        self._step((act.READING, tick_s, readings[0].telling()))

    # A cheap reading that is neither kept nor sent.
    def _look(self, tick_s: int) -> None:
        self._step((act.LOOKED, tick_s, self._read(0, tick_s, True).telling()))

    # What the probe of the channel at this place of the configuration says. Whatever goes wrong
    # in it costs this one value, never the wake.
    def _read(self, at: int, tick_s: int, is_look: bool) -> Reading:
        probe = self._probes[at]
        calibration = getattr(self._config.channels[at], "calibration", None)
        try:
            reading = take(probe, self._life.origin_s + tick_s, calibration, is_look)
        except Exception as error:
            self._fault(const.FAULT_PROBE, "channel %d: %s" % (at, reason(error)))
            return Reading(None, const.MISSING)
        if reading.quality == const.FAULT:
            self._fault(const.FAULT_PROBE, "channel %d: %s" % (at, reading.why))
        return reading

    # What was counted is stored, and need not be told again.
    def _tell_kept(self, at: int) -> None:
        try:
            if hasattr(self._probes[at], "kept"):
                self._probes[at].kept()
        except Exception as error:
            self._fault(const.FAULT_PROBE, "channel %d: %s" % (at, reason(error)))

    # readings: one a channel of the configuration. What is missing carries the value before.
    def _record(self, seq: int, tick_s: int, readings) -> Record:  # type: ignore[no-untyped-def]
        mask = 0
        quality = 0
        for channel, reading in zip(self._config.channels, readings):  # noqa: B905
            index = channel.index
            mask |= 1 << index
            code = reading.quality
            if reading.value is not None:
                self._values[index], out = frames.clamped(reading.value, channel.step)
                code = max(code, const.OUT_OF_RANGE) if out else code
            quality |= code << 3 * index
        return Record(self._life.number, seq, tick_s, mask, list(self._values), quality)

    def _send(self, plan) -> None:  # type: ignore[no-untyped-def]
        tick_s = self.tick_s()
        echo = self.duty.echo(tick_s)
        try:
            if plan.kind == HELLO:
                frame = frames.Frame(self._hello(tick_s, echo).encode(), 0, 0, echo is not None)
                kind = const.HELLO
            elif plan.kind == HEALTH:
                frame = frames.Frame(self._health(tick_s, echo).encode(), 0, 0, echo is not None)
                kind = const.HEALTH
            else:
                frame = self._samples(plan, tick_s, echo)
                kind = const.URGENT if plan.kind == URGENT else const.SAMPLES
        except (WireError, OSError) as error:
            self._fault(const.FAULT_FLASH, error)
            frame, kind = None, 0
        if frame is None:
            self.outbox.give_up(plan.life, plan.first, plan.last)
            self._step((act.FAILED, plan))
            return
        try:
            counter, sealed = self._sealer.seal(kind, frame.body)
        except OSError as error:  # no counter could be reserved: nothing is sent
            self._fault(const.FAULT_FLASH, error)
            raise
        self.carrier.send(sealed, self.clock.link_ms())
        nonce = echo[0] if echo is not None and frame.echoes else None
        self._step((act.SENT, plan, counter, sealed, frame.first, frame.last, nonce))

    def _samples(self, plan, tick_s: int, echo):  # type: ignore[no-untyped-def]
        records = self.outbox.read(plan.life, plan.first, plan.last)
        if not records:
            return None
        if plan.keeps_oldest():  # what cannot be read must not hold up all that comes after it
            self.outbox.give_up(plan.life, plan.first, records[0].seq - 1)
        fast = self.duty.fast(tick_s)
        if plan.life != self._life.number:
            # That clock is gone: the tick of its last sample is the latest that it is known to
            # have reached. And no echo: nothing of that life is fresh.
            tick_s = self.outbox.last_tick_s(plan.life) or records[-1].tick_s
            echo = None
            fast = False
        span = self.outbox.spans.get(plan.life)
        backlog = 0 if span is None else max(0, span.last - span.first)
        return frames.build(
            self._config, records, plan.keeps_oldest(), tick_s, backlog, fast, echo
        )

    def _hello(self, tick_s: int, echo) -> Hello:  # type: ignore[no-untyped-def]
        return Hello(
            self._life.number, tick_s, const.RESET_POWER, self._lives.boots, FIRMWARE,
            self._config.version, [channel.quantity for channel in self._config.channels], echo,
        )  # fmt: skip

    def _health(self, tick_s: int, echo) -> Health:  # type: ignore[no-untyped-def]
        carrier = self.carrier
        faults = self._fault_bits | (const.FAULT_RADIO if carrier.fault else 0)
        faults |= const.FAULT_OUTBOX_FULL if self.outbox.dropped else 0
        return Health(
            self._life.number, tick_s, 0, 0, const.RESET_POWER, self._lives.boots,
            self.outbox.waiting(), self.outbox.dropped,
            self._rejected + self.duty.delivery.rejected, carrier.rssi_dbm, carrier.snr_db4,
            hal_unix.free_heap_bytes() // 256, self._config.version, FIRMWARE, faults, echo,
        )  # fmt: skip

    # --- downlinks

    def _take_frame(self, frame: bytes) -> None:
        try:
            header, body = self._opener.open(frame)
            message = decode(header.type, body)
        except WireError as error:
            self._rejected += 1
            print("downlink refused: %s" % error.reason)
            return
        self._perform(self._step((act.DOWNLINK, header.counter, message)))

    def _acked(self, life: int, through: int | None, bits: int) -> None:
        try:
            if not self.outbox.ack(life, through, bits):
                self._rejected += 1
                print("acknowledgement of samples that were never made: life %d" % life)
        except OSError as error:  # a segment that could not be removed goes with the next one
            self._fault(const.FAULT_FLASH, error)

    def _configure(self, version: int, items) -> None:  # type: ignore[no-untyped-def]
        try:
            config = self._config.changed(version, items)
            self._configs.save(config)
        except (ConfigError, OSError) as error:
            self._fault(const.FAULT_CONFIG, error)
            return
        self._clear(const.FAULT_CONFIG)
        self._config = config
        self._step((act.CONFIGURED, config))

    # --- faults and sleep

    def _fault(self, bit: int, error) -> None:  # type: ignore[no-untyped-def]
        if not self._fault_bits & bit:
            print("fault %d: %s" % (bit, error))
        self._fault_bits |= bit

    def _clear(self, bit: int) -> None:
        self._fault_bits &= ~bit

    def _sleep(self) -> None:
        clock = self.clock
        link_ms = clock.link_ms()
        due_s, due_link_ms = self.duty.due(link_ms)
        wait_ms = _SLICE_MS
        until_ms = clock.real_ms_until(self._life.origin_s + due_s)
        if until_ms is not None:
            wait_ms = min(wait_ms, until_ms)
        if due_link_ms is not None:
            wait_ms = min(wait_ms, max(0, due_link_ms - link_ms))
        self.carrier.wait(wait_ms)


# Run until killed. A programming error costs one wake, told and survived; the watchdog of a real
# board takes over when even that fails.
def run(folder: str, image: str | None = None, clock_file: str | None = None) -> None:
    node = Node(folder, image, clock_file)
    print("node %d: %d samples wait" % (node._config.id, node.outbox.waiting()))
    while True:
        try:
            node.wake()
        except (KeyboardInterrupt, CounterExhausted):
            node.close()
            raise
        except Exception as error:
            report(error)
            node.carrier.wait(_FAULT_PAUSE_MS)


def report(error) -> None:  # type: ignore[no-untyped-def]
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        print("%s: %s" % (type(error).__name__, error))


# Where a file is, or None when there is none of that name.
def existing(path: str) -> str | None:
    try:
        os.stat(path)
    except OSError:
        return None
    return path


# folder [flash image]; a clock file is `clock` in the folder, if it is there.
def main(arguments: list[str]) -> None:
    folder = arguments[0]
    run(folder, arguments[1] if len(arguments) > 1 else None, existing(folder + "/clock"))


if __name__ == "__main__":
    main(sys.argv[1:])
