# What a bridge with a radio sends, and when. Pure: ticks in ms come in, transmissions go out.
#
# - A node listens for listen_ms after each uplink, on that uplink's channel and spreading factor,
#   and at no other time, but for the rest of a downlink whose preamble it heard within it.
# - First the answers to urgent frames, then acknowledgements, then what nodes are told, then
#   chunks of updates; among equals the window that closes first.
# - While an urgent frame waits for the guard's answer nothing but acknowledgements begins, and of
#   those none that could keep the answer out of its window.
# - An acknowledgement from before the uplink waits till the last moment for the one that answers
#   it: two would cost twice the airtime.
# - While a frame is coming in nothing begins that can wait: sending would destroy it.
# - The airtime's urgent share is for answers to urgent frames, its usual one for acknowledgements,
#   the backlog's for the rest. Who was acknowledged half a minute ago has no claim on the urgent
#   one; and once airtime is scarce, who was ten minutes ago makes way for those who were not:
#   acknowledgements tell all, and a node that is never answered holds back what it has.

from amont_bridge.waiting import (
    ACKNOWLEDGE,
    ANSWER,
    TELL,
    Entry,
    Waiting,
    counter_of,
    node_of,
    type_of,
)
from amont_wire.airtime import BACKLOG, PREAMBLE, URGENT, USUAL, Airtime, time_on_air_ms
from amont_wire.const import URGENT as URGENT_FRAME

FIRST_MS = 20  # a node's radio turns from sending to listening
_GAP_MS = 50  # a node takes one downlink before it hears the next
_MARGIN_MS = 60  # uplinks are noticed late, nodes' clocks are not ours
_SPARE_MS = 100  # how long before the last moment an old acknowledgement goes
_ANSWER_MS = 1000  # the guard answers an urgent frame within this, or not in time
_WINDOWS_MAX = 64
_CLAIM_MS = 30000
_TURN_MS = 600000
_HEARD_MAX = 128  # nodes of which the last counter is known
_AGAIN_MS = 20  # when to look again whether a frame still comes in
_AIR_MS = 500  # and whether airtime came free
_SYNC_SYMBOLS = 5  # 4.25 behind the preamble
_BW_KHZ = 125
_CR = 5


# One downlink as it goes out: inverted IQ, 8 symbols of preamble. freq_khz 0: at once, anyhow.
class Transmission:
    def __init__(self, entry: Entry, freq_khz: int, sf: int, power_dbm: int) -> None:
        self.entry = entry
        self.handle = entry.handle
        self.frame = entry.frame
        self.freq_khz = freq_khz
        self.sf = sf
        self.power_dbm = power_dbm
        self.length_ms = length_ms(entry.frame, sf) if sf else 0


class Window:
    def __init__(self, tick_ms: int, listen_ms: int, where: tuple[int, int], urgent: bool) -> None:
        self.opened_ms = tick_ms
        self.from_ms = tick_ms + FIRST_MS  # nothing begins before
        self.closes_ms = tick_ms + listen_ms - _MARGIN_MS
        self.freq_khz, self.sf = where
        self.urgent = urgent
        self.answered = False

    # The last moment at which a frame may begin: the node hears its preamble, and goes on.
    def last_ms(self) -> int:
        return self.closes_ms - ((PREAMBLE + _SYNC_SYMBOLS) << self.sf) // _BW_KHZ

    def awaits_answer(self, tick_ms: int) -> bool:
        waited_ms = tick_ms - self.opened_ms
        return self.urgent and not self.answered and waited_ms < _ANSWER_MS


def length_ms(frame: bytes, sf: int) -> int:
    return time_on_air_ms(len(frame), sf, _BW_KHZ, _CR, PREAMBLE)


class Schedule:
    def __init__(self, airtime: Airtime, listen_ms: int, power_dbm: int) -> None:
        self.airtime = airtime
        self.listen_ms = listen_ms
        self.power_dbm = power_dbm
        self.waiting = Waiting()
        self._windows: dict[int, Window] = {}  # of each node heard lately
        self._heard: list[
            tuple[int, int, int]
        ] = []  # (node, its last counter, when), oldest first
        self._acked: list[tuple[int, int]] = []  # (node, when it was acknowledged last)
        self._wake_ms: int | None = None  # when something may begin that may not yet

    def configure(self, listen_ms: int, power_dbm: int) -> None:
        self.listen_ms = listen_ms
        self.power_dbm = power_dbm

    # --- what comes in

    # An uplink ended at tick_ms. where: (kHz, spreading factor).
    def heard(self, frame: bytes, where: tuple[int, int], tick_ms: int) -> None:
        node = node_of(frame)
        self._forget_windows(tick_ms)
        while len(self._windows) >= _WINDOWS_MAX and node not in self._windows:
            oldest = min([(w.opened_ms, other) for other, w in self._windows.items()])
            del self._windows[oldest[1]]
        urgent = type_of(frame) == URGENT_FRAME
        self._windows[node] = Window(tick_ms, self.listen_ms, where, urgent)
        others = [heard for heard in self._heard if heard[0] != node]
        self._heard = others[1 - _HEARD_MAX :] + [(node, counter_of(frame), tick_ms)]
        self.waiting.heard(node, counter_of(frame))

    def add(self, handle: int, frame: bytes, tick_ms: int) -> None:
        node = node_of(frame)
        self._forget_windows(tick_ms)
        for other, counter, heard_ms in self._heard:
            if other == node:
                entry = Entry(handle, frame, counter, tick_ms)
                self.waiting.add(entry, heard_ms, self._windows)
                return
        self.waiting.add(Entry(handle, frame, None, tick_ms), None, self._windows)

    # --- what goes out

    # What begins now. hears: a frame is coming in, which sending would destroy.
    def next(self, tick_ms: int, hears: bool) -> Transmission | None:
        self._wake_ms = None
        self._forget_windows(tick_ms)
        chosen = None
        for node in self._windows:  # a few are open, and 64 frames may wait
            found = self._of(node, tick_ms, hears)
            if found is not None and (chosen is None or found[:3] < chosen[:3]):
                chosen = found
        if chosen is None:
            return None
        return self._begin(chosen[0], chosen[3], tick_ms)

    def _begin(self, rank: int, entry: Entry, tick_ms: int) -> Transmission:
        window = self._windows[entry.node]
        self.waiting.take(entry)
        sending = Transmission(entry, window.freq_khz, window.sf, self.power_dbm)
        share = self._share(rank, entry.node, tick_ms)
        self.airtime.sent_ms(tick_ms // 1000, sending.length_ms, share)
        if entry.rank == ACKNOWLEDGE:
            window.answered = window.answered or entry.tick_ms >= window.opened_ms
            others = [acked for acked in self._acked if acked[0] != entry.node]
            self._acked = others[1 - _HEARD_MAX :] + [(entry.node, tick_ms)]
        window.from_ms = tick_ms + sending.length_ms + _GAP_MS
        self._later(tick_ms)  # others may wait
        return sending

    # It ended, or could not be sent: then it waits again.
    def ended(self, sending: Transmission, ok: bool, tick_ms: int) -> None:
        window = self._windows.get(sending.entry.node)
        if window is not None:
            window.from_ms = tick_ms + _GAP_MS
        if not ok:
            self.waiting.put_back(sending.entry)

    # (rank, when its window closes, node, entry) of what may begin now for a node, or None.
    def _of(self, node: int, tick_ms: int, hears: bool) -> tuple[int, int, int, Entry] | None:
        window = self._windows[node]
        entries = self.waiting.of(node)
        if not entries:
            return None
        for entry in self._turns(window, entries, tick_ms):
            rank = ANSWER if window.urgent and entry.rank == ACKNOWLEDGE else entry.rank
            if self._may(window, entry, rank, len(entries), tick_ms, hears):
                return rank, window.closes_ms, node, entry
        return None

    # Which of a node's frames may be next, the best first: the oldest, unless that would keep its
    # acknowledgement out of the window.
    def _turns(self, window: Window, entries: list[Entry], tick_ms: int) -> list[Entry]:
        oldest = entries[0]
        acks = [entry for entry in entries if entry.rank == ACKNOWLEDGE]
        if not acks or acks[0] is oldest:
            return [oldest]
        ack = acks[0]
        after_ms = max(tick_ms, window.from_ms) + length_ms(oldest.frame, window.sf) + _GAP_MS
        if window.urgent or after_ms > window.last_ms():
            return [ack]
        return [oldest, ack]

    def _may(
        self, window: Window, entry: Entry, rank: int, count: int, tick_ms: int, hears: bool
    ) -> bool:
        length = length_ms(entry.frame, window.sf)
        last_ms = window.last_ms()
        if tick_ms > last_ms:
            return False
        from_ms = window.from_ms
        old = entry.rank == ACKNOWLEDGE and entry.tick_ms < window.opened_ms
        if old and (count == 1 or window.urgent):
            from_ms = max(from_ms, last_ms - _SPARE_MS)
        if tick_ms < from_ms:
            return self._later(from_ms)
        if hears and (rank > ACKNOWLEDGE or tick_ms < last_ms - _SPARE_MS):
            return self._later(tick_ms + _AGAIN_MS)
        if rank != ANSWER and self._held_for_answers(rank, length, tick_ms):
            return self._later(tick_ms + _AGAIN_MS)
        entry.refused = not self._has_airtime(entry.node, rank, length, tick_ms)
        return not entry.refused or self._later(tick_ms + _AIR_MS)

    def _has_airtime(self, node: int, rank: int, length: int, tick_ms: int) -> bool:
        share, tick_s = self._share(rank, node, tick_ms), tick_ms // 1000
        if share == USUAL and self.airtime.scarce(tick_s):
            if self._acked_within(node, _TURN_MS, tick_ms):
                return False
        return self.airtime.allows(tick_s, share, length)

    def _share(self, rank: int, node: int, tick_ms: int) -> int:
        if rank == ANSWER and not self._acked_within(node, _CLAIM_MS, tick_ms):
            return URGENT
        return USUAL if rank <= ACKNOWLEDGE else BACKLOG

    def _acked_within(self, node: int, ms: int, tick_ms: int) -> bool:
        return any([one == node and tick_ms - at_ms < ms for one, at_ms in self._acked])

    # Whether an urgent frame's answer would have to wait for this too long.
    def _held_for_answers(self, rank: int, length: int, tick_ms: int) -> bool:
        for window in self._windows.values():
            if not window.awaits_answer(tick_ms):
                continue
            if rank >= TELL or tick_ms + length > window.last_ms():
                return True
        return False

    # --- time

    # Milliseconds until something may begin by itself; None: something has to come first.
    def wait_ms(self, tick_ms: int) -> int | None:
        return None if self._wake_ms is None else max(0, self._wake_ms - tick_ms)

    def _later(self, at_ms: int) -> bool:
        if self._wake_ms is None or at_ms < self._wake_ms:
            self._wake_ms = at_ms
        return False

    def _forget_windows(self, tick_ms: int) -> None:
        for node in [n for n in self._windows if self._windows[n].closes_ms <= tick_ms]:
            del self._windows[node]
