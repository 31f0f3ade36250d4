# Downlinks that wait for their node's window. Pure; bounded.
#
# - A node takes rising counters only, and the guard writes its frames in the order of their
#   counters: once one has gone out, what was written before it for that node is void.
# - A node believes only what answers one of its last 8 counters, and an acknowledgement tells all
#   that an older one told: what is void is given up before it costs airtime.
# - No more than 64 wait, 12 of a node. Room is made by the oldest acknowledgement whose node does
#   not listen, for the node's next frame brings a newer one; else, for one that matters more, by
#   the newest of those that matter least.

from amont_wire.const import ACK, CONFIG, RESEND, TIME, UPDATE
from amont_wire.link import SENT_AIRTIME, SENT_BUSY, SENT_EXPIRED

TOTAL_MAX = 64
NODE_MAX = 12
HOLD_MS = 86400000  # a day
_ANSWERABLE = 8  # counters back that a node still believes in

# What matters more is less.
ANSWER = 0  # an acknowledgement to a node whose urgent frame opened the window
ACKNOWLEDGE = 1
TELL = 2
CHUNK = 3
_RANKS = {ACK: ACKNOWLEDGE, TIME: TELL, CONFIG: TELL, RESEND: TELL, UPDATE: CHUNK}


def node_of(frame: bytes) -> int:
    return frame[1] | frame[2] << 8


def type_of(frame: bytes) -> int:
    return frame[0] & 15


def counter_of(frame: bytes) -> int:
    return frame[3] | frame[4] << 8 | frame[5] << 16 | frame[6] << 24


class Entry:
    def __init__(self, handle: int, frame: bytes, uplink: int | None, tick_ms: int) -> None:
        self.handle = handle
        self.frame = frame
        self.node = node_of(frame)
        self.rank = _RANKS.get(type_of(frame), CHUNK)
        self.uplink = uplink  # the node's counter that was heard last; None: none was
        self.tick_ms = tick_ms  # since when it waits
        self.tries = 0  # that the radio refused
        self.refused = False  # it had a window, but no airtime

    def result(self) -> int:
        return SENT_AIRTIME if self.refused else SENT_EXPIRED


class Waiting:
    def __init__(self) -> None:
        self._entries: list[Entry] = []  # in the order of their arrival
        self._given_up: list[tuple[int, int]] = []  # (handle, result), not told yet

    def __len__(self) -> int:
        return len(self._entries)

    def of(self, node: int) -> list[Entry]:
        return [entry for entry in self._entries if entry.node == node]

    # What was given up since this was asked last.
    def given_up(self) -> list[tuple[int, int]]:
        told, self._given_up = self._given_up, []
        return told

    # opened_ms: when the node was heard last; None: never. listens: the nodes that listen now.
    def add(self, entry: Entry, opened_ms: int | None, listens) -> None:  # type: ignore[no-untyped-def]
        for other in self.of(entry.node):
            if _replaces(entry, other, opened_ms):
                self._drop(other, other.result())
        if self._has_room(entry, listens):
            self._entries.append(entry)
        else:
            self._given_up.append((entry.handle, SENT_BUSY))

    # It goes out: what was written before it for its node would be refused there.
    def take(self, entry: Entry) -> None:
        for other in self.of(entry.node):
            if other is entry:
                break
            self._drop(other, other.result())
        self._entries = [other for other in self._entries if other is not entry]

    # It could not be sent: it goes back to its place, if that is still there.
    def put_back(self, entry: Entry) -> None:
        own = self.of(entry.node)
        full = len(own) >= NODE_MAX or len(self._entries) >= TOTAL_MAX
        if full or any([_replaces(other, entry, None) for other in own]):
            self._given_up.append((entry.handle, SENT_BUSY if full else SENT_EXPIRED))
        else:
            self._entries.insert(0, entry)

    # The node was heard: gives up what it would not believe any more.
    def heard(self, node: int, counter: int) -> None:
        for entry in self.of(node):
            if entry.uplink is not None and counter - entry.uplink >= _ANSWERABLE:
                self._drop(entry, entry.result())

    def expire(self, tick_ms: int) -> None:
        while self._entries and tick_ms - self._entries[0].tick_ms >= HOLD_MS:
            self._drop(self._entries[0], self._entries[0].result())

    # The bridge is to be silent.
    def clear(self) -> None:
        for entry in self._entries:
            self._given_up.append((entry.handle, SENT_BUSY))
        self._entries = []

    def _has_room(self, entry: Entry, listens) -> bool:  # type: ignore[no-untyped-def]
        own = self.of(entry.node)
        if len(own) >= NODE_MAX:
            return self._make_room(entry, own)
        if len(self._entries) < TOTAL_MAX:
            return True
        for other in self._entries:
            if other.rank == ACKNOWLEDGE and other.node not in listens:
                self._drop(other, SENT_BUSY)
                return True
        return self._make_room(entry, self._entries)

    def _make_room(self, entry: Entry, among: list[Entry]) -> bool:
        least = among[0]
        for other in among:
            if other.rank >= least.rank:
                least = other
        if least.rank <= entry.rank:
            return False
        self._drop(least, SENT_BUSY)
        return True

    def _drop(self, entry: Entry, result: int) -> None:
        self._entries = [other for other in self._entries if other is not entry]
        self._given_up.append((entry.handle, result))


# A newer acknowledgement tells all that the older one does; chunks that answer a newer uplink
# begin with what those from before it held.
def _replaces(entry: Entry, other: Entry, opened_ms: int | None) -> bool:
    if entry.rank == ACKNOWLEDGE:
        return other.rank == ACKNOWLEDGE
    before = opened_ms is not None and other.tick_ms < opened_ms
    return entry.rank == CHUNK and other.rank == CHUNK and before
