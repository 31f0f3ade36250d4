# The bridge between radio and guard: bytes in, bytes out. Pure; it holds no key and opens nothing.
#
# From the radio: a frame becomes a `received` line for the guard. From the guard: a `send` line
# becomes a transmission, and what became of it a `sent` line. A `status` line each 10 s tells the
# guard that the bridge lives. Damaged lines and frames are counted and cost nothing else.

from amont_wire.const import MAX_FRAME, MIN_FRAME
from amont_wire.errors import WireError
from amont_wire.link import (
    SENT_BUSY,
    SENT_MALFORMED,
    Deframer,
    Received,
    Send,
    Sent,
    Status,
    unpack,
)

VERSION = 1
STATUS_MS = 10000
_QUEUE_MAX = 8  # transmissions that may wait; the guard hears "busy" about more
_U32 = 0xFFFFFFFF


class Bridge:
    def __init__(self, tick_ms: int) -> None:
        self._deframer = Deframer()
        self._queue: list[Send] = []  # to be transmitted, oldest first
        self._status_ms = tick_ms  # when the next status is due
        self._malformed = 0  # whole lines from the guard that make no sense
        self.received = 0
        self.sent = 0

    # Damaged or senseless lines so far.
    def bad(self) -> int:
        return self._deframer.bad + self._malformed

    # A frame was heard: the line for the guard, or nothing if it cannot be one of ours.
    def heard(self, frame: bytes, rssi_dbm: int, snr_db4: int, tick_ms: int) -> bytes:
        if not MIN_FRAME <= len(frame) <= MAX_FRAME:
            return b""
        self.received += 1
        return Received(tick_ms & _U32, rssi_dbm, snr_db4, frame).pack()

    # Bytes came from the guard: lines to answer at once. What is to be transmitted waits in
    # next_transmission().
    def from_guard(self, data: bytes) -> bytes:
        answers = b""
        for payload in self._deframer.feed(data):
            answers += self._take(payload)
        return answers

    def _take(self, payload: bytes) -> bytes:
        try:
            message = unpack(payload)
        except WireError:
            self._malformed += 1
            return _refusal(payload)
        if not isinstance(message, Send):
            self._malformed += 1
            return b""
        if len(self._queue) >= _QUEUE_MAX:
            return Sent(message.handle, SENT_BUSY).pack()
        self._queue.append(message)
        return b""

    # The oldest `Send` that waits, or None. Tell transmitted() what became of it.
    def next_transmission(self) -> Send | None:
        return self._queue.pop(0) if self._queue else None

    def transmitted(self, handle: int, result: int) -> bytes:
        if result == 0:
            self.sent += 1
        return Sent(handle, result).pack()

    # The status line when it is due, else nothing.
    def status(self, tick_ms: int) -> bytes:
        if tick_ms < self._status_ms:
            return b""
        self._status_ms = tick_ms + STATUS_MS
        counts = (self.received & _U32, self.bad() & _U32, self.sent & _U32)
        return Status(tick_ms & _U32, *counts, VERSION).pack()

    # Milliseconds until status() has something to say.
    def status_due_ms(self, tick_ms: int) -> int:
        return max(0, self._status_ms - tick_ms)


# A `send` that is whole but holds no possible frame is refused by its handle.
def _refusal(payload: bytes) -> bytes:
    if len(payload) >= 3 and payload[0] == Send.KIND:
        return Sent(payload[1] | payload[2] << 8, SENT_MALFORMED).pack()
    return b""
