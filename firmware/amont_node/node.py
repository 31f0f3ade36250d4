# The shell around Duty: probes, flash, keys, carrier, clock. Every path ends in a sleep.
#
# A failure of one part is counted as a fault and told in the health message; the rest goes on.
# Only what makes the node unable to speak at all ends the program: no configuration, no secret,
# no life or counter left. Then a person has to come anyway.
#
# What bounds a wake: a watchdog, fed once a wake, where the configuration names a board; and the
# maximum awake time, after which the carrier is left alone until a sample is due (awake.py).

import sys

from amont_node import console, frames, lives, measure, reports, settings
from amont_node import duty as act
from amont_node.awake import Awake
from amont_node.boot import Boot
from amont_node.counters import LifeStore, stored_counter
from amont_node.duty import Duty
from amont_node.kept import KeptDuty
from amont_node.measure import Reading, reason, take
from amont_node.outbox import SEGMENT_RECORDS, Outbox, Record
from amont_node.settings import ConfigError
from amont_node.upkeep import Upkeep
from amont_wire import const
from amont_wire.downlink import decode
from amont_wire.errors import WireError
from amont_wire.frame import Opener, Sealer

if sys.platform in ("rp2", "esp32"):
    from amont_node import hal_board as hal
else:
    from amont_node import hal_unix as hal

FIRMWARE = 1  # the release's number where it runs from no slot
_SLICE_MS = 100  # the longest sleep: a change of the clock's speed must act soon
_ACTIONS_MAX = 64  # of one wake: what is more waits for the next slice


class Node:
    # folder: the node's files. image: see hal_unix.flash_folder. clock_file: see hal_unix.Clock.
    # is_watched: from now on a wake that does not end ends the boot. main.py has armed a real
    # board's watchdog already: there it must be fed whatever the configuration says.
    def __init__(
        self, folder: str, image: str | None, clock_file: str | None, is_watched: bool = False
    ) -> None:
        self._folder = folder
        self.hal = hal
        self.clock = hal.Clock(clock_file)
        self.boot = Boot(folder)
        self.release = self.boot.release or FIRMWARE
        self.reset_cause = hal.reset_cause()
        config, secret, damaged = settings.load(folder, self.boot.is_safe)
        self._config = config
        self._dog = None
        if is_watched and (hal.SLEEPS or config.has_board):
            self._dog = hal.watchdog(config.board.watchdog_s)
            measure.on_wait = self._feed  # type: ignore[assignment]
        flash = hal.flash_folder(folder, image, 2 * config.outbox_segments + 32)
        self._sleeper = None
        if config.board.rtc is not None or config.board.sleep != "light":
            from amont_node.gate import Sleeper

            self._sleeper = Sleeper(hal, folder, flash, config.board, self.clock)
            self.clock = self._sleeper.clock
        self._kept = KeptDuty(flash)
        counter = stored_counter(flash, config.generation)
        identity = (secret, config.id, config.generation)
        self._sealer = Sealer(*identity, const.UPLINK, counter)
        self._opener = Opener(*identity, const.DOWNLINK)
        self._lives = LifeStore(flash, config.generation)
        self.outbox = Outbox(
            flash + "/outbox", SEGMENT_RECORDS, config.outbox_segments, self._feed
        )
        self._probes = self._open_probes()
        self._values = [0, 0, 0, 0]  # last good ones
        self._fault_bits = const.FAULT_CONFIG if damaged else 0
        self._rejected = 0  # downlinks that did not open
        self._answers = 0  # the frame that the last downlink answered
        self._life = lives.begin_life(
            self._lives, self.outbox, self.clock, folder, config.interval_s, config.slot_s
        )
        self._take_history()
        self.carrier = self._make_carrier()
        self._naps = getattr(self.carrier, "naps", False)
        answer_ms = int(config.carrier.get("answer_ms", 5000))  # type: ignore[call-overload]
        self.duty = Duty(
            config, self.outbox.spans, self._life.number,
            self.outbox.next_seq(self._life.number), self.tick_s(),
            getattr(self.carrier, "answer_ms", answer_ms), getattr(self.carrier, "late", False),
        )  # fmt: skip
        link_ms = self.clock.link_ms()
        if counter.used():  # what was sent before is forgotten, but was on the air
            woke = self._sleeper is not None and self._sleeper.woke(self.reset_cause)
            self._kept.recall(self.duty, self.tick_s(), link_ms, woke, self._lives.boots)
        self.upkeep = Upkeep(self.boot, secret, config.id, config.generation, link_ms, self._feed)
        self._awake = Awake(config.max_awake_s)
        self.switch = None
        if config.board.float is not None:
            from amont_node.float_switch import open_switch

            self.switch = open_switch(self, config.board.float)
        if self._sleeper is not None:
            self._sleeper.begin(self)

    def tick_s(self) -> int:
        return max(0, self.clock.now_s() - int(self._life.origin_s))

    # One wake: everything that is due, then sleep.
    def wake(self) -> None:
        self.is_whole = False
        try:
            if self.switch is not None:
                self.switch.tend(self)
            if not self._rests():
                for frame in self.carrier.receive(self.clock.link_ms()):
                    self._take_frame(frame)
                self._awake.note(self.clock.link_ms(), self._listens())
                if self.upkeep.asks(self.clock.link_ms()):
                    self.duty.delivery.want_progress()
                for _ in range(_ACTIONS_MAX):
                    actions = self._step(None)
                    if not actions:
                        break
                    self._perform(actions)
            self.is_whole = True
        finally:
            self._bound()
            self._sleep()
        if self.upkeep.restarts(self.clock.link_ms()):
            hal.reset()

    def _feed(self) -> None:
        if self._dog is not None:
            self._dog.feed()

    def close(self) -> None:
        if self._dog is not None:
            self._dog.stop()
        self.carrier.close()
        self.outbox.close()

    # --- beginning

    def _take_history(self) -> None:
        def record(seq: int, tick_s: int, values) -> Record:  # type: ignore[no-untyped-def]
            readings = [Reading(value, const.GOOD) for value in values]
            return self._record(seq, tick_s, readings)

        lives.take_history(self._life.number, self.tick_s(), self.outbox, self._folder, record)

    # What makes them is needed once.
    def _open_probes(self):  # type: ignore[no-untyped-def]
        from amont_node.probes import open_probe

        probes = [open_probe(channel.probe, self._folder) for channel in self._config.channels]
        settings.forget("probes")
        return probes

    def _make_carrier(self):  # type: ignore[no-untyped-def]
        from amont_node.carriers import open_carrier

        now_ms = self.clock.link_ms
        carrier = open_carrier(self._config, self._folder, hal, now_ms, self._feed, self._dog)
        settings.forget("carriers")
        return carrier

    # --- actions

    def _step(self, event):  # type: ignore[no-untyped-def]
        link_ms = self.clock.link_ms()
        ready = self.carrier.ready()
        holds = getattr(self.carrier, "holds", None)
        if ready and holds is not None:
            ready = not holds(link_ms, self.duty.delivery)
        return self.duty.step(self.tick_s(), link_ms, event, ready)

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
            else:
                self._change(kind, action)

    # What the guard asks for once in a while.
    def _change(self, kind: str, action) -> None:  # type: ignore[no-untyped-def]
        if kind == act.CONFIGURE:
            self._configure(action[1], action[2])
        elif kind == act.UPDATE:
            why = self.upkeep.take(action[1], self.clock.link_ms())
            if why:
                self._fault(const.FAULT_UPDATE, why)
        elif self._sleeper is not None:  # SET_TIME: without a clock chip there is nothing to set
            self._sleeper.set_wall(self, action[1], action[2])

    def _sample(self, seq: int, tick_s: int) -> None:
        readings = [self._read(at, tick_s, False) for at in range(len(self._probes))]
        good = all([reading.quality < const.FAULT for reading in readings])
        if good and not (self.switch is not None and self.switch.fails(self)):
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
        self._tell_sample(seq, tick_s, readings)

    def _tell_sample(self, seq: int, tick_s: int, readings) -> None:  # type: ignore[no-untyped-def]
        battery_mv = reports.battery_mv(self)
        if battery_mv:
            self._step((act.BATTERY, battery_mv))
        if console.listens():
            values = []
            for channel, reading in zip(self._config.channels, readings):  # noqa: B905
                values.append([channel.index, reading.value, reading.quality])
            console.tell("sample", {
                "life": self._life.number, "seq": seq, "tick_s": tick_s, "values": values,
            })  # fmt: skip

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
            kept = getattr(self._probes[at], "kept", None)
            if kept is not None:
                kept()
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
        rouse = getattr(self.carrier, "rouse", None)  # of one that sleeps; the plan comes again
        if rouse is not None and not rouse(self.clock.link_ms()):
            return
        tick_s = self.tick_s()
        echo = self.duty.echo(tick_s)
        try:
            frame, kind = reports.build(self, plan, tick_s, echo)
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
        if console.listens():
            sent = {"kind": const.TYPE_NAMES[kind], "counter": counter, "life": plan.life}
            if plan.has_samples():
                sent["first"], sent["last"] = frame.first, frame.last
            console.tell("sent", sent)

    # --- downlinks

    def _take_frame(self, frame: bytes) -> None:
        try:
            header, body = self._opener.open(frame)
            message = decode(header.type, body)
        except WireError as error:
            self._rejected += 1
            console.say("downlink refused: %s" % error.reason)
            return
        self._answers = getattr(message, "answers", 0)
        self._perform(self._step((act.DOWNLINK, header.counter, message)))

    def _acked(self, life: int, through: int | None, bits: int) -> None:
        if console.listens():
            console.tell("ack", {
                "counter": self._answers, "life": life, "through": through, "bits": bits,
                "rssi_dbm": self.carrier.rssi_dbm, "snr_db4": self.carrier.snr_db4,
            })  # fmt: skip
        try:
            if not self.outbox.ack(life, through, bits):
                self._rejected += 1
                console.say("acknowledgement of samples that were never made: life %d" % life)
        except OSError as error:  # a segment that could not be removed goes with the next one
            self._fault(const.FAULT_FLASH, error)
        self.note_good(True)

    # acknowledged: by the guard; otherwise a wake has passed without an exception.
    def note_good(self, acknowledged: bool) -> None:
        try:
            self.upkeep.good(acknowledged, self.clock.link_ms())
        except OSError as error:
            self._fault(const.FAULT_FLASH, error)

    def _configure(self, version: int, items) -> None:  # type: ignore[no-untyped-def]
        if self.boot.is_safe:
            return
        try:
            config = settings.change(self._folder, version, items)
        except (ConfigError, OSError, MemoryError) as error:
            self._fault(const.FAULT_CONFIG, error)
            return
        self._clear(const.FAULT_CONFIG)
        self._config = config
        self._step((act.CONFIGURED, config))

    # --- faults and sleep

    def _fault(self, bit: int, error) -> None:  # type: ignore[no-untyped-def]
        if not self._fault_bits & bit:
            console.say("fault %d: %s" % (bit, error))
            console.tell("fault", {"fault": bit, "text": str(error)})
        self._fault_bits |= bit

    def _clear(self, bit: int) -> None:
        self._fault_bits &= ~bit

    def _listens(self) -> bool:
        if getattr(self.carrier, "pauses", False):  # then no answer can come
            return False
        rising = getattr(self.carrier, "rising", False)
        return rising or self.duty.delivery.waits() or self.upkeep.busy()

    def _bound(self) -> None:
        link_ms = self.clock.link_ms()
        self._awake.note(link_ms, self._listens())
        self._awake.bound(link_ms, self._life.origin_s + self.duty.due(link_ms)[0])

    def _rests(self) -> bool:
        return self._awake.rests(self.clock.now_s())

    def _sleep(self) -> None:
        self._feed()
        clock = self.clock
        link_ms = clock.link_ms()
        due_s, due_link_ms = self.duty.due(link_ms)
        idle = self._rests() or not self._listens()
        if self._naps and idle and due_link_ms is not None and not self._rests():
            nap_s = (max(0, due_link_ms - link_ms) + 999) // 1000
            due_s = min(due_s, self.tick_s() + nap_s)  # then it sends again
        if idle and self._sleeper is not None:
            self._sleeper.sleep(self, self._life.origin_s + due_s)  # keeps all by itself
        try:
            self._kept.keep(self.duty, False)
        except (OSError, MemoryError) as error:
            self._fault(const.FAULT_FLASH, error)
        until_ms = clock.real_ms_until(self._life.origin_s + due_s)
        if hal.SLEEPS and idle and until_ms is not None:
            self.carrier.close()  # it begins again by itself
            hal.rest(until_ms, self._dog, self.switch and self.switch.moved)
            if self._sleeper is not None:
                self._sleeper.rested()
            return
        wait_ms = _SLICE_MS
        if until_ms is not None:
            wait_ms = min(wait_ms, until_ms)
        if due_link_ms is not None and not self._rests():
            wait_ms = min(wait_ms, max(0, due_link_ms - link_ms))
        self.carrier.wait(wait_ms)
