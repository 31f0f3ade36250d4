# Sleep that forgets, and the clock that outlives it. Loaded only where the configuration names a
# clock chip, deep sleep or a gate.
#
# Gate: between two wakes the board has no supply. The chip's INT pin switches it on at the alarm,
# and holds it until the alarm is released; board.gate, where there is one, holds it as well.
# Before the supply goes all that the duty knows is in flash; the boot count beside it says whether
# anything happened since. Without a chip that keeps the time and an alarm that reads back the
# node does not let go: it sleeps lightly, and tells the fault. So it does beside a person, on
# trial, in safe mode, during an update, after a wake that failed, before its first sample.

from amont_node import console
from amont_node.measure import ProbeError, reason
from amont_node.pair import PairFile
from amont_wire.const import FAULT_CLOCK, FAULT_FLASH, RESET_DEEP_SLEEP, TIME_UNKNOWN

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

LIGHT = "light"
DEEP = "deep"
GATE = "gate"

_GAP_S_MIN = 30  # a boot costs as much as light sleep of this length
_LATE_S = 5  # an alarm that comes sooner might come before the supply is gone
_OFF_MS = 3000  # what a supply may take to fall
_AGAIN_S = 60  # of the board's own clock, until the chip is asked again
_JUMP_S = 10  # more than the clocks may differ in that time
_AHEAD_S_MAX = 400 * 86400
_WALL_APART_S = 2  # less is the way of the frame
_WALL_FIRST_S = 1577836800  # 2020; before, and where calendars end, it is no time of ours
_WALL_END_S = 4102444800  # 2100
_ASK_AGAIN_MS = 86400000  # of a chip that did not answer at the boot


# The node's clock by the chip's. Never goes back; the board's own ticks fill the seconds between
# two looks. The chip is set only when it had stopped: what SET_TIME says is kept beside it.
class ChipClock:
    def __init__(self, clock, chip, wall: PairFile) -> None:  # type: ignore[no-untyped-def]
        self._clock = clock
        self._chip = chip
        self._wall = wall
        self.kind = "chip"  # whose seconds a life counts
        self.goes_on = False  # it ran through whatever was before this boot
        self.why = ""  # it is not to be trusted with an alarm now
        self._board_s = clock.now_s()  # when the chip was asked last
        self._asks = False
        self._told_s = 0
        self._chip_s = self._first()

    def _first(self) -> int:
        chip = self._chip
        try:
            at_s = chip.read_s()
            self.goes_on = at_s is not None
            if at_s is None:
                self._wall.load()
                self._wall.save(None)
                chip.set_s(max(self._board_s, chip.LEAST_S))
                at_s = chip.read_s()
                if at_s is None:
                    raise ProbeError("the clock chip stands still")
            return int(at_s)
        except (ProbeError, OSError) as error:
            self.kind = ""
            self.goes_on = False
            self.why = reason(error)
            return int(self._board_s)

    def link_ms(self) -> int:
        return int(self._clock.link_ms())

    def is_virtual(self) -> bool:
        return bool(self._clock.is_virtual())

    # Ask the chip at the next look: the board has slept.
    def ask(self) -> None:
        self._asks = True

    def now_s(self) -> int:
        passed_s = self._clock.now_s() - self._board_s
        if self.kind and (self._asks or passed_s >= _AGAIN_S):
            self._asks = False
            self._look(self._chip_s + passed_s)
            passed_s = self._clock.now_s() - self._board_s
        self._told_s = max(self._told_s, self._chip_s + passed_s)
        return self._told_s

    def real_ms_until(self, clock_s: int) -> int | None:
        left_s = clock_s - self.now_s()
        return self._clock.real_ms_until(self._clock.now_s() + left_s)  # type: ignore[no-any-return]

    # should_s: what the chip says if both clocks are right. It is believed against the board's,
    # for that one stands still on some boards while they sleep; but not at once.
    def _look(self, should_s: int) -> None:
        self._board_s = self._clock.now_s()
        self._chip_s = should_s
        try:
            at_s = self._chip.read_s()
            if at_s is not None and abs(at_s - should_s) > _JUMP_S:
                before_s, at_s = at_s, self._chip.read_s()
                if at_s is None or not 0 <= at_s - before_s <= 1:
                    raise ProbeError("the clock chip says one thing, then another")
            if at_s is None:
                raise ProbeError("the clock chip has stopped")
            if not -_JUMP_S <= at_s - self._told_s < _AHEAD_S_MAX:
                raise ProbeError("the clock chip jumps from %d to %d" % (self._told_s, at_s))
        except ProbeError as error:
            self.why = str(error)
            return
        self._chip_s = at_s
        self.why = ""

    # Unix seconds, as far as is known; None: not at all.
    def wall_s(self) -> int | None:
        kept = self._wall.load()
        if not self.kind or not isinstance(kept, list):
            return None  # what is kept is about the chip's seconds
        wall_s = self.now_s() + int(kept[0])
        return wall_s if _WALL_FIRST_S <= wall_s < _WALL_END_S else None

    # The wire's SET_TIME. The ticks do not feel it.
    def set_wall(self, wall_s: int, quality: int) -> None:
        kept = self._wall.load()
        known = kept if isinstance(kept, list) else (0, TIME_UNKNOWN)
        if not self.kind or quality == TIME_UNKNOWN or quality < known[1]:
            return
        if not _WALL_FIRST_S <= wall_s < _WALL_END_S:
            return
        ahead_s = wall_s - self.now_s()
        if quality > known[1] or abs(ahead_s - known[0]) > _WALL_APART_S:
            self._wall.save([ahead_s, quality])


class Sleeper:
    def __init__(self, hal, folder: str, flash: str, board, clock) -> None:  # type: ignore[no-untyped-def]
        self._hal = hal
        self._supply = hal.supply()
        self._board = board
        self._chip: "Any" = None
        self.clock = clock
        self._boot_ms = clock.link_ms()
        self.why = ""
        self.by_alarm = False
        try:
            if board.sleep == GATE:
                self._supply.hold_supply(board.gate)
            if board.rtc is not None:
                chip = self._supply.clock_chip(folder, board, clock)
                self.clock = ChipClock(clock, chip, PairFile(flash, "wall"))
                self._chip = chip
                self.why = self.clock.why
                self.by_alarm = chip.fired()
        except Exception as error:  # a wrong pin, a bus that cannot be
            self.why = reason(error)

    # Whether this boot may be the end of a sleep. Whoever stands beside it expects a whole start.
    def woke(self, reset_cause: int) -> bool:
        if console.listens() or self._board.sleep == LIGHT:
            return False
        deep = self._board.sleep == DEEP and reset_cause == RESET_DEEP_SLEEP
        return deep or bool(getattr(self.clock, "goes_on", False))

    # After light sleep, in which some boards' own clocks stand still.
    def rested(self) -> None:
        if self._chip is not None:
            self.clock.ask()

    # What the shell knew besides the duty, in a boot that ends a sleep.
    def begin(self, node) -> None:  # type: ignore[no-untyped-def]
        own = node._kept.own
        if own is not None:
            node.reset_cause = RESET_DEEP_SLEEP
            node.upkeep.woke()
            node._values, faults, node._rejected = own[0], own[1], own[2]
            node._fault_bits |= faults
            node.carrier.rssi_dbm, node.carrier.snr_db4 = own[3], own[4]
            if node.switch is not None:
                # A gate opens early only for a switch that has opened and closed meanwhile.
                again = self._board.sleep == GATE and not self.by_alarm
                node.switch.is_closed, node.switch.since_s = own[5] and not again, own[6]
        if self.why:
            node._fault(FAULT_CLOCK, self.why)
        self._tell_board()

    def set_wall(self, node, wall_s: int, quality: int) -> None:  # type: ignore[no-untyped-def]
        try:
            if self._chip is not None:
                self.clock.set_wall(wall_s, quality)
                self._tell_board()
        except OSError as error:
            node._fault(FAULT_FLASH, error)

    # The board's own calendar, for the dates of certificates.
    def _tell_board(self) -> None:
        wall_s = self.clock.wall_s() if self._chip is not None else None
        if wall_s is not None:
            self._supply.set_wall(wall_s)

    # Sleep until then and forget; returns at once where that may not be.
    def sleep(self, node, until_s: int) -> None:  # type: ignore[no-untyped-def]
        if until_s - self.clock.now_s() < _GAP_S_MIN or not self._may(node):
            return
        try:
            if self._board.sleep == GATE:
                self._cut(node, until_s)
            else:
                self._deep(node, until_s)
        except Exception as error:
            node._fault(FAULT_CLOCK, reason(error))

    def _may(self, node) -> bool:  # type: ignore[no-untyped-def]
        return not (
            self._board.sleep == LIGHT
            or console.listens()
            or node.boot.on_trial
            or node.boot.is_safe
            or not node.is_whole
            or node.upkeep.takes()
            or node.outbox.last_tick_s(node._life.number) is None
        )

    # Raises ProbeError where no alarm would end it.
    def _cut(self, node, until_s: int) -> None:  # type: ignore[no-untyped-def]
        if self._chip is None:
            raise ProbeError(self.why)
        armed_s = self._chip.arm(self._alarm_s(until_s))
        node._clear(FAULT_CLOCK)
        if self._keep(node, True):
            self._forget(node, self._let_go, armed_s)

    # In the chip's seconds. One that failed at the boot is asked again after a day: the next boot
    # then has its time, which costs a life, but light sleep costs the battery.
    def _alarm_s(self, until_s: int) -> int:
        clock = self.clock
        if clock.kind and not clock.why:
            return until_s
        if clock.kind or clock.link_ms() - self._boot_ms < _ASK_AGAIN_MS:
            raise ProbeError(clock.why)
        at_s = self._chip.read_s()
        if at_s is None:
            raise ProbeError("the clock chip has stopped")
        return int(at_s) + until_s - int(clock.now_s())

    # What ends the boot. Where it goes on, what was kept is no more as it will be.
    def _forget(self, node, ends, until_s: int) -> None:  # type: ignore[no-untyped-def]
        try:
            ends(node, until_s)
        except Exception as error:
            node._fault(FAULT_CLOCK, reason(error))
        if not self._keep(node, False):
            try:
                node._kept.forget()
            except OSError as error:
                node._fault(FAULT_FLASH, error)

    def _let_go(self, node, armed_s: int) -> None:  # type: ignore[no-untyped-def]
        at_s = self._chip.read_s()
        if at_s is None or armed_s - at_s < _LATE_S:
            return
        self._chip.release()
        self._supply.release_supply(self._board.gate, self.clock, armed_s, self._closes(node))
        self._hal.rest(_OFF_MS, node._dog)
        self._supply.hold_supply(self._board.gate)
        raise ProbeError("board.gate: the supply stays on")

    def _deep(self, node, until_s: int) -> None:  # type: ignore[no-untyped-def]
        if self._keep(node, True):
            self._forget(node, self._sink, until_s)

    def _sink(self, node, until_s: int) -> None:  # type: ignore[no-untyped-def]
        moved = self._closes(node)
        wiring = None if moved is None else self._board.float
        self._supply.deep_sleep(self.clock, until_s, wiring, moved)

    # What ends a sleep besides the time: None, or whether the switch closes now. One that is
    # closed already would end it at once.
    def _closes(self, node):  # type: ignore[no-untyped-def]
        switch = node.switch
        if switch is None or not self._board.float.wakes or switch.is_closed:
            return None
        return switch.moved

    # False: nothing is kept, so it must not forget.
    def _keep(self, node, sleeps: bool) -> bool:  # type: ignore[no-untyped-def]
        try:
            if sleeps:
                node.note_good(False)
                node.carrier.close()
                node.outbox.close()
            switch = node.switch
            own = [node._values, node._fault_bits, node._rejected, node.carrier.rssi_dbm,
                   node.carrier.snr_db4, switch is not None and switch.is_closed,
                   0 if switch is None else switch.since_s]  # fmt: skip
            node._kept.keep(node.duty, True, node._lives.boots if sleeps else 0, own)
        except (OSError, MemoryError) as error:
            node._fault(FAULT_FLASH, error)
            return False
        return True
